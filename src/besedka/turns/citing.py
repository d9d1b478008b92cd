"""From passages to what a visitor sees of them: the source's title and link."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from besedka.knowledge.models import Passage

Shown = dict[str, str]


def sources_of(passage_ids: Collection[int]) -> dict[int, Shown]:
    """Title and link of the source of each passage that still is there."""
    if not passage_ids:
        return {}
    found = Passage.objects.filter(pk__in=passage_ids)
    fields = found.values_list("pk", "url", "source__title", "source__url")
    return {pk: {"title": title, "url": own or url} for pk, own, title, url in fields}


def with_sources(payload: dict[str, Any], cited: Iterable[int], sources: Mapping[int, Shown]) -> dict[str, Any]:
    """The payload that also names each source once, in the order in which they are cited."""
    named: list[Shown] = []
    for passage_id in cited:
        shown = sources.get(passage_id)
        if shown is not None and shown not in named:
            named.append(shown)
    return {**payload, "sources": named} if named else payload
