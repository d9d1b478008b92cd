"""The indexes that turns search in, kept ready: to look whether one is fresh asks the database."""

import asyncio
import logging
import time

from django.db import InterfaceError, OperationalError, connection

from besedka.knowledge import search
from besedka.knowledge.search import Index
from besedka.problems import Unavailable
from besedka.turns import staff

logger = logging.getLogger(__name__)

FRESH_S = 0.5  # seconds until a change of knowledge is looked for again

_ready: dict[tuple[int, ...], tuple[float, Index]] = {}


async def index_of(source_ids: tuple[int, ...]) -> Index:
    """The index over these sources, at most `FRESH_S` seconds old; building one stands in nobody's way.

    While the database is away the index of before answers. Raises `Unavailable` where there is none yet.
    """
    checked_at, index = _ready.get(source_ids, (0.0, None))
    now = time.monotonic()
    if index is not None and now - checked_at < FRESH_S:
        return index
    if index is not None:
        _ready[source_ids] = (now, index)  # whoever comes while we look takes the one that is there
    try:
        index = await asyncio.to_thread(_look, source_ids)
    except (OperationalError, InterfaceError) as error:
        if index is None:
            raise Unavailable from None
        logger.warning("knowledge: %s; what was known before answers", error)
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
