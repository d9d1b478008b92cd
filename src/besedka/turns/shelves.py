"""The indexes that turns search in, kept ready: to look whether one is fresh asks the database."""

import asyncio
import time

from django.db import connection

from besedka.knowledge import search
from besedka.knowledge.search import Index
from besedka.turns import staff

FRESH_S = 0.5  # seconds until a change of knowledge is looked for again

_ready: dict[tuple[int, ...], tuple[float, Index]] = {}


async def index_of(source_ids: tuple[int, ...]) -> Index:
    """The index over these sources, at most `FRESH_S` seconds old; building one stands in nobody's way."""
    checked_at, index = _ready.get(source_ids, (0.0, None))
    now = time.monotonic()
    if index is not None and now - checked_at < FRESH_S:
        return index
    if index is not None:
        _ready[source_ids] = (now, index)  # whoever comes while we look takes the one that is there
    index = await asyncio.to_thread(_look, source_ids)
    _ready[source_ids] = (time.monotonic(), index)
    return index


async def warm() -> None:
    """Have the indexes of all bots that are placed: the first visitor after a start need not wait for one."""
    for source_ids in await asyncio.to_thread(_wanted):
        await index_of(source_ids)


def _wanted() -> set[tuple[int, ...]]:
    try:
        wanted = staff.read_by_bots()
        search.drop_stored(but=wanted)
        return wanted
    finally:
        connection.close()


def _look(source_ids: tuple[int, ...]) -> Index:
    try:
        return search.index_of(source_ids)
    finally:
        connection.close()  # the thread may never be asked again, and must not keep a connection for ever
