"""How a bot without a model speaks: as its system prompt describes it, in one manner all of a conversation."""

from enum import Enum
from itertools import pairwise

from besedka.answers import texts
from besedka.answers.small_talk import Kind
from besedka.answers.texts import Language


class Persona(Enum):
    """Whom a system prompt describes; `GENERAL` when it does not say."""

    SUPPORT = "support"
    EDUCATION = "education"
    SALES = "sales"
    CONSULTING = "consulting"
    GENERAL = "general"


# Beginnings of words, by how much they say of who speaks; «слово.» is a whole word. Each counts once.
EVIDENCE: dict[Persona, dict[int, str]] = {
    Persona.SUPPORT: {
        5: """
            поддержк; техподдержк; саппорт; хелпдеск; customer support; technical support; tech support; it
            support; support agent; support assistant; support bot; support team; support specialist; support
            service; support desk; support engineer; helpdesk; help desk; customer care; troubleshoot
        """,
        3: "support.",
        2: """
            неполад; неисправн; поломк; устран; инцидент; тикет; почин; сбой.; сбои.; сбоев.; сбоя.; outage;
            incident; ticket; malfunction; repair
        """,
        1: """
            ошибк; проблем; жалоб; обращени; ремонт; гаранти; настройк; настроить; диагност; problem; issue;
            error.; errors.; bug.; bugs.; complaint; warranty; diagnos; technical
        """,
    },
    Persona.EDUCATION: {
        5: """
            учител; преподават; репетитор; тьютор; обучающ; образовател; teacher; tutor; professor; instructor;
            educator
        """,
        3: "обучени; обучай; обучаешь; учебн; ученик; студент; образовани; student; education; teach; pupil",
        2: """
            школ; курс.; курса.; курсе.; курсы.; курсов.; курсам.; курсах.; урок; лекци; экзамен; учеб; изуч;
            научи; учишь.; упражнен; университет; вуз; наставник; домашн; методист; course.; courses.; lesson;
            lectur; exam.; exams.; homework; school; universit; study.; studies.; studying.; learn; curricul;
            classroom; academ
        """,
        1: "задани; объясня; материал; семинар; вебинар; quiz; explain; materials.; webinar; seminar",
    },
    Persona.SALES: {
        5: "продав; sales; seller; shop assistant; отдел продаж",
        3: "продаж; продае; продай; продать; допродаж; sell.; selling.; upsell",
        2: """
            магазин; товар; цена.; цены.; цену.; ценам.; ценах.; цене.; покупк; покупат; купить.; скидк; каталог;
            ассортимент; корзин; оплат; прайс; маркетплейс; shop.; store.; stores.; shopping; price; pricing;
            goods.; buy.; buyer; purchas; discount; catalog; checkout; retail; ecommerce; merchandise
        """,
        1: """
            заказ; достав; акци; склад.; складе.; наличи; стоимост; сделк; product.; products.; orders.; deliver;
            shipping; payment; cart.; stock.; deal.; deals.
        """,
    },
    Persona.CONSULTING: {
        5: "консульт; consult; advisor; adviser",
        3: "советник; советчик; юрист; адвокат; коуч; психолог; lawyer; coach.; counsel",
        2: """
            советуй; советует; советы.; совет.; посовет; рекоменд; подобра; подбор; подбер; юридич; advice;
            advis; recommend; guidance
        """,
        1: """
            выбор.; выбора.; выборе.; выбором.; выбра; выбир; эксперт; правов; финанс; стратег; налог; инвест;
            сравни; choos; choice; expert; legal; financ; strateg; compar; tax.; taxes.; invest; suggest
        """,
    },
}
_NEGATIONS = frozenset(("не", "ни", "без", "not", "no", "nor", "never", "without", "t", "dont"))

