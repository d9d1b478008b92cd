"""What the bot says in Telegram. What stands alone is the contracts', to the letter; the rest in two languages."""

ON_DUTY = "Вы перешли в режим ожидания клиентов."
ALREADY_ON_DUTY = "Вы уже в режиме в ожидания."
INVITATION = "Новое сообщение от клиента {shown}."
BEGIN = "Начать переписку с клиентом"
TAKEN = "занят: {owner}"

# To those whose messages come here, too (contract §5).
MIRRORED = "{first_name}, я получил от тебя сообщение: {message}"
ATTACHED = "Successfully attached token '{token}'"
ALREADY_ATTACHED = "You've already attached token '{token}'"
NO_SUCH_TOKEN = "No such token"
INVALID_TOKEN = "Invalid token format"
TOKEN_IN_USE = "Token already in use"

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
    "ask_token": {
        "ru": "Здравствуйте! Чтобы ваши сообщения с сайта приходили и сюда, пришлите свой токен (token).",
        "en": "Hello! To have your messages from the site here, too, send the token of your account.",
    },
    "has_token": {
        "ru": "Здравствуйте! Токен (token) уже привязан: ваши сообщения с сайта приходят и сюда. Отвязать: /stop",
        "en": "Hello! A token is attached: your messages from the site come here, too. To end that: /stop",
    },
    "linked": {
        "ru": "Готово: этот Telegram привязан к учётной записи {name}. Отвязать: /stop",
        "en": "Done: this Telegram belongs to the account {name} now. To end that: /stop",
    },
    "linked_already": {
        "ru": "Этот Telegram уже привязан к учётной записи {name}. Отвязать: /stop",
        "en": "This Telegram belongs to the account {name} already. To end that: /stop",
    },
    "link_invalid": {
        "ru": "Эта ссылка не действует: она годится один раз и десять минут. Получите новую.",
        "en": "This link is not valid: it works once, for ten minutes. Get another one.",
    },
    "link_busy": {
        "ru": "Сначала закончите переписку с клиентом (/finish), потом откройте ссылку ещё раз.",
        "en": "End the conversation with the customer first (/finish), then open the link once more.",
    },
    "link_operator": {
        "ru": "Вы здесь оператор, а учётная запись {name} — нет. Попросите администратора сначала включить её.",
        "en": "You are an operator here, the account {name} is none. Ask an administrator to enable it first.",
    },
    "moved": {
        "ru": "Учётная запись привязана к другому Telegram, сюда её сообщения больше не приходят.",
        "en": "The account belongs to another Telegram now; its messages come here no more.",
    },
    "unlinked": {
        "ru": "Отвязано: сообщения с сайта сюда больше не приходят.",
        "en": "Done: messages from the site come here no more.",
    },
    "not_linked": {
        "ru": "Здесь ничего не привязано.",
        "en": "Nothing is attached here.",
    },
    "support": {"ru": "Оператор:", "en": "An operator:"},
    "help": {
        "ru": "/start — ждать клиентов, /finish — закончить переписку и уйти с дежурства, "
        "/stop — отвязать учётную запись.",
        "en": "/start: wait for customers; /finish: end the conversation and leave duty; /stop: unlink.",
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
