"""Contract §2–3, bots and the talk with them: what programs rely on, over HTTP only."""

import json
import re
import threading
import uuid

import httpx2
import pytest
from authors import Author, chat, says

pytestmark = pytest.mark.xdist_group("site")

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture(scope="module")
def author(site):
    return Author(site)


@pytest.fixture
def session():
    return uuid.uuid4().hex


def test_a_bot_has_the_fields_that_clients_know(author):
    bot = author.get(f"/api/bots/{author.bot(name='Consultant')}/")

    assert list(bot) == [
        "id", "name", "description", "bot_type", "gpt_model", "creativity_level", "max_tokens", "system_prompt",
        "is_active", "created_by", "created_at", "updated_at", "scenarios",
    ]  # fmt: skip
    assert (bot["bot_type"], bot["creativity_level"], bot["max_tokens"], bot["is_active"]) == (
        "chat",
        0.7,
        1000,
        True,
    )
    assert re.fullmatch(TIME, bot["created_at"])


def test_the_list_is_narrowed(author):
    on, off = author.bot(bot_type="completion"), author.bot(is_active=False)

    ids = [bot["id"] for bot in author.get("/api/bots/?is_active=&bot_type=")]
    assert {on, off} <= set(ids)
    assert on in [bot["id"] for bot in author.get("/api/bots/?is_active=true&bot_type=completion")]
    assert off not in [bot["id"] for bot in author.get("/api/bots?is_active=true")]


def test_what_cannot_be_set_is_left_alone(author):
    bot = author.bot()
    before = author.get(f"/api/bots/{bot}/")
    harm = {"id": 1, "created_by": 99, "created_at": "2000-01-01T00:00:00Z", "is_staff": True, "owner": 5}

    after = author.patch(f"/api/bots/{bot}/", harm)

    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


def test_a_bot_answers_without_a_key_by_its_persona(site, author, session):
    prompt = "Ты консультант образовательного центра: курсы, обучение, расписание."
    bot = author.bot(system_prompt=prompt)

    reply = chat(site, bot, "Здравствуйте!", session)

    assert reply.status_code == 200
    assert list(reply.json()) == ["response", "execution_id", "tokens_used"]
    assert reply.json()["response"]
    assert reply.json()["tokens_used"] is None


def test_a_bot_without_a_key_answers_by_keywords_and_in_context_and_is_never_silent(site, author, session):
    bot = author.bot(system_prompt="Ты консультант магазина.")

    price = says(site, bot, "Сколько стоит ваш курс?", session)
    more = says(site, bot, "Для начинающих, по рисунку", session)
    last = says(site, bot, "И сразу на год", session)

    assert "цене" in price
    assert "Для начинающих, по рисунку" in more
    assert "оператор" in last
    assert "доставк" in says(site, bot, "А доставка есть?", session).lower()
    assert "человеку" in says(site, bot, "оператор", session)


def test_the_same_session_goes_on_with_the_same_execution_and_history(site, author, session):
    bot = author.bot()

    first = chat(site, bot, "Здравствуйте!", session).json()
    second = chat(site, bot, "Спасибо!", session).json()
    other = chat(site, bot, "Здравствуйте!", session + "-other").json()

    execution = author.get(f"/api/executions/{first['execution_id']}/")
    assert first["execution_id"] == second["execution_id"] != other["execution_id"]
    assert [one["content"] for one in execution["conversation_history"]] == [
        "Здравствуйте!", first["response"], "Спасибо!", second["response"]
    ]  # fmt: skip
    assert [one["role"] for one in execution["conversation_history"]] == ["user", "assistant"] * 2


def test_sessions_of_two_bots_do_not_meet(site, author, session):
    one, two = author.bot(), author.bot()

    assert (
        chat(site, one, "Здравствуйте!", session).json()["execution_id"]
        != (chat(site, two, "Здравствуйте!", session).json()["execution_id"])
    )


def test_a_wish_for_a_person_is_told(site, author, session):
    bot = author.bot()

    assert "человеку" in says(site, bot, "Позовите оператора", session)
    assert "человеку" in says(site, bot, "Есть кто?", session)


