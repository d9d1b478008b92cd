"""Roles as permissions, and the end of what was given with rights that somebody has no more."""

import base64
import json

import make
import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from besedka.accounts import links, rights, roles, tickets
from besedka.accounts.links import Stranger
from besedka.accounts.models import User
from besedka.desk import duty
from besedka.desk.models import Operator

OWN = "/api/bots/"
PASSWORD = "a long password"
ROLES = (roles.AUTHOR, roles.OPERATE, roles.SUPERVISE, roles.MODERATE, roles.ADMINISTER)


@pytest.fixture
def anna(db):
    return User.objects.create_user("anna", password=PASSWORD)


def may(user):
    """The roles that this person has, as everybody asks for them."""
    fresh = User.objects.get(pk=user.pk)
    return {role.removeprefix("accounts.") for role in ROLES if fresh.has_perm(role)}


def post_of(user, **fields):
    return Operator.objects.create(user=user, **{"is_enabled": True, **fields})


def test_an_account_is_an_authors_and_one_that_telegram_made_a_contacts(anna):
    [linked] = links.telegram_user_many([Stranger(7, 7, "Boris")])

    assert may(anna) == {"author"}
    assert may(User.objects.get(pk=linked.user_id)) == set()


def test_a_post_at_the_desk_is_what_makes_an_operator(anna):
    post = post_of(anna)
    assert may(anna) == {"author", "operate"}
    post.is_supervisor = True
    post.save()
    assert may(anna) == {"author", "operate", "supervise"}
    post.is_enabled = False
    post.save()
    assert may(anna) == {"author"}


def test_staff_has_a_post_before_the_first_visit_and_moderates(anna):
    anna.is_staff = True
    anna.save()

    assert may(anna) == {"author", "operate", "moderate"}


def test_an_administrator_may_everything_and_nobody_who_is_switched_off_anything(anna):
    root = make.administrator()
    assert may(root) == {role.removeprefix("accounts.") for role in ROLES}
    for user in (root, anna):
        user.is_active = False
        user.save()
        assert may(user) == set()


def test_no_group_grants_a_role(anna):
    kind = Permission.objects.get(codename="change_user").content_type
    group = Group.objects.create(name="clever")
    for role in ROLES:
        codename = role.removeprefix("accounts.")
        group.permissions.add(Permission.objects.create(codename=codename, name=codename, content_type=kind))
    anna.groups.add(group)

    assert may(anna) == {"author"}


