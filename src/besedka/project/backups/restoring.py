"""Making an installation out of a backup: all of it is read before anything is done."""

import os
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management import call_command
from django.db import Error, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from besedka import sealed
from besedka.accounts import restored as accounts
from besedka.ads import changes
from besedka.conversations import restored
from besedka.knowledge import stored
from besedka.problems import Unavailable
from besedka.project.backups import archive, crossing, files, marking, postgresql, sqlite
from besedka.project.backups.archive import Told
from besedka.project.backups.refusals import Damaged, Refused
from besedka.project.backups.snapshots import live, tables
from besedka.project.backups.taking import VENDORS, own_key
from besedka.telegram import post

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
PARKED = "restored from a backup of {taken_at:%Y-%m-%d %H:%M} UTC: it may have gone out since"


class Restored(NamedTuple):
    """What an installation came to be."""

    taken_at: datetime
    counts: dict[str, int]
    files: int
    parked: int
    erased: int
    lost_files: int
    key: str  # what became of the secret key: restored, ours, foreign


def restore(
    path: Path,
    *,
    overwrite: bool,
    moved: bool,
    any_key: bool,
    erased: Iterable[int],
    told: Told,
) -> Restored:
    """This installation is what that backup was. Raises `Refused`: on SQLite nothing is different then; elsewhere
    nothing is as long as the backup was only looked at.

    Killed in the middle it has to be called again: nobody starts on what is half restored. `moved`: the other
    installation was stopped before the backup, so what waited there did not go out, and sign-ins go on.
    `any_key`: also if what bots and second factors keep cannot be opened here. `erased`: contacts to erase again.
    """
    try:
        head = archive.head(path)
        manifest = archive.verify(path, told)
        taken_at = datetime.fromisoformat(manifest["taken_at"])
        key = _refuse_what_does_not_fit(path, head, manifest, overwrite=overwrite, any_key=any_key)
        _put_files(path, told)
        crosses = head["vendor"] != connection.vendor
        if crosses:
            manifest["counts"] = {
                name: count for name, count in manifest["counts"].items() if name not in crossing.FILLS_ITSELF
            }
        vendor = crossing if crosses else VENDORS[connection.vendor]
        with vendor.loaded(_database(path, manifest["database_bytes"], told)):
            done = _settle(manifest, taken_at, moved=moved, erased=erased)
            if key == "restored":  # the last that can fail
                _put_key(path)
        stored.drop(settings.INDEX_FOLDER, set())
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror}") from None
    except Unavailable as refusal:
        raise Refused(refusal.detail) from None
    except (Error, zlib.error) as error:
        raise Refused(f"The database did not take it: {str(error).strip()}") from None
    return Restored(taken_at, manifest["counts"], manifest["files"], *done, key)


def _refuse_what_does_not_fit(
    path: Path, head: dict[str, Any], manifest: dict[str, Any], *, overwrite: bool, any_key: bool
) -> str:
    """Go on only where this backup can become this installation; what is to be done about the key."""
    crosses = head["vendor"] != connection.vendor
    if crosses and head["vendor"] != "sqlite":
        theirs, ours = NAMES[head["vendor"]], NAMES[connection.vendor]
        raise Refused(f"{path} holds a database of {theirs}, and DATABASE_URL names {ours}.")
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if newer := sorted(set(manifest["migrations"]) - known):
        raise Refused(
            f"{path} was written by Besedka {head['product']}, newer than this one, which lacks {newer[0]}."
        )
    if crosses and (older := sorted(known - set(manifest["migrations"]))):
        raise Refused(
            f"{path} was written by Besedka {head['product']}, older than this one, which has {older[0]} besides. "
            f"To become {NAMES[connection.vendor]} it has to be of this release: update the installation on "
            "SQLite, back it up again, and restore that."
        )
    if connection.vendor == "postgresql" and not crosses and int(manifest["server"]) > postgresql.server_version():
        raise Refused(f"{path} comes from PostgreSQL {manifest['server']}, newer than the server here.")
    VENDORS[connection.vendor].refuse_where_somebody_is()
    half = connection.vendor != "sqlite" and marking.is_marked()
    there = not half and "conversations_conversation" in tables()
    if there and not overwrite and live("SELECT COUNT(*) FROM conversations_conversation") != [(0,)]:
        raise Refused("There are conversations here. With --overwrite they are replaced by what the backup has.")
    return _key(head, any_key=any_key)


def _key(head: dict[str, Any], *, any_key: bool) -> str:
    if head["has_key"] and own_key() is not None and settings.ENCRYPTION_KEYS == [settings.SECRET_KEY]:
        return "restored"
    if sealed.opens(head["check"], settings.ENCRYPTION_KEYS):
        return "ours"
    if any_key:
        return "foreign"
    raise Refused(
        "The keys of this installation do not open what bots and second factors keep in this backup. Give it those"
        f" of the other one: {settings.HOME / archive.KEY}, or SECRET_KEY and BESEDKA_ENCRYPTION_KEYS; or use "
        "--any-key, and enter anew what stays closed."
    )


def _put_files(path: Path, told: Told) -> None:
    """Files first: until the database knows them, they are in nobody's way."""
    parts = archive.read(path, "media/", told)
    files.put_all((name.removeprefix("media/"), data) for name, data in parts)


def _put_key(path: Path) -> None:
    [(_, key)] = archive.read(path, archive.KEY, lambda size: None)
    place = settings.HOME / archive.KEY
    part = place.with_name(f"{place.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    part.replace(place)
    sqlite.sync_folder(place.parent)


def _database(path: Path, size: int, told: Told) -> Iterator[bytes]:
    """The dump, a chunk at a time; never more than the manifest says, nor a chunk larger than one of ours."""
    for name, data in archive.read(path, "database/", told):
        unpacking = zlib.decompressobj()
        chunk = unpacking.decompress(data, archive.CHUNK)
        size -= len(chunk)
        if unpacking.unconsumed_tail or not unpacking.eof or size < 0:
            raise Damaged(f"{path} has a part that becomes larger than it says: {name}.")
        yield chunk
    if size:
        raise Damaged(f"{path} has less of the database than it says.")


def _settle(
    manifest: dict[str, Any], taken_at: datetime, *, moved: bool, erased: Iterable[int]
) -> tuple[int, int, int]:
    """The database is whole, and goes on as one that slept: what was parked, erased and not found."""
    _compare(manifest["counts"])
    call_command("migrate", verbosity=0, interactive=False)
    now = timezone.now()
    with transaction.atomic():
        restored.begin_anew(taken_at, now=now)
        post.vacate()
        parked = 0
        if not moved:
            accounts.end_sign_ins()
            parked = restored.park_unsent(PARKED.format(taken_at=taken_at))
    gone = restored.erase_again([*manifest["erased"], *erased], now=now)
    there = set(files.names())
    lost = restored.match_files(lambda key: files.attachment(key) in there)
    changes.match_pictures(lambda name: files.picture(name) in there)
    return parked, gone, lost


def _compare(counts: dict[str, int]) -> None:
    """As many rows are here as there were."""
    there = set(tables())
    for name, wanted in counts.items():
        found = live(f"SELECT COUNT(*) FROM {name}")[0][0] if name in there else 0
        if found != wanted:
            raise Damaged(f"The database has {found} rows of {name} instead of {wanted}.")
