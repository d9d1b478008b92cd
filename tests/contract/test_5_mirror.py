"""Contract §5: a token, messages of people with an account, and their copies in Telegram; over HTTP only."""

import re
import uuid

import httpx2
import pytest
import running
import telegram_server
from authors import Author
from telegram_server import wait_until

pytestmark = pytest.mark.xdist_group("mirror")

PASSWORD = "a long password"
SOON_S = 40  # Telegram takes a message a second, and a server that has just started takes its time
PEOPLE = 16
MAKE = """
from django.contrib.auth.hashers import make_password
from besedka.accounts.models import User
password = make_password("a long password")
User.objects.bulk_create(User(username=name, first_name="Вера", password=password) for name in {names})
"""


@pytest.fixture(scope="module")
def telegram():
    with telegram_server.running() as telegram:
        yield telegram


@pytest.fixture(scope="module")
def site(tmp_path_factory, telegram):
    given = {"TELEGRAM_BOT_TOKEN": telegram_server.TOKEN, "TELEGRAM_API_BASE": telegram.url}
    with running.server(tmp_path_factory.mktemp("mirror") / "home", **given) as site:
        yield site


@pytest.fixture(scope="module")
def people(site):
    """People with an account, whom nobody has met."""
    names = [f"user-{uuid.uuid4().hex[:8]}" for _ in range(PEOPLE)]
    site.shell(MAKE.format(names=names))
    return iter([Author(site, name, PASSWORD) for name in names])


@pytest.fixture(scope="module")
def anna(people):
    return next(people)


@pytest.fixture(scope="module")
def boris(people):
    return next(people)


@pytest.fixture
def fresh(people):
    return next(people)


def answers(person, *written):
    """What the bot answers to each of these texts."""
    found = []
    for text in written:
        before = len(person.ever)
        person.writes(text)
        wait_until(lambda: len(person.ever) > before, within_s=SOON_S)  # noqa: B023 - it is waited for here
        found.append(person.ever[before].text)
    return found


def attached(telegram, who, name="Анна"):
    """A phone on which this account's token is attached."""
    phone = telegram.person(name)
    [token] = who.get("/token/") or [who.post("/token/", {})]
    assert answers(phone, token["token"]) == [f"Successfully attached token '{token['token']}'"]
    return phone


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_token_is_made_once_and_listed(fresh, slash):
    before = fresh.get(f"/token{slash}")
    made = fresh.post(f"/token{slash}", {})
    again = fresh.ask("POST", f"/token{slash}", json={})

    assert before == []
    assert uuid.UUID(made["token"]).version == 4
    assert fresh.get(f"/token{slash}") == [made]
    assert (again.status_code, again.json()["code"]) == (400, "token_exists")
    assert made["token"] not in again.text


def test_a_token_that_is_given_up_makes_room_for_another_one_and_brings_nothing_more(telegram, fresh):
    phone = attached(telegram, fresh)
    [old] = fresh.get("/token/")

    fresh.delete("/token/")
    made = fresh.post("/token/", {})
    fresh.post("/message/", {"message": "seen by nobody"})

    assert made != old
    assert answers(phone, old["token"]) == ["No such token"]
    assert answers(phone, made["token"]) == [f"Successfully attached token '{made['token']}'"]
    assert not any("seen by nobody" in text for text in phone.texts)


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_is_posted_is_kept_and_is_one_s_own(anna, boris, slash):
    posted = [
        anna.post(f"/message{slash}", {"message": text}) for text in ("первое", "  второе <b>&amp;</b> 😀\n")
    ]
    other = boris.post(f"/message{slash}", {"message": "third"})

    mine = anna.get(f"/message{slash}")
    assert mine[-2:] == posted
    assert [one["message"] for one in posted] == ["первое", "  второе <b>&amp;</b> 😀\n"]
    assert set(other) == {"id", "message", "created"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", other["created"])
    assert anna.get(f"/message/{posted[0]['id']}{slash}") == posted[0]
    assert other["id"] not in [one["id"] for one in mine]
    missing = anna.ask("GET", f"/message/{10**17}{slash}").json()
    foreign = anna.ask("GET", f"/message/{other['id']}{slash}")
    assert foreign.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**missing, "request_id": ""}


