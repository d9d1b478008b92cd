"""What people are told on the page of a refusal: by its code, else by its status."""

WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "400": {
        "ru": ("Этот запрос не прочесть", "Адрес или форма пришли к нам повреждёнными. Откройте страницу заново."),
        "en": ("This request cannot be read", "The address or the form came to us damaged. Open the page anew."),
    },
    "401": {
        "ru": ("Сначала войдите", "Эту страницу видят те, кто вошёл под своим именем."),
        "en": ("Sign in first", "This page is for those who have signed in."),
    },
    "403": {
        "ru": ("Сюда вам нельзя", "У этой учётной записи нет такого права. Его даёт администратор."),
        "en": ("You may not do this", "This account does not have the right to. An administrator can give it."),
    },
    "csrf_failed": {
        "ru": (
            "Форма устарела",
            "Она открыта слишком давно или не на нашей странице. Откройте её заново и отправьте.",
        ),
        "en": (
            "This form is out of date",
            "It was opened too long ago, or not on our page. Open it anew and send it.",
        ),
    },
    "404": {
        "ru": ("Здесь ничего нет", "Страницу убрали, или в адресе опечатка."),
        "en": ("There is nothing here", "The page is gone, or there is a slip in the address."),
    },
    "405": {
        "ru": (
            "Так сюда не обращаются",
            "Этот адрес только показывают или только заполняют; вы попробовали другое.",
        ),
        "en": ("This is not how it is asked", "This address is only to be read, or only to be filled in."),
    },
    "406": {
        "ru": ("В таком виде ответа нет", "Программа попросила формат, которого здесь не бывает."),
        "en": ("There is no such format here", "What was asked for is a format that this address does not speak."),
    },
    "409": {
        "ru": ("Что-то изменилось раньше вас", "Откройте страницу заново: она уже другая."),
        "en": ("Something changed before you", "Open the page anew: it is another one by now."),
    },
    "413": {
        "ru": ("Слишком много за один раз", "Файл или форма больше, чем здесь принимают."),
        "en": ("Too much at once", "The file or the form is larger than what is taken here."),
    },
    "415": {
        "ru": ("Такое здесь не принимают", "Пришлите это в другом формате."),
        "en": ("This is not taken here", "Send it in another format."),
    },
    "429": {
        "ru": ("Чуть помедленнее", "Запросов больше, чем здесь можно. Подождите и продолжайте."),
        "en": ("A little slower", "That is more than may be asked here. Wait, and go on."),
    },
    "500": {
        "ru": ("Что-то сломалось у нас", "Это наша ошибка, и она уже записана. Попробуйте ещё раз."),
        "en": ("Something went wrong here", "The fault is ours, and it is written down. Try again."),
    },
    "not_built": {
        "ru": ("Страница ещё не собрана", "На сервере не собран интерфейс: make run или sh frontend/build.sh."),
        "en": (
            "This page has not been built",
            "The server lacks its front end: make run, or sh frontend/build.sh.",
        ),
    },
    "503": {
        "ru": ("Скоро вернёмся", "Часть службы сейчас недоступна. Ничего не потеряно; попробуйте через минуту."),
        "en": ("We will be back soon", "A part of the service is away. Nothing is lost; try again in a minute."),
    },
}


def words(code: str, status: int, language: str) -> tuple[str, str]:
    """A title and a sentence for people."""
    kind = "500" if status >= 500 else "400"
    found = WORDS.get(code) or WORDS.get(str(status)) or WORDS[kind]
    return found[language]
