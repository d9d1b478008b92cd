"""`besedka run`, `besedka telegram` and more, and Django's own commands as `besedka manage …`."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection, transaction
from django.utils import timezone
from tqdm import tqdm

from besedka.problems import NotFound, Problem


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
    web = commands.add_parser("web", help="serve in several processes; migrates nothing, and takes no SQLite")
    web.add_argument("--workers", type=int, default=2, help="how many processes (default: 2)")
    web.set_defaults(command=_web)
    commands.add_parser("telegram", help="talk to operators in Telegram, apart from `run`").set_defaults(
        command=_telegram
    )
    knowledge = commands.add_parser(
        "import-knowledge", help="a file or a folder of them, for a bot to answer from"
    )
    knowledge.add_argument("file", type=Path, help="CSV, XLSX, Markdown, text, HTML, PDF, JSONL; or a folder")
    knowledge.add_argument(
        "--bot", default="Demo", help="id or name of the bot that answers from it (default: Demo)"
    )
    knowledge.add_argument("--title", help="what the source is called (default: the file's name)")
    knowledge.add_argument("--url", help="what visitors are shown as its link (default: the one it has)")
    knowledge.add_argument("--only", action="store_true", help="the bot answers from no other source")
    knowledge.add_argument(
        "--prune", action="store_true", help="remove sources of this folder whose files are gone from it"
    )
    knowledge.set_defaults(command=_import_knowledge)
    lint = commands.add_parser("lint-bot", help="look at a bot in a file: its faults and what looks wrong")
    lint.add_argument("file", type=Path, help="YAML, as `besedka export-bot` writes it")
    lint.set_defaults(command=_lint_bot)
    exported = commands.add_parser("export-bot", help="write a whole bot as YAML, without its secrets")
    exported.add_argument("bot", help="id or name of the bot")
    exported.add_argument("file", type=Path, nargs="?", help="where to write it (default: standard output)")
    exported.set_defaults(command=_export_bot)
    imported = commands.add_parser("import-bot", help="make a bot what a file says; twice changes nothing")
    imported.add_argument("file", type=Path, help="YAML, as `besedka export-bot` writes it")
    imported.add_argument(
        "--owner", default="admin", help="name of the account that it belongs to (default: admin)"
    )
    imported.add_argument(
        "--bot", help="id or name of the bot that becomes what the file says (default: by its name)"
    )
    imported.set_defaults(command=_import_bot)
    taken = commands.add_parser("export-contact", help="write all that is known of a contact into an archive")
    taken.add_argument("contact", type=int, help="its number, as in the admin")
    taken.add_argument("file", type=Path, help="the ZIP to be written; it must not be there yet")
    taken.set_defaults(command=_export_contact)
    erased = commands.add_parser("erase-contact", help="remove all that is known of contacts, for ever")
    erased.add_argument("contacts", type=int, nargs="+", metavar="contact", help="its number, as in the admin")
    erased.add_argument("--yes", action="store_true", help="do it; without this it is only told what would go")
    erased.set_defaults(command=_erase_contact)
    old = commands.add_parser("erase-old", help="erase what inboxes do not want to keep any longer, now")
    old.add_argument("--dry-run", action="store_true", help="only tell what would go")
    old.set_defaults(command=_erase_old)
    commands.add_parser(
        "scrub-database", help="rewrite an SQLite database, so that nothing deleted is left in its file"
    ).set_defaults(command=_scrub_database)
    doctor = commands.add_parser("doctor", help="look whether everything is as it should be, and say what to do")
    doctor.add_argument("--url", help="the address that browsers use, as https://chat.example")
    doctor.add_argument("--models", action="store_true", help="let each language model say a word; costs a little")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=_doctor)
    commands.add_parser("manage", help="Django's own commands, as `besedka manage check`", add_help=False)
    return parser


def _run(options: argparse.Namespace) -> int:
    from besedka.project import serve  # noqa: PLC0415 - models can be imported only when Django is set up

    serve.make_ready()
    serve.serve()
    return 0


def _web(options: argparse.Namespace) -> int:
    from besedka.project import serve  # noqa: PLC0415 - as above

    if connection.vendor == "sqlite":
        return _complain(
            "SQLite is for one process, `besedka run`: DATABASE_URL has to name PostgreSQL or MariaDB."
        )
    if options.workers < 1:
        return _complain("--workers is 1 at least.")
    if options.workers > 1 and not settings.REDIS_URL:
        _complain("REDIS_URL is not set: what one process stores, readers at the others see a second later.")
    serve.serve(workers=options.workers)
    return 0


def _telegram(options: argparse.Namespace) -> int:
    from besedka.project import serve  # noqa: PLC0415 - as above

    if not settings.TELEGRAM_BOT_TOKEN:
        return _complain("TELEGRAM_BOT_TOKEN is not set.")
    serve.serve_telegram()
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from besedka.project.doctor import examining  # noqa: PLC0415 - as above

    return examining.examine_and_report(url=options.url, ask_models=options.models, as_json=options.json)


def _import_knowledge(options: argparse.Namespace) -> int:
    from besedka.bots import placements  # noqa: PLC0415 - as above
    from besedka.knowledge import folders  # noqa: PLC0415

    bot = placements.named(options.bot)
    if bot is None:
        return _complain(f"There is no bot {options.bot!r}.")
    folder = options.file if options.file.is_dir() else None
    if (folder is None and options.prune) or (folder and options.title):
        return _complain("--prune is for a folder, --title for a file.")
    found = folders.look(folder) if folder else folders.alone(options.file, options.title)
    if found.unsupported:
        _complain(f"Not of a format we read: {', '.join(map(str, found.unsupported))}")
    left_out = {title: _import_file(path, title, options, folder) for path, title in found.titles.items()}
    # A file of a folder that is refused today may be a source since yesterday, and stays one.
    refused = [title for title, lines in left_out.items() if lines is None]
    there = set(folders.known(refused)) if folder else set()
    _let_read(bot.pk, [t for t, lines in left_out.items() if lines is not None or t in there], only=options.only)
    if folder:
        _tell_gone(folder, found.titles, prune=options.prune)
    return 1 if not left_out or refused or any(left_out.values()) else 0


def _lint_bot(options: argparse.Namespace) -> int:
    from besedka.bots import files  # noqa: PLC0415 - as above

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


def _export_bot(options: argparse.Namespace) -> int:
    from besedka.bots import exporting, placements  # noqa: PLC0415 - as above

    bot = placements.named(options.bot)
    if bot is None:
        return _complain(f"There is no bot {options.bot!r}.")
    text = exporting.export(bot)
    if options.file is None:
        sys.stdout.write(text)
    else:
        options.file.write_text(text, encoding="utf-8")
    return 0


def _import_bot(options: argparse.Namespace) -> int:
    from besedka.accounts.models import User  # noqa: PLC0415 - as above
    from besedka.bots import importing, placements  # noqa: PLC0415

    owner = User.objects.filter(username=options.owner).first()
    bot = placements.named(options.bot) if options.bot else None
    if owner is None or (options.bot and bot is None):
        return _complain(
            f"There is no account {options.owner!r}." if owner is None else f"No bot {options.bot!r}."
        )
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
        _complain(f"{file}:{fault['line']}: {fault['field']}: {fault['reason']}")
    return 1 if getattr(error, "details", {}).get("errors") else _complain(f"{file}: {error}")


def _export_contact(options: argparse.Namespace) -> int:
    from besedka.conversations import export  # noqa: PLC0415 - as above

    try:
        held = export.record(options.contact, actor_id=None)
        with options.file.open("xb") as file:
            file.writelines(export.archive(held))
    except NotFound:
        return _complain(f"There is no contact {options.contact}.")
    except OSError as error:
        return _complain(f"{options.file}: {error.strerror}")
    print(f"Contact {held.contact_id}: {_counted(held.counts)}.")
    return 0


def _erase_contact(options: argparse.Namespace) -> int:
    from besedka.conversations import erasure, export  # noqa: PLC0415 - as above

    there = []
    for contact_id in dict.fromkeys(options.contacts):
        try:
            held = export.look(contact_id)
        except NotFound:
            _complain(f"There is no contact {contact_id}.")
            continue
        there.append(held)
        print(f"Contact {contact_id}: {_counted(held.counts)}.")
    if there and not options.yes:
        print("Nothing was erased. With --yes it will be, for ever.")
    elif there:
        erasure.begin_many([held.contact_id for held in there])
        _finish_erasing(sum(sum(held.counts.values()) for held in there))
    return 0 if len(there) == len(set(options.contacts)) else 1


def _erase_old(options: argparse.Namespace) -> int:
    from besedka.conversations import retention  # noqa: PLC0415 - as above

    now = timezone.now()
    found = retention.look(now)
    for old in found:
        counts = {"conversations": old.conversations, "messages": old.messages, "files": old.files}
        print(f"{old.name}: keeps {old.kept_days} days; older: {_counted(counts)}.")
    if not found:
        print("Every inbox keeps everything.")
    elif options.dry_run:
        print("Nothing was erased.")
    else:
        retention.sweep_many(now)
        _finish_erasing(sum(old.messages for old in found))
    return 0


def _finish_erasing(about: int) -> None:
    """Remove what is behind the fence, and show how far that is. Interrupted, a running server goes on with it."""
    from besedka.conversations import erasure  # noqa: PLC0415 - as above

    with tqdm(desc="erasing", total=about or None, file=sys.stderr, disable=None, leave=False) as bar:
        erasure.finish(told=lambda step: bar.update(step.rows) and None)
    print("Nothing is left of it here. Backups and Telegram have what they have: docs/guide/data.md.")


def _scrub_database(options: argparse.Namespace) -> int:
    from besedka.conversations import scrubbing  # noqa: PLC0415 - as above

    print(scrubbing.scrub())
    return 0


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _let_read(bot_id: int, titles: list[str], *, only: bool) -> None:
    """The bot answers from these sources; with `only`, and if there are any, from no other."""
    from besedka.turns import reading  # noqa: PLC0415 - as above

    with transaction.atomic():
        for number, title in enumerate(titles):
            reading.let_read(bot_id, title, only=only and number == 0)


def _import_file(path: Path, title: str, options: argparse.Namespace, folder: Path | None) -> int | None:
    """Import one file, say what became of it; how many lines were left out, None if all of it was refused."""
    from besedka.knowledge import folders, imports  # noqa: PLC0415 - as above

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
            _complain(f"{path}:{line}: {reason}")
        _complain(f"{path}: {error}")
        return None
    for line, reason in imported.errors:
        _complain(f"{path}:{line}: {reason}")
    print(
        f"{title}: {imported.added} added, {imported.changed} changed, {imported.removed} removed, "
        f"{imported.unchanged} as they were, {len(imported.errors)} lines left out."
    )
    return len(imported.errors)


def _tell_gone(folder: Path, titles: dict[Path, str], *, prune: bool) -> None:
    """Say which sources came from this folder and have no file in it any more; with `prune` they go, too."""
    from besedka.knowledge import folders  # noqa: PLC0415 - as above

    gone = folders.gone(folder, titles)
    if prune:
        folders.remove(folder, gone)
    for title in gone:
        print(f"{title}: its file is gone; " + ("removed." if prune else "kept; --prune removes it."))


def _show(bar: "tqdm[NoReturn]", done: int, of: int) -> None:
    bar.total, bar.n = of or None, done
    bar.refresh()


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