def test_every_way_of_signing_in_will_do(site, anna):
    pair = httpx2.post(
        f"{site.url}/api/token/", json={"username": anna.auth[0], "password": PASSWORD}, timeout=30
    ).json()
    bearer = {"Authorization": f"Bearer {pair['access']}"}
    with httpx2.Client(base_url=site.url, timeout=30) as browser:
        form = browser.get("/auth/login/").text
        csrf = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        who = {"username": anna.auth[0], "password": PASSWORD, "csrfmiddlewaretoken": csrf}
        browser.post("/auth/login/", data=who, headers={"Referer": site.url})

        by_token = httpx2.post(f"{site.url}/message/", json={"message": "by token"}, headers=bearer, timeout=30)
        forged = browser.post("/message/", json={"message": "from another page"})
        header = {"X-CSRFToken": browser.cookies["csrftoken"]}
        by_session = browser.post("/message/", json={"message": "by session"}, headers=header)
        seen = browser.get("/message/").json()

    assert (by_token.status_code, by_session.status_code, forged.status_code) == (201, 201, 403)
    assert seen[-2:] == [by_token.json(), by_session.json()]


def test_who_is_not_signed_in_gets_nothing(site, anna):
    mine = anna.post("/message/", {"message": "mine"})["id"]
    wrong = {"Authorization": "Bearer x"}

    asked = [
        ("GET", "/token/", {}, 401),
        ("POST", "/token/", {}, 401),
        ("DELETE", "/token/", {}, 401),
        ("POST", "/message/", {}, 401),
        ("GET", f"/message/{mine}/", {}, 401),
        ("POST", "/message/", wrong, 401),
        ("GET", "/message/", wrong, 401),
        ("GET", "/message/", {}, 400),
        ("GET", "/message/", {"Cookie": "sessionid=of-nobody"}, 400),
    ]
    for method, path, headers, status in asked:
        answer = httpx2.request(method, site.url + path, json={"message": "x"}, headers=headers, timeout=30)
        assert (method, path, answer.status_code) == (method, path, status)
        assert answer.headers["content-type"].startswith("application/problem+json")
        if status == 400:
            assert answer.json()["message"] == "Токен не был передан в заголовках"


def test_who_shows_a_chat_token_is_a_visitor_though_signed_in(anna):
    anna.post("/message/", {"message": "of the account"})

    seen = anna.get("/message/", headers={"chat-token": f"visitor-{uuid.uuid4().hex}"})

    assert seen == {"messages": []}


NO_MESSAGES = [b"{}", b"null", b"[]", b'"x"', b'{"message": null}', b'{"message": true}', b'{"message": 5}']
NO_MESSAGES += [b'{"message": {}}', b'{"message": []}', b'{"message": ""}', b'{"message": " \\n "}', b""]
NO_MESSAGES += [b'{"message": "a\\u0000b"}', b'{"message": "\\ud800"}', b'{"message": "%s"}' % (b"x" * 4001)]


def test_what_is_no_message_is_refused_by_name_and_nothing_is_kept(anna):
    before = anna.get("/message/")

    for body in NO_MESSAGES:
        answer = anna.ask("POST", "/message/", content=body, headers={"Content-Type": "application/json"})
        assert (body[:30], answer.status_code) == (body[:30], 400)
        assert "message" in answer.text
    for body in (b'{"message": NaN}', b"\xff\xfe", b"{"):
        answer = anna.ask("POST", "/message/", content=body, headers={"Content-Type": "application/json"})
        assert (body, answer.status_code) == (body, 400)
        assert "The body is not" in answer.text

    assert anna.get("/message/") == before


