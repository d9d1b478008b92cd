"""Indexes of the sources a bot may read: built once per process, built anew when a source's version has grown."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from django.conf import settings

from besedka.knowledge import stored
from besedka.knowledge.index import SMALL, Entry, Found, Index
from besedka.knowledge.models import Passage, Source

CHECK_S = 0.5  # seconds for which an index is taken as new without asking the database
KEPT_INDEXES = 64  # sets of sources; the one not asked for longest goes first

__all__ = ["Found", "Index", "find", "forget", "index_of"]

_Versions = tuple[tuple[int, int, datetime], ...]


class _Kept:
    """The index of one set of sources, with what it was built from and when that was last compared."""

    def __init__(self) -> None:
        self.building = Lock()
        self.index: Index | None = None
        self.versions: _Versions = ()
        self.checked = 0.0  # monotonic seconds


_kept: OrderedDict[tuple[int, ...], _Kept] = OrderedDict()
_keeping = Lock()


def find(source_ids: tuple[int, ...], question: str, limit: int = 3) -> list[Found]:
    """Return the passages of these sources that fit the question, best first, at most `limit`."""
    return index_of(source_ids).find(question, limit)


def index_of(source_ids: tuple[int, ...]) -> Index:
    """Return an index over these sources that is at most `CHECK_S` seconds behind the database.

    Threads that ask while one of them builds get the index of before, if there was one, else they wait: nobody
    builds twice. Sources that are not there any more have no passages.
    """
    wanted = tuple(sorted(set(source_ids)))
    kept = _place(wanted)
    index = kept.index
    if index is None:
        with kept.building:
            return _renew(kept, wanted)
    if time.monotonic() - kept.checked >= CHECK_S and kept.building.acquire(blocking=False):
        try:
            return _renew(kept, wanted)
        finally:
            kept.building.release()
    return index


def drop_stored(but: Iterable[tuple[int, ...]]) -> None:
    """Remove what is kept in files, but of these sets of sources: nobody asks for it, and it holds old texts."""
    stored.drop(settings.INDEX_FOLDER, {str(tuple(sorted(set(source_ids)))) for source_ids in but})


def forget() -> None:
    """Every index is built anew when it is next asked for."""
    with _keeping:
        _kept.clear()


def _place(source_ids: tuple[int, ...]) -> _Kept:
    with _keeping:
        kept = _kept.setdefault(source_ids, _Kept())
        _kept.move_to_end(source_ids)
        while len(_kept) > KEPT_INDEXES:
            _kept.popitem(last=False)
        return kept


def _renew(kept: _Kept, source_ids: tuple[int, ...]) -> Index:
    if kept.index is not None and time.monotonic() - kept.checked < CHECK_S:
        return kept.index  # another thread did it while we waited
    now = time.monotonic()
    # Versions first: passages that change between the two reads make the index newer than it says, never older.
    sources = Source.objects.filter(pk__in=source_ids).order_by("pk")
    versions = tuple(sources.values_list("pk", "version", "updated_at"))
    if kept.index is None or versions != kept.versions:
        kept.index, kept.versions = _have(source_ids, versions, first=kept.index is None), versions
    kept.checked = now
    return kept.index


def _have(source_ids: tuple[int, ...], versions: _Versions, *, first: bool) -> Index:
    """The index of these versions: for the first time of this process from a file, if there is one of it."""
    name, state = str(source_ids), str(versions)
    index = stored.read(settings.INDEX_FOLDER, name, state) if first else None
    if index is None:
        passages = Passage.objects.filter(source__in=source_ids).order_by("source", "position")
        rows = passages.values_list("pk", "topic", "question", "answer")
        index = Index([Entry(*row) for row in rows])
        if len(index) > SMALL:
            stored.write(settings.INDEX_FOLDER, name, state, index)
    return index
