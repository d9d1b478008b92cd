"""How a worker takes a task that nobody has to be told the end of."""

from celery.worker.request import Request


class Unconfirmed(Request):  # type: ignore[misc]  # of Celery's, which has no types
    """A task that the broker has forgotten when it gives it out."""

    def acknowledge(self) -> None:
        """Say nothing: kombu would look over Redis for what it does not keep, in more time than a task takes."""
        self.acknowledged = True