def test_other_odd_requests_are_refused_as_problems(anna):
    asked = [
        ("GET", "/message/0/", 404),
        ("GET", "/message/abc/", 404),
        ("GET", f"/message/{'9' * 30}/", 404),
        ("GET", f"/message/{2**63}/", 404),
        ("GET", "/message/?before=x", 400),
        ("GET", "/message/?before=0", 400),
        ("GET", f"/message/?before={'9' * 5000}", 400),
        ("GET", "/message/?before=%00", 400),
        ("PUT", "/message/", 405),
        ("DELETE", "/message/", 405),
        ("PATCH", "/token/", 405),
    ]
    for method, path, status in asked:
        answer = anna.ask(method, path, json={"message": "x"} if method != "GET" else None)
        assert (method, path[:30], answer.status_code) == (method, path[:30], status)
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_same_key_again_stores_nothing_and_another_text_under_it_is_refused(telegram, fresh):
    phone = attached(telegram, fresh)
    key = {"Idempotency-Key": uuid.uuid4().hex}

    first, again = (fresh.ask("POST", "/message/", json={"message": "once"}, headers=key) for _ in range(2))
    other = fresh.ask("POST", "/message/", json={"message": "another"}, headers=key)
    odd = fresh.ask("POST", "/message/", json={"message": "odd"}, headers={"Idempotency-Key": "x" * 256})
    fresh.post("/message/", {"message": "last"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"], odd.status_code) == (422, "idempotency_key_reused", 400)
    wait_until(lambda: any(text.endswith(": last") for text in phone.texts), within_s=SOON_S)
    assert sum(": once" in text for text in phone.texts) == 1


def test_in_telegram_the_token_is_asked_for_attached_and_then_known(telegram, fresh, boris):
    phone = telegram.person("Кто-то")
    token = fresh.post("/token/", {})["token"]
    [other] = boris.get("/token/") or [boris.post("/token/", {})]

    [hello] = answers(phone, "/start")
    others = [telegram.person(f"Ещё {number}") for number in range(5)]
    for other_phone, text in zip(
        others, ("hello", token[:-1], str(uuid.uuid1()), f"{{{token}}}", str(uuid.uuid4())), strict=True
    ):
        other_phone.writes(text)
    wait_until(lambda: all(one.texts for one in others), within_s=SOON_S)
    wrong = [one.texts[0] for one in others]
    done = answers(phone, token)
    again = answers(phone, token.upper(), other["token"])
    [known] = answers(phone, "/start")

    assert "токен" in hello
    assert wrong == ["Invalid token format"] * 4 + ["No such token"]
    assert done == [f"Successfully attached token '{token}'"]
    assert again == [f"You've already attached token '{token}'"] * 2
    assert "привязан" in known
    assert token not in known


def test_a_token_that_is_attached_is_nobody_else_s(telegram, fresh):
    phone = attached(telegram, fresh)
    [token] = fresh.get("/token/")
    stranger = telegram.person("Чужой")

    told = answers(stranger, token["token"], "/start")
    fresh.post("/message/", {"message": "for me alone"})
    wait_until(lambda: any("for me alone" in text for text in phone.texts), within_s=SOON_S)

    assert told[0] == "Token already in use"
    assert "пришлите" in told[1]
    assert not any("for me alone" in text for text in stranger.texts)


def test_two_at_once_with_one_token_are_one(telegram, fresh):
    token = fresh.post("/token/", {})["token"]
    phones = [telegram.person(f"Кто-то {number}") for number in range(4)]

    for phone in phones:
        phone.writes(token)
    wait_until(lambda: all(phone.texts for phone in phones), within_s=SOON_S)

    told = sorted(phone.texts[0] for phone in phones)
    assert told == [f"Successfully attached token '{token}'"] + ["Token already in use"] * 3


def test_every_message_comes_once_in_order_in_the_contract_s_words(telegram, fresh):
    phone = attached(telegram, fresh)
    texts = ["Привет", "{message} {0} %s", "<b>жирно</b> *и* [так](http://x.example)", "  края \n"]

    for text in texts:
        fresh.post("/message/", {"message": text})
    wait_until(lambda: len(phone.texts) > len(texts), within_s=SOON_S)

    copies = phone.sees[1:]
    assert [copy.text.strip() for copy in copies] == [
        f"Вера, я получил от тебя сообщение: {text}".strip() for text in texts
    ]
    assert not any(copy.entities for copy in copies)


def test_stop_ends_it_and_the_token_can_be_attached_elsewhere(telegram, fresh):
    phone, other = attached(telegram, fresh), telegram.person("Другой")
    [token] = fresh.get("/token/")

    ended = answers(phone, "/stop")
    fresh.post("/message/", {"message": "while nobody listens"})
    done = answers(other, token["token"])
    fresh.post("/message/", {"message": "again"})
    wait_until(lambda: any(text.endswith(": again") for text in other.texts), within_s=SOON_S)

    assert "Отвязано" in ended[0]
    assert done == [f"Successfully attached token '{token['token']}'"]
    assert not any("listens" in text or "again" in text for text in [*phone.texts, *other.texts[:-1]])
    assert answers(phone, "/stop") == ["Здесь ничего не привязано."]


def test_the_token_of_an_account_that_is_switched_off_is_none(site, telegram, fresh):
    token = fresh.post("/token/", {})["token"]
    site.shell(
        "from besedka.accounts.models import User\n"
        f"User.objects.filter(username={fresh.auth[0]!r}).update(is_active=False)"
    )

    assert answers(telegram.person("Кто-то"), token) == ["No such token"]
    assert fresh.ask("POST", "/message/", json={"message": "x"}).status_code == 401


def test_no_token_stands_in_the_log_or_in_the_outbox(site, telegram, fresh):
    attached(telegram, fresh)
    [token] = fresh.get("/token/")

    kept = site.select("SELECT body FROM conversations_delivery")

    assert token["token"] not in site.log.read_text(errors="replace")
    assert not any(token["token"] in str(body) for body in kept)
