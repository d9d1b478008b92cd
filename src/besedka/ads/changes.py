"""What becomes of an ad: published, changed, withdrawn; with its picture, or not at all."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from besedka.ads import images, searching
from besedka.ads.images import Encoded
from besedka.ads.models import Ad
from besedka.problems import ChangedMeanwhile, NotFound

WRITTEN = ("title", "description", "kind", "breed", "age", "gender", "location", "price")
KEEP: Literal["keep"] = "keep"  # the picture stays what it is

Picture = Encoded | Literal["keep"] | None


def publish(fields: dict[str, Any], *, author_id: int, now: datetime, picture: Encoded | None = None) -> Ad:
    """There is a new ad of this author. A picture whose ad cannot be written is no longer there either."""
    ad = Ad(**fields, created_by_id=author_id, created_at=now, updated_at=now)
    _fold(ad)
    with _kept(picture) as shown:
        _show(ad, shown)
        ad.save(force_insert=True)
    return ad


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
    """No picture lies there that no ad shows; how many files went. Young ones may be waiting for their ad."""
    latest = now.timestamp() - older_than_s
    old = [file for file, kept_at in images.files() if kept_at < latest]
    shown = set(Ad.objects.exclude(picture="").values_list("picture", flat=True)) if old else set()
    lost = [file for file in old if file.stem.removesuffix("-small") not in shown]
    for file in lost:
        file.unlink(missing_ok=True)
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
