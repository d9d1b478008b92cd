"""What bots answer from: files become sources."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from besedka.bots import placements
from besedka.cli.saying import complain
from besedka.knowledge import folders, imports
from besedka.problems import Problem
from besedka.turns import reading


def import_knowledge(options: argparse.Namespace) -> int:
    """A file or a folder becomes sources of a bot; 1 where something was left out."""
    bot = placements.named(options.bot)
    if bot is None:
        return complain(f"There is no bot {options.bot!r}.")
    folder = options.file if options.file.is_dir() else None
    if (folder is None and options.prune) or (folder and options.title):
        return complain("--prune is for a folder, --title for a file.")
    found = folders.look(folder) if folder else folders.alone(options.file, options.title)
    if found.unsupported:
        complain(f"Not of a format we read: {', '.join(map(str, found.unsupported))}")
    left_out = {title: _import_file(path, title, options, folder) for path, title in found.titles.items()}
    # A file of a folder that is refused today may be a source since yesterday, and stays one.
    refused = [title for title, lines in left_out.items() if lines is None]
    there = set(folders.known(refused)) if folder else set()
    _let_read(bot.pk, [t for t, lines in left_out.items() if lines is not None or t in there], only=options.only)
    if folder:
        _tell_gone(folder, found.titles, prune=options.prune)
    return 1 if not left_out or refused or any(left_out.values()) else 0


def _let_read(bot_id: int, titles: list[str], *, only: bool) -> None:
    """The bot answers from these sources; with `only`, and if there are any, from no other."""
    with transaction.atomic():
        for number, title in enumerate(titles):
            reading.let_read(bot_id, title, only=only and number == 0)


def _import_file(path: Path, title: str, options: argparse.Namespace, folder: Path | None) -> int | None:
    """Import one file, say what became of it; how many lines were left out, None if all of it was refused."""
    try:
        with tqdm(desc=title, file=sys.stderr, disable=None, leave=False) as bar:
            imported = imports.import_file(
                path,
                name=path.name,
                title=title,
                url=options.url,
                folder=folders.place(folder) if folder else "",
                now=timezone.now(),
                progress=lambda done, of: _show(bar, done, of),
            )
    except (Problem, OSError) as error:
        for line, reason in getattr(error, "details", {}).get("errors", []):
            complain(f"{path}:{line}: {reason}")
        complain(f"{path}: {error}")
        return None
    for line, reason in imported.errors:
        complain(f"{path}:{line}: {reason}")
    print(
        f"{title}: {imported.added} added, {imported.changed} changed, {imported.removed} removed, "
        f"{imported.unchanged} as they were, {len(imported.errors)} lines left out."
    )
    return len(imported.errors)


def _tell_gone(folder: Path, titles: dict[Path, str], *, prune: bool) -> None:
    """Say which sources came from this folder and have no file in it any more; with `prune` they go, too."""
    gone = folders.gone(folder, titles)
    if prune:
        folders.remove(folder, gone)
    for title in gone:
        print(f"{title}: its file is gone; " + ("removed." if prune else "kept; --prune removes it."))


def _show(bar: "tqdm[NoReturn]", done: int, of: int) -> None:
    bar.total, bar.n = of or None, done
    bar.refresh()
