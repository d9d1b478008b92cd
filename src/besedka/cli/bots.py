"""Whole bots as files."""

import argparse
import sys
from pathlib import Path

from besedka.accounts.models import User
from besedka.bots import exporting, files, importing, placements
from besedka.cli.saying import complain
from besedka.problems import Problem


def lint_bot(options: argparse.Namespace) -> int:
    """Say what is wrong with a bot in a file, and what looks so."""
    try:
        file = files.read(options.file.read_text(encoding="utf-8-sig"))
    except (Problem, OSError, UnicodeDecodeError) as error:
        return _complain_of(options.file, error)
    found = files.warnings(file)
    for line, flaw in found:
        print(f"{options.file}:{line}: {flaw.code}: {flaw.path}: {flaw.sentence}")
    steps = sum(len(scenario.steps) for scenario in file.graph.scenarios.values())
    print(f"{file.bot.name}: scenarios {len(file.graph.scenarios)}, steps {steps}, warnings {len(found)}.")
    return 0


def export_bot(options: argparse.Namespace) -> int:
    """Write a whole bot, without its secrets."""
    bot = placements.named(options.bot)
    if bot is None:
        return complain(f"There is no bot {options.bot!r}.")
    text = exporting.export(bot)
    if options.file is None:
        sys.stdout.write(text)
    else:
        options.file.write_text(text, encoding="utf-8")
    return 0


def import_bot(options: argparse.Namespace) -> int:
    """Make a bot what a file says."""
    owner = User.objects.filter(username=options.owner).first()
    bot = placements.named(options.bot) if options.bot else None
    if owner is None or (options.bot and bot is None):
        return complain(f"There is no account {options.owner!r}." if owner is None else f"No bot {options.bot!r}.")
    try:
        done = importing.import_text(options.file.read_text(encoding="utf-8-sig"), owner=owner, bot=bot)
    except (Problem, OSError, UnicodeDecodeError) as error:
        return _complain_of(options.file, error)
    for flaw in done.warnings:
        print(f"{options.file}:{flaw['line']}: {flaw['code']}: {flaw['path']}: {flaw['sentence']}")
    for name in done.missing_secrets:
        print(f"The secret {name} has to be entered in the admin.")
    print(
        f"Bot {done.bot_id}: {done.added} added, {done.changed} changed, {done.removed} removed, "
        f"{done.unchanged} as they were."
    )
    return 0


def _complain_of(file: Path, error: Exception) -> int:
    """Every fault of a file with its line."""
    for fault in getattr(error, "details", {}).get("errors", []):
        complain(f"{file}:{fault['line']}: {fault['field']}: {fault['reason']}")
    return 1 if getattr(error, "details", {}).get("errors") else complain(f"{file}: {error}")
