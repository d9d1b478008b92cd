"""The settings: what Django's checks and ours say of them, and who else can read the secret."""

import os
from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from besedka.project.doctor.findings import Finding, doubtful, fine, wrong

PART = "settings"
OPEN_TO_OTHERS = 0o077  # of a file's mode


def checked() -> Iterator[Finding]:
    """What the system checks find; on the open net also what `check --deploy` would."""
    told_of = checks.run_checks(include_deployment_checks=settings.PUBLIC)
    found = [message for message in told_of if not message.is_silenced()]
    for message in found:
        told = f"{message.msg.strip().splitlines()[0]} ({message.id})"
        advice = " ".join((message.hint or "See what the sentence says.").split())
        yield (wrong if message.level >= checks.ERROR else doubtful)(PART, told, advice)
    if not found:
        yield fine(PART, "no contradiction, no weak secret")


def secret_file() -> Iterator[Finding]:
    """The secret key that the installation made for itself is readable by its owner only."""
    path = settings.HOME / "secret_key"
    if not path.exists():
        yield fine(PART, "the secret comes from the environment")
        return
    mode = path.stat().st_mode
    if mode & OPEN_TO_OTHERS:
        yield wrong(PART, f"others on this machine may read {path}", f"chmod 600 {path}")
    elif path.stat().st_uid != os.getuid():
        yield doubtful(PART, f"{path} belongs to another account", f"chown $(id -un) {path}")
    else:
        yield fine(PART, "only its owner reads the secret key")
