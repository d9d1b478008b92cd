"""A bot written into a file: in an order of its own, with names in the place of ids, without secrets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import Prefetch

from besedka.bots import references, yamls
from besedka.bots.files import FORMAT, BotFields
from besedka.bots.models import Bot, Scenario, Secret, Step
from besedka.dialogue import templates

SLUG = 60  # characters of a name in a file that is made of a title


class Named(NamedTuple):
    """A scenario and its steps by the names that they have in a file."""

    scenario: Scenario
    steps: Mapping[str, Step]


def export(bot: Bot) -> str:
    """The bot as a file; the same again as long as nothing in it has changed."""
    return yamls.write(document(bot))


def document(bot: Bot) -> dict[str, Any]:
    """The bot as it stands in a file."""
    named = by_name(bot)
    fields = {name: getattr(bot, name) for name in BotFields.model_fields}
    default = {name: field.default for name, field in BotFields.model_fields.items()}
    written: dict[str, Any] = {
        "besedka": FORMAT,
        "bot": {name: one for name, one in fields.items() if name == "name" or one != default[name]},
    }
    secrets = set(Secret.objects.filter(bot=bot).values_list("name", flat=True))
    for one in named.values():
        secrets.update(name for step in one.steps.values() for name in templates.secrets_in(step.content))
    if secrets:
        written["secrets"] = sorted(secrets)
    written["scenarios"] = {key: written_scenario(key, named) for key in named}
    return written


def by_name(bot: Bot) -> dict[str, Named]:
    """The bot's scenarios and their steps by the names that they have, or are to have, in a file."""
    in_order = Prefetch("steps", Step.objects.order_by("order", "pk"))
    rows = list(Scenario.objects.filter(bot=bot).order_by("pk").prefetch_related(in_order))
    keys = _keys((scenario.key, scenario.name) for scenario in rows)
    named = {}
    for key, scenario in zip(keys, rows, strict=True):
        steps = list(scenario.steps.all())
        step_keys = _keys((step.key, step.name or step.step_type) for step in steps)
        named[key] = Named(scenario, dict(zip(step_keys, steps, strict=True)))
    return named


def written_scenario(key: str, named: Mapping[str, Named]) -> dict[str, Any]:
    """A scenario as it stands in a file."""
    scenario, steps = named[key]
    ids = {str(step.pk): name for name, step in steps.items()}
    written: dict[str, Any] = {"name": scenario.name}
    if scenario.description:
        written["description"] = scenario.description
    if not scenario.is_active:
        written["is_active"] = False
    if scenario.initial_step_id is not None:
        written["start"] = ids.get(str(scenario.initial_step_id), str(scenario.initial_step_id))
    triggers = {"on_start": scenario.on_start, "keywords": scenario.keywords, "commands": scenario.commands}
    written["triggers"] = {name: one for name, one in triggers.items() if one}
    written["steps"] = [_written_step(name, step, ids, named) for name, step in steps.items()]
    return written


def _written_step(key: str, step: Step, ids: Mapping[str, str], named: Mapping[str, Named]) -> dict[str, Any]:
    scenario_ids = {str(one.scenario.pk): name for name, one in named.items()}
    all_ids = {str(one.pk): name for other in named.values() for name, one in other.steps.items()}
    written: dict[str, Any] = {"id": key, "kind": step.step_type}
    if step.name and step.name != key:
        written["name"] = step.name
    written["content"] = references.renamed(
        step.step_type,
        step.content,
        step=lambda one: ids.get(one, one),
        scenario=lambda one: scenario_ids.get(one, one),
        step_of=lambda _, one: all_ids.get(one, one),
    )
    if step.next_step_id is not None:
        written["next"] = ids.get(str(step.next_step_id), str(step.next_step_id))
    return written


def _keys(rows: Iterable[tuple[str, str]]) -> list[str]:
    """A name for each: the one that it has, else one made of its title; no two alike."""
    rows = list(rows)
    taken = {key for key, _ in rows if key}
    keys, given = [], set()
    for key, title in rows:
        slug = "-".join(re.findall(r"\w+", title.lower()))[:SLUG] or "step"
        number = 1
        own = key
        while not own or own in given or (own != key and own in taken):
            own = slug if number == 1 else f"{slug}-{number}"
            number += 1
        given.add(own)
        keys.append(own)
    return keys
