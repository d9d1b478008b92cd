"""The pages of bots, as administrators use them."""

import re
from datetime import timedelta

import make
import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from besedka.accounts.models import User
from besedka.bots.models import Bot
from besedka.conversations.models import Message, Turn
from besedka.knowledge.models import Passage
from besedka.turns import staff

pytestmark = pytest.mark.django_db
KEY = "sk-own-0123456789"


@pytest.fixture(autouse=True)
def in_english(settings):
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def form_of(page: bytes) -> dict[str, str]:
    """The fields of the form as a browser would send them back."""
    html = page.decode()
    form = html[html.index('id="bot_form"') :]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in given and (given.get("type") != "checkbox" or "checked" in tag):
            fields[given["name"]] = given.get("value", "")
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = text.strip().replace("&quot;", '"')
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return {name: value for name, value in fields.items() if not name.startswith("_")}


def save(admin: Client, bot: Bot, **changed: str):
    address = f"/admin/bots/bot/{bot.pk}/change/"
    fields = form_of(admin.get(address).content)
    response = admin.post(address, {**fields, **changed})
    bot.refresh_from_db()
    return response


def test_a_key_goes_in_and_never_comes_out(admin):
    bot = make.bot()

    assert save(admin, bot, api_key=KEY).status_code == 302

    page = admin.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert bot.has_key()
    assert KEY not in bot.api_key_sealed
    assert KEY not in page
    assert bot.api_key_sealed not in page
    assert "one is stored" in page or "API key" in page


def test_saving_again_keeps_the_key_and_it_can_be_forgotten(admin):
    bot = make.bot()
    save(admin, bot, api_key=KEY)

    save(admin, bot, name="Renamed")
    assert (bot.name, bot.has_key()) == ("Renamed", True)

    save(admin, bot, forget_key="on")
    assert not bot.has_key()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "http://169.254.169.254/latest"),
        ("base_url", "file:///etc/passwd"),
        ("suggest_from", "0.9"),
        ("creativity_level", "2"),
        ("max_tokens", "0"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_saved(admin, field, value):
    bot = make.bot()
    before = getattr(bot, field)

    assert save(admin, bot, **{field: value}).status_code == 200
    assert getattr(bot, field) == before


def ask(bot: Bot, question: str, *, reason: str = "low_confidence", confidence: float = 0.2) -> Turn:
    """A question that this bot was asked and did not answer."""
    said = make.say(make.conversation().pk, question)
    trace = {"bot": bot.pk, "question": question, "answer_from": 0.5, "passages": [{"confidence": confidence}]}
    return Turn.objects.create(
        conversation_id=said.conversation_id,
        owner_version=0,
        from_seq=said.seq,
        upto_seq=said.seq,
        outcome="handed_off",
        reason=reason,
        trace=trace,
        started_at=timezone.now(),
        finished_at=timezone.now(),
    )


def test_like_questions_stand_together_with_what_a_person_answered(admin):
    bot = make.bot()
    ask(bot, "Do you repair bicycles?")
    asked = ask(bot, "do you repair old bicycles")
    ask(bot, "Is there parking?")
    ask(bot, "A person, please", reason="asked_for_person")
    make.say(asked.conversation_id, "Yes, on Mondays.", author="operator")

    page = admin.get("/admin/bots/bot/unanswered/").content.decode()

    assert page.count('<form method="post" class=') == 2
    assert page.index("repair bicycles") < page.index("parking")
    assert "Yes, on Mondays." in page
    assert "A person, please" not in page


def test_an_answer_given_there_is_known_from_then_on(admin):
    bot = make.bot()
    ask(bot, "Do you repair bicycles?")

    given = {"bot": bot.pk, "question": "Do you repair bicycles?", "answer": "Yes, on Mondays."}
    assert admin.post("/admin/bots/bot/unanswered/", given).status_code == 302

    assert Passage.objects.get().answer == "Yes, on Mondays."
    assert "bicycles" not in admin.get("/admin/bots/bot/unanswered/").content.decode()


def test_the_same_question_again_takes_the_new_answer(admin):
    bot = make.bot()
    for answer in ("Yes.", "No."):
        admin.post("/admin/bots/bot/unanswered/", {"bot": bot.pk, "question": "Really?", "answer": answer})

    assert Passage.objects.get().answer == "No."


@pytest.mark.parametrize(("question", "answer"), [("", "x"), ("x", " "), ("x", "\0"), ("x" * 2001, "y")])
def test_an_answer_that_is_none_is_refused(admin, question, answer):
    given = {"bot": make.bot().pk, "question": question, "answer": answer}

    assert admin.post("/admin/bots/bot/unanswered/", given).status_code == 302
    assert not Passage.objects.exists()


def test_who_may_not_add_knowledge_may_look_only():
    anna = User.objects.create_user("anna", is_staff=True)
    client = Client()
    client.force_login(anna)
    assert client.get("/admin/bots/bot/unanswered/").status_code == 403

    anna.user_permissions.add(Permission.objects.get(codename="view_bot"))
    client.force_login(anna)  # who may do something else signs in anew
    bot = make.bot()
    ask(bot, "Do you repair bicycles?")
    page = client.get("/admin/bots/bot/unanswered/").content.decode()
    given = {"bot": bot.pk, "question": "q", "answer": "a"}

    assert "repair bicycles" in page
    assert "<textarea" not in page
    assert client.post("/admin/bots/bot/unanswered/", given).status_code == 403


def test_thresholds_are_told_in_terms_of_the_business(admin):
    bot = make.bot(answer_from=0.5)
    for number in range(60):
        ask(bot, "?", confidence=0.8 if number < 30 else 0.3)

    page = admin.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()

    assert re.search(r"60 questions.*50 %.*80 % of these right", page, re.DOTALL)


def test_of_a_few_questions_nothing_is_told(admin):
    bot = make.bot()
    ask(bot, "?")

    assert "too few to tell" in admin.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()


def test_a_bots_own_server_never_gets_the_installations_key(settings):
    settings.OPENAI_API_KEY = "sk-installed"
    inbox = make.inbox_with_bot()
    Bot.objects.update(provider="openai", base_url="https://models.example.com/v1")

    model = staff.of_inboxes([inbox.pk])[inbox.pk].model

    assert model is not None
    assert (model.key, model.base_url) == ("", "https://models.example.com/v1")


def test_a_key_that_cannot_be_opened_any_more_leaves_the_bot_offline(settings, caplog):
    inbox = make.inbox_with_bot()
    bot = Bot.objects.get()
    bot.provider = "openai"
    bot.take_key(KEY)
    bot.save()
    settings.ENCRYPTION_KEYS = ["another"]

    assert staff.of_inboxes([inbox.pk])[inbox.pk].model is None
    assert "entered again" in caplog.text


def test_without_a_key_a_bot_answers_offline():
    inbox = make.inbox_with_bot()

    assert staff.of_inboxes([inbox.pk])[inbox.pk].model is None


def test_old_turns_are_not_told(admin):
    bot = make.bot()
    turn = ask(bot, "Do you repair bicycles?")
    Turn.objects.filter(pk=turn.pk).update(finished_at=timezone.now() - timedelta(days=31))

    assert "bicycles" not in admin.get("/admin/bots/bot/unanswered/").content.decode()
    assert Message.objects.exists()


def test_phrases_are_written_one_a_line(admin):
    bot = make.bot()

    response = save(admin, bot, give_away_phrases="я бот\n\n  я машина \n")

    bot.refresh_from_db()
    assert response.status_code == 302
    assert bot.give_away_phrases == ["я бот", "я машина"]
