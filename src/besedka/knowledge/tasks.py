"""An import as a task: its id and nothing else.

The task is a signal that may be lost, doubled or late: the import is claimed in the database. It ends at once: no
broker waits for a long import, or takes its worker for dead and gives it to a second one.
"""

from celery import shared_task

from besedka.knowledge import workshop


@shared_task(name="besedka.knowledge.import_source")  # type: ignore[untyped-decorator]
def import_source(import_id: int) -> None:
    """This process begins what waits to be imported, as far as it has room."""
    workshop.begin(import_id)
