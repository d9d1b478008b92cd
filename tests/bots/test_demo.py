"""What a newcomer finds: demo bots, a scenario, somebody in the middle of it; and the demo shop's own."""

from pathlib import Path

import make
import pytest
from django.core.management import call_command

from besedka import project
from besedka.accounts.models import User
from besedka.bots import demo, files
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.conversations.models import Message

PETS = Path(project.__file__).with_name("demo_pets.yaml")


def everything():
    tables = (User, Bot, Scenario, Step, Execution, Message)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_test_data_is_made_once(db, capsys):
    call_command("create_test_data")
    before = everything()
    call_command("create_test_data")

    assert everything() == before
    assert set(Bot.objects.values_list("name", flat=True)) == {"Консультант", "HR-ассистент"}
    assert Step.objects.count() == 4
    assert not Execution.objects.get().is_completed
    assert "everything was there" in capsys.readouterr().out.lower()


def test_what_somebody_has_changed_stays_changed(db):
    call_command("create_test_data")
    Step.objects.filter(key="hello").update(content={"message": "Привет!"})
    Bot.objects.filter(name="HR-ассистент").update(is_active=False)
    before = everything()

    call_command("create_test_data")

    assert everything() == before


@pytest.mark.parametrize("file", [*sorted(demo.SAMPLES.glob("*.yaml")), PETS], ids=lambda file: file.name)
def test_our_own_bots_have_nothing_that_looks_wrong(file):
    assert files.warnings(files.read(file.read_text(encoding="utf-8"))) == []


def test_whoever_may_make_bots_owns_what_is_made(db):
    anna = make.operator("anna")

    assert demo.create_test_data(anna) == ["Консультант", "HR-ассистент", "demo_user"]
    assert set(Bot.objects.values_list("created_by", flat=True)) == {anna.pk}
