"""The file that a backup is: what was written is read, and what was changed, cut or made up is refused."""

import errno
import io
import itertools
import os
import random
import tarfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from besedka.cli.parser import make_parser
from besedka.project.backups import archive, restoring, taking, tools
from besedka.project.backups.archive import Writer
from besedka.project.backups.refusals import Damaged, Refused

KEY = "0123456789abcdef" * 2
FILE = f"media/files/01/{KEY}"


def silently(size: int) -> None:
    """Tell nobody how far it is."""


def backup(path: Path, *, head: dict[str, object] | None = None, parts: dict[str, bytes] | None = None) -> Path:
    """A backup with these parts."""
    parts = {FILE: b"a cat", "database/000000.z": zlib.compress(b"rows")} if parts is None else parts
    with path.open("wb") as file:
        writer = Writer(file, silently)
        writer.add(archive.HEAD, archive.written({"format": archive.FORMAT, "vendor": "sqlite", **(head or {})}))
        for name, data in parts.items():
            writer.add(name, data)
        writer.seal({"counts": {}})
    return path


def test_what_was_written_is_read(tmp_path):
    path = backup(tmp_path / "b.tar")

    manifest = archive.verify(path, silently)

    assert archive.head(path)["vendor"] == "sqlite"
    assert list(archive.read(path, "media/", silently)) == [(FILE, b"a cat")]
    assert set(manifest["parts"]) == {archive.HEAD, FILE, "database/000000.z"}


def test_tar_unpacks_it(tmp_path):
    path = backup(tmp_path / "b.tar")

    with tarfile.open(path) as unpacked:
        names = unpacked.getnames()
        unpacked.extract(FILE, tmp_path / "out")

    assert names == [archive.HEAD, FILE, "database/000000.z", archive.MANIFEST, archive.SEAL]
    assert (tmp_path / "out" / FILE).read_bytes() == b"a cat"


def test_no_bit_changes_unseen(tmp_path):
    good = backup(tmp_path / "good.tar").read_bytes()
    path, dice = tmp_path / "bad.tar", random.Random(1)

    noticed = 0
    for place in range(0, len(good), 7):  # less than any field of a header has
        bad = bytearray(good)
        bad[place] ^= 1 << dice.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(Damaged):
            archive.verify(path, silently)
        noticed += 1

    assert noticed > 700


def test_a_damaged_part_is_named(tmp_path):
    path = backup(tmp_path / "b.tar")
    path.write_bytes(path.read_bytes().replace(b"a cat", b"a bat"))

    with pytest.raises(Damaged, match=f"damaged: {FILE}"):
        archive.verify(path, silently)


def test_a_backup_that_is_cut_short_anywhere_is_refused(tmp_path):
    good = backup(tmp_path / "good.tar").read_bytes()
    path = tmp_path / "cut.tar"

    for length in range(0, len(good), 100):
        path.write_bytes(good[:length])
        with pytest.raises(Damaged, match=r"no backup|not whole|damaged"):
            archive.verify(path, silently)


def test_one_of_another_format_says_which(tmp_path):
    path = backup(tmp_path / "b.tar", head={"format": 7})

    with pytest.raises(Damaged, match="written in format 7; this version of Besedka reads format 1"):
        archive.verify(path, silently)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"PK\3\4" * 500, bytes(5_000)], ids=["none", "one", "zip", "zeros"]
)
def test_what_is_no_backup_is_none(content, tmp_path):
    path = tmp_path / "b.tar"
    path.write_bytes(content)

    with pytest.raises(Damaged, match="is no backup of Besedka"):
        archive.verify(path, silently)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "media/files/../../secret_key",
        f"media/files/01/{KEY}/x",
        f"media/files/01/{KEY}\n",
        "media/ads/.webp",
        "database/1.z",
        "secret_key2",
    ],
)
def test_a_part_that_no_backup_of_ours_has_is_refused(name, tmp_path):
    path = backup(tmp_path / "b.tar", parts={name: b"x"})

    with pytest.raises(Damaged, match="a part that no backup of ours has"):
        archive.verify(path, silently)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_folders_and_devices_are_refused(kind, tmp_path):
    path = tmp_path / "b.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as made:
        first = tarfile.TarInfo(archive.HEAD)
        first.size, first.mode = len(data := archive.written({"format": archive.FORMAT})), 0o600
        made.addfile(first, io.BytesIO(data))
        other = tarfile.TarInfo(FILE)
        other.type, other.linkname = kind, "/etc/passwd"
        made.addfile(other)

    with pytest.raises(Damaged, match="a part that no backup of ours has"):
        archive.verify(path, silently)


