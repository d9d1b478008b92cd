"""What is known of contacts, taken out or removed."""

import argparse
import sys

from django.utils import timezone
from tqdm import tqdm

from besedka.cli.saying import complain
from besedka.conversations import erasure, export, retention, scrubbing
from besedka.problems import NotFound, Unavailable


def export_contact(options: argparse.Namespace) -> int:
    """Write all that is known of a contact into an archive."""
    try:
        held = export.record(options.contact, actor_id=None)
        with options.file.open("xb") as file:
            file.writelines(export.archive(held))
    except NotFound:
        return complain(f"There is no contact {options.contact}.")
    except OSError as error:
        return complain(f"{options.file}: {error.strerror}")
    except Unavailable as problem:  # half of an archive must not look like a whole one
        options.file.unlink()
        return complain(problem.detail)
    print(f"Contact {held.contact_id}: {_counted(held.counts)}.")
    return 0


def erase_contact(options: argparse.Namespace) -> int:
    """Remove all that is known of contacts, or say what that would be."""
    there = []
    for contact_id in dict.fromkeys(options.contacts):
        try:
            held = export.look(contact_id)
        except NotFound:
            complain(f"There is no contact {contact_id}.")
            continue
        there.append(held)
        print(f"Contact {contact_id}: {_counted(held.counts)}.")
    if there and not options.yes:
        print("Nothing was erased. With --yes it will be, for ever.")
    elif there:
        erasure.begin_many([held.contact_id for held in there])
        finished = _finish_erasing(sum(sum(held.counts.values()) for held in there))
        return finished or (0 if len(there) == len(set(options.contacts)) else 1)
    return 0 if len(there) == len(set(options.contacts)) else 1


def erase_old(options: argparse.Namespace) -> int:
    """Erase what inboxes do not want to keep any longer."""
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
        return _finish_erasing(sum(old.messages for old in found))
    return 0


def _finish_erasing(about: int) -> int:
    """Remove what is behind the fence, and show how far that is. Interrupted, a running server goes on with it."""
    with tqdm(desc="erasing", total=about or None, file=sys.stderr, disable=None, leave=False) as bar:
        try:
            erasure.finish(told=lambda step: bar.update(step.rows) and None)
        except Unavailable as problem:
            return complain(f"Files are left, a running server goes on with them. {problem.detail}")
    print("Nothing is left of it here. Backups and Telegram have what they have: docs/guide/data.md.")
    return 0


def scrub_database(options: argparse.Namespace) -> int:
    """Rewrite an SQLite database, so that nothing deleted is left in its file."""
    print(scrubbing.scrub())
    return 0


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
