"""What the house itself says in a conversation, in the language of its inbox."""

_TEXTS = {
    "handed_off": {
        "ru": "Передаю разговор человеку. Он увидит всю переписку и ответит здесь.",
        "en": "I am passing this conversation to a person. They will see all of it and answer here.",
    },
    "claimed": {
        "ru": "С вами говорит человек.",
        "en": "You are talking to a person now.",
    },
    "returned": {
        "ru": "Вам снова отвечает бот.",
        "en": "The bot answers you again.",
    },
}


def text(event: str, language: str) -> str:
    """The sentence for an event; English where there is none in that language."""
    sentences = _TEXTS[event]
    return sentences.get(language, sentences["en"])
