"""A file made into a bot: what is the same stays as it is, what differs is changed, and all of it or nothing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import transaction

from besedka.accounts.models import User
from besedka.bots import exporting, files, placements, references, scenarios
from besedka.bots.exporting import Named
from besedka.bots.files import BotFile
from besedka.bots.models import Bot, Scenario, Secret, Step


class Imported(msgspec.Struct):
    """What an import did, in scenarios and steps; which secrets have to be entered; what looks wrong."""

    bot_id: int
    is_new: bool
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    missing_secrets: list[str] = []
    warnings: list[dict[str, Any]] = []


@transaction.atomic
def import_text(text: str, *, owner: User | None, bot: Bot | None = None) -> Imported:
    """The bot is what the file says: this one, or the owner's of that name, or a new one.

    The same file a second time changes nothing. Raises `FileUnreadable`, `FileFaulty`; then nothing has changed.
    """
    file = files.read(text)
    bot = bot or Bot.objects.filter(created_by=owner, name=file.bot.name).order_by("pk").first()
    done = Imported(bot.pk if bot else 0, bot is None)
    bot = _write_bot(bot, file, owner, done)
    done.bot_id = bot.pk
    _write_scenarios(bot, file, done)
    if done.added or done.changed or done.removed:
        scenarios.changed(bot.pk)
    there = set(Secret.objects.filter(bot=bot).values_list("name", flat=True))
    done.missing_secrets = [name for name in file.secrets if name not in there]
    done.warnings = [{"line": line, **flaw._asdict()} for line, flaw in files.warnings(file)]
    return done


def _write_bot(bot: Bot | None, file: BotFile, owner: User | None, done: Imported) -> Bot:
    wanted = file.bot.model_dump()
    if bot is None:
        done.added += 1
        return Bot.objects.create(created_by=owner, **wanted)
    if any(getattr(bot, name) != one for name, one in wanted.items()):
        for name, one in wanted.items():
            setattr(bot, name, one)
        bot.save()
        placements.announce(bot.pk)
        done.changed += 1
    return bot


def _write_scenarios(bot: Bot, file: BotFile, done: Imported) -> None:
    before = exporting.by_name(bot)
    were = {key: exporting.written_scenario(key, before) for key in before}
    for key, named in before.items():
        if key not in file.scenarios:
            named.scenario.delete()
            done.removed += 1
    after = {key: _with_rows(bot, key, wanted, before.get(key), done) for key, wanted in file.scenarios.items()}
    for key, wanted in file.scenarios.items():
        was = were.get(key, {})
        known = {step["id"]: step for step in was.get("steps", ())}
        for at, step in enumerate(wanted.get("steps", ())):
            _write_step(after, key, step, known.get(str(step["id"])), at, done)
        _write_scenario(after[key], _without_steps(wanted), _without_steps(was) if was else None, done)


def _with_rows(bot: Bot, key: str, wanted: Mapping[str, Any], named: Named | None, done: Imported) -> Named:
    """A row for the scenario and for each of its steps: what they hold may point at any other one."""
    scenario = named.scenario if named else Scenario.objects.create(bot=bot, key=key, name=key)
    there = dict(named.steps) if named else {}
    wanted_keys = [str(step["id"]) for step in wanted.get("steps", ())]
    for name, step in there.items():
        if name not in wanted_keys:
            step.delete()
            done.removed += 1
    steps = {}
    for name, written in zip(wanted_keys, wanted.get("steps", ()), strict=True):
        known = there.get(name)
        if known is None:
            known = Step.objects.create(scenario=scenario, key=name, step_type=written["kind"])
        elif known.key != name:
            Step.objects.filter(pk=known.pk).update(key=name)
        steps[name] = known
    if scenario.key != key:
        Scenario.objects.filter(pk=scenario.pk).update(key=key)
    return Named(scenario, steps)


def _write_step(
    named: Mapping[str, Named],
    key: str,
    wanted: Mapping[str, Any],
    was: Mapping[str, Any] | None,
    at: int,
    done: Imported,
) -> None:
    steps = named[key].steps
    name = str(wanted["id"])
    step = steps[name]
    before = steps[list(steps)[at - 1]] if at else None
    in_place = was is not None and (before is None or (before.order, before.pk) < (step.order, step.pk))
    if in_place and was == _as_exported(wanted):
        done.unchanged += 1
        return
    if "name" in wanted or was is None:
        step.name = wanted.get("name") or name
    elif "name" in was:
        step.name = ""
    step.step_type = wanted["kind"]
    step.content = references.renamed(
        wanted["kind"],
        wanted["content"],
        step=lambda one: str(steps[one].pk),
        scenario=lambda one: str(named[one].scenario.pk),
        step_of=lambda scenario, one: str(named[scenario].steps[one].pk),
    )
    following = wanted.get("next")
    step.next_step = None if following is None else steps[str(following)]
    if not in_place:
        step.order = before.order + 1 if before is not None else min(step.order, 1)
    step.save()
    if was is None:
        done.added += 1
    else:
        done.changed += 1


def _write_scenario(
    named: Named, wanted: Mapping[str, Any], was: Mapping[str, Any] | None, done: Imported
) -> None:
    if was is not None and dict(was) == _scenario_as_exported(wanted, named):
        done.unchanged += 1
        return
    scenario = named.scenario
    triggers = wanted.get("triggers", {})
    start = wanted.get("start")
    scenario.name = wanted.get("name") or named.scenario.key
    scenario.description = wanted.get("description", "")
    scenario.is_active = wanted.get("is_active", True)
    scenario.on_start = triggers.get("on_start", False)
    scenario.keywords = list(triggers.get("keywords", ()))
    scenario.commands = list(triggers.get("commands", ()))
    scenario.initial_step = None if start is None else named.steps[str(start)]
    scenario.save()
    if was is None:
        done.added += 1
    else:
        done.changed += 1


def _without_steps(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in written.items() if name != "steps"}


def _as_exported(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A step of a file as an export would write it: ids as text, nothing that is empty."""
    name = wanted.get("name")
    following = wanted.get("next")
    content = references.renamed(
        wanted["kind"], wanted["content"], step=str, scenario=str, step_of=lambda _, one: str(one)
    )
    step: dict[str, Any] = {"id": str(wanted["id"]), "kind": wanted["kind"]}
    if name and name != step["id"]:
        step["name"] = name
    step["content"] = content
    if following is not None:
        step["next"] = str(following)
    return step


def _scenario_as_exported(wanted: Mapping[str, Any], named: Named) -> dict[str, Any]:
    triggers = {name: one for name, one in wanted.get("triggers", {}).items() if one}
    scenario = {"name": wanted.get("name") or named.scenario.key, "triggers": triggers}
    if wanted.get("description"):
        scenario["description"] = wanted["description"]
    if wanted.get("is_active") is False:
        scenario["is_active"] = False
    if wanted.get("start") is not None:
        scenario["start"] = str(wanted["start"])
    return scenario
