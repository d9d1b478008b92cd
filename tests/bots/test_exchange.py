"""A bot as a file: written so that it reviews well, read back without changing what is the same."""

import json

import make
import pytest

from besedka.bots import exporting, files, importing, secrets, yamls
from besedka.bots.models import Bot, Execution, Scenario, Step

FILE = """\
besedka: 1
bot:
  name: Консультант
  creativity_level: 0.9
  system_prompt: |-
    Ты консультант.
    Отвечай коротко.
secrets:
- WEATHER
scenarios:
  welcome:
    name: Приветствие
    start: hello
    triggers:
      on_start: true
      keywords:
      - меню
    steps:
    - id: hello
      kind: message
      content:
        message: Здравствуйте!
    - id: pet
      kind: question
      name: Кто нужен
      content:
        question: Кошка или собака?
        on_exhausted: bye
    - id: which
      kind: condition
      content:
        conditions:
          кошк: cat
        default_response: Не понял.
    - id: weather
      kind: api_call
      content:
        url: https://example.com/weather
        headers:
          Authorization: Bearer {secret.WEATHER}
        on_error: bye
    - id: cat
      kind: jump
      content:
        scenario: cats
        step: meow
        back: true
    - id: bye
      kind: message
      content:
        message: Пока
  cats:
    name: Кошки
    is_active: false
    triggers: {}
    steps:
    - id: meow
      kind: message
      content:
        message: Мяу
      next: meow
"""


@pytest.fixture
def anna(db):
    return make.operator("anna")


def rows():
    """Everything that a second import could touch."""
    return [
        list(Bot.objects.order_by("pk").values()),
        list(Scenario.objects.order_by("pk").values()),
        list(Step.objects.order_by("pk").values()),
    ]


def test_what_is_imported_is_exported_the_same(anna):
    imported = importing.import_text(FILE, owner=anna)

    bot = Bot.objects.get()
    secrets.keep(bot.pk, "WEATHER", "sk-0123456789")
    assert imported.missing_secrets == ["WEATHER"]
    assert (imported.is_new, imported.added) == (True, 10)
    assert exporting.export(bot) == FILE
    assert "sk-0123456789" not in exporting.export(bot)
    condition = Step.objects.get(key="which")
    assert condition.content["conditions"] == {"кошк": str(Step.objects.get(key="cat").pk)}


def test_importing_twice_changes_nothing(anna):
    importing.import_text(FILE, owner=anna)
    before = rows()

    again = importing.import_text(FILE, owner=anna)

    assert rows() == before
    assert (again.added, again.changed, again.removed, again.is_new) == (0, 0, 0, False)


def test_a_bot_that_was_made_by_hand_is_exported_and_imported_without_a_change(anna):
    bot = make.bot(created_by=anna)
    make.scenario(
        bot,
        ("question", {"question": "Pet?", "on_exhausted": "@3"}),
        ("condition", {"conditions": {"cat": "@3"}}),
        ("message", {"message": "Two\nlines, {name}"}),
        ("message", {"message": "yes"}),
    )
    Step.objects.filter(step_type="message").update(name="Say it", order=7)
    before = rows()

    text = exporting.export(bot)
    done = importing.import_text(text, owner=anna)

    assert (done.added, done.changed, done.removed) == (0, 0, 0)
    assert exporting.export(bot) == text
    for table in (*before, *rows()):
        for row in table:
            row.pop("key", None)  # what a row is called in the file is remembered
    assert rows()[0] == before[0]
    assert [s["id"] for s in yamls.read(text).value["scenarios"].popitem()[1]["steps"]] == [
        "question", "condition", "say-it", "say-it-2"
    ]  # fmt: skip


def test_what_differs_is_changed_and_nothing_else(anna):
    importing.import_text(FILE, owner=anna)
    kept = Step.objects.get(key="bye").pk
    changed = FILE.replace("message: Здравствуйте!", "message: Добрый день!").replace(
        "    - id: cat\n",
        "    - id: extra\n      kind: message\n      content:\n        message: Ещё\n    - id: cat\n",
    )

    done = importing.import_text(changed, owner=anna)

    assert (done.added, done.changed, done.removed) == (1, 2, 0)  # one of them moves to make room
    assert Step.objects.get(key="bye").pk == kept
    assert exporting.export(Bot.objects.get()) == changed


def test_what_is_not_in_the_file_any_more_goes(anna):
    importing.import_text(FILE, owner=anna)
    cats, rest = FILE.index("  cats:\n"), FILE[: FILE.index("    - id: cat\n")]
    without = rest.replace("кошк: cat", "кошк: bye") + FILE[FILE.index("    - id: bye\n") : cats]

    done = importing.import_text(without, owner=anna)

    assert done.removed == 2
    assert exporting.export(Bot.objects.get()) == without


def test_anothers_bot_of_the_same_name_is_left_alone(anna):
    importing.import_text(FILE, owner=anna)

    done = importing.import_text(FILE, owner=make.operator("boris"))

    assert done.is_new
    assert Bot.objects.count() == 2


