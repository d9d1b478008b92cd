"""A bot's scenarios as one graph, as they are now and as they were when somebody began to walk through them."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F, Prefetch
from django.utils import timezone

from besedka.bots import placements
from besedka.bots.models import Bot, Graph, Scenario, Step
from besedka.dialogue import graph as graphs
from besedka.dialogue.graph import GraphError

logger = logging.getLogger(__name__)

REMEMBERED = 300  # graphs that a process holds in memory


class Published:
    """A bot's scenarios as they are now, ready to be walked through, and the document that they are read from."""

    __slots__ = ("document", "graph")

    def __init__(self, graph: graphs.Graph, document: dict[str, Any]) -> None:
        self.graph, self.document = graph, document


_now: OrderedDict[tuple[int, int], Published | None] = OrderedDict()  # by bot and version of its scenarios
_pinned: OrderedDict[str, graphs.Graph] = OrderedDict()  # by content hash


def changed(bot_id: int) -> None:
    """Say that something in this bot's scenarios has changed: the next walk goes by what is there then."""
    Bot.objects.filter(pk=bot_id).update(scenarios_version=F("scenarios_version") + 1)
    placements.announce(bot_id)


def of_bot(bot_id: int, version: int) -> Published | None:
    """The active scenarios of a bot; None where there are none, or none that could be run, which is logged."""
    if version == 0:  # it never had any
        return None
    key = (bot_id, version)
    if key not in _now:
        _now[key] = _publish(bot_id)
        _shorten(_now)
    _now.move_to_end(key)
    return _now[key]


def pinned_many(hashes: Iterable[str]) -> dict[str, graphs.Graph]:
    """The graphs with these hashes; those that nobody has kept are left out."""
    wanted = set(hashes)
    missing = wanted - _pinned.keys()
    if missing:
        for content_hash, document in Graph.objects.filter(content_hash__in=missing).values_list(
            "content_hash", "document"
        ):
            _remember(content_hash, graphs.read(document, references=False))
    return {content_hash: _pinned[content_hash] for content_hash in wanted if content_hash in _pinned}


def keep_many(published: Mapping[str, Published]) -> dict[str, int]:
    """These graphs, by hash, are kept for those who walk through them; the id of each."""
    known = dict(Graph.objects.filter(content_hash__in=published).values_list("content_hash", "pk"))
    missing = [content_hash for content_hash in published if content_hash not in known]
    if missing:
        now = timezone.now()
        new = [
            Graph(content_hash=one, document=published[one].document, created_at=now)  # type: ignore[misc]  # JSON
            for one in missing
        ]
        Graph.objects.bulk_create(new, ignore_conflicts=True)
        known |= dict(Graph.objects.filter(content_hash__in=missing).values_list("content_hash", "pk"))
    return known


def document(bot_id: int, *, active_only: bool = True) -> dict[str, Any]:
    """A bot's scenarios as the engine reads them; ids are those of the tables, as text."""
    in_order = Prefetch("steps", Step.objects.order_by("order", "pk"))
    scenarios = Scenario.objects.filter(bot_id=bot_id).order_by("pk").prefetch_related(in_order)
    if active_only:
        scenarios = scenarios.filter(is_active=True)
    return {"scenarios": {str(scenario.pk): _written(scenario) for scenario in scenarios}}


def _written(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "start": None if scenario.initial_step_id is None else str(scenario.initial_step_id),
        "triggers": {
            "on_start": scenario.on_start,
            "keywords": scenario.keywords,
            "commands": scenario.commands,
        },
        "steps": [
            {
                "id": str(step.pk),
                "name": step.name,
                "kind": step.step_type,
                "content": step.content,
                "next": None if step.next_step_id is None else str(step.next_step_id),
            }
            for step in scenario.steps.all()
        ],
    }


def _publish(bot_id: int) -> Published | None:
    written = document(bot_id)
    if not written["scenarios"]:
        return None
    try:
        graph = graphs.read(written, references=False)
    except GraphError as error:
        logger.error("bot %d: its scenarios cannot be run: %s", bot_id, error)
        return None
    _remember(graph.content_hash, graph)
    return Published(graph, written)


def _remember(content_hash: str, graph: graphs.Graph) -> None:
    _pinned[content_hash] = graph
    _shorten(_pinned)


def _shorten(held: OrderedDict[Any, Any]) -> None:
    while len(held) > REMEMBERED:
        held.popitem(last=False)


def forget() -> None:
    """Everything is read anew."""
    _now.clear()
    _pinned.clear()
