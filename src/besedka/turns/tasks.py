"""The turn as a task: a conversation's id and nothing else.

The task is a signal that may be lost, doubled or late: the turn is claimed in the database, and who comes second
finds nothing to do. It lasts as long as the turn, so a worker is given no more than it can think about.
"""

from celery import shared_task

from besedka.turns.embedded import Runner

_runners: list[Runner] = []  # this worker's, while it serves


def serve_with(runner: Runner | None) -> None:
    """Turns of this process are run by this one from now on; None: by nobody."""
    _runners[:] = [runner] if runner is not None else []


@shared_task(name="besedka.turns.run_turn")  # type: ignore[untyped-decorator]
def run_turn(conversation_id: int) -> None:
    """Run this conversation's turn, if one is due that nobody runs; the sweep has what finds no runner here."""
    for runner in _runners:
        runner.see_to(conversation_id)
