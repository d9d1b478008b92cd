"""What the bot says to operators. The first five are the contract's, to the letter; the rest in two languages."""

ON_DUTY = "Вы перешли в режим ожидания клиентов."
ALREADY_ON_DUTY = "Вы уже в режиме в ожидания."
INVITATION = "Новое сообщение от клиента {shown}."
BEGIN = "Начать переписку с клиентом"
TAKEN = "занят: {owner}"

_TEXTS = {
    "registered": {
        "ru": "Вы зарегистрированы как оператор. Администратор должен вас включить, после этого напишите /start.",
        "en": "You are registered as an operator. An administrator has to enable you; then write /start.",
    },
    "not_enabled": {
        "ru": "Администратор вас ещё не включил.",
        "en": "An administrator has not enabled you yet.",
    },
    "unknown": {
        "ru": "Мы не знакомы. Напишите /start, чтобы стать оператором.",
        "en": "We have not met. Write /start to become an operator.",
    },
    "help": {
        "ru": "/start — ждать клиентов, /finish — закончить переписку и уйти с дежурства.",
        "en": "/start: wait for customers; /finish: end the conversation and leave duty.",
    },
    "no_client": {
        "ru": "Сейчас у вас нет клиента. Ничего не передано.",
        "en": "You have no customer just now. Nothing was passed on.",
    },
    "finished": {
        "ru": "Переписка окончена. Вы не на дежурстве; чтобы вернуться, напишите /start.",
        "en": "The conversation has ended. You are off duty; write /start to come back.",
    },
    "off_duty": {
        "ru": "У вас нет клиента. Вы не на дежурстве; чтобы вернуться, напишите /start.",
        "en": "You have no customer. You are off duty; write /start to come back.",
    },
    "unsupported": {"ru": "Это передать нельзя: {what}.", "en": "This cannot be passed on: {what}."},
    "edit_unknown": {
        "ru": "Эту правку передать нельзя: исходное сообщение не передавалось.",
        "en": "This edit cannot be passed on: the message itself was not.",
    },
    "edit_late": {
        "ru": "Эту правку передать уже нельзя.",
        "en": "It is too late to pass this edit on.",
    },
    "not_yours": {
        "ru": "Не передано: клиенту отвечает {owner}.",
        "en": "Not passed on: {owner} answers this customer.",
    },
    "refused": {"ru": "Не передано: {why}", "en": "Not passed on: {why}"},
    "busy": {
        "ru": "Сначала закончите переписку: /finish",
        "en": "End your conversation first: /finish",
    },
    "gone": {"ru": "Приглашение больше не действует.", "en": "This invitation is not valid any more."},
    "file_lost": {
        "ru": "Это передать нельзя: файл не удалось получить от Telegram. Пришлите его ещё раз.",
        "en": "This cannot be passed on: Telegram did not give us the file. Please send it again.",
    },
    "file_refused": {
        "ru": "Это передать нельзя: такие файлы мы не принимаем, или их уже слишком много.",
        "en": "This cannot be passed on: we take no such files, or there are too many already.",
    },
    "file_large": {
        "ru": "Это передать нельзя: файл слишком большой.",
        "en": "This cannot be passed on: the file is too large.",
    },
    "colleague": {"ru": "Коллега:", "en": "A colleague:"},
    "edited": {"ru": "Изменено:", "en": "Edited:"},
    "empty": {"ru": "(без текста)", "en": "(no text)"},
    "bot": {"ru": "Бот", "en": "Bot"},
    "queue": {"ru": "очередь", "en": "the queue"},
    "event": {"ru": "Этот клиент больше не у вас.", "en": "This customer is not yours any more."},
    "event_transferred": {
        "ru": "Клиент передан другому оператору.",
        "en": "The customer has been passed to somebody else.",
    },
    "event_claimed": {"ru": "Переписку с клиентом продолжит {by}.", "en": "{by} goes on with this customer."},
    "event_closed": {"ru": "Переписка с клиентом закрыта.", "en": "The conversation with the customer is closed."},
    "event_returned": {"ru": "Клиенту снова отвечает бот.", "en": "The bot answers the customer again."},
    "sticker": {"ru": "стикер", "en": "a sticker"},
    "video_note": {"ru": "видеосообщение", "en": "a video message"},
    "location": {"ru": "местоположение", "en": "a location"},
    "contact_card": {"ru": "контакт", "en": "a contact"},
    "poll": {"ru": "опрос", "en": "a poll"},
    "dice": {"ru": "кубик", "en": "a dice"},
    "story": {"ru": "история", "en": "a story"},
    "game": {"ru": "игра", "en": "a game"},
    "other": {"ru": "сообщение этого вида", "en": "a message of this kind"},
}


def text(key: str, language: str, **values: str) -> str:
    """The sentence in that language. What stands in `values` is not looked at again."""
    return _TEXTS[key]["en" if language == "en" else "ru"].format(**values)


def knows(key: str) -> bool:
    """Whether there is such a sentence."""
    return key in _TEXTS


def language_of(code: str | None) -> str:
    """Ours for the one that somebody's Telegram is set to."""
    return "en" if code and code.lower().startswith("en") else "ru"
