import make
import pytest

from besedka.conversations import deliveries
from besedka.conversations.deliveries import Outgoing, Parked
from besedka.conversations.models import Act, Delivery
from besedka.desk import hours, routing
from besedka.desk.models import Operator, Routing

pytestmark = pytest.mark.django_db
ADD = "/admin/desk/routing/add/"


@pytest.fixture
def admin(client):
    client.force_login(make.administrator())
    return client


def written(inbox, **fields):
    """A routing as it is filled in."""
    usual = {"inbox": inbox.pk, "everyone_s": 30, "supervisors_s": 90, "bot_s": 300, "time_zone": "Europe/Moscow"}
    return {**usual, **fields}


def test_hours_are_written_as_people_write_them(admin):
    inbox = make.inbox()
    answer = admin.post(
        ADD, written(inbox, mon="09:00-13:00, 14:00-18:00", other_days="2027-01-01:\n2027-01-02: 10:00-14:00")
    )

    made = Routing.objects.get()
    page = admin.get(f"/admin/desk/routing/{made.pk}/change/").content.decode()

    assert answer.status_code == 302
    assert made.week == {"mon": ["09:00-13:00", "14:00-18:00"]}
    assert made.exceptions == {"2027-01-01": [], "2027-01-02": ["10:00-14:00"]}
    assert routing.hours_of(made) != hours.Hours()
    assert "09:00-13:00, 14:00-18:00" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mon": "9-18"}, "9-18"),
        ({"other_days": "2026-02-31: 10:00-12:00"}, "2026-02-31"),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_with_what_is_wrong(admin, fields, said):
    answer = admin.post(ADD, written(make.inbox(), **fields))

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Routing.objects.exists()


def test_an_operator_is_enabled_in_the_list(admin):
    operator = Operator.objects.create(user=make.operator("anna"))
    form = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": operator.pk,
        "form-0-is_enabled": "on",
        "_save": "Save",
    }

    admin.post("/admin/desk/operator/", form)

    operator.refresh_from_db()
    assert operator.is_enabled


def test_what_could_not_be_sent_is_shown_and_sent_again(admin):
    [number] = deliveries.post_many([Outgoing("telegram", "5", {"kind": "say", "text": "x"})])
    deliveries.park_many([Parked(number, "chat not found")])

    page = admin.get("/admin/conversations/delivery/?state__exact=parked").content.decode()
    admin.post("/admin/conversations/delivery/", {"action": "send_again", "_selected_action": number})

    assert "chat not found" in page
    assert Delivery.objects.get().state == "waiting"


def test_acts_are_shown_and_nobody_changes_one(admin):
    conversation = make.conversation()
    make.close([conversation.pk])
    act = Act.objects.get()

    assert "closed" in admin.get("/admin/conversations/act/").content.decode()
    assert admin.post(f"/admin/conversations/act/{act.pk}/change/", {"act": "x"}).status_code == 403
    assert admin.post(f"/admin/conversations/act/{act.pk}/delete/", {"post": "yes"}).status_code == 403
    with pytest.raises(TypeError):
        act.save()
