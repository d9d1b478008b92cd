"""What becomes of an ad: published, changed, withdrawn; with its picture, or not at all."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from django.db import IntegrityError, transaction

from besedka.ads import images, searching
from besedka.ads.images import Encoded
from besedka.ads.models import Ad, Sent
from besedka.media import store
from besedka.problems import ChangedMeanwhile, NotFound

WRITTEN = ("title", "description", "kind", "breed", "age", "gender", "location", "price")
KEEP: Literal["keep"] = "keep"  # the picture stays what it is

Picture = Encoded | Literal["keep"] | None


def publish(
    fields: dict[str, Any],
    *,
    author_id: int,
    now: datetime,
    picture: Encoded | None = None,
    form: str | None = None,
) -> Ad:
    """There is a new ad of this author. A picture whose ad cannot be written is no longer there either.

    Of a `form` that is sent twice, which is its one-time key, the second time leads to the ad of the first; it is
    for the caller to ask `published` before. Raises `Unavailable` where its picture cannot be stored.
    """
    ad = Ad(**fields, created_by_id=author_id, created_at=now, updated_at=now)
    _fold(ad)
    try:
        with _kept(picture) as shown, transaction.atomic():
            _show(ad, shown)
            ad.save(force_insert=True)
            if form:
                Sent.objects.create(author_id=author_id, key=form, ad=ad)
    except IntegrityError:
        there = published(fields, author_id=author_id, form=form)
        if there is None:
            raise
        return there
    return ad


def published(fields: dict[str, Any], *, author_id: int, form: str | None) -> Ad | None:
    """The ad that this form has published already, as long as it says the same."""
    return Ad.objects.filter(sent__author_id=author_id, sent__key=form, **fields).first() if form else None


def free(form: str, *, author_id: int) -> bool:
    """Whether this author has not published anything by this form."""
    return not Sent.objects.filter(author_id=author_id, key=form).exists()


def change(
    ad_id: int, fields: dict[str, Any], *, now: datetime, picture: Picture = KEEP, etags: list[str] | None = None
) -> Ad:
    """The ad has these fields now; one that is not given stays. With `etags` only if one of them names its state.

    Of any number who read the same state one wins, the others are told: the row is locked, or, on SQLite, the
    whole database. Raises `NotFound`, `ChangedMeanwhile`.
    """
    with _kept(None if picture == KEEP else picture) as shown, transaction.atomic():
        ad = _locked(ad_id, etags)
        for name, value in fields.items():
            setattr(ad, name, value)
        if picture != KEEP:
            before = ad.picture
            _show(ad, shown)
            transaction.on_commit(lambda: images.forget(before))
        _fold(ad)
        ad.updated_at = now
        ad.version += 1
        ad.save(force_update=True)
    return ad


def withdraw(ad_id: int, *, etags: list[str] | None = None) -> None:
    """The ad is gone, and its picture. Raises `NotFound`, `ChangedMeanwhile`."""
    with transaction.atomic():
        ad = _locked(ad_id, etags)
        transaction.on_commit(lambda: images.forget(ad.picture))
        Ad.objects.filter(pk=ad.pk).delete()


def sweep(now: datetime, *, older_than_s: float = 86_400) -> int:
    """No picture is stored that no ad shows; how many files went. Young ones may be waiting for their ad.

    Raises `Unavailable`; what is left then goes the next time.
    """
    latest = now.timestamp() - older_than_s
    old = [name for name, written_at in images.files() if written_at < latest]
    shown = set(Ad.objects.exclude(picture="").values_list("picture", flat=True)) if old else set()
    lost = [name for name in old if PurePosixPath(name).stem.removesuffix("-small") not in shown]
    for name in lost:
        store.remove(name)
    return len(lost)


def match_pictures(is_there: Callable[[str], bool]) -> int:
    """An ad whose picture's files are gone shows none; how many these were."""
    shown = Ad.objects.exclude(picture="").values_list("picture", flat=True)
    lost = [
        name
        for name in shown.iterator()
        if not all(is_there(images.file_name(name, small=small)) for small in (False, True))
    ]
    for start in range(0, len(lost), 500):
        some = Ad.objects.filter(picture__in=lost[start : start + 500])
        some.update(picture="", picture_width=0, picture_height=0)
    return len(lost)


def _locked(ad_id: int, etags: list[str] | None) -> Ad:
    ad = Ad.objects.select_for_update().filter(pk=ad_id).first()
    if ad is None:
        raise NotFound
    if etags is not None and "*" not in etags and ad.etag not in etags:
        raise ChangedMeanwhile(etag=ad.etag)
    return ad


@contextlib.contextmanager
def _kept(picture: Encoded | None) -> Iterator[tuple[str, int, int]]:
    """Name and size of the picture, whose files go again if what is done with it fails."""
    name = images.keep(picture) if picture else ""
    try:
        yield (name, picture.width, picture.height) if picture else ("", 0, 0)
    except BaseException:
        images.forget(name)
        raise


def _show(ad: Ad, shown: tuple[str, int, int]) -> None:
    ad.picture, ad.picture_width, ad.picture_height = shown


def _fold(ad: Ad) -> None:
    for column, line in searching.columns(ad).items():
        setattr(ad, column, line)
