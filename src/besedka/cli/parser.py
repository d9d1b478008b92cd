"""All commands and their options."""

import argparse
from datetime import datetime
from pathlib import Path


def make_parser() -> argparse.ArgumentParser:
    """What may be asked for. `command` is where it is done: a module of this package and its function."""
    parser = argparse.ArgumentParser(prog="besedka", description="Where customers, bots and people talk.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("run", help="migrate, and serve everything in one process").set_defaults(
        command="processes:run"
    )
    commands.add_parser(
        "prepare", help="migrate, and make what a first start finds; before `web`, and again after an update"
    ).set_defaults(command="processes:prepare")
    web = commands.add_parser("web", help="serve in several processes; migrates nothing, and takes no SQLite")
    web.add_argument("--workers", type=int, default=2, help="how many processes (default: 2)")
    web.set_defaults(command="processes:web")
    commands.add_parser("telegram", help="talk to operators in Telegram, apart from `run`").set_defaults(
        command="processes:telegram"
    )
    worker = commands.add_parser(
        "worker", help="run turns, send and keep house for those who serve; needs a broker"
    )
    worker.add_argument("--queues", default="turns,deliveries,maintenance", help="which (default: all three)")
    worker.add_argument("--threads", type=int, default=8, help="tasks at once (default: 8); turns are not counted")
    worker.add_argument(
        "--nice",
        type=int,
        default=5,
        help="how far it stands back where all processors are busy, 0 to 19 (default: 5)",
    )
    worker.set_defaults(command="processes:worker")
    beat = commands.add_parser("beat", help="say when it is time to keep house; of several one does, others wait")
    beat.set_defaults(command="processes:beat")
    flower = commands.add_parser("flower", help="show workers and tasks in a browser, behind a password")
    flower.set_defaults(command="processes:flower")
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
    knowledge.set_defaults(command="knowledge:import_knowledge")
    lint = commands.add_parser("lint-bot", help="look at a bot in a file: its faults and what looks wrong")
    lint.add_argument("file", type=Path, help="YAML, as `besedka export-bot` writes it")
    lint.set_defaults(command="bots:lint_bot")
    exported = commands.add_parser("export-bot", help="write a whole bot as YAML, without its secrets")
    exported.add_argument("bot", help="id or name of the bot")
    exported.add_argument("file", type=Path, nargs="?", help="where to write it (default: standard output)")
    exported.set_defaults(command="bots:export_bot")
    imported = commands.add_parser("import-bot", help="make a bot what a file says; twice changes nothing")
    imported.add_argument("file", type=Path, help="YAML, as `besedka export-bot` writes it")
    imported.add_argument(
        "--owner", default="admin", help="name of the account that it belongs to (default: admin)"
    )
    imported.add_argument(
        "--bot", help="id or name of the bot that becomes what the file says (default: by its name)"
    )
    imported.set_defaults(command="bots:import_bot")
    taken = commands.add_parser("export-contact", help="write all that is known of a contact into an archive")
    taken.add_argument("contact", type=int, help="its number, as in the admin")
    taken.add_argument("file", type=Path, help="the ZIP to be written; it must not be there yet")
    taken.set_defaults(command="contacts:export_contact")
    erased = commands.add_parser("erase-contact", help="remove all that is known of contacts, for ever")
    erased.add_argument("contacts", type=int, nargs="+", metavar="contact", help="its number, as in the admin")
    erased.add_argument("--yes", action="store_true", help="do it; without this it is only told what would go")
    erased.set_defaults(command="contacts:erase_contact")
    old = commands.add_parser("erase-old", help="erase what inboxes do not want to keep any longer, now")
    old.add_argument("--dry-run", action="store_true", help="only tell what would go")
    old.set_defaults(command="contacts:erase_old")
    commands.add_parser(
        "scrub-database", help="rewrite an SQLite database, so that nothing deleted is left in its file"
    ).set_defaults(command="contacts:scrub_database")
    backup = commands.add_parser("backup", help="write the whole installation into a file, while it is served")
    backup.add_argument("target", type=Path, help="the file; or a folder, where its name will be the time")
    backup.add_argument("--keep", type=int, metavar="N", help="in that folder only the newest N stay")
    backup.add_argument("--without-key", action="store_true", help="leave out the secret key; keep it elsewhere")
    backup.add_argument("--verify", action="store_true", help="read that backup whole, and say whether it is good")
    backup.set_defaults(command="backups:backup")
    restore = commands.add_parser("restore", help="make this installation what a backup was")
    restore.add_argument("file", type=Path, help="as `besedka backup` wrote it")
    restore.add_argument("--overwrite", action="store_true", help="also if there are conversations; they are gone")
    restore.add_argument(
        "--moved",
        action="store_true",
        help="the other one was stopped before the backup and stays so: what waited is sent, sign-ins go on",
    )
    restore.add_argument(
        "--any-key", action="store_true", help="also if keys of bots and second factors cannot be opened here"
    )
    restore.add_argument("--erased", type=Path, metavar="FILE", help="erase these again, as `besedka erased` says")
    restore.set_defaults(command="backups:restore")
    erased_since = commands.add_parser("erased", help="the numbers of contacts that were erased, for `restore`")
    erased_since.add_argument(
        "--since", type=datetime.fromisoformat, required=True, help="a day or a moment, UTC, as 2027-01-31"
    )
    erased_since.set_defaults(command="backups:erased")
    commands.add_parser("reseal", help="seal all secrets with the first of BESEDKA_ENCRYPTION_KEYS").set_defaults(
        command="backups:reseal"
    )
    doctor = commands.add_parser("doctor", help="look whether everything is as it should be, and say what to do")
    doctor.add_argument("--url", help="the address that browsers use, as https://chat.example")
    doctor.add_argument("--models", action="store_true", help="let each language model say a word; costs a little")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command="examining:doctor")
    commands.add_parser("manage", help="Django's own commands, as `besedka manage check`", add_help=False)
    return parser
