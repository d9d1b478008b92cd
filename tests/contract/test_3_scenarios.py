"""Contract §2–3, scenarios, steps and executions: the tables' examples, over HTTP only."""

import json
import uuid

import httpx2
import pytest
import running
import target
from authors import Author, chat, says

pytestmark = pytest.mark.xdist_group("scenarios")


@pytest.fixture(scope="module")
def world():
    """A server somewhere in the world."""
    with target.running() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory, world):
    home = tmp_path_factory.mktemp("scenarios") / "home"
    with running.server(home, BESEDKA_OUTBOUND_ALLOW=f"127.0.0.1:{world.server_port}") as site:
        yield site


@pytest.fixture
def author(site):
    return Author(site)


@pytest.fixture
def session():
    return uuid.uuid4().hex


def test_a_message_a_question_and_what_comes_after(site, author, session):
    bot = author.bot()
    rules = {"min_length": 5, "max_length": 500}
    question = {
        "question": "Чем вы занимаетесь?",
        "response_template": "Спасибо! «{user_input}» — это интересно.",
        "validation_rules": rules,
    }
    author.scenario(
        bot,
        ("message", {"message": "Добро пожаловать!"}),
        ("question", question),
        ("message", {"message": "Всё."}),
    )

    assert says(site, bot, "Привет", session) == "Добро пожаловать!\n\nЧем вы занимаетесь?"
    assert "5" in says(site, bot, "Сад", session)
    answered = chat(site, bot, "Пишу {user_input} книги", session).json()

    assert answered["response"] == "Спасибо! «Пишу {user_input} книги» — это интересно.\n\nВсё."
    execution = author.get(f"/api/executions/{answered['execution_id']}/")
    assert execution["is_completed"] is True
    assert execution["current_step"] is None


def test_a_condition_looks_for_words_in_the_last_answer_whatever_their_case(site, author, session):
    bot = author.bot()
    scenario, _ = author.scenario(bot, ("question", {"question": "Кошка или собака?"}))
    cat = author.step(scenario, "message", {"message": "Мяу"}, order=10)
    dog = author.step(scenario, "message", {"message": "Гав"}, order=11)
    end = author.step(scenario, "message", {"message": "Пока"}, order=12)
    author.patch(f"/api/steps/{cat}/", {"next_step": end})
    content = {
        "conditions": {"кошк": cat, "собак": dog},
        "responses": {"кошк": "Любите кошек?"},
        "default_response": "Не понял.",
    }
    author.step(scenario, "condition", content, order=5)

    def talk(answer, who):
        says(site, bot, "начнём", who)
        return says(site, bot, answer, who)

    assert talk("КОШКУ, пожалуйста", session + "1") == "Любите кошек?\n\nМяу\n\nПока"
    assert talk("Собаку", session + "2") == "Гав\n\nПока"
    assert talk("Рыбку", session + "3") == "Не понял.\n\nМяу\n\nПока"


def test_an_api_is_called_for_real_and_what_it_returned_is_kept(site, author, session, world):
    world.replies["/weather"] = (
        200, {"Content-Type": "application/json"}, json.dumps({"now": [{"t": -3}], "sky": "ясно"}).encode()
    )  # fmt: skip
    bot = author.bot()
    call = {
        "url": f"{world.url}/weather",
        "method": "POST",
        "headers": {"X-Asked-By": "{user_input}"},
        "body": {"town": "{user_input}"},
        "save": {"t": "now.0.t", "sky": "sky"},
        "success_message": "Сейчас {t}°, {sky}.",
    }
    author.scenario(bot, ("question", {"question": "Город?"}), ("api_call", call))
    says(site, bot, "Привет", session)
    world.asked.clear()

    assert says(site, bot, "Omsk", session) == "Сейчас -3°, ясно."
    [(method, path, headers, body)] = world.asked
    assert (method, path, headers["x-asked-by"]) == ("POST", "/weather", "Omsk")
    assert json.loads(body) == {"town": "Omsk"}


