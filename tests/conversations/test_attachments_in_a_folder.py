"""What only a folder knows of the files of messages: its disk, and what a crash leaves on it."""

import os
from datetime import timedelta

import held
import make
import pytest
from django.utils import timezone

from besedka.conversations import attachments
from besedka.conversations.attachments import Kept
from besedka.conversations.models import Attachment
from besedka.conversations.uploads import Upload
from besedka.problems import Unavailable

pytestmark = pytest.mark.django_db


def keep() -> Kept | Exception:
    [kept] = make.keep([Upload(name="a.pdf", media_type="", data=b"%PDF", address=make.address(make.inbox()))])
    return kept


def test_a_file_lies_where_it_always_lay(media):
    kept = keep()

    assert (media / kept.key[:2] / kept.key).read_bytes() == b"%PDF"


def test_without_room_on_the_disk_nothing_is_kept(media, monkeypatch):
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = keep()

    assert isinstance(result, Unavailable)
    assert held.files() == []
    assert not Attachment.objects.exists()


def test_what_a_crash_left_half_is_swept(media):
    kept = keep()
    shelf = media / kept.key[:2]
    for name in ("0" * 32, "1" * 32, "2" * 32 + ".part"):
        (shelf / name).write_bytes(b"left by a crash")
    long_ago = (timezone.now() - timedelta(hours=25)).timestamp()
    for name in ("0" * 32, "2" * 32 + ".part", kept.key):
        os.utime(shelf / name, (long_ago, long_ago))

    assert attachments.sweep_many(timezone.now()) == 2

    assert held.files() == sorted([kept.key, "1" * 32])
