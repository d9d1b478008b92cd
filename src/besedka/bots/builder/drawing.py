"""A scenario as a picture: SVG that needs no script, its colours from the page's style sheet."""

import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from django.utils.translation import gettext

from besedka.bots.builder import layout
from besedka.bots.builder.layout import Layout, Node
from besedka.dialogue import graph as graphs
from besedka.dialogue import linter, steps
from besedka.dialogue.graph import Scenario, Step

WIDTH, HEIGHT = 230, 74  # of a step, in pixels as all here
ACROSS, DOWN = 40, 56  # between steps
STANDIN = 24  # width of an edge that passes a layer
MARGIN = 24
LINE = 30  # characters of a line in a step
MOST = 300  # steps of a picture; beyond, nobody could read it

END = "end"
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z"/></marker></defs>'
)


class Edge(NamedTuple):
    """Where a step leads, and when."""

    start: str
    to: str
    label: str


def draw(scenario: Scenario, *, link: str = "", passed: Mapping[str, int] | None = None, here: str = "") -> str:
    """The scenario as SVG. `link` is a step's address with `{}` for its id; `passed` how often each was passed."""
    if len(scenario.steps) > MOST:
        return ""
    edges = list(_edges(scenario))
    nodes: list[Node] = [*_in_order(scenario), *([END] if any(edge.to == END for edge in edges) else [])]
    placed = layout.place(nodes, [(edge.start, edge.to) for edge in edges])
    centres, width, height = _centres(placed)
    lines = [
        *(_edge(edge, placed, centres, width) for edge in edges),
        *(
            _step(scenario.steps[str(node)], centres[node], link, (passed or {}).get(str(node), 0), node == here)
            for node in nodes
            if node != END
        ),
    ]
    if END in centres:
        x, y = centres[END]
        lines.append(f'<circle class="end" cx="{x:.0f}" cy="{y:.0f}" r="11"/>')
    backs = len(placed.back)
    whole = width + (40 + 14 * backs if backs else 0)
    size = f'viewBox="0 0 {whole:.0f} {height:.0f}" width="{whole:.0f}" style="--wide:{whole:.0f}px"'
    named = f'role="group" aria-label="{escape(gettext("Scenario"))}"'  # no picture to who listens: it has links
    return f'<svg class="scenario" {named} {size} xmlns="http://www.w3.org/2000/svg">{_TIP}{"".join(lines)}</svg>'


def summary(content: steps.Content) -> str:
    """What a step does, in a line."""
    match content:
        case steps.Message():
            return content.message
        case steps.Question():
            return content.question
        case steps.Condition():
            return ", ".join(content.conditions) or f"{len(content.branches)} × if"
        case steps.ApiCall():
            return f"{content.method} {content.url}"
        case steps.Answer():
            return content.prompt or "…"
        case steps.HandOff():
            return content.message or content.reason or "…"
        case steps.Set():
            return ", ".join(f"{name} = {value}" for name, value in content.variables.items())
        case steps.Jump():
            return f"→ {content.scenario}"
        case steps.Wait():
            return f"{content.seconds} s"


def _in_order(scenario: Scenario) -> list[str]:
    first = scenario.first
    return sorted(scenario.steps, key=lambda step: step != first)


def _edges(scenario: Scenario) -> Iterator[Edge]:
    for step in scenario.steps.values():
        named: dict[str, str] = {}
        for path, to in graphs.referred_to(step.content):
            named.setdefault(to, _label(path))
        ways = [one for one in linter.leads_to(scenario, step) if one == linter.END or one in scenario.steps]
        for to in dict.fromkeys(ways):
            yield Edge(step.id, to or END, named.get(to, ""))


def _label(path: str) -> str:
    """When this branch is taken, in a few characters that need no language."""
    field, _, rest = path.partition(".")
    if field == "conditions":
        return rest[:18]
    if field == "branches":
        return f"if {int(rest.partition('.')[0]) + 1}"
    return {"else": "∅", "on_error": "⚠", "on_unknown": "?", "on_timeout": "⏱", "on_exhausted": "✕"}.get(field, "")