_ABOUT: dict[Language, dict[Persona, str]] = {
    "ru": {
        Persona.SUPPORT: " о неполадках",
        Persona.EDUCATION: " об учёбе",
        Persona.SALES: " о товарах",
        Persona.CONSULTING: " о выборе",
        Persona.GENERAL: "",
    },
    "en": {
        Persona.SUPPORT: " about a problem",
        Persona.EDUCATION: " about your studies",
        Persona.SALES: " about our goods",
        Persona.CONSULTING: " about what to choose",
        Persona.GENERAL: "",
    },
}
_OFFERS: dict[Language, dict[Persona, tuple[str, ...]]] = {
    "ru": {
        Persona.SUPPORT: ("Опишите, пожалуйста, проблему", "Расскажите, что случилось", "Что не работает?"),
        Persona.EDUCATION: ("Чем помочь с учёбой?", "Расскажите, что хотите изучить", "Какой вопрос по курсу?"),
        Persona.SALES: ("Что хотите купить?", "Расскажите, какой товар ищете", "Какой товар интересует?"),
        Persona.CONSULTING: ("Что помочь выбрать?", "Расскажите, между чем выбираете", "О чём нужен совет?"),
        Persona.GENERAL: ("Чем могу помочь?", "Расскажите, что вас интересует", "Какой у вас вопрос?"),
    },
    "en": {
        Persona.SUPPORT: ("What is the problem?", "Tell me what happened", "What is not working?"),
        Persona.EDUCATION: (
            "What would you like to learn?",
            "Tell me what you are studying",
            "Which course is it?",
        ),
        Persona.SALES: (
            "What would you like to buy?",
            "Tell me what you are shopping for",
            "Which product is it?",
        ),
        Persona.CONSULTING: ("What can I help you choose?", "Tell me what you are deciding on", "Advice on what?"),
        Persona.GENERAL: ("How can I help?", "Tell me what you would like to know", "What is your question?"),
    },
}
_SKILLS: dict[Language, dict[Persona, str]] = {
    "ru": {
        Persona.SUPPORT: "подсказываю, как справиться с проблемой",
        Persona.EDUCATION: "отвечаю о курсах, материалах и учёбе",
        Persona.SALES: "рассказываю о товарах, ценах и доставке",
        Persona.CONSULTING: "даю советы и помогаю с выбором",
        Persona.GENERAL: "отвечаю на вопросы",
    },
    "en": {
        Persona.SUPPORT: "help with problems",
        Persona.EDUCATION: "answer questions about courses, materials and studies",
        Persona.SALES: "tell people about goods, prices and delivery",
        Persona.CONSULTING: "give advice and help with choosing",
        Persona.GENERAL: "answer questions",
    },
}
# Three manners: courteous, warm, brief. The same place in every row is the same manner.
_SAYINGS: dict[Language, dict[Kind, tuple[str, ...]]] = {
    "ru": {
        Kind.GREETING: (
            "Здравствуйте! {offer}",
            "Здравствуйте, добро пожаловать! {offer}",
            "Приветствую! {offer}",
        ),
        Kind.THANKS: (
            "Пожалуйста! Если появится ещё вопрос{about}, пишите.",
            "Всегда пожалуйста! Будут ещё вопросы{about} — смело задавайте.",
            "Не за что. Вопросы{about} — сюда же.",
        ),
        Kind.GOODBYE: (
            "До свидания! Хорошего дня.",
            "Всего вам доброго! Возвращайтесь, если будут вопросы{about}.",
            "До связи! Вопросы{about} можно задать в любое время.",
        ),
        Kind.NOTED: (
            "Хорошо. Если появится вопрос{about}, пишите.",
            "Вот и славно! Будут вопросы{about} — смело задавайте.",
            "Договорились. Вопросы{about} — сюда же.",
        ),
        Kind.ABILITIES: (
            "С вами бот компании: {skill}. Ответы беру из базы знаний, а если их там нет, зову сотрудника.",
            "На связи бот-помощник: с удовольствием {skill}. Всё, что говорю, — из базы знаний компании, "
            "а когда ответа там нет, зову человека.",
            "Это бот: {skill}. Источник — база знаний компании. Нет ответа — зову человека.",
        ),
    },
    "en": {
        Kind.GREETING: ("Hello! {offer}", "Hello and welcome! {offer}", "Hi! {offer}"),
        Kind.THANKS: (
            "You are welcome! If you have another question{about}, just ask.",
            "My pleasure! More questions{about} are always welcome.",
            "No problem. Ask here if anything else{about} comes up.",
        ),
        Kind.GOODBYE: (
            "Goodbye! Have a nice day.",
            "All the best! Do come back with any question{about}.",
            "Bye! Questions{about} are welcome any time.",
        ),
        Kind.NOTED: (
            "All right. If you have a question{about}, just ask.",
            "Lovely! More questions{about} are always welcome.",
            "OK. Ask here if anything else{about} comes up.",
        ),
        Kind.ABILITIES: (
            "You are talking to the company's bot. I {skill}. My answers come from the company's knowledge base; "
            "when it has none, I call a person.",
            "Here is a friendly bot! I {skill}, always by the company's knowledge base, and call a person "
            "whenever the answer is not there.",
            "This is a bot. I {skill}, by the company's knowledge base. No answer there? I call a person.",
        ),
    },
}
MANNERS = 3


def of(system_prompt: str) -> Persona:
    """Return whom the prompt describes: the one with most evidence; `GENERAL` without any and when two are equal.

    What the bot is told not to be is no evidence.
    """
    words = ["", *texts.split(texts.normalise(system_prompt))]
    met: set[str] = set()
    for before, word in pairwise(words):
        if before not in _NEGATIONS:
            met.add(_beginning(f"{word}."))
            met.add(_beginning(f"{before} {word}.", from_size=len(before) + 2))
    weights = dict.fromkeys(Persona, 0)
    for beginning in met - {""}:
        persona, weight = _WEIGHTS[beginning]
        weights[persona] += weight
    best, second = sorted(Persona, key=lambda persona: weights[persona], reverse=True)[:2]
    return best if weights[best] > weights[second] else Persona.GENERAL


def reply(kind: Kind, persona: Persona, language: Language, choice: int) -> str:
    """Return what the persona answers to a courtesy. Equal choices speak in one manner, whatever the kind."""
    manner = choice % MANNERS
    offer = _OFFERS[language][persona][manner]
    return _SAYINGS[language][kind][manner].format(
        about=_ABOUT[language][persona],
        offer=offer if offer.endswith("?") else f"{offer}.",
        skill=_SKILLS[language][persona],
    )


def _beginning(words: str, from_size: int = 1) -> str:
    """The longest piece of evidence of at least so many characters with which the words begin."""
    sizes = range(min(_LONGEST, len(words)), from_size - 1, -1)
    return next((words[:size] for size in sizes if words[:size] in _WEIGHTS), "")


def _weights() -> dict[str, tuple[Persona, int]]:
    return {
        " ".join(beginning.split()): (persona, weight)
        for persona, blocks in EVIDENCE.items()
        for weight, block in blocks.items()
        for beginning in block.split(";")
    }


_WEIGHTS = _weights()
_LONGEST = max(map(len, _WEIGHTS))
