"""Pages in the admin of tables that grow for ever: neither counted to their end, nor leafed through to it."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST = 5_000  # rows of a list that can be reached by leafing; whoever looks for others searches or filters


class BoundedPages(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """The first `MOST` rows of a list, in pages. What the database passes over for one of them is bounded, too."""

    @cached_property
    def count(self) -> int:
        """How many there are, and `MOST` where there are more."""
        rows: Any = self.object_list  # the admin gives a query set
        return int(rows[:MOST].count())