def _centres(placed: Layout) -> tuple[dict[Node, tuple[float, float]], float, float]:
    widths = [sum(_wide(node) for node in layer) + ACROSS * (len(layer) - 1) for layer in placed.layers]
    width = max(widths, default=0) + 2 * MARGIN
    centres = {}
    for index, layer in enumerate(placed.layers):
        x = (width - widths[index]) / 2
        y = MARGIN + index * (HEIGHT + DOWN) + HEIGHT / 2
        for node in layer:
            centres[node] = (x + _wide(node) / 2, y)
            x += _wide(node) + ACROSS
    return centres, width, len(placed.layers) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN


def _wide(node: Node) -> int:
    return WIDTH if isinstance(node, str) else STANDIN


def _step(step: Step, centre: tuple[float, float], link: str, passed: int, here: bool) -> str:
    x, y = centre[0] - WIDTH / 2, centre[1] - HEIGHT / 2
    text = textwrap.wrap(summary(step.content), LINE, max_lines=2, placeholder="…")
    rows = "".join(
        f'<text class="said" x="{x + 14:.0f}" y="{y + 42 + 16 * at:.0f}">{escape(line)}</text>'
        for at, line in enumerate(text)
    )
    title = escape(textwrap.shorten(step.name or step.kind, LINE - 4, placeholder="…"))
    tip = escape(f"{step.name}: {summary(step.content)[:300]}")
    marks = f'<text class="times" x="{x + WIDTH - 12:.0f}" y="{y + 20:.0f}">×{passed}</text>' if passed else ""
    classes = " ".join(["step", f"kind-{step.kind}", *(["passed"] if passed else []), *(["here"] if here else [])])
    drawn = (
        f'<g class="{classes}" data-step="{escape(step.id)}"><title>{tip}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="10"/>'
        f'<text class="name" x="{x + 14:.0f}" y="{y + 22:.0f}">{title}</text>{rows}{marks}</g>'
    )
    return f'<a href="{escape(link.format(step.id))}">{drawn}</a>' if link else drawn


def _edge(edge: Edge, placed: Layout, centres: Mapping[Node, tuple[float, float]], width: float) -> str:
    if (edge.start, edge.to) in placed.back:
        number = sorted(placed.back, key=str).index((edge.start, edge.to))
        path, label = _way_back(centres[edge.start], centres[edge.to], width + 14 * number)
    else:
        path, label = _way_down([centres[node] for node in placed.ways[edge.start, edge.to]], edge.to == END)
    text = (
        f'<text class="when" x="{label[0]:.0f}" y="{label[1]:.0f}">{escape(edge.label)}</text>'
        if edge.label
        else ""
    )
    return f'<path class="way" d="{path}" marker-end="url(#tip)"/>{text}'


def _way_down(points: list[tuple[float, float]], to_end: bool) -> tuple[str, tuple[float, float]]:
    (x, y), *between, (to_x, to_y) = points
    y, to_y = y + HEIGHT / 2, to_y - (13 if to_end else HEIGHT / 2)
    path = f"M{x:.0f} {y:.0f}"
    for through_x, through_y in between:
        bend = (through_y - HEIGHT / 2 - y) / 2
        path += f"C{x:.0f} {y + bend:.0f} {through_x:.0f} {through_y - HEIGHT / 2 - bend:.0f} "
        path += f"{through_x:.0f} {through_y - HEIGHT / 2:.0f}V{through_y + HEIGHT / 2:.0f}"
        x, y = through_x, through_y + HEIGHT / 2
    bend = (to_y - y) / 2
    path += f"C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}"
    first_x, first_y = between[0] if between else (to_x, to_y)
    start_x, start_y = points[0][0], points[0][1] + HEIGHT / 2
    return path, (start_x + (first_x - start_x) * 0.3 + 5, start_y + DOWN * 0.38 + 0 * first_y)


def _way_back(start: tuple[float, float], to: tuple[float, float], at: float) -> tuple[str, tuple[float, float]]:
    x, y = start[0] + WIDTH / 2, start[1]
    to_x, to_y = to[0] + WIDTH / 2, to[1]
    path = f"M{x:.0f} {y:.0f}C{at + 20:.0f} {y:.0f} {at + 20:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    return path, (x + 6, y - 6)
