"""Bytes under names: the same in a folder and on S3."""

import os
import time

import pytest
import s3
from django.core.files.storage import default_storage

from besedka.media import store
from besedka.problems import Unavailable


def names(prefix: str = "files") -> list[str]:
    return sorted(name for name, _ in store.stored(prefix))


def test_what_was_written_is_read_listed_and_removed(either_store):
    began = time.time()

    store.write("files/ab/abc", b"one")
    store.write("files/cd/cde", b"")
    store.write("ads/x.webp", b"another")

    assert store.read("files/ab/abc") == b"one"
    assert store.read("files/cd/cde") == b""
    assert names() == ["files/ab/abc", "files/cd/cde"]
    assert all(abs(written_at - began) < 120 for _, written_at in store.stored("files"))
    assert store.remove("files/ab/abc") is True
    store.remove("files/ab/abc")
    assert names() == ["files/cd/cde"]


def test_it_is_a_storage_as_django_knows_them(either_store):
    store.write("files/ab/abc", b"one")

    assert default_storage.exists("files/ab/abc")
    assert not default_storage.exists("files/ab/abd")
    assert default_storage.size("files/ab/abc") == 3
    assert default_storage.listdir("files") == (["ab"], [])
    assert default_storage.listdir("files/ab") == ([], ["abc"])


def test_what_is_not_there_is_not_found(either_store):
    with pytest.raises(FileNotFoundError):
        store.read("files/ab/abc")
    with pytest.raises(FileNotFoundError):
        store.opened("files/ab/abc")
    assert names() == []


def test_a_name_never_leads_out(either_store):
    for name in ("../x", "files/../../x", "/etc/passwd"):
        with pytest.raises(Exception, match=r"path|denied|Detected"):
            default_storage.save(name, default_storage.open(name))


def test_files_are_listed_over_many_pages(bucket, s3_server):
    client = s3_server.client()
    for number in range(1005):
        client.put_object(Bucket=bucket, Key=f"besedka/media/files/00/{number:04}", Body=b"")

    assert names() == [f"files/00/{number:04}" for number in range(1005)]


def test_a_copy_of_the_folder_is_what_the_bucket_needs(settings, tmp_path, s3_server):
    settings.MEDIA_ROOT = tmp_path
    for name in ("files/ab/abc", "files/cd/cde", "ads/x.webp", "ads/x-small.webp"):
        store.write(name, name.encode())
    name, client = s3_server.bucket(), s3_server.client()

    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        client.upload_file(str(path), name, f"besedka/media/{path.relative_to(tmp_path)}")
    settings.STORAGES = s3.storages(name, s3_server.port)

    assert names("files") + names("ads") == ["files/ab/abc", "files/cd/cde", "ads/x-small.webp", "ads/x.webp"]
    assert store.read("files/ab/abc") == b"files/ab/abc"


def test_nobody_but_us_reads_the_bucket(bucket, s3_server):
    store.write("files/ab/abc", b"one")

    grants = s3_server.client().get_object_acl(Bucket=bucket, Key="besedka/media/files/ab/abc")["Grants"]

    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]


def test_a_full_disk_is_told_and_leaves_nothing(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        store.write("files/ab/abc", b"one")

    assert names() == []
