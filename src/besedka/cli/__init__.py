"""`besedka run`, `besedka telegram` and more, and Django's own commands as `besedka manage …`."""

import importlib
import os
import sys

import django
from django.core.management import execute_from_command_line

from besedka.cli.parser import make_parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["manage"]:
        execute_from_command_line(["besedka manage", *given[1:]])
        return 0
    options = make_parser().parse_args(given)
    django.setup()
    module, function = options.command.split(":")  # loaded now only: models can be imported when Django is set up
    code: int = getattr(importlib.import_module(f"besedka.cli.{module}"), function)(options)
    return code
