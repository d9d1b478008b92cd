"""Turns as a task: the ids of conversations and nothing else.

The task is a signal that may be lost, doubled or late: the turn is claimed in the database, and who comes second
finds nothing to do. So it ends when the worker's loop has been told, and no thread waits while a model thinks.
"""

from collections.abc import Sequence

from celery import shared_task

from besedka.turns.embedded import Runner

_runners: list[Runner] = []  # this worker's, while it serves


def serve_with(runner: Runner | None) -> None:
    """Turns of this process are run by this one from now on; None: by nobody."""
    _runners[:] = [runner] if runner is not None else []


@shared_task(name="besedka.turns.run_turns", Request="besedka.turns.unconfirmed:Unconfirmed")  # type: ignore[untyped-decorator]
def run_turns(conversation_ids: Sequence[int]) -> None:
    """Begin the turns of these, where one is due that nobody runs; a sweep has what finds no runner here."""
    for runner in _runners:
        runner.rouse(conversation_ids)
