"""A second factor: a code of now, once; or one of the list, once; and guessing is slow."""

import threading
from datetime import UTC, datetime, timedelta

import make
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.contrib.admin.models import LogEntry
from django.db import connection

from besedka.accounts import second_factor
from besedka.accounts.models import SecondFactor
from besedka.accounts.rates import TooManyTries
from besedka.accounts.second_factor import SecondFactorWrong

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def code_of(secret, at):
    """What the app shows at this moment."""
    return HOTP(second_factor._bytes(secret), 6, SHA1()).generate(int(at.timestamp()) // 30).decode()


@pytest.fixture
def anna():
    return make.operator("anna")


@pytest.fixture
def secret():
    return second_factor.new_secret()


@pytest.fixture
def recovery(anna, secret):
    return second_factor.switch_on(anna.pk, secret, code_of(secret, NOW), now=NOW)


def is_right(anna, code, now=LATER):
    try:
        second_factor.prove(anna.pk, code, now=now)
    except SecondFactorWrong:
        return False
    return True


def test_it_is_switched_on_by_a_code_of_the_app_only(anna, secret):
    for wrong in ("", "000000", code_of(secret, LATER), "١٢٣٤٥٦", "x" * 1_000, code_of(secret, NOW) + "0"):
        with pytest.raises(SecondFactorWrong):
            second_factor.switch_on(anna.pk, secret, wrong, now=NOW)
    assert not second_factor.is_on(anna.pk)

    codes = second_factor.switch_on(anna.pk, secret, code_of(secret, NOW), now=NOW)

    assert second_factor.is_on(anna.pk)
    assert len(set(codes)) == second_factor.left(anna.pk) == 10


def test_nobody_puts_another_app_in_the_place_of_the_first(anna, recovery):
    other = second_factor.new_secret()

    with pytest.raises(SecondFactorWrong):
        second_factor.switch_on(anna.pk, other, code_of(other, NOW), now=NOW)


def test_a_code_is_taken_once(anna, secret, recovery):
    assert not is_right(anna, code_of(secret, NOW), NOW)  # it switched the factor on
    assert is_right(anna, code_of(secret, LATER))
    assert not is_right(anna, code_of(secret, LATER))
    assert is_right(anna, code_of(secret, LATER + timedelta(seconds=30)))
    assert not is_right(anna, code_of(secret, LATER))  # nor one from before it


def test_a_clock_may_be_half_a_minute_wrong_and_no_more(anna, secret, recovery):
    assert not is_right(anna, code_of(secret, LATER - timedelta(seconds=60)))
    assert not is_right(anna, code_of(secret, LATER + timedelta(seconds=60)))
    assert is_right(anna, code_of(secret, LATER - timedelta(seconds=30)))
    assert is_right(anna, code_of(secret, LATER + timedelta(seconds=30)))


def test_a_code_is_read_as_people_type_it(anna, secret, recovery):
    code = code_of(secret, LATER)

    assert is_right(anna, f" {code[:3]} {code[3:]} ")
    assert is_right(anna, recovery[0].upper().replace("-", " "))


def test_each_code_of_the_list_is_taken_once(anna, recovery):
    assert is_right(anna, recovery[3])
    assert not is_right(anna, recovery[3])
    assert second_factor.left(anna.pk) == 9
    assert is_right(anna, recovery[4])


def test_a_new_list_ends_the_old_one(anna, recovery):
    renewed = second_factor.renew_list(anna.pk)

    assert not is_right(anna, recovery[0])
    assert is_right(anna, renewed[0])


def test_nothing_in_the_database_opens_the_account(anna, secret, recovery):
    kept = str(list(SecondFactor.objects.values()))

    assert secret not in kept
    assert not any(code.replace("-", "") in kept or code in kept for code in recovery)


def test_after_many_wrong_codes_a_right_one_waits_too(anna, secret, recovery):
    for _ in range(second_factor.MISSES):
        assert not is_right(anna, "000000x")

    with pytest.raises(TooManyTries) as refusal:
        second_factor.prove(anna.pk, code_of(secret, LATER), now=LATER)
    after = LATER + second_factor.PAUSE

    assert refusal.value.details["retry_after"] == 901
    assert is_right(anna, code_of(secret, after), after)
    assert SecondFactor.objects.get().misses == 0


def test_a_secret_that_was_sealed_with_a_lost_key_is_refused_and_told_to_us(
    anna, secret, recovery, settings, caplog
):
    settings.ENCRYPTION_KEYS = ["another key"]

    assert not is_right(anna, code_of(secret, LATER))
    assert "reset it" in caplog.text
    assert is_right(anna, recovery[0])


def test_who_has_none_needs_none(anna):
    second_factor.prove(anna.pk, "")

    assert second_factor.left(anna.pk) is None
    assert second_factor.renew_list(anna.pk) == []


def test_the_picture_is_one_that_our_policy_allows(secret):
    assert second_factor.picture("анна", secret).startswith("data:image/svg+xml")


@pytest.mark.django_db(transaction=True)
def test_of_several_who_show_a_code_at_once_one_gets_in(secret):
    anna = make.operator("anna")
    second_factor.switch_on(anna.pk, secret, code_of(secret, NOW), now=NOW)
    start = threading.Barrier(4)
    got: list[bool] = []

    def show() -> None:
        start.wait(timeout=30)
        try:
            got.append(is_right(anna, code_of(secret, LATER)))
        finally:
            connection.close()

    threads = [threading.Thread(target=show) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(got) == [False, False, False, True]


def test_an_administrator_resets_it_but_only_a_superuser_that_of_one(admin_client, client, anna, recovery):
    root = make.administrator("other", password="x")
    SecondFactor.objects.create(user=root, secret="x", created_at=NOW)
    reset = {"action": "reset_second_factors", "_selected_action": [anna.pk, root.pk]}
    helper = make.administrator("helper")
    helper.is_superuser = False
    helper.save()
    client.force_login(helper)

    assert client.post("/admin/accounts/user/", reset).status_code == 403
    assert SecondFactor.objects.count() == 2
    assert admin_client.post("/admin/accounts/user/", reset).status_code == 302

    assert SecondFactor.objects.count() == 0
    assert LogEntry.objects.count() == 2
