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
LONGEST = 200  # characters of such a text
SHORTEST_TYPO = 7  # letters of a word that may be misspelt

_SENTENCE = re.compile(r"[.!?;\n…]+")
_CLAUSE = re.compile(r"[,:()\[\]«»\"—–]+")
_PLEASE = re.compile(r",?\s{0,3}\b(пожалуйста|плиз|плз|please|pls)\b,?")  # its commas part nothing
_OTHER_WORDS = (("customer service", "suport"), ("мне бы", "хочу"))  # two words that are as good as one
_OTHER_WORDS_EN = re.compile(r"\b(?:can|could|may) (?:i|we) have\b")
_NO_BOT = re.compile(r"\b(?:не|без|not|no)(?: an?)? (?:чат)?(?:бот|робот|bot|robot|chatbot)(?:а|ы|ов|s)?\b")
_ROLE = re.compile(
    r"(?:оператор|менеджер|консультант|сотрудник|специалист|администратор|начальник)(?:а|у|ом|е|ы|ов|ам|ами)?"
    r"|(?:руководител|представител)(?:ь|я|ю|ем|и|ей)"
    r"|operators?|agents?|representatives?|managers?|consultants?|humans?|supervisors?|reps?"
)
_HUMAN = re.compile(r"человек(?:а|у|ом)?|люд(?:и|ей|ям|ьми)|чел(?:а|у|ом)?|person|people|someone|somebody")
_DESK = re.compile(
    r"подержк(?:а|у|ой|е|и)|руководств(?:о|а|у|ом)|старш(?:ий|его|ему|им)|suport"
)  # after a verb; run-on letters made one
_BOT = re.compile(r"(?:чат)?(?:бот|робот)(?:а|у|ом|ы|ами|ов)?|(?:chat|ro)?bots?")
_ALIVE = re.compile(r"жив(?:ой|ого|ому|ым|ые|ых|ыми|ому)|реальн\w{2,3}|настоящ\w{2,3}|real|live|actual")
_ANYONE = re.compile("|".join(kind.pattern for kind in (_ROLE, _HUMAN, _DESK, _BOT, _ALIVE)))
_SOMEONE = frozenset(("кто", "anyone", "anybody", "someone", "somebody"))
_HERE = frozenset(("тут", "здесь", "там", "here", "there"))
_CALL = frozenset(("перезвоните", "перезвони", "позвоните", "позвони", "наберите"))


