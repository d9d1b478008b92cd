"""`besedka restore FILE` that kills itself at a named point.

python tests/faults/dying_restore.py before-database besedka.tar
"""

import os
import signal
import sys
from typing import Any

import django

POINTS = ["before-database", "database-loaded", "after-settling"]


def main(point: str, file: str) -> None:
    """Restore, and die."""
    from besedka import cli  # noqa: PLC0415 - models can be imported only when Django is set up
    from besedka.project.backups import restoring  # noqa: PLC0415

    functions = {"before-database": "_put_files", "database-loaded": "_compare", "after-settling": "_put_key"}
    function = getattr(restoring, functions[point])

    def dies(*given: Any, **named: Any) -> None:
        if point == "before-database":
            function(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(restoring, functions[point], dies)
    cli.main(["restore", file])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    django.setup()
    main(sys.argv[1], sys.argv[2])
