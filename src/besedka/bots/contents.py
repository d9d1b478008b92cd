"""Whether what a step holds can be kept: right in form, and pointing only where it may."""

from collections.abc import Iterator

from besedka import outbound
from besedka.bots.models import Scenario, Step
from besedka.dialogue import graph, steps
from besedka.dialogue.graph import Fault, GraphError
from besedka.dialogue.steps import Content


def check(kind: str, written: object, scenario: Scenario) -> Content:
    """Return what a step of this scenario holds; raises `GraphError` with paths inside of the content."""
    content = graph.read_content(kind, written)
    faults = [*_dangling(content, scenario), *_jump_faults(content, scenario), *address_faults(content)]
    if faults:
        raise GraphError(faults)
    return content


def address_faults(content: Content) -> Iterator[Fault]:
    """An address that nothing would be sent to."""
    if isinstance(content, steps.ApiCall):
        try:
            outbound.check_name(content.url.translate({ord("{"): "x", ord("}"): "x"}))  # names in its path
        except outbound.AddressRefused as refused:
            yield Fault("url", refused.detail)


def _dangling(content: Content, scenario: Scenario) -> Iterator[Fault]:
    named = list(graph.referred_to(content))
    there = _ids_of_steps(scenario, [step for _, step in named])
    for path, step in named:
        if step not in there:
            yield Fault(path, f"there is no step {step} in this scenario")


def _jump_faults(content: Content, scenario: Scenario) -> Iterator[Fault]:
    if not isinstance(content, steps.Jump):
        return
    number = content.scenario
    to = Scenario.objects.filter(bot=scenario.bot_id, pk=int(number)).first() if _is_id(number) else None
    if to is None:
        yield Fault("scenario", f"this bot has no scenario {number}")
    elif content.step is not None and content.step not in _ids_of_steps(to, [content.step]):
        yield Fault("step", f"there is no step {content.step} in the scenario {number}")


def _ids_of_steps(scenario: Scenario, named: list[str]) -> set[str]:
    numbers = {int(one) for one in named if _is_id(one)}
    if not numbers:
        return set()
    return {str(pk) for pk in Step.objects.filter(scenario=scenario, pk__in=numbers).values_list("pk", flat=True)}


def _is_id(written: str) -> bool:
    return written.isascii() and written.isdigit() and len(written) <= 18