def _words(block: str) -> frozenset[str]:
    return frozenset(map(texts.once, block.split()))


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
    "transfer switch redirect pass put escalate"
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
    вашей
    помощь помощи перезвонит позвонит подойдет свяжется through
    любого любой какого какой нибудь другого другой кто то поддержки сюда же ответит здесь есть a an the your
    me us my to with i d please just some any other another support customer service team first sales
    """
)
_AFTER = _words(
    """
    пожалуйста плиз плз срочно сейчас сюда уже наконец быстрее скорее немедленно мне нам спасибо а не бот бота боту
    робот робота роботу ботом роботом поддержки нужен нужна нужны надо нужно позовите please pls now asap thanks
    thank you right immediately urgently instead here today not bot robot a the support being
    """
)
_COURTESY = _words(
    """
    здравствуйте привет добрый день вечер доброе утро пожалуйста плиз плз срочно сейчас алло але мне нам ну эй а
    где есть тут там кто нибудь то можно ли у вас давай давайте дайте к ко на с со поддержки поддержка hello hi hey
    please pls now asap the an a is there any here human support service customer being anyone anybody any
    """
)
_OPENING = _BETWEEN | _COURTESY | _WANTING
_REFUSED = _words("не без not no dont never без")
_ASKED_WHETHER = _words("do does did if whether when")
_ASKING_SELF = _words("i we you")
_LEADING = (_WANTING - _words("пусть прошу")) | _words("буду to love")
_WHO = _words("который которая которые которого кто who that which whose")


def wants_person(text: str) -> bool:
    """Return whether the text asks to be put through to a person; words one letter off are understood."""
    said = texts.once(texts.normalise(text))
    for words, word in _OTHER_WORDS:
        said = said.replace(words, word)
    said = _OTHER_WORDS_EN.sub("i want", said)
    sentences = [part for part in _SENTENCE.split(said) if part.strip()]
    return any(_is_nothing_else(sentence) or any(map(_asks, _clauses(sentence))) for sentence in sentences)


def _clauses(sentence: str) -> list[list[str]]:
    return [_read(clause) for clause in _CLAUSE.split(_PLEASE.sub(r" \1", sentence))]


def _read(clause: str) -> list[str]:
    words = texts.split(clause)
    spelt = {word: _spelt(word) for word in set(words) if SHORTEST_TYPO <= len(word) <= _LONGEST}
    return [spelt.get(word, word) for word in words]


def _is_nothing_else(sentence: str) -> bool:
    """«Оператор», «живого человека, пожалуйста»: someone is named, and nothing is said of them."""
    words = _read(_NO_BOT.sub(" ", sentence)) if len(sentence) <= LONGEST else []
    if not words or len(words) > SHORT:
        return False
    roles = sum(_ROLE.fullmatch(word) is not None for word in words)
    humans = sum(_HUMAN.fullmatch(word) is not None for word in words)
    alive = sum(_ALIVE.fullmatch(word) is not None for word in words)
    called = sum(word in _CALL for word in words)
    rest = len(words) - roles - humans - alive - called
    alone = humans and (len(words) == 1 or not _HERE.isdisjoint(words))
    named = roles or called or alone or (alive and (humans or not _SOMEONE.isdisjoint(words)))
    return bool(named) and rest == sum(
        word in _COURTESY for word in words if not _is_wanted(word) and word not in _CALL
    )


def _asks(words: Sequence[str]) -> bool:
    wanted = {word for word in set(words) if _ANYONE.fullmatch(word)}
    return any(
        (_is_wanted(word) and (_asked_before(words, at) or _asked_after(words, at)))
        or ((_DESK.fullmatch(word) or _is_alive_one(words, at)) and _asked_before(words, at, wanting=False))
        or (_BOT.fullmatch(word) and _is_shunned(words, at))
        for at, word in enumerate(words)
        if word in wanted
    )


def _is_alive_one(words: Sequence[str], at: int) -> bool:
    """«Переключите на живого»: on whom, not on what."""
    return at == len(words) - 1 and at > 0 and words[at - 1] in _TOWARDS and bool(_ALIVE.fullmatch(words[at]))


def _is_shunned(words: Sequence[str], bot: int) -> bool:
    """«Не хочу общаться с роботом», `I do not want to talk to a bot`."""
    for verb in range(bot - 1, max(-1, bot - 1 - REACH), -1):
        if words[verb] in _ASKING:
            return _is_refused(words, verb)
        if words[verb] not in _BETWEEN:
            return False
    return False


def _asked_before(words: Sequence[str], wanted: int, *, wanting: bool = True) -> bool:
    """«Соедините меня с оператором», `I want a human`: the verb, then who is wanted."""
    for verb in range(wanted - 1, max(-1, wanted - 1 - REACH), -1):
        word = words[verb]
        if word in _ASKING or (word in _MOVING and not _TOWARDS.isdisjoint(words[verb + 1 : wanted])):
            return not _is_refused(words, verb) and not _goes_on(words, wanted)
        if word in _WANTING:
            clear = not _is_refused(words, verb) and not _is_whether(words, verb)
            return wanting and clear and all(after in _AFTER for after in words[wanted + 1 :])
        if word not in _BETWEEN and not _is_wanted(word) and not _ALIVE.fullmatch(word):
            return False
    return False


def _asked_after(words: Sequence[str], wanted: int) -> bool:
    """«Оператора позовите», «человек нужен»: who is wanted, then the verb, and the sentence begins with them."""
    start, end = words[:wanted], words[wanted + 1 : wanted + 3]
    if len(words) > SHORT or not end or end[0] not in _ASKED_AFTER:
        return False
    return all(word in _OPENING or _ALIVE.fullmatch(word) for word in start)


def _is_refused(words: Sequence[str], verb: int) -> bool:
    """«Не зовите оператора», «не хочу говорить с оператором», `do not call an agent`."""
    at = verb - 1
    for _ in range(REACH):
        if at < 0 or words[at] not in _LEADING:
            break
        at -= 1
    if at > 0 and words[at] == "t":  # `don't`; `can't` refuses nothing
        return words[at - 1] in ("don", "didn", "won")
    return at >= 0 and words[at] in _REFUSED


def _goes_on(words: Sequence[str], wanted: int) -> bool:
    """`How to talk to a person who …`: someone of whom more is said is not one of us."""
    return wanted + 1 < len(words) and words[wanted + 1] in _WHO


def _is_wanted(word: str) -> bool:
    return _ROLE.fullmatch(word) is not None or _HUMAN.fullmatch(word) is not None


def _is_whether(words: Sequence[str], verb: int) -> bool:
    """`Do I need a manager`: a question, no wish."""
    return verb > 1 and words[verb - 1] in _ASKING_SELF and words[verb - 2] in _ASKED_WHETHER


def _spelt(word: str) -> str:
    """The word as it should have been spelt, when that is one of ours and one letter away."""
    if word in _LEXICON:
        return word
    return next(
        (ours for less in _with_one_less(word) for ours in _TYPOS.get(less, ()) if _near(word, ours)), word
    )


def _with_one_less(word: str) -> list[str]:
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def _near(one: str, other: str) -> bool:
    """Whether one letter more, less, or other, or two in the wrong order, are all the difference."""
    start = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    left, right = one[start:], other[start:]
    return (
        left[1:] in (right, right[1:]) or left == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


_ENDINGS = ("", "а", "у", "ом", "ы", "ов")
_NAMES = _words("оператор менеджер консультант сотрудник специалист администратор человек")
_LEXICON = frozenset(name + ending for name in _NAMES for ending in _ENDINGS) | _words(
    """
    operator operators representative representatives consultant соедините соедини соединить позовите пригласите
    подключите переключите переведите свяжите поговорить
    """
)
_LONGEST = max(map(len, _LEXICON)) + 1
_TYPOS: dict[str, list[str]] = {}
for _word in sorted(_LEXICON):
    for _less in _with_one_less(_word):
        _TYPOS.setdefault(_less, []).append(_word)
