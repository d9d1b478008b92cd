"""Does somebody ask for a person? Rules over words, each sentence for itself; no more work than the text is long.

Three ways to ask: nothing but the one who is wanted («оператор, пожалуйста»); a verb that only ever asks for
somebody («позовите», `connect me`), with who is wanted not far behind; a verb that may ask for anything («нужен»,
`want`), with who is wanted right behind it and nothing after.
"""

import re
from collections.abc import Sequence

from besedka.answers import texts

REACH = 5  # words between a verb and the one who is wanted
SHORT = 8  # words of a text that may be nothing but a wish

_SENTENCE = re.compile(r"[.!?;\n…]+")
_CLAUSE = re.compile(r"[,:()\[\]«»\"—–]+")
_PLEASE = re.compile(r",?\s{0,3}\b(пожалуйста|плиз|плз|please|pls)\b,?")  # its commas part nothing
_ROLE = re.compile(
    r"(?:оператор|менеджер|консультант|сотрудник|специалист|администратор)(?:а|у|ом|е|ы|ов|ам|ами)?"
    r"|operators?|agents?|representatives?|managers?|consultants?|humans?"
)
_HUMAN = re.compile(r"человек(?:а|у|ом)?|люд(?:и|ей|ям|ьми)|person|people|someone|somebody")
_ALIVE = re.compile(r"жив(?:ой|ого|ому|ым|ые|ых|ыми|ому)|реальн\w{2,3}|настоящ\w{2,3}|real|live|actual")


def _words(block: str) -> frozenset[str]:
    return frozenset(block.split())


_ASKING = _words(
    """
    позовите позови позвать позовете зовите зови вызовите вызови вызвать пригласите пригласи пригласить
    соедините соедини соединить соедините соединяйте соединяй соединишь свяжите свяжи связаться связать
    поговорить пообщаться общаться говорить переговорить побеседовать
    подключите подключи подключить кликните кликни
    talk speak chat connect
    """
)
_MOVING = _words(
    "переведите переведи перевести переводите переключите переключи переключить переключайте "
    "transfer switch redirect pass put"
)
_TOWARDS = _words("на к ко с со to with through onto")
_WANTING = _words(
    "хочу хотел хотела хотим нужен нужна нужны нужно надо дайте дай давайте требую можно прошу пусть ответит "
    "want need get give call like prefer"
)
_ASKED_AFTER = frozenset(word for word in _ASKING | _WANTING if not word.isascii())  # English never asks so
_BETWEEN = _words(
    """
    мне меня нам нас я бы ли к ко на с со пожалуйста срочно уже наконец просто лучше только вашего ваш вашему вашим
    вашей любого любой какого какой нибудь другого другой кто то поддержки сюда же ответит здесь есть a an the your
    me us my to with i d please just some any other another support customer service team first sales
    """
)
_AFTER = _words(
    """
    пожалуйста плиз плз срочно сейчас сюда уже наконец быстрее скорее немедленно мне нам спасибо а не бот бота боту
    робот робота роботу ботом роботом поддержки нужен нужна нужны надо нужно позовите please pls now asap thanks
    thank you right immediately urgently instead here today not bot robot a the support
    """
)
_COURTESY = _words(
    """
    здравствуйте привет добрый день вечер доброе утро пожалуйста плиз плз срочно сейчас алло але мне нам ну эй а
    где есть тут там кто нибудь то можно ли у вас давай давайте дайте к ко на с со поддержки поддержка hello hi hey
    please pls now asap the an a is there any here human support service customer
    """
)
_REFUSED = _words("не без not no dont never без")
_WHO = _words("который которая которые которого кто who that which whose")


def wants_person(text: str) -> bool:
    """Return whether the text asks to be put through to a person."""
    sentences = [part for part in _SENTENCE.split(texts.normalise(text)) if part.strip()]
    return any(_is_nothing_else(sentence) or any(map(_asks, _clauses(sentence))) for sentence in sentences)


def _clauses(sentence: str) -> list[list[str]]:
    return [texts.split(clause) for clause in _CLAUSE.split(_PLEASE.sub(r" \1", sentence))]


def _is_nothing_else(sentence: str) -> bool:
    """«Оператор», «живого человека, пожалуйста»: someone is named, and nothing is said of them."""
    words = texts.split(sentence)
    if not words or len(words) > SHORT:
        return False
    roles = sum(_ROLE.fullmatch(word) is not None for word in words)
    humans = sum(_HUMAN.fullmatch(word) is not None for word in words)
    alive = sum(_ALIVE.fullmatch(word) is not None for word in words)
    rest = len(words) - roles - humans - alive
    named = roles or (humans and alive) or (humans and len(words) == 1)
    return bool(named) and rest == sum(word in _COURTESY for word in words if not _is_wanted(word))


def _asks(words: Sequence[str]) -> bool:
    wanted = [at for at, word in enumerate(words) if _is_wanted(word)]
    return any(_asked_before(words, at) or _asked_after(words, at) for at in wanted)


def _asked_before(words: Sequence[str], wanted: int) -> bool:
    """«Соедините меня с оператором», `I want a human`: the verb, then who is wanted."""
    for verb in range(wanted - 1, max(-1, wanted - 1 - REACH), -1):
        word = words[verb]
        if word in _ASKING or (word in _MOVING and not _TOWARDS.isdisjoint(words[verb + 1 : wanted])):
            return not _is_refused(words, verb) and not _goes_on(words, wanted)
        if word in _WANTING:
            return not _is_refused(words, verb) and all(after in _AFTER for after in words[wanted + 1 :])
        if word not in _BETWEEN and not _is_wanted(word) and not _ALIVE.fullmatch(word):
            return False
    return False


def _asked_after(words: Sequence[str], wanted: int) -> bool:
    """«Оператора позовите», «человек нужен»: who is wanted, then the verb, and the sentence begins with them."""
    start, end = words[:wanted], words[wanted + 1 : wanted + 3]
    opens = all(word in _BETWEEN or word in _COURTESY or _ALIVE.fullmatch(word) for word in start)
    return opens and bool(end) and end[0] in _ASKED_AFTER and len(words) <= SHORT


def _is_refused(words: Sequence[str], verb: int) -> bool:
    """«Не зовите оператора», «не хочу говорить с оператором», `do not call an agent`."""
    before = list(words[max(0, verb - 2) : verb])
    if before and before[-1] in _REFUSED:
        return True
    return len(before) == 2 and before[0] in _REFUSED and before[1] in (_WANTING | {"буду", "to", "t"})


def _goes_on(words: Sequence[str], wanted: int) -> bool:
    """`How to talk to a person who …`: someone of whom more is said is not one of us."""
    return wanted + 1 < len(words) and words[wanted + 1] in _WHO


def _is_wanted(word: str) -> bool:
    return _ROLE.fullmatch(word) is not None or _HUMAN.fullmatch(word) is not None
