"""A contact's data in the admin: who may, by which way, how often."""

import io
import json
import zipfile

import held
import make
import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from besedka.conversations import often
from besedka.conversations.models import Act, Contact, Conversation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def address(contact_id: int, deed: str = "") -> str:
    return f"/admin/conversations/contact/{contact_id}/data/{deed}"


def staff(name: str, *permissions: str) -> Client:
    """Somebody who may see contacts, and has these permissions too."""
    user = make.operator(name)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_contact", *permissions]))
    client = Client()
    client.force_login(user)
    return client


def test_the_page_says_how_much_there_is_and_the_export_has_it(admin_client):
    conversation = held.contact()

    page = admin_client.get(address(conversation.contact_id), headers={"accept-language": "ru"}).content.decode()
    answer = admin_client.post(address(conversation.contact_id, "export/"))

    assert "Удалить навсегда" in page
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert json.loads(archive.read("contact.json"))["contact"]["name"] == held.SECRET
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="contact-{conversation.contact_id}.zip"'
    assert Act.objects.filter(act="exported", actor__username="admin").count() == 1


def test_erasing_wants_the_number_and_then_leaves_nothing(admin_client):
    conversation = held.contact()
    to = address(conversation.contact_id, "erase/")

    admin_client.post(to, {"number": "1234567"})
    assert Contact.objects.get(pk=conversation.contact_id).erased_at is None
    page = admin_client.post(to, {"number": str(conversation.contact_id)}, follow=True).content.decode()

    assert held.places(held.SECRET) == {}
    assert held.SECRET not in page
    log = admin_client.get(f"/admin/conversations/conversation/{conversation.pk}/change/").content.decode()
    assert "The data is erased." in log
    assert '<footer dir="auto">admin</footer>' in log
    assert "log-note" not in log  # nothing earlier is hidden: it is gone


def test_each_deed_has_its_own_permission():
    contact_id = held.contact().contact_id
    looks, exports, erases = staff("a"), staff("b", "export_contact"), staff("c", "erase_contact")
    mine = {"number": str(contact_id)}

    assert [one.get(address(contact_id)).status_code for one in (looks, exports, erases)] == [403, 200, 200]
    assert [one.post(address(contact_id, "export/")).status_code for one in (looks, exports, erases)] == [
        403,
        200,
        403,
    ]
    assert [one.post(address(contact_id, "erase/"), mine).status_code for one in (looks, exports)] == [403, 403]
    assert not Act.objects.filter(act="erased").exists()
    assert erases.post(address(contact_id, "erase/"), mine).status_code == 302
    assert Act.objects.filter(act="erased").count() == 1


def test_strangers_operators_and_programs_get_nothing(client):
    contact_id = held.contact().contact_id
    operator = Client()
    operator.force_login(make.operator("an-operator"))

    for deed in ("", "export/", "erase/"):
        for one in (client, operator):
            for call in (one.get, one.post):
                answer = call(address(contact_id, deed), {"number": contact_id, "uuid": "a-ticket"})
                assert answer.status_code == 302
                assert "/login/" in answer["Location"]
    assert not Act.objects.filter(act__in=["exported", "erased"]).exists()


def test_a_foreign_page_cannot_do_it_in_somebodys_name():
    contact_id = held.contact().contact_id
    user = make.administrator()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)

    assert browser.post(address(contact_id, "erase/"), {"number": contact_id}).status_code == 403
    assert browser.post(address(contact_id, "export/")).status_code == 403
    assert browser.get(address(contact_id, "export/")).status_code == 405
    assert browser.get(address(contact_id, "erase/")).status_code == 405
    assert not Act.objects.filter(act__in=["exported", "erased"]).exists()


@pytest.mark.parametrize("number", ["0", "987654", "99999999999999999999", "-1", "abc", "1%00", "9" * 400])
def test_numbers_of_nobody_are_not_found(admin_client, number):
    for deed in ("", "export/", "erase/"):
        call = admin_client.post if deed else admin_client.get
        assert call(address(number, deed), {"number": number} if deed else {}).status_code in (404, 302)
    assert not Act.objects.filter(act__in=["exported", "erased"]).exists()


def test_a_hundred_exports_are_not_granted(admin_client, monkeypatch):
    contact_id = make.conversation("queue").contact_id
    monkeypatch.setitem(often.AN_HOUR, "exported", 5)

    answers = [admin_client.post(address(contact_id, "export/")).status_code for _ in range(8)]
    page = admin_client.post(address(contact_id, "export/"), follow=True, headers={"accept-language": "en"})

    assert answers == [200] * 5 + [302] * 3
    assert "At most 5 in an hour" in page.content.decode()
    assert Act.objects.filter(act="exported").count() == 5


def test_contacts_and_conversations_are_not_plainly_deleted(admin_client):
    conversation = held.contact()
    chosen = {"action": "delete_selected", "_selected_action": conversation.pk, "post": "yes"}

    admin_client.post("/admin/conversations/conversation/", chosen)
    admin_client.post("/admin/conversations/contact/", {**chosen, "_selected_action": conversation.contact_id})
    answer = admin_client.post(f"/admin/conversations/contact/{conversation.contact_id}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert Conversation.objects.filter(pk=conversation.pk).exists()
    assert Contact.objects.filter(pk=conversation.contact_id).exists()
