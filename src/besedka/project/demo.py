"""What a first start finds: an administrator, and a demo shop whose bot knows its trade."""

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from besedka.bots import importing, placements
from besedka.bots.models import Bot
from besedka.conversations import inboxes
from besedka.knowledge import imports
from besedka.turns import reading

SHOP = Path(__file__).with_name("demo_shop.csv")
PETS = Path(__file__).with_name("demo_pets.yaml")
BOT = "Demo"
FAQ = "Вопросы и ответы магазина"
GREETING = (
    "Здравствуйте! Я бот зоомагазина «Хвостики». Спросите о доставке, оплате, кормах — или подберём питомца."
)
QUESTIONS = [
    "Подобрать питомца",
    "Сколько стоит доставка?",
    "Как вернуть товар?",
    "Как разместить объявление о щенке?",
]


@transaction.atomic
def open_shop() -> bool:
    """There is a default inbox; at the very first start it is the demo shop's, with its bot. True when made now.

    `BESEDKA_DEMO_BOT=off` keeps, and takes, the demo's bot out of its inbox.
    """
    inbox_id, made = inboxes.open_default(
        name="Хвостики", title="Хвостики", language="ru", greeting=GREETING, popular_questions=QUESTIONS
    )
    if made:
        bot = Bot.objects.create(name=BOT)
        importing.import_text(PETS.read_text(encoding="utf-8"), owner=None, bot=bot)
        imports.import_csv(SHOP, title=FAQ, now=timezone.now())
        reading.let_read(bot.pk, FAQ)
        if settings.DEMO_BOT:
            placements.place(bot.pk, inbox_id)
    elif not settings.DEMO_BOT:
        placements.withdraw_if(BOT, inbox_id)
    return made
