"""`besedka run`, `besedka import-knowledge`, and Django's own commands as `besedka manage …`."""

import argparse
import os
import sys
from pathlib import Path

import django
from django.core.management import execute_from_command_line
from django.utils import timezone


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["manage"]:
        execute_from_command_line(["besedka manage", *given[1:]])
        return 0
    options = _parser().parse_args(given)
    django.setup()
    code: int = options.command(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="besedka", description="Where customers, bots and people talk.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("run", help="migrate, and serve everything in one process").set_defaults(command=_run)
    knowledge = commands.add_parser("import-knowledge", help="questions and answers from a CSV file, for a bot")
    knowledge.add_argument("file", type=Path, help="columns question, answer and, if you like, topic")
    knowledge.add_argument(
        "--bot", default="Demo", help="id or name of the bot that answers from it (default: Demo)"
    )
    knowledge.add_argument("--title", help="what the source is called (default: the file's name)")
    knowledge.add_argument("--only", action="store_true", help="the bot answers from no other source")
    knowledge.set_defaults(command=_import_knowledge)
    commands.add_parser("manage", help="Django's own commands, as `besedka manage check`", add_help=False)
    return parser


def _run(options: argparse.Namespace) -> int:
    from besedka.project import serve  # noqa: PLC0415 - models can be imported only when Django is set up

    serve.make_ready()
    serve.serve()
    return 0


def _import_knowledge(options: argparse.Namespace) -> int:
    from besedka.bots import placements  # noqa: PLC0415 - as above
    from besedka.knowledge import imports  # noqa: PLC0415
    from besedka.problems import Problem  # noqa: PLC0415
    from besedka.turns import reading  # noqa: PLC0415

    bot = placements.named(options.bot)
    if bot is None:
        print(f"There is no bot {options.bot!r}.", file=sys.stderr)
        return 1
    title = options.title or options.file.stem
    try:
        imported = imports.import_csv(options.file, title=title, now=timezone.now())
    except (Problem, OSError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 1
    reading.let_read(bot.pk, title, only=options.only)
    for line, reason in imported.errors:
        print(f"{options.file}:{line}: {reason}", file=sys.stderr)
    print(
        f"{title}: {imported.added} added, {imported.changed} changed, {imported.removed} removed, "
        f"{imported.unchanged} as they were, {len(imported.errors)} lines left out."
    )
    return 1 if imported.errors else 0
