"""The secret that an installation makes for itself."""

import os
import secrets
from pathlib import Path


def own_secret(home: Path) -> str:
    """The secret key of this installation, made at its first start and readable by its owner only.

    Two processes that start at once agree: the file is made exclusively, and who comes second reads it.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    made = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(made)
    return made