def test_a_call_that_fails_takes_its_branch_or_calls_a_person(site, author, session, world):
    world.replies["/broken"] = (500, {}, b"")
    bot = author.bot()
    call = {"url": f"{world.url}/broken", "success_message": "Есть"}
    scenario, _ = author.scenario(bot, ("api_call", call))

    assert "человеку" in says(site, bot, "Привет", session)
    sorry = author.step(scenario, "message", {"message": "Сейчас не выйдет."}, order=9)
    [step, _] = author.get(f"/api/scenarios/{scenario}/steps/")
    author.patch(f"/api/steps/{step['id']}/", {"content": {**call, "on_error": sorry}})
    assert says(site, bot, "Привет", session + "2") == "Сейчас не выйдет."


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://[::1]/", "http://0.0.0.0/", "http://169.254.169.254/latest/", "http://10.0.0.1/",
        "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://2130706433/", "http://0177.0.0.1/",
        "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/", "http://user@example.com/",
        "http://example.com#@127.0.0.1/", "http://localhost/", "http://example.com:22/", "http://example.com:5432/",
        "http://example.com:6379/", "file:///etc/passwd", "gopher://example.com/", "unix:///var/run/docker.sock",
        "//example.com/", "example.com", "", "http://{host}/", "http://exa mple.com/",
    ],
)  # fmt: skip
def test_an_address_that_is_ours_or_none_is_refused_at_save(url, author):
    bot = author.bot()
    scenario, _ = author.scenario(bot)
    body = {"scenario": scenario, "step_type": "api_call", "content": {"url": url}}

    if url == "http://example.com#@127.0.0.1/":  # its host is example.com; what follows # is never sent
        author.post("/api/steps/", body)
        return
    refused = author.post("/api/steps/", body, status=400)
    assert [error["field"] for error in refused["errors"]] == ["content.url"]


def test_next_step_goes_before_order(site, author, session):
    bot = author.bot()
    scenario, [first, _, third] = author.scenario(
        bot, *(("message", {"message": text}) for text in ("один", "два", "три"))
    )
    author.patch(f"/api/steps/{first}/", {"next_step": third})

    assert says(site, bot, "Привет", session) == "один\n\nтри"
    author.patch(f"/api/scenarios/{scenario}/", {"initial_step": third})
    assert says(site, bot, "Привет", session + "2") == "три"


def test_steps_are_listed_and_added_below_their_scenario(author):
    scenario, [step] = author.scenario(author.bot(), ("message", {"message": "один"}))
    added = author.post(
        f"/api/scenarios/{scenario}/steps/", {"step_type": "message", "content": {"message": "два"}}
    )

    below = author.get(f"/api/scenarios/{scenario}/steps/")
    assert [one["id"] for one in below] == [step, added["id"]]
    assert (
        below
        == author.get(f"/api/steps/?scenario_id={scenario}")
        == author.get(f"/api/scenarios/{scenario}/")["steps"]
    )
    assert list(below[0]) == [
        "id", "name", "step_type", "scenario", "content", "order", "next_step", "created_at"
    ]  # fmt: skip
    assert list(author.get(f"/api/scenarios/{scenario}")) == [
        "id", "name", "description", "bot", "initial_step", "is_active", "created_at", "updated_at", "steps"
    ]  # fmt: skip


def test_executions_are_found_by_all_their_fields(site, author, session):
    bot = author.bot()
    scenario, [question] = author.scenario(bot, ("question", {"question": "Имя?"}))
    chat(site, bot, "Привет", session)

    query = f"bot={bot}&scenario={scenario}&user_session={session}&is_completed=false"
    [found] = author.get(f"/api/executions/?{query}")

    assert list(found) == [
        "id", "bot", "scenario", "user_session", "current_step", "conversation_history", "is_completed",
        "created_at", "updated_at",
    ]  # fmt: skip
    assert found["current_step"] == question
    assert found["conversation_history"] == [
        {"role": "user", "content": "Привет"}, {"role": "assistant", "content": "Имя?"}
    ]  # fmt: skip
    assert author.get(f"/api/executions/?bot={bot}&is_completed=true") == []
    for wrong in ("bot=x", "is_completed=2", "user_session__contains=a", "user_session=%00"):
        assert author.ask("GET", f"/api/executions/?{wrong}").status_code == 400


def test_a_history_that_is_posted_becomes_a_log_and_the_walk_goes_on_from_there(site, author, session):
    bot = author.bot()
    scenario, [question, _] = author.scenario(
        bot, ("question", {"question": "Имя?", "save_as": "name"}), ("message", {"message": "Привет, {name}!"})
    )
    history = [{"role": "user", "content": "Здравствуйте"}, {"role": "assistant", "content": "Имя?"}]
    made = author.post(
        "/api/executions/",
        {
            "bot": bot, "scenario": scenario, "user_session": session, "current_step": question,
            "conversation_history": history,
        },
    )  # fmt: skip
    assert made["conversation_history"] == history

    reply = chat(site, bot, "Анна", session).json()

    assert reply == {"response": "Привет, Анна!", "execution_id": made["id"], "tokens_used": None}
    after = author.get(f"/api/executions/{made['id']}/")
    assert [one["content"] for one in after["conversation_history"]] == [
        "Здравствуйте",
        "Имя?",
        "Анна",
        "Привет, Анна!",
    ]
    longer = [*after["conversation_history"], {"role": "assistant", "content": "Ещё"}]
    assert (
        author.patch(f"/api/executions/{made['id']}/", {"conversation_history": longer})["conversation_history"]
        == longer
    )
    refused = author.patch(f"/api/executions/{made['id']}/", {"conversation_history": history}, status=409)
    assert refused["code"] == "history_is_a_log"


