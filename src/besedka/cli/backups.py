"""An installation in a file, and out of one; and the keys that its secrets are sealed with."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

from django.conf import settings
from tqdm import tqdm

from besedka.cli.saying import complain
from besedka.conversations import restored
from besedka.project import resealing
from besedka.project.backups import archive, restoring, taking
from besedka.project.backups.archive import Told
from besedka.project.backups.refusals import Refused

KEY_TOLD = {
    "restored": "The secret key came with it.",
    "ours": "The keys of this installation open what is sealed in it.",
    "foreign": "What bots and second factors keep cannot be opened: enter the bots' keys anew, and remove second "
    "factors in the admin.",
}


def backup(options: argparse.Namespace) -> int:
    """Write a backup, or read one whole."""
    if options.keep is not None and (options.keep < 1 or not taking.is_folder(options.target)):
        return complain("--keep is 1 at least, and for a folder.")
    try:
        return _verify(options.target) if options.verify else _take(options)
    except Refused as refusal:
        return complain(str(refusal))
    except OSError as error:
        return complain(f"{options.target}: {error.strerror}")


def restore(options: argparse.Namespace) -> int:
    """Make this installation what a backup was."""
    try:
        erased = [int(line) for line in options.erased.read_text().split()] if options.erased else []
        with _bar("restoring") as told:
            done = restoring.restore(
                options.file,
                overwrite=options.overwrite,
                moved=options.moved,
                any_key=options.any_key,
                erased=erased,
                told=told,
            )
    except Refused as refusal:
        return complain(str(refusal))
    except (OSError, ValueError) as error:
        return complain(f"{options.erased}: {getattr(error, 'strerror', None) or 'a number in each line'}")
    counted = f"{_counted(done.counts)}, files {done.files}"
    print(f"Restored, as it was at {done.taken_at:%Y-%m-%d %H:%M:%S} UTC: {counted}.")
    print(KEY_TOLD[done.key])
    if done.parked:
        print(
            f"Parked: {done.parked} deliveries that waited then. In the admin, under Deliveries, they can be sent."
        )
    if not options.moved:
        print("Everybody has to sign in anew.")
    if done.erased:
        print(f"Erased again: {done.erased} contacts.")
    if done.lost_files:
        complain(f"{done.lost_files} files that messages carry were not in the backup.")
    return 0


def erased(options: argparse.Namespace) -> int:
    """Tell whom to erase again in a backup of that day."""
    since = options.since if options.since.tzinfo else options.since.replace(tzinfo=UTC)
    for contact_id in restored.erased_since(since):
        print(contact_id)
    return 0


def reseal(options: argparse.Namespace) -> int:
    """Seal all secrets with the first key, so that the others can be taken away."""
    done = resealing.reseal()
    print(f"Sealed anew: {done.done}.")
    for what in done.closed:
        complain(f"{what}: none of the keys opens it.")
    return 1 if done.closed else 0


def _take(options: argparse.Namespace) -> int:
    with _bar("backing up") as told:
        taken = taking.take(options.target, keep=options.keep, with_key=not options.without_key, told=told)
    print(f"{taken.path}: {taken.size / 1e6:.1f} MB; {_counted(taken.counts)}, files {taken.files}.")
    if taken.has_key:
        print("The secret key is in it: keep it where nobody reads it who may not read the server.")
    elif taking.own_key() is not None:
        print(f"The secret key is not in it: keep a copy of {settings.HOME / archive.KEY} elsewhere.")
    else:
        print("SECRET_KEY and BESEDKA_ENCRYPTION_KEYS are not in it: keep a copy of them elsewhere.")
    for old in taken.dropped:
        print(f"{old}: removed, as there are newer ones.")
    return 0


def _verify(path: Path) -> int:
    with _bar("reading") as told:
        head, manifest = archive.head(path), archive.verify(path, told)
    print(
        f"{path} is whole: {restoring.NAMES[head['vendor']]}, Besedka {head['product']}, as it was at "
        f"{manifest['taken_at']}; {_counted(manifest['counts'])}, files {manifest['files']}; "
        f"the secret key is {'' if head['has_key'] else 'not '}in it."
    )
    return 0


def _counted(counts: dict[str, int]) -> str:
    named = {
        "conversations": "conversations_conversation",
        "messages": "conversations_message",
        "accounts": "accounts_user",
    }
    return ", ".join(f"{name} {counts.get(table, 0)}" for name, table in named.items())


@contextmanager
def _bar(name: str) -> Iterator[Told]:
    with tqdm(desc=name, unit="B", unit_scale=True, file=sys.stderr, disable=None, leave=False) as bar:
        yield lambda size: bar.update(size) and None
