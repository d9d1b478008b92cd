"""What the house itself says in a conversation, in the language of its inbox."""

from datetime import datetime

_TEXTS = {
    "handed_off": {
        "ru": "Передаю разговор человеку. Он увидит всю переписку и ответит здесь.",
        "en": "I am passing this conversation to a person. They will see all of it and answer here.",
    },
    "claimed": {
        "ru": "С вами говорит человек.",
        "en": "You are talking to a person now.",
    },
    "transferred": {
        "ru": "Разговор передан другому сотруднику.",
        "en": "Your conversation has been passed to a colleague.",
    },
    "snoozed": {
        "ru": "Мы вернёмся к разговору позже.",
        "en": "We will come back to this later.",
    },
    "reopened": {
        "ru": "Разговор продолжается.",
        "en": "The conversation goes on.",
    },
    "closed": {
        "ru": "Разговор завершён. Появится вопрос — напишите.",
        "en": "This conversation has ended. Write whenever there is something else.",
    },
    "details_asked": {
        "ru": "Сейчас никто не может ответить. Оставьте телефон или почту — мы свяжемся с вами.",
        "en": "Nobody can answer just now. Leave a phone number or an e-mail address: we will get back to you.",
    },
    "details_left": {
        "ru": "Спасибо, записали. Мы свяжемся с вами.",
        "en": "Thank you, we have noted it and will get back to you.",
    },
    "erased": {
        "ru": "Данные удалены.",
        "en": "The data is erased.",
    },
    "returned": {
        "ru": "Вам снова отвечает бот.",
        "en": "The bot answers you again.",
    },
}


_OPENS = {
    "ru": "Сейчас никого нет, мы вернёмся {day} в {time}. Оставьте телефон или почту — мы свяжемся с вами.",
    "en": "Nobody is here just now, we are back on {day} at {time}. Leave a phone number or an e-mail address: "
    "we will get back to you.",
}


def text(event: str, language: str, *, opens_at: datetime | None = None) -> str:
    """The sentence for an event; English where there is none in that language."""
    if event == "details_asked" and opens_at is not None:
        day = f"{opens_at:%d.%m}" if language == "ru" else f"{opens_at:%Y-%m-%d}"
        return _OPENS.get(language, _OPENS["en"]).format(day=day, time=f"{opens_at:%H:%M}")
    sentences = _TEXTS[event]
    return sentences.get(language, sentences["en"])
