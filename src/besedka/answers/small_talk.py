"""Courtesies: a text of nothing else is answered with one. A greeting before a question is the question."""

import re
from enum import Enum

from besedka.answers import texts
from besedka.answers.texts import Language


class Kind(Enum):
    """What kind of courtesy a text is; where there are several, the last of this list."""

    NOTED = "noted"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"


PHRASES: dict[Kind, str] = {
    Kind.GREETING: """
        привет; приветик; приветы; всем привет; приветствую; приветствую вас; здравствуйте; здравствуй;
        здрасте; здрасьте; здрасти; здарова; добрый; добрый день; добрый вечер; доброе утро;
        доброго дня; доброго вечера; доброго утра; доброго времени; доброго времени суток; хай; хей; хелло;
        хэллоу; салют; ку; алло; доброй ночи; как дела; как ваши дела; как твои дела; как поживаете; hello;
        hello there; hi; hi there; hiya; hey; hey there; howdy; yo; greetings; good morning; good afternoon;
        good evening; good day; morning; evening; afternoon; hello everyone; hi everyone; hi all; how are you;
        how are you doing; how are you today; what s up; whats up; how do you do
    """,
    Kind.THANKS: """
        спасибо; спасибо вам; спасибо большое; большое спасибо; спасибо огромное; огромное спасибо; спасибочки;
        спс; пасиб; пасибо; благодарю; благодарю вас; благодарен; благодарна; за помощь; за ответ;
        за информацию; за быстрый ответ; вы очень помогли; вы мне очень помогли; вы помогли; очень помогли;
        мне помогло; помогло; thank you; thanks; thank you so much; thank you very much; thanks a lot;
        many thanks; thx; ty; tnx; cheers; for your help; for the help; for your answer; that helped;
        that helps; this helped; much appreciated; appreciated
    """,
    Kind.GOODBYE: """
        пока; пока пока; до свидания; досвидания; до свидание; прощайте; прощай; до встречи; до связи;
        до завтра; всего доброго; всего хорошего; всего наилучшего; хорошего дня; хорошего вечера;
        хороших выходных; удачи; вам хорошего дня; спокойной ночи; вам тоже; и вам; bye; bye bye; goodbye;
        good bye; see you; see ya; see you later; good night; have a good day; have a nice day;
        have a great day; have a good one; take care; farewell; cu
    """,
    Kind.NOTED: """
        ок; окей; окэй; хорошо; понятно; понял; поняла; все понятно; ясно; все ясно; ладно; ну ладно; отлично;
        здорово; супер; ага; угу; принято; разобрался; разобралась; круто; класс; ok; okay; i see; got it;
        understood; great; cool; alright; all right; fine; nice; perfect; sure
    """,
}

REPLIES: dict[Kind, dict[Language, str]] = {
    Kind.GREETING: {"ru": "Здравствуйте! Чем могу помочь?", "en": "Hello! How can I help?"},
    Kind.THANKS: {
        "ru": "Пожалуйста! Если появится ещё вопрос, пишите.",
        "en": "You are welcome! If you have another question, just ask.",
    },
    Kind.GOODBYE: {"ru": "До свидания! Хорошего дня.", "en": "Goodbye! Have a nice day."},
    Kind.NOTED: {
        "ru": "Хорошо. Если появится вопрос, пишите.",
        "en": "All right. If you have a question, just ask.",
    },
}

_FILLERS = {"и", "ну", "а", "вам", "вас", "and", "so", "oh", "well", "please"}
_REPEATED = re.compile(r"(.)\1+")


def kind_of(text: str) -> Kind | None:
    """Return which courtesy the text is; None when anything in it is not one.

    Numbers, signs and repeated letters or phrases do not count.
    """
    words = [_once(word) for word in texts.split(texts.normalise(text))]
    met: set[Kind] = set()
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 0, -1):
            kind = _KINDS.get(" ".join(words[at : at + size]))
            if kind is not None:
                met.add(kind)
                at += size
                break
        else:
            if words[at] not in _FILLERS:
                return None
            at += 1
    return next((kind for kind in reversed(Kind) if kind in met), None)


def _once(word: str) -> str:
    """The word with every run of one letter made one: `приветттт` is `привет`, `hello` and `helloo` are `helo`."""
    return _REPEATED.sub(r"\1", word)


def _phrases() -> dict[str, Kind]:
    return {
        " ".join(map(_once, phrase.split())): kind
        for kind, block in PHRASES.items()
        for phrase in block.replace("\n", ";").split(";")
        if phrase.strip()
    }


_KINDS = _phrases()
_LONGEST = max(phrase.count(" ") + 1 for phrase in _KINDS)
