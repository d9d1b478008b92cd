"""Something to look at for who begins: two bots, a scenario of four steps, and somebody in the middle of it."""

from pathlib import Path

from django.db import transaction

from besedka.accounts.models import User
from besedka.bots import exporting, files, importing, walks
from besedka.bots.models import Bot, Execution

SAMPLES = Path(__file__).parent / "samples"
SESSION = "demo_user"


@transaction.atomic
def create_test_data(owner: User) -> list[str]:
    """There are demo bots of this owner, and an execution of the first one's scenario; the names of what is new.

    What is there stays as it is, also where somebody has changed it.
    """
    made = []
    for file in sorted(SAMPLES.glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        name = files.read(text).bot.name
        if not Bot.objects.filter(name=name).exists():
            importing.import_text(text, owner=owner)
            made.append(name)
    if not Execution.objects.filter(user_session=SESSION).exists():
        made += _walk_a_little(Bot.objects.filter(name="Консультант").order_by("pk").first())
    return made


def _walk_a_little(bot: Bot | None) -> list[str]:
    """Somebody has been greeted and asked, and has not answered yet."""
    welcome = exporting.by_name(bot).get("welcome") if bot is not None else None
    if bot is None or welcome is None or not {"hello", "task"} <= welcome.steps.keys():
        return []
    hello, task = welcome.steps["hello"], welcome.steps["task"]
    history = [
        {"role": "user", "content": "Добрый день"},
        {"role": "assistant", "content": str(hello.content.get("message", ""))},
        {"role": "assistant", "content": str(task.content.get("question", ""))},
    ]
    walks.begin(bot, SESSION, scenario=welcome.scenario, step=task, history=history, over=False)
    return [SESSION]
