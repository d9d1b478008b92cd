"""What a first start finds: an administrator, and a demo shop whose bot knows its trade."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from besedka.bots import placements
from besedka.bots.models import Bot
from besedka.conversations import inboxes
from besedka.knowledge import imports
from besedka.turns import reading

SHOP = Path(__file__).with_name("demo_shop.csv")
BOT = "Demo"
FAQ = "Вопросы и ответы магазина"
GREETING = "Здравствуйте! Я бот зоомагазина «Хвостики». Спросите о доставке, оплате, кормах или объявлениях."
QUESTIONS = [
    "Сколько стоит доставка?",
    "Как вернуть товар?",
    "Как разместить объявление о щенке?",
    "Какой корм выбрать котёнку?",
]


def make_administrator() -> str | None:
    """There is a user `admin`. Its password when it was made just now and nobody had chosen one, else None.

    With `BESEDKA_ADMIN_PASSWORD` that is the password, now and after each start.
    """
    users = get_user_model().objects
    admin = users.filter(username="admin").first()
    chosen = settings.ADMIN_PASSWORD
    if admin is None:
        made = chosen or secrets.token_urlsafe(12)
        users.create_superuser("admin", password=made)
        return None if chosen else made
    if chosen and not admin.check_password(chosen):
        admin.set_password(chosen)
        admin.save(update_fields=["password"])
    return None


@transaction.atomic
def open_shop() -> bool:
    """There is a default inbox; at the very first start it is the demo shop's, with its bot. True when made now.

    `BESEDKA_DEMO_BOT=off` keeps, and takes, the demo's bot out of its inbox.
    """
    inbox_id, made = inboxes.open_default(
        name="Хвостики", title="Хвостики", language="ru", greeting=GREETING, popular_questions=QUESTIONS
    )
    if made:
        bot = Bot.objects.create(name=BOT, description="Answers in the demo shop, from its knowledge.")
        imports.import_csv(SHOP, title=FAQ, now=timezone.now())
        reading.let_read(bot.pk, FAQ)
        if settings.DEMO_BOT:
            placements.place(bot.pk, inbox_id)
    elif not settings.DEMO_BOT:
        placements.withdraw_if(BOT, inbox_id)
    return made