def test_an_execution_without_a_step_begins_with_the_next_words(site, author, session):
    bot = author.bot()
    scenario, _ = author.scenario(bot, ("message", {"message": "один"}), ("question", {"question": "два?"}))
    author.ask("PUT", f"/api/scenarios/{scenario}/triggers/", json={"on_start": False})
    made = author.post("/api/executions/", {"bot": bot, "scenario": scenario, "user_session": session})

    assert made["current_step"] is None
    assert chat(site, bot, "Привет", session).json() == {
        "response": "один\n\nдва?", "execution_id": made["id"], "tokens_used": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bot", None), ("bot", 999_999), ("bot", "x"), ("scenario", 999_999), ("user_session", ""),
        ("user_session", None), ("user_session", "x" * 201), ("current_step", 999_999), ("is_completed", "maybe"),
        ("conversation_history", "x"), ("conversation_history", [{"role": "root", "content": "x"}]),
        ("conversation_history", [{"role": "user"}]),
        ("conversation_history", [{"role": "user", "content": "x"}] * 1001),
    ],
)  # fmt: skip
def test_a_wrong_execution_is_refused_and_leaves_nothing(field, value, author, session):
    bot = author.bot()

    body = {"bot": bot, "user_session": session, field: value}
    assert author.ask("POST", "/api/executions/", json=body).status_code == 400
    assert author.get(f"/api/executions/?bot={bot}") == []


def test_a_step_that_is_deleted_while_somebody_stands_on_it(site, author, session):
    bot = author.bot()
    scenario, [question, _] = author.scenario(
        bot, ("question", {"question": "Имя?", "save_as": "name"}), ("message", {"message": "Привет, {name}!"})
    )
    says(site, bot, "Здравствуйте", session)

    author.delete(f"/api/steps/{question}/")
    author.delete(f"/api/scenarios/{scenario}/")

    assert says(site, bot, "Анна", session) == "Привет, Анна!"


def test_a_deleted_bot_takes_its_scenarios_and_executions_along(site, author, session):
    bot = author.bot()
    scenario, [step] = author.scenario(bot, ("question", {"question": "Имя?"}))
    execution = chat(site, bot, "Привет", session).json()["execution_id"]

    author.delete(f"/api/bots/{bot}/")

    for path in (f"scenarios/{scenario}", f"steps/{step}", f"executions/{execution}"):
        assert author.ask("GET", f"/api/{path}/").status_code == 404
    assert chat(site, bot, "Анна", session).status_code == 404


def test_a_circle_is_stopped_and_the_visitor_is_told(site, author, session):
    bot = author.bot()
    scenario, [first] = author.scenario(bot, ("set", {"variables": {"x": 1}}))
    author.step(scenario, "jump", {"scenario": str(scenario), "back": True})

    assert "человеку" in says(site, bot, "Привет", session)
    assert httpx2.get(f"{site.url}/health/").status_code == 200
    assert first


def test_a_hundred_walks_outlive_the_edit_and_the_deletion_of_their_scenario(site, author):
    bot = author.bot()
    scenario, [question, bye] = author.scenario(
        bot, ("question", {"question": "Имя?", "save_as": "name"}), ("message", {"message": "Привет, {name}!"})
    )
    sessions = [f"{number}-{uuid.uuid4().hex}" for number in range(100)]
    for session in sessions:
        assert says(site, bot, "Здравствуйте", session) == "Имя?"

    author.patch(f"/api/steps/{bye}/", {"content": {"message": "Совсем другое"}, "order": 0})
    author.delete(f"/api/steps/{question}/")
    halfway = [says(site, bot, f"Анна {session[:2]}", session) for session in sessions[:50]]
    author.delete(f"/api/scenarios/{scenario}/")
    after = [says(site, bot, f"Анна {session[:2]}", session) for session in sessions[50:]]

    assert halfway + after == [f"Привет, Анна {session[:2]}!" for session in sessions]


def test_a_bot_whose_chat_is_closed_does_not_talk(site, author):
    file = "besedka: 1\nbot: {name: Closed, chat_is_open: false}\n"
    bot = author.ask("POST", "/api/bots/import/", content=file).json()["bot_id"]

    refused = chat(site, bot, "Привет")

    assert (refused.status_code, refused.json()["code"]) == (403, "chat_closed")


def test_who_talks_too_fast_is_told_to_wait(limited_site):
    bot = Author(limited_site).bot()
    replies = [chat(limited_site, bot, f"Вопрос {number}", "hasty") for number in range(120)]

    assert [reply.status_code for reply in replies[:60]] == [200] * 60
    assert 429 in {reply.status_code for reply in replies[60:]}
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert {"retry-after", "ratelimit"} <= set(refused.headers)
    assert chat(limited_site, bot, "Привет", "patient").status_code == 200