@pytest.mark.parametrize(
    "body",
    [
        {}, None, [], "x", {"message": "hi"}, {"user_session": "u"}, {"message": None, "user_session": "u"},
        {"message": "", "user_session": "u"}, {"message": "  ", "user_session": "u"},
        {"message": ["x"], "user_session": "u"}, {"message": "hi", "user_session": ""},
        {"message": "hi", "user_session": 5}, {"message": "hi", "user_session": "x" * 201},
        {"message": "a\0b", "user_session": "u"}, {"message": "hi", "user_session": "a\0b"},
        {"message": "x" * 4001, "user_session": "u"},
    ],
)  # fmt: skip
def test_a_wrong_message_is_refused(body, site, author):
    bot = author.bot()

    content = json.dumps(body)
    refused = httpx2.post(
        f"{site.url}/api/bots/{bot}/chat/", content=content, headers={"content-type": "application/json"}
    )

    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert author.get(f"/api/executions/?bot={bot}") == []


def test_what_is_no_bot_or_is_off_does_not_talk(site, author):
    off = author.bot(is_active=False)

    assert chat(site, 999_999, "hi").status_code == 404
    assert httpx2.post(f"{site.url}/api/bots/{'9' * 5000}/chat/", json={}).status_code == 404
    assert httpx2.post(f"{site.url}/api/bots/x/chat/", json={}).status_code == 404
    assert chat(site, off, "hi").json()["code"] == "bot_inactive"
    assert httpx2.get(f"{site.url}/api/bots/{off}/chat/").status_code == 405


def test_the_path_works_without_its_slash_and_nothing_is_redirected(site, author, session):
    bot = author.bot()

    reply = httpx2.post(
        f"{site.url}/api/bots/{bot}/chat",
        json={"message": "Привет", "user_session": session},
        follow_redirects=False,
    )

    assert reply.status_code == 200


def test_sent_twice_with_one_key_is_said_once(site, author, session):
    bot = author.bot()
    key = {"headers": {"Idempotency-Key": uuid.uuid4().hex}}

    first, second = (chat(site, bot, "Здравствуйте!", session, **key).json() for _ in range(2))
    other = chat(site, bot, "Другое", session, **key)

    assert first == second
    assert other.status_code == 422
    assert len(author.get(f"/api/executions/{first['execution_id']}/")["conversation_history"]) == 2


def test_fifty_at_once_in_one_session_are_one_execution_and_none_is_lost(site, author, session):
    bot = author.bot()
    replies = []

    def talk(number):
        replies.append(chat(site, bot, f"Вопрос {number}", session))

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {reply.status_code for reply in replies} == {200}
    [execution] = author.get(f"/api/executions/?bot={bot}")
    said = [one["content"] for one in execution["conversation_history"] if one["role"] == "user"]
    assert sorted(said) == sorted(f"Вопрос {number}" for number in range(50))


def test_an_answer_can_be_followed_as_a_stream(site, author, session):
    bot = author.bot()
    body = {"message": "Здравствуйте!", "user_session": session}
    headers = {"Accept": "text/event-stream"}

    with httpx2.stream("POST", f"{site.url}/api/bots/{bot}/chat/", json=body, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())

    *_, done = [part for part in text.split("\n\n") if part.startswith("event: ")]
    assert done.startswith("event: done\n")
    reply = json.loads(done.partition("data: ")[2])
    assert list(reply) == ["response", "execution_id", "tokens_used"]
    assert reply == chat_history(author, reply)


def chat_history(author, reply):
    """The reply again, as the log has it."""
    history = author.get(f"/api/executions/{reply['execution_id']}/")["conversation_history"]
    return {**reply, "response": history[-1]["content"]}


def test_the_pages_and_descriptions_are_there(site, author):
    browser = {"Accept": "text/html"}

    assert "<html" in httpx2.get(f"{site.url}/", headers=browser).text
    assert httpx2.get(f"{site.url}/health/").status_code == 200
    assert "/api/bots/" in httpx2.get(f"{site.url}/api/root/").json()["bots"]
    schema = httpx2.get(f"{site.url}/api/schema/?format=json").json()
    assert {"/api/bots/", "/api/bots/{bot_id}/chat/", "/api/executions/{id}/"} <= set(schema["paths"])
    for path in ("/swagger/", "/api/root/"):
        assert "<html" in httpx2.get(site.url + path, headers=browser, follow_redirects=True).text
    assert author.ask("GET", "/api/bots/", headers=browser).headers["content-type"].startswith("text/html")


def test_strangers_and_wrong_passwords_see_nothing(site):
    for path in ("/api/bots/", "/api/scenarios/", "/api/steps/", "/api/executions/"):
        assert httpx2.get(site.url + path).status_code == 401
        wrong = httpx2.get(site.url + path, auth=("admin", "wrong"))
        assert wrong.status_code == 401
        assert "wrong" not in wrong.text