def test_asking_for_a_role_costs_no_query_where_the_account_says_it(anna, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert anna.has_perm(roles.AUTHOR)
        assert not anna.has_perm(roles.ADMINISTER)


def test_who_is_no_author_any_more_writes_no_bots_and_no_ads_at_once(anna):
    browser, ad, mine = Client(), make.ad(anna), make.bot(created_by=anna)
    User.objects.filter(pk=anna.pk).update(is_author=False)
    browser.force_login(User.objects.get(pk=anna.pk))

    def sends(method, path, body):
        return browser.generic(method, path, json.dumps(body), content_type="application/json").status_code

    assert browser.get(f"{OWN}{mine.pk}/").status_code == 200
    writes = [
        ("POST", OWN, {"name": "b"}),
        ("PATCH", f"{OWN}{mine.pk}/", {"name": "b"}),
        ("DELETE", f"{OWN}{mine.pk}/", {}),
        ("POST", "/api/scenarios/", {"name": "s", "bot": mine.pk}),
        ("POST", "/api/v1/ads/", make.AD),
        ("PATCH", f"/api/v1/ads/{ad.pk}/", {"price": 1}),
        ("PATCH", "/api/v1/execute", {"id": ad.pk, "price": 1}),
    ]
    assert [sends(*write) for write in writes] == [403] * len(writes)


def give_group(user):
    user.groups.add(Group.objects.create(name="keepers"))


def give_permission(user):
    user.user_permissions.add(Permission.objects.get(codename="view_bot"))


def make_staff(user):
    user.is_staff = True
    user.save()


def make_administrator(user):
    User.objects.filter(pk=user.pk).update(is_superuser=True)


def take_authorship(user):
    user.is_author = False
    user.save(update_fields=["is_author"])


def make_operator(user):
    post_of(user)


def change_password(user):
    user.set_password("another long password")
    user.save()


def switch_off_and_on(user):
    for is_active in (False, True):
        user.is_active = is_active
        user.save()


CHANGES = [give_group, give_permission, make_staff, make_administrator, take_authorship, make_operator]
CHANGES += [change_password, switch_off_and_on]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_rights_or_password_ends_sessions_tokens_and_tickets(anna, change):
    browser, program = Client(), Client()
    browser.force_login(anna)
    body = json.dumps({"username": "anna", "password": PASSWORD})
    pair = program.post("/api/token/", body, content_type="application/json").json()
    bearer = {"Authorization": f"Bearer {pair['access']}"}
    ticket = tickets.issue(anna.pk)
    assert browser.get(OWN).status_code == program.get(OWN, headers=bearer).status_code == 200

    change(User.objects.get(pk=anna.pk))
    renewal = json.dumps({"refresh": pair["refresh"]})

    assert browser.get(OWN).status_code == 401
    assert program.get(OWN, headers=bearer).status_code == 401
    assert program.post("/api/token/refresh/", renewal, content_type="application/json").status_code == 401
    if change is not make_administrator:  # which goes past our models: the ticket dies of its age
        assert isinstance(tickets.redeem_many([ticket])[0], tickets.TicketInvalid)


def test_what_a_group_may_ends_the_sessions_of_all_in_it(anna):
    group = Group.objects.create(name="keepers")
    anna.groups.add(group)
    permission = Permission.objects.get(codename="view_bot")

    def is_signed_out_by(change):
        browser = Client()
        browser.force_login(User.objects.get(pk=anna.pk))
        change()
        return browser.get(OWN).status_code == 401

    assert is_signed_out_by(lambda: group.permissions.add(permission))
    assert is_signed_out_by(lambda: permission.group_set.clear())
    assert is_signed_out_by(lambda: group.user_set.set([]))
    anna.groups.add(group)
    assert is_signed_out_by(group.delete)


def test_basic_forgets_who_was_known_when_their_rights_change(anna):
    pair = {"Authorization": "Basic " + base64.b64encode(f"anna:{PASSWORD}".encode()).decode()}
    assert Client().get(OWN, headers=pair).status_code == 200

    change_password(anna)

    assert Client().get(OWN, headers=pair).status_code == 401


def test_what_is_no_right_ends_nothing(anna, django_assert_num_queries):
    before = anna.fingerprint
    anna.first_name = "Anna"
    anna.save()
    post = post_of(make.operator("boris"))
    colleague = User.objects.get(username="boris")
    post.capacity = 3
    post.save()

    assert User.objects.get(pk=anna.pk).fingerprint == before
    assert User.objects.get(pk=colleague.pk).rights_version == colleague.rights_version
    with django_assert_num_queries(1):  # the sign-in is written, nothing is looked up for it
        anna.save(update_fields=["last_login"])


def test_the_first_visit_of_staff_to_the_desk_ends_nothing(anna):
    make_staff(anna)
    before = User.objects.get(pk=anna.pk).fingerprint

    assert duty.is_at_desk(anna.pk)

    assert User.objects.get(pk=anna.pk).fingerprint == before


def test_an_operator_whose_only_inbox_is_gone_serves_none_and_not_all(anna):
    inbox, other = make.inbox(), make.inbox()
    post = post_of(anna)
    post.inboxes.add(inbox)
    both = post_of(make.operator("boris"))
    both.inboxes.add(inbox, other)

    inbox.delete()

    assert not duty.is_at_desk(anna.pk)
    assert duty.of_user_many([both.user_id])[0].inbox_ids == (other.pk,)


def test_who_keeps_a_connection_is_told_after_the_commit(anna, django_capture_on_commit_callbacks):
    told = []

    def note(user_ids, **_):
        told.extend(user_ids)

    rights.changed.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            make_staff(anna)
            assert told == []
    finally:
        rights.changed.disconnect(note)

    assert told == [anna.pk]


def test_who_changes_their_own_password_or_roles_in_the_admin_stays_signed_in_there(db):
    root, browser, elsewhere = make.administrator(), Client(), Client()
    for client in (browser, elsewhere):
        client.force_login(root)
    page = f"/admin/accounts/user/{root.pk}/"

    chosen = {"password1": "a longer password 7", "password2": "a longer password 7", "usable_password": "true"}
    assert browser.post(f"{page}password/", chosen).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302

    form = browser.get(f"{page}change/").context["adminform"].form.initial
    roles_now = {"username": "root", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    management = {"operator-TOTAL_FORMS": 1, "operator-INITIAL_FORMS": 0, "operator-0-capacity": 5}
    assert form["is_author"]
    assert browser.post(f"{page}change/", {**roles_now, **management}).status_code == 302
    root.refresh_from_db()
    assert not root.is_author
    assert browser.get("/admin/").status_code == 200


def test_staff_that_keeps_accounts_gives_no_power_and_touches_nobody_above(db):
    keeper = make.operator("keeper")
    make_staff(keeper)
    for codename in ("view_user", "change_user", "delete_user", "change_group", "view_group", "add_group"):
        keeper.user_permissions.add(Permission.objects.get(codename=codename))
    root, boris = make.administrator(), make.operator("boris")
    browser = Client()
    browser.force_login(keeper)

    def page(user):
        return f"/admin/accounts/user/{user.pk}/"

    power = {"is_superuser": "on", "is_staff": "on", "groups": []}
    post = {"username": "boris", "is_active": "on", **power}
    assert browser.post(f"{page(boris)}change/", post).status_code == 302
    boris.refresh_from_db()
    assert (boris.is_superuser, boris.is_staff, boris.is_author) == (False, False, False)
    chosen = {"password1": "a longer password 7", "password2": "a longer password 7", "usable_password": "true"}
    assert browser.post(f"{page(root)}password/", chosen).status_code == 403
    assert browser.post(f"{page(root)}change/", {"username": "root"}).status_code == 403
    assert browser.post(f"{page(root)}delete/", {"post": "yes"}).status_code == 403
    assert browser.get("/admin/auth/group/add/").status_code == 403
    delete_all = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    browser.post("/admin/accounts/user/", delete_all)
    assert User.objects.filter(pk=root.pk).exists()
