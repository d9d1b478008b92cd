import make
import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from besedka.ads.models import Ad
from besedka.bots.models import Execution
from besedka.conversations import bounded_pages
from besedka.conversations.bounded_pages import BoundedPages
from besedka.conversations.models import Act, Contact, Conversation, Delivery, Inbox, Turn
from besedka.telegram.models import Update

GROWING = (Act, Ad, Contact, Conversation, Delivery, Execution, Turn, Update)


@pytest.mark.parametrize("model", GROWING, ids=lambda model: model.__name__)
def test_the_admin_leafs_through_what_grows_in_bounded_pages(model):
    admin.autodiscover()

    shown = admin.site.get_model_admin(model)

    assert shown.paginator is BoundedPages
    assert not shown.show_full_result_count


def test_no_more_is_counted_or_passed_over_than_can_be_reached(db, monkeypatch):
    monkeypatch.setattr(bounded_pages, "MOST", 5)
    made = [make.inbox().pk for _ in range(8)]

    with CaptureQueriesContext(
        connection,
    ) as asked:
        pages = BoundedPages(Inbox.objects.order_by("-pk"), 2)
        shown = [inbox.pk for number in pages.page_range for inbox in pages.page(number)]

    assert shown == made[:2:-1]
    assert "LIMIT 5" in asked.captured_queries[0]["sql"]