def test_a_part_twice_is_refused(tmp_path):
    path = tmp_path / "b.tar"
    with path.open("wb") as file:
        writer = Writer(file, silently)
        for name in (archive.HEAD, FILE, FILE):
            writer.add(name, archive.written({"format": archive.FORMAT}))
        writer.seal({})

    with pytest.raises(Damaged, match="has a part twice"):
        archive.verify(path, silently)


def test_a_bomb_does_not_go_off(tmp_path):
    bomb = zlib.compress(bytes(archive.CHUNK + 1))
    path = backup(tmp_path / "b.tar", parts={"database/000000.z": bomb})

    with pytest.raises(Damaged, match="becomes larger than it says"):
        list(restoring._database(path, 10 * archive.CHUNK, silently))


def test_a_part_that_claims_to_be_huge_is_not_read(tmp_path):
    path = tmp_path / "b.tar"
    header = tarfile.TarInfo(FILE)
    header.size = 5 * 1024**3
    good = backup(tmp_path / "good.tar").read_bytes()
    path.write_bytes(good[: 2 * archive.BLOCK] + header.tobuf(tarfile.USTAR_FORMAT))

    with pytest.raises(Damaged, match="too large"):
        archive.verify(path, silently)


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "b.tar"
    taking.take(path, keep=None, with_key=False, told=silently)
    before = path.read_bytes()
    written = itertools.count()

    def full(size: int) -> None:
        if next(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Refused, match="No space left on device"):
        taking.take(path, keep=None, with_key=False, told=full)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["b.tar"]


@pytest.mark.django_db(transaction=True)
def test_in_a_folder_the_newest_stay_and_what_is_not_ours_too(tmp_path):
    old = [f"besedka-2020010{day}T000000Z.tar" for day in (1, 2, 3)]
    for name in (*old, "besedka-mine.tar", "photo.jpg"):
        (tmp_path / name).write_bytes(b"old")

    taken = taking.take(tmp_path, keep=2, with_key=False, told=silently)

    there = {path.name for path in tmp_path.iterdir()}
    assert there == {taken.path.name, old[2], "besedka-mine.tar", "photo.jpg"}
    assert sorted(path.name for path in taken.dropped) == old[:2]
    assert taken.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_backup_left_is_gone_after_a_day(tmp_path):
    left, young = tmp_path / ".a.tar.part", tmp_path / ".b.tar.part"
    for path in (left, young):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))

    taking.take(tmp_path / "c.tar", keep=None, with_key=False, told=silently)

    assert {path.name for path in tmp_path.iterdir()} == {".b.tar.part", "c.tar"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("head", "manifest", "sentence"),
    [
        ({"vendor": "other"}, {}, "DATABASE_URL names"),
        (
            {},
            {"migrations": ["conversations.9999_of_tomorrow"]},
            "newer than this one, which lacks conversations.9999",
        ),
    ],
)
def test_a_backup_that_cannot_become_this_installation_says_why(head, manifest, sentence, tmp_path, monkeypatch):
    monkeypatch.setitem(restoring.NAMES, "other", "another")
    good = {"vendor": restoring.connection.vendor, "product": "9.9", "has_key": False, "check": ""}

    with pytest.raises(Refused, match=sentence):
        restoring._refuse_what_does_not_fit(
            tmp_path / "b.tar", {**good, **head}, {"migrations": [], **manifest}, overwrite=True, any_key=True
        )


def test_only_a_backup_of_this_release_goes_from_sqlite_to_another_database(tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "connection", SimpleNamespace(vendor="postgresql"))
    head = {"vendor": "sqlite", "product": "0.1", "has_key": False, "check": ""}

    with pytest.raises(Refused, match="To become PostgreSQL it has to be of this release"):
        restoring._refuse_what_does_not_fit(
            tmp_path / "b.tar", head, {"migrations": []}, overwrite=True, any_key=True
        )


def test_a_program_that_is_missing_is_named_with_its_package():
    with pytest.raises(Refused, match=r"no-such-dump is not installed here\..* package some-client"):
        tools.find("no-such-dump", package="some-client")


def test_what_a_program_says_when_it_fails_is_told():
    with pytest.raises(Refused, match="sh failed: no such luck"):
        tools.feed(["sh", "-c", "echo no such luck >&2; exit 3"], {}, [b"x" * 1_000_000] * 10)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", 15),
        ("pg_dump (PostgreSQL) 17devel", 17),
    ],
)
def test_the_version_of_a_program_is_understood(said, version, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o700)

    assert tools.major_version(str(program)) == version


def test_a_day_is_enough_to_ask_whom_was_erased():
    options = make_parser().parse_args(["erased", "--since", "2027-01-31"])

    assert options.since.isoformat() == "2027-01-31T00:00:00"
