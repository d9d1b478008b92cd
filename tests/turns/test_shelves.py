"""The knowledge that turns search in, while its database is away."""

import asyncio

import pytest
from django.db import OperationalError

from besedka.knowledge.index import Index
from besedka.problems import Unavailable
from besedka.turns import shelves


@pytest.fixture
def database(monkeypatch):
    """A database that can be taken away."""
    there = {"is": True}
    index = Index([])

    def look(source_ids):
        if not there["is"]:
            raise OperationalError("gone")
        return index

    monkeypatch.setattr(shelves, "_look", look)
    monkeypatch.setattr(shelves, "_ready", {})
    monkeypatch.setattr(shelves, "FRESH_S", 0)
    return there


def test_what_was_known_before_answers_while_the_database_is_away(database):
    known = asyncio.run(shelves.index_of((1,)))
    database["is"] = False

    assert asyncio.run(shelves.index_of((1,))) is known


def test_who_knows_nothing_yet_is_told_that_it_is_away(database):
    database["is"] = False

    with pytest.raises(Unavailable):
        asyncio.run(shelves.index_of((1,)))
