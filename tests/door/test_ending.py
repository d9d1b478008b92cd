"""Rights that are taken away in the admin reach open connections at once, long before anybody looks again."""

import contextlib
import time
import uuid

import httpx2
import pytest
from authors import Author
from console import PASSWORD, Colleague
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from besedka.door import desk_socket

pytestmark = pytest.mark.xdist_group("site")

AT_ONCE_S = 15  # much less than until somebody looks by themselves
MAKE = """
from django.test import Client
from besedka.accounts.models import User
from besedka.conversations.models import Inbox
from besedka.desk.models import Operator
for name in {names!r}:
    user = User.objects.create_user(name, password={password!r}, first_name=name)
    post = Operator.objects.create(user=user, is_enabled=True)
    print(user.pk, post.pk)
browser = Client()
browser.force_login(User.objects.get(username="admin"))
inbox = Inbox.objects.create(name="Elsewhere {suffix}")
print(inbox.pk, browser.cookies["sessionid"].value)
"""
# What an administrator changes on the account's page, and how the console ends.
CHANGES = {
    "disabled": ({"operator-0-is_enabled": None}, 4403),
    "switched_off": ({"is_active": None}, 4401),
    "no_author": ({"is_author": None}, 4401),
    "promoted": ({"operator-0-is_supervisor": "on"}, 1012),
    "moved": ({"operator-0-inboxes": "INBOX"}, 1012),
    "staff": ({"is_staff": "on"}, 4401),
    "password": (None, 4401),
    "renamed": ({"first_name": "other"}, 0),
}


class Administrator:
    """Somebody at the account's page in the admin."""

    def __init__(self, site, session):
        token = "c" * 32
        self.browser = httpx2.Client(
            base_url=site.url,
            cookies={"sessionid": session, "csrftoken": token},
            headers={"X-CSRFToken": token, "Referer": site.url},
            timeout=30,
        )

    def changes(self, colleague, post_id, change):
        """The form of this operator's account is saved with this change."""
        page = f"/admin/accounts/user/{colleague.user_id}/"
        if change is None:
            new = {"password1": "another long password", "password2": "another long password"}
            answer = self.browser.post(f"{page}password/", data={**new, "usable_password": "true"})
        else:
            form = {"username": colleague.name, "first_name": colleague.name, "is_active": "on", "is_author": "on"}
            form |= {"operator-TOTAL_FORMS": "1", "operator-INITIAL_FORMS": "1", "operator-0-id": str(post_id)}
            form |= {"operator-0-user": str(colleague.user_id), "operator-0-capacity": "5"}
            form |= {"operator-0-is_enabled": "on", **change}
            form = {name: value for name, value in form.items() if value is not None}
            answer = self.browser.post(f"{page}change/", data=form)
        assert answer.status_code == 302, answer.text[:2000]


@pytest.fixture(scope="module")
def office(site):
    """An operator for each change, an administrator, another inbox."""
    suffix = uuid.uuid4().hex[:6]
    names = [f"{change}-{suffix}" for change in CHANGES]
    said = site.shell(MAKE.format(names=names, password=PASSWORD, suffix=suffix)).split()
    ids = dict(zip(CHANGES, zip(said[:-2:2], said[1:-2:2], strict=True), strict=True))
    colleagues = {
        change: (Colleague(site, f"{change}-{suffix}", int(user_id)), post_id)
        for change, (user_id, post_id) in ids.items()
    }
    administrator = Administrator(site, said[-1])
    with administrator.browser:
        yield colleagues, administrator, said[-2]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_the_admin_ends_the_console_at_once(office, change):
    colleagues, administrator, inbox = office
    colleague, post_id = colleagues[change]
    fields, code = CHANGES[change]
    fields = fields and {name: inbox if value == "INBOX" else value for name, value in fields.items()}

    with colleague.sit_down() as desk, colleague.sit_down() as other:
        began = time.monotonic()
        administrator.changes(colleague, post_id, fields)
        if not code:
            desk.tells(type="ping")
            desk.hears("pong")
            return
        assert desk.is_shown_out(AT_ONCE_S) == other.is_shown_out(AT_ONCE_S) == code
        took_s = time.monotonic() - began

    assert took_s < AT_ONCE_S < desk_socket.RECHECK_S
    if code == 1012:
        with colleague.sit_down() as again:
            assert again.ready["me"]["is_supervisor"] == (change == "promoted")
            assert (change == "moved") == (len(again.ready["inboxes"]) <= 1)


def test_a_customer_who_is_switched_off_is_shown_out_of_their_room_at_once(office, site):
    colleagues, administrator, _ = office
    colleague, post_id = colleagues["renamed"]
    customer = Author(site, colleague.name, PASSWORD)
    room = customer.get("/api/v1/support_chat")["room_name"]
    ticket = customer.get("/api/ws_token/")["uuid"]
    with connect(f"{site.url.replace('http', 'ws')}/ws/chat/{room}/?uuid={ticket}", open_timeout=10) as socket:
        socket.send('{"message": "hello"}')
        socket.recv(timeout=10)

        administrator.changes(colleague, post_id, {"is_active": None})
        until = time.monotonic() + AT_ONCE_S
        while socket.close_code is None and time.monotonic() < until:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                socket.recv(timeout=1)

        assert socket.close_code == 4401
    assert customer.ask("GET", "/api/ws_token/").status_code == 401