TWICE = "- {id: meow, kind: message, content: {message: x}}\n    - id: meow"


@pytest.mark.parametrize(
    ("was", "put", "path"),
    [
        ("besedka: 1", "besedka: 2", "besedka"),
        ("name: Консультант", "name: ''", "bot.name"),
        ("creativity_level: 0.9", "creativity_level: 9", "bot.creativity_level"),
        ("creativity_level: 0.9", "api_key: sk-1", "bot.api_key"),
        ("creativity_level: 0.9", "base_url: https://evil.example", "bot.base_url"),
        ("- WEATHER", "- 'a b'", "secrets.0"),
        ("message: Здравствуйте!", "massage: Здравствуйте!", "scenarios.welcome.steps.0.content.massage"),
        ("kind: message", "kind: shout", "scenarios.welcome.steps.0.kind"),
        ("кошк: cat", "кошк: dog", "scenarios.welcome.steps.2.content.conditions.кошк"),
        ("on_exhausted: bye", "on_exhausted: '999'", "scenarios.welcome.steps.1.content.on_exhausted"),
        ("https://example.com/weather", "http://127.0.0.1/", "scenarios.welcome.steps.3.content.url"),
        ("scenario: cats", "scenario: dogs", "scenarios.welcome.steps.4.content.scenario"),
        ("start: hello", "start: nowhere", "scenarios.welcome.start"),
        ("is_active: false", "is_active: maybe", "scenarios.cats.is_active"),
        ("- id: meow", TWICE, "scenarios.cats.steps.1.id"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place_and_nothing_is_half_imported(was, put, path, anna):
    importing.import_text(FILE, owner=anna)
    before = rows()

    text = FILE.replace(was, put, 1)
    with pytest.raises(files.FileFaulty) as refusal:
        importing.import_text(text, owner=anna)

    line = text[: text.index(put) + len(put)].count("\n") + 1
    assert (path, line) in {(error["field"], error["line"]) for error in refusal.value.details["errors"]}
    assert rows() == before


@pytest.mark.parametrize(
    "text",
    [
        "", "- a", "x: [", "a: &b 1\nc: *b", "x: !!python/object/apply:os.system [id]", "x: !!binary aGk=",
        "x: " + "[" * 100 + "]" * 100, "\x80\x04K\x01.", "a: 1\na: 2", "? {a: b}\n: c", "x: .inf", "x: .nan",
        "x: " + "9" * 40, "a: \"\\0\"", "--- 1\n--- 2", "<<: {a: b}", "\tx: 1", "x: " + "a" * 2_100_000,
        "{" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_file_of_ours_is_refused(text, anna):
    with pytest.raises((files.FileFaulty, yamls.FileUnreadable)):
        importing.import_text(text, owner=anna)

    assert Bot.objects.count() == 0


def test_words_that_yaml_takes_for_something_else_stay_words():
    read = yamls.read("a: yes\nb: 2026-11-21\nc: 12:30\nd: 1_000\ne: true\nf: 5\ng: 1.5\nh: null\ni: off").value

    assert read == {
        "a": "yes", "b": "2026-11-21", "c": "12:30", "d": "1_000", "e": True, "f": 5, "g": 1.5, "h": None,
        "i": "off",
    }  # fmt: skip


def test_a_hundred_thousand_steps_are_refused_in_a_moment(anna):
    steps = "".join("    - {id: s, kind: message, content: {message: x}}\n" for _ in range(38_000))

    with pytest.raises((files.FileFaulty, yamls.FileUnreadable)):
        importing.import_text(FILE + steps, owner=anna)


def test_a_walk_under_way_outlives_an_import(anna):
    importing.import_text(FILE, owner=anna)

    assert Execution.objects.count() == 0
    assert Bot.objects.get().scenarios_version == 1


def test_export_and_import_over_http(anna, client):
    client.force_login(anna)
    made = client.post("/api/bots/import/", FILE, content_type="application/yaml")
    bot = made.json()["bot_id"]
    exported = client.get(f"/api/bots/{bot}/export/")
    again = client.post("/api/bots/import/", exported.content, content_type="application/yaml")
    as_json = client.post("/api/bots/import", json.dumps(yamls.read(FILE).value), content_type="application/json")
    faulty = client.post("/api/bots/import/", FILE.replace("kind: question", "kind: x"), content_type="text/yaml")

    assert made.status_code == 201
    assert exported["Content-Type"].startswith("application/yaml")
    assert exported.content.decode() == FILE
    assert (
        (again.status_code, again.json()["changed"])
        == (as_json.status_code, as_json.json()["changed"])
        == (200, 0)
    )
    assert (faulty.status_code, faulty.json()["errors"][0]["line"]) == (400, 24)
    client.force_login(make.operator("boris"))
    assert client.get(f"/api/bots/{bot}/export/").status_code == 404
    assert client.post("/api/bots/import/").status_code == 400
    assert client.post("/api/bots/import/", b"\xff", content_type="application/yaml").status_code == 400
