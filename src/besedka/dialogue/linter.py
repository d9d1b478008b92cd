"""What an author probably did not mean: found by looking at a graph, shown as warnings, never refused."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from besedka.dialogue import steps, templates
from besedka.dialogue.conditions import Rule
from besedka.dialogue.graph import Graph, Scenario, Step, referred_to

UNREACHABLE = "unreachable_step"
DEAD_END = "dead_end"
CIRCLE = "loop_without_wait"
UNSET = "variable_read_before_set"
NO_ERROR_BRANCH = "call_without_error_branch"
NOT_BEGUN = "scenario_never_begins"
MISSING = "missing_step"

END = ""  # where a way leads that completes the scenario


class Flaw(NamedTuple):
    """What looks wrong, and where; `code` is our stable word for it."""

    path: str
    code: str
    sentence: str


def warnings(graph: Graph) -> list[Flaw]:
    """Return what looks wrong in these scenarios, in their order."""
    known = _known_at_start(graph)
    begun = {jump.scenario for one in graph.scenarios.values() for jump in _jumps(one)}
    found: list[Flaw] = []
    for scenario in graph.scenarios.values():
        ways = {number: set(leads_to(scenario, step)) for number, step in scenario.steps.items()}
        found += _unreachable(scenario, graph, ways)
        found += _circles(scenario, ways)
        found += _calls_without_branch(scenario)
        found += _dead_ends(scenario)
        found += _missing(scenario)
        found += _unset(scenario, ways, known[scenario.id])
        triggers = scenario.triggers
        if not (triggers.on_start or triggers.keywords or triggers.commands or scenario.id in begun):
            found.append(
                Flaw(f"scenarios.{scenario.id}", NOT_BEGUN, "nothing begins this scenario but a call of the API")
            )
    return found


def leads_to(scenario: Scenario, step: Step) -> Iterator[str]:
    """Where the walk can go from this step within its scenario; `END` when it can be complete there."""
    content = step.content
    yield from (named for _, named in referred_to(content))
    after = scenario.after.get(step.id)
    if isinstance(content, steps.HandOff) or (isinstance(content, steps.Jump) and not content.back):
        return
    if isinstance(content, steps.Condition) and content.otherwise is not None:
        return
    if isinstance(content, steps.Wait) and content.on_timeout is not None and content.on_answer is not None:
        return
    yield after if after is not None else END


def _path(scenario: Scenario, step: str) -> str:
    return f"scenarios.{scenario.id}.steps.{list(scenario.steps).index(step)}"


def _jumps(scenario: Scenario) -> Iterator[steps.Jump]:
    return (step.content for step in scenario.steps.values() if isinstance(step.content, steps.Jump))


def _entries(scenario: Scenario, graph: Graph) -> set[str]:
    """The steps at which a walk can come into this scenario."""
    entries = {scenario.first} if scenario.first is not None else set()
    for other in graph.scenarios.values():
        for jump in _jumps(other):
            if jump.scenario == scenario.id and jump.step is not None:
                entries.add(jump.step)
    return {entry for entry in entries if entry in scenario.steps}


def _unreachable(scenario: Scenario, graph: Graph, ways: Mapping[str, set[str]]) -> Iterator[Flaw]:
    reached = _entries(scenario, graph)
    waiting = list(reached)
    while waiting:
        for following in ways[waiting.pop()]:
            if following in scenario.steps and following not in reached:
                reached.add(following)
                waiting.append(following)
    for number in scenario.steps:
        if number not in reached:
            yield Flaw(_path(scenario, number), UNREACHABLE, "no way leads to this step")


def _waits(step: Step) -> bool:
    """Whether time passes at this step, or somebody speaks: a circle through it turns only as fast as that."""
    return isinstance(step.content, steps.Question | steps.Wait)


def _circles(scenario: Scenario, ways: Mapping[str, set[str]]) -> Iterator[Flaw]:
    """One warning for each circle of steps none of which waits (the strongly connected parts, Tarjan 1972)."""
    quick = {number for number, step in scenario.steps.items() if not _waits(step)}
    for part in _connected({number: ways[number] & quick for number in quick}):
        if len(part) > 1 or part[0] in ways[part[0]]:
            first = min(part, key=list(scenario.steps).index)
            said = "the walk comes back to this step without waiting for anybody; it is ended after 100 steps"
            yield Flaw(_path(scenario, first), CIRCLE, said)


def _connected(ways: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """The strongly connected parts, found without recursion: a scenario may be a chain of thousands of steps."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in ways:
        if root in index:
            continue
        work = [(root, iter(sorted(ways[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            at, following = work[-1]
            for other in following:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(ways[other]))))
                    break
                if other in on_stack:
                    low[at] = min(low[at], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == index[at]:
                    part = []
                    while True:
                        part.append(stack.pop())
                        on_stack.discard(part[-1])
                        if part[-1] == at:
                            break
                    yield part


def _calls_without_branch(scenario: Scenario) -> Iterator[Flaw]:
    for number, step in scenario.steps.items():
        if isinstance(step.content, steps.ApiCall) and step.content.on_error is None:
            said = "when this call fails a person is called: there is no on_error"
            yield Flaw(_path(scenario, number), NO_ERROR_BRANCH, said)


def _missing(scenario: Scenario) -> Iterator[Flaw]:
    """Steps that are named and not there: they were, before somebody deleted them."""
    for number, step in scenario.steps.items():
        for field, named in referred_to(step.content):
            if named not in scenario.steps:
                sentence = f"there is no step {named} any more: a walk that comes to it ends"
                yield Flaw(f"{_path(scenario, number)}.content.{field}", MISSING, sentence)


def _dead_ends(scenario: Scenario) -> Iterator[Flaw]:
    """Conditions that complete the scenario in silence when nothing holds."""
    for number, step in scenario.steps.items():
        content = step.content
        if (
            isinstance(content, steps.Condition)
            and content.otherwise is None
            and content.default_response is None
            and scenario.after.get(number) is None
        ):
            yield Flaw(
                _path(scenario, number), DEAD_END, "when nothing holds the scenario ends here and says nothing"
            )


def sets(step: Step) -> set[str]:
    """The variables that this step sets."""
    content = step.content
    names = set(getattr(content, "variables", {})) | set(getattr(content, "save", {}))
    kept = getattr(content, "save_as", None)
    return names | ({kept} if kept is not None else set())


def reads(step: Step) -> set[str]:
    """The variables that this step reads, in texts and rules, before it sets any."""
    content = step.content
    names = set(templates.names_in(content.model_dump(mode="json", by_alias=True)))
    if isinstance(content, steps.Condition):
        for branch in content.branches:
            names |= set(_compared(branch.when))
    if isinstance(content, steps.Question | steps.Wait):
        names -= sets(step)  # what thanks for an answer comes after it
    return names


def _compared(rule: Rule) -> Iterator[str]:
    for part in (*(rule.every or ()), *(rule.some or ()), *((rule.never,) if rule.never else ())):
        yield from _compared(part)
    if rule.value is not None and rule.value.variable is not None and rule.op != "is_set":
        yield rule.value.variable


def _known_at_start(graph: Graph) -> dict[str, set[str] | None]:
    """What is set whenever a walk comes into each scenario from outside: nothing where a visitor can begin it.

    A scenario that others jump into may have been left anything by them, so nothing is said of it: None.
    """
    jumped = {jump.scenario for one in graph.scenarios.values() for jump in _jumps(one)}
    return {number: None if number in jumped else set() for number in graph.scenarios}


def _unset(scenario: Scenario, ways: Mapping[str, set[str]], known: set[str] | None) -> Iterator[Flaw]:
    """Variables that no way to a step has set: read there, they are always empty (a forward may-analysis)."""
    first = scenario.first
    if known is None or first is None or first not in scenario.steps:
        return
    may: dict[str, set[str]] = {first: set(known)}
    waiting = [first]
    while waiting:
        at = waiting.pop()
        step = scenario.steps[at]
        after = may[at] | sets(step)
        if isinstance(step.content, steps.Jump):
            after |= {_ANYTHING}  # the other scenario may set what it likes
        for following in ways[at]:
            if following in scenario.steps and not (following in may and after <= may[following]):
                may[following] = may.get(following, set()) | after
                waiting.append(following)
    for number, step in scenario.steps.items():
        if number in may and _ANYTHING not in may[number]:
            for name in sorted(reads(step) - may[number]):
                said = f"{{{name}}} is read here, and no way to this step sets it"
                yield Flaw(_path(scenario, number), UNSET, said)


_ANYTHING = "*"  # no name of a variable
