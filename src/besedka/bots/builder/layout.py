"""Places for the steps of a scenario: each below what leads to it, with as few crossings as are easily had.

After K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures" (1981):
break circles, give layers, put stand-ins where an edge passes a layer, order by the mean place of neighbours.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

ROUNDS = 4  # of putting layers in order

Node = Hashable
Edge = tuple[Node, Node]


@dataclass
class Layout:
    """Layers from the top, each from the left. A pair (edge, layer) stands where an edge passes a layer."""

    layers: list[list[Node]] = field(default_factory=list)
    ways: dict[Edge, list[Node]] = field(default_factory=dict)  # what each forward edge passes, its ends included
    back: set[Edge] = field(default_factory=set)  # edges that lead up


def place(nodes: Sequence[Node], edges: Iterable[Edge]) -> Layout:
    """Return where the nodes stand; the first one at the top, others in their order where nothing else counts."""
    leads = _targets(nodes, edges)
    back = _back_edges(nodes, leads)
    forward = {node: [to for to in leads[node] if (node, to) not in back] for node in nodes}
    depth = _depths(nodes, forward)
    layout = Layout([[] for _ in range(max(depth.values(), default=-1) + 1)], back=back)
    for node in nodes:
        layout.layers[depth[node]].append(node)
    for node in nodes:
        for to in forward[node]:
            passed: list[Node] = [((node, to), layer) for layer in range(depth[node] + 1, depth[to])]
            for standin, layer in zip(passed, range(depth[node] + 1, depth[to]), strict=True):
                layout.layers[layer].append(standin)
            layout.ways[node, to] = [node, *passed, to]
    _put_in_order(layout)
    return layout


def _targets(nodes: Sequence[Node], edges: Iterable[Edge]) -> dict[Node, list[Node]]:
    known = set(nodes)
    leads: dict[Node, list[Node]] = {node: [] for node in nodes}
    for start, to in edges:
        if start in known and to in known and to not in leads[start]:
            leads[start].append(to)
    return leads


def _back_edges(nodes: Sequence[Node], leads: Mapping[Node, Sequence[Node]]) -> set[Edge]:
    """Edges to a node that the way to them has already passed; found without recursion."""
    back: set[Edge] = set()
    done: set[Node] = set()
    for root in nodes:
        if root in done:
            continue
        passed: set[Node] = {root}
        way = [(root, iter(leads[root]))]
        while way:
            node, waiting = way[-1]
            to = next(waiting, None)
            if to is None:
                way.pop()
                passed.discard(node)
                done.add(node)
            elif to in passed:
                back.add((node, to))
            elif to not in done:
                passed.add(to)
                way.append((to, iter(leads[to])))
    return back


def _depths(nodes: Sequence[Node], forward: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """How far each node stands below the top: one below the lowest of those that lead to it."""
    waits = dict.fromkeys(nodes, 0)
    for targets in forward.values():
        for to in targets:
            waits[to] += 1
    depth = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if waits[node] == 0]
    for node in ready:
        for to in forward[node]:
            depth[to] = max(depth[to], depth[node] + 1)
            waits[to] -= 1
            if waits[to] == 0:
                ready.append(to)
    return depth


def _put_in_order(layout: Layout) -> None:
    above: dict[Node, list[Node]] = {}
    below: dict[Node, list[Node]] = {}
    for way in layout.ways.values():
        for upper, lower in pairwise(way):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for number in range(ROUNDS):
        down = number % 2 == 0
        neighbours = above if down else below
        sequence = range(1, len(layout.layers)) if down else range(len(layout.layers) - 2, -1, -1)
        for index in sequence:
            beside = layout.layers[index - 1 if down else index + 1]
            at = {node: place for place, node in enumerate(beside)}
            own = {node: place for place, node in enumerate(layout.layers[index])}
            layout.layers[index].sort(key=lambda node: _mean(node, neighbours, at, own))


def _mean(
    node: Node, neighbours: Mapping[Node, Sequence[Node]], at: Mapping[Node, int], own: Mapping[Node, int]
) -> float:
    places = [at[one] for one in neighbours.get(node, ()) if one in at]
    return sum(places) / len(places) if places else float(own[node])
