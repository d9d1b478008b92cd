"""What a bot says that has no answer and may not hand over by itself: it asks on, by keywords, and claims nothing.

For inboxes where nobody sits and waits: a program that talks to a bot gets an answer each time, and a person when
one is asked for. What was asked before decides what is asked next.
"""

from besedka.answers import texts
from besedka.answers.personas import Persona
from besedka.answers.texts import Language

# Beginnings of words that name a topic, the surest topic first; «слово.» is a whole word.
_TOPICS: dict[str, tuple[str, ...]] = {
    "problem": (
        "не работа", "не включа", "не открыва", "сломал", "ошибк", "проблем", "неполад", "завис", "broken",
        "error", "problem", "issue", "crash", "does not work", "doesn t work", "fails",
    ),
    "price": ("сколько стоит", "цена.", "цены.", "цену.", "цене.", "стоимост", "прайс", "скидк", "дорог", "дешев",
              "price", "cost.", "costs.", "discount", "expensive", "cheap"),
    "delivery": ("достав", "привез", "курьер", "самовывоз", "посылк", "deliver", "shipping", "pickup", "courier"),
    "schedule": ("график", "распис", "режим работы", "часы работы", "до скольки", "schedule", "opening hours"),
    "learning": ("курс.", "курсы.", "курсе.", "курсах.", "урок", "обучен", "учить", "научи", "заняти", "экзамен",
                 "course", "lesson", "learn", "study", "exam."),
    "choice": ("посовет", "выбрать", "выбор", "подобрать", "подбер", "порекоменд", "choose", "recommend", "advi"),
    "order": ("заказ", "купить", "покупк", "оформ", "оплат", "order", "buy.", "purchase", "payment"),
    "staff": ("отпуск", "больничн", "зарплат", "собеседован", "ваканси", "справк", "vacation", "salary"),
}  # fmt: skip
_FIRST: dict[Language, dict[str, str]] = {
    "ru": {
        "problem": "Понял, что-то идёт не так. Что именно происходит и когда это началось?",
        "price": "О цене. Уточните, пожалуйста, что именно вас интересует?",
        "delivery": "О доставке. В какой город и что нужно привезти?",
        "schedule": "О времени. Какой день и что именно вас интересует?",
        "learning": "Об учёбе. Какой предмет или курс и какой у вас уровень?",
        "choice": "Помогу с выбором. Для чего это нужно и на какую сумму вы рассчитываете?",
        "order": "О заказе. Что хотите заказать и сколько?",
        "staff": "О работе с сотрудниками. О ком речь и что нужно сделать?",
        "": "{lead} Расскажите, пожалуйста, подробнее: что именно вас интересует?",
    },
    "en": {
        "problem": "I see, something is wrong. What exactly happens, and since when?",
        "price": "About the price. Which one exactly are you interested in?",
        "delivery": "About delivery. To which city, and what is to be brought?",
        "schedule": "About the time. Which day, and what exactly is it about?",
        "learning": "About learning. Which subject or course, and what is your level?",
        "choice": "Let us choose. What is it for, and what is your budget?",
        "order": "About an order. What would you like, and how many?",
        "staff": "About staff matters. Who is it about, and what has to be done?",
        "": "{lead} Tell me more, please: what exactly are you interested in?",
    },
}
_LEADS: dict[Language, dict[Persona, str]] = {
    "ru": {
        Persona.SUPPORT: "Разберёмся вместе.",
        Persona.EDUCATION: "С удовольствием помогу с учёбой.",
        Persona.SALES: "Расскажу о товарах.",
        Persona.CONSULTING: "Давайте разберёмся.",
        Persona.GENERAL: "Спасибо за вопрос.",
    },
    "en": {
        Persona.SUPPORT: "Let us sort it out.",
        Persona.EDUCATION: "I am glad to help with your studies.",
        Persona.SALES: "Let us talk about the goods.",
        Persona.CONSULTING: "Let us look at it together.",
        Persona.GENERAL: "Thank you for your question.",
    },
}
_ABOUT: dict[Language, dict[str, str]] = {
    "ru": {
        "problem": "о неполадке", "price": "о цене", "delivery": "о доставке", "schedule": "о времени",
        "learning": "об учёбе", "choice": "о выборе", "order": "о заказе", "staff": "о сотруднике", "": "об этом",
    },
    "en": {
        "problem": "about the problem", "price": "about the price", "delivery": "about delivery",
        "schedule": "about the time", "learning": "about learning", "choice": "about the choice",
        "order": "about the order", "staff": "about staff", "": "about this",
    },
}  # fmt: skip
_SECOND: dict[Language, str] = {
    "ru": "Спасибо, записал {about}: «{said}». Что ещё важно знать?",
    "en": "Thank you, I have noted {about}: “{said}”. What else is important?",
}
_LATER: dict[Language, str] = {
    "ru": "Записал и это. Точного ответа {about} у меня нет — напишите «оператор», и я позову человека.",
    "en": "Noted as well. I have no exact answer {about}: write “operator”, and I will call a person.",
}
_QUOTED = 120  # characters of what was said


def topic_of(question: str) -> str:
    """The topic that the words name; empty where they name none."""
    words = "".join(sign if sign.isalnum() else " " for sign in texts.normalise(question))
    plain = f" {' '.join(words.split())} "
    for topic, beginnings in _TOPICS.items():
        if any(f" {one.replace('.', ' ')}" in plain for one in beginnings):
            return topic
    return ""


def reply(
    question: str, persona: Persona, language: Language, *, before: str | None, times: int
) -> tuple[str, str]:
    """Return what to say, and the topic it is about.

    `before` is the topic of the reply before this one, `times` how many such replies there were in a row.
    """
    topic = topic_of(question)
    if times == 0 or before is None or (topic and topic != before):
        return _FIRST[language][topic].format(lead=_LEADS[language][persona]), topic
    about = _ABOUT[language][before]
    if times == 1:
        said = " ".join(question.split())
        quoted = said if len(said) <= _QUOTED else f"{said[: _QUOTED - 1]}…"
        return _SECOND[language].replace("{about}", about).replace("{said}", quoted), before
    return _LATER[language].format(about=about), before
