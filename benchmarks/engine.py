"""How many steps of scenarios one core walks in a second, without any input or output.

.venv/bin/python benchmarks/engine.py
"""

import time

from besedka.dialogue.engine import advance
from besedka.dialogue.events import Said, Started
from besedka.dialogue.graph import Graph, read
from besedka.dialogue.state import State

SECONDS = 3.0
ANSWERS = ("Anna", "20 000", "a dog", "yes")
_PET = {"value": {"variable": "pet"}, "op": "contains", "with": "dog"}
_STEPS = (
    ("message", {"message": "Hello! We find a friend for you."}),
    ("question", {"question": "Your name?", "save_as": "name", "response_template": "Nice, {user_input}!"}),
    ("set", {"variables": {"greeting": "Dear {name}", "tries": 0}}),
    ("question", {"question": "Budget?", "save_as": "budget", "validation_rules": {"type": "number", "min": 100}}),
    ("condition", {"conditions": {"no": 6, "20": 6}, "responses": {"20": "Good."}}),
    ("question", {"question": "Cat or dog?", "save_as": "pet"}),
    (
        "condition",
        {"branches": [{"if": {"all": [_PET, {"not": {"not": _PET}}]}, "then": 8, "say": "Woof"}], "else": 8},
    ),
    ("message", {"message": "{greeting}, for {budget} there is a {pet}."}),
    ("question", {"question": "Again?"}),
    ("message", {"message": "Bye, {name}."}),
)


def main() -> None:
    """Print steps in a second."""
    print(f"{measure(SECONDS):,.0f} steps/s")


def measure(seconds: float) -> float:
    """Walk one scenario again and again for about so long; the steps of a second."""
    graph = _graph()
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(50):
            outcome = advance(graph, State(), Started("1"))
            steps += len(outcome.way)
            for answer in ANSWERS:
                outcome = advance(graph, outcome.state, Said(answer))
                steps += len(outcome.way) - 1  # that a question was answered is no step of its own
    return steps / (time.perf_counter() - start)


def _graph() -> Graph:
    steps = [{"id": at, "kind": kind, "content": content} for at, (kind, content) in enumerate(_STEPS, 1)]
    return read({"scenarios": {"1": {"steps": steps}}})


if __name__ == "__main__":
    main()
