"""Indexes of the sources a bot may read: built once per process, built anew when a source's version has grown."""

import time
from collections import OrderedDict
from threading import Lock

from besedka.knowledge.index import Entry, Found, Index
from besedka.knowledge.models import Passage, Source

CHECK_S = 0.5  # seconds for which an index is taken as new without asking the database
KEPT_INDEXES = 64  # sets of sources; the one not asked for longest goes first

__all__ = ["Found", "Index", "find", "forget", "index_of"]

_Versions = tuple[tuple[int, int], ...]


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
    versions = tuple(Source.objects.filter(pk__in=source_ids).order_by("pk").values_list("pk", "version"))
    if kept.index is None or versions != kept.versions:
        kept.index, kept.versions = _build(source_ids), versions
    kept.checked = now
    return kept.index


def _build(source_ids: tuple[int, ...]) -> Index:
    passages = Passage.objects.filter(source__in=source_ids).order_by("source", "position")
    return Index([Entry(*row) for row in passages.values_list("pk", "topic", "question", "answer")])
