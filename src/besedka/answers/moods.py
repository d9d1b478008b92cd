"""Is a visitor angry with us, and did the last answer miss? Phrases of words, clause by clause, in linear time.

A phrase is written as its words: `a/b` is either, `_` joins the words of one choice, `^` is the beginning of
a clause, `$` its end unless it asks, `.` the same at the end of a sentence, `?` the end of one that asks. Words
that only add force («просто», `really`) are left out of phrases and texts alike. Anger is a phrase that is said to
nobody but us, or a complaint in a raised voice; a raised voice alone is none.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from besedka.answers import texts

# Said to whoever should have helped, and to nobody else.
FURIOUS = """
    вы/ты издеваетесь/издеваешься; ^ издеваетесь/издеваешься; хватит/прекратите/перестаньте издеваться; вы_в/ты_в
    своем уме; вы/ты прикалываетесь/прикалываешься $/?; ^ вы/ты нормальные/нормальный/адекватные $/?; вы/ты
    читать/слышать/думать/работать умеете/умеешь/умеете_ли; вы/ты оглохли/ослепли/охренели/офигели/обалдели;
    вы/ты обнаглели/охамели/очумели/оборзели; ^ обнаглели/охренели/офигели $/?; сколько можно $/?; сколько можно
    ждать/терпеть/повторять/объяснять/спрашивать/просить $/?; сколько можно вас/тебя
    ждать/просить/терпеть/спрашивать; сколько можно ждать/просить ответа/ответ/вас; сколько раз
    вам/тебе/можно/я_должен/я_должна повторять/говорить/писать/объяснять/спрашивать/просить; вам/тебе сто раз;
    вы/ты достали/достал/задолбали/заколебали/бесите/бесишь/надоели/надоел/утомили $/?; вы/ты достали/надоели
    своими/своим/с; вы/ты задолбали/задолбал/заколебали/задрали; ^
    достали/задолбали/заколебали/задрали/бесите/бесишь/надоели .; ^ это/как_это бесит $; бот/чат/робот
    бесит/достал/надоел/задолбал $; надоело ждать/повторять/объяснять/писать; я
    в_бешенстве/возмущен/возмущена/взбешен/взбешена; терпение лопнуло/кончилось/закончилось/на_исходе; с_меня
    хватит; иди/идите/пошел/пошли/пошла/катись/катитесь
    в_жопу/в_баню/к_черту/к_чертям/лесом/нафиг/нахер/нахрен/на_фиг/на_хрен; ^ пошли/пошел вы/ты; ^ да пошли/пошел
    вы/ты; ^ заткнись/заткнитесь/отвали/отвяжись/отвалите/отстань; какого черта/хрена/фига/лешего/хера/черт/хрен;
    ^ что за хрень/фигня/чушь $/?; вы/ты тупите/тупишь/врете/врешь/лжете; бред/чушь/ерунду/ахинею несете/несешь;
    вы/ты хамите/хамишь/нахамили/обманули_меня; вы/ты кинули/надули/обманули $/.; верните деньги
    мошенники/жулики/воры; за дурака/идиота/идиотов держите/держишь/считаете; издевательство_а не; ^
    буду/собираюсь на_вас жаловаться; я/буду на_вас пожалуюсь/жаловаться; ^ я буду жаловаться; ^ буду жаловаться;
    пожалуюсь/жалуюсь на_вас; напишу/подам на_вас жалобу; жалобу на_вас; увидимся/встретимся в_суде; на_вас
    в_суд; ^ я подам/подаю в_суд; ^ подам/подаю в_суд; ноги моей у_вас/здесь; больше_никогда/никогда_больше
    к_вам/у_вас/с_вами; чтоб/чтобы вы провалились/сдохли; от_вас/от_тебя/от_вашего_бота толку ноль/никакого/нет;
    толку от_вас/от_тебя; от_вас/от_тебя никакого/ноль/нет толку/толка/пользы/помощи; ноль/никакого/нет/никакой
    толку/пользы/помощи от_вас/от_тебя; позор вам/вашей/вашему; вам не_стыдно; вам наплевать/плевать/пофиг;
    наплевать/плевать на_клиентов/на_покупателей/на_людей; хуже вас/сервиса/вашего;
    отвратительно/ужасно/безобразно работаете/обслуживаете; вы отвратительно/ужасно работаете; are you/u
    kidding/joking/stupid/dumb/deaf/blind/insane/mad/braindead; are you out_of your mind; you kidding/joking me;
    you must/have_to/got_to be kidding/joking; ^ this/it/that is/s
    ridiculous/absurd/outrageous/unacceptable/infuriating; ^ this/it/that is/s
    pathetic/insane/a_joke/bullshit/bs/disgraceful $; ^ ridiculous/unacceptable/outrageous $; ^
    pathetic/bullshit/disgraceful $; ^ what a joke/disgrace; is this_a/this_some_kind_of joke; what_the
    hell/fuck/heck; wtf; ^ wth $/?; for_fuck s_sake; fuck you/off/this/u/your; f ck/k you/u/off/this; w_t_f; ^
    fu/fuck $; screw you; ^ go_to hell; ^ screw this $; shut up/the_fuck_up; piss off; ^ get lost; i hate
    you/this_bot/this_chat; you suck/lied/stink; your/this bot/chatbot/service/support/company/chat
    suck/sucks/stinks/is_a_joke/s_a_joke; can you_even read; i am/m
    furious/livid/pissed/fed_up/outraged/so_angry/angry; im furious/livid/pissed/fed_up/angry; fed_up with
    you/this; i am/m sick_of/tired_of this/you/your/waiting/repeating/explaining; ^ sick_of/tired_of
    this/you/waiting; how_many times do/must/should i ask/repeat/tell/explain/say; how_many times do i have_to
    ask/repeat/tell/explain/say/write; i have/ve told/asked you hundred/thousand/three/ten times; shame on you;
    worst bot/service/support/company/shop ever; worst customer service; waste of my_time; wasting my time; you
    wasted my; never buying/shopping/ordering here/from_you again; never buy/order/shop here/from_you again; see
    you in_court; i ll/will sue; hear from_my lawyer; i ll/will report_you; do you even read/listen/understand;
    are you even reading/listening; ^ this is/s scam/rip_off $; ^ scam/rip_off .; like talking to_a
    wall/brick_wall; talking to_a wall/brick_wall; stop wasting my; you don t care $; you people are useless
"""
# Loud words that stand for themselves: alone in a clause, or said of what goes on here.
OUTRAGES = """
    безобразие/позорище/позор/наглость/хамство/свинство/беспредел/издевательство/кидалово/лохотрон/надувательство/дурдом/
    маразм/идиотизм/бред/произвол/возмутительно
"""
# What we may be called: alone in a sentence, or right after «вы».
NAMES = """
    мошенники/жулики/обманщики/воры/аферисты/кидалы/лжецы/вруны/хамы/идиоты/дебилы/придурки/кретины/сволочи/болваны/
    тупицы/бездари/бездельники/дармоеды/ничтожество/идиот/дебил/придурок/кретин/тупица/долбоебы
"""
BEASTS = """
    козлы/козел/твари/уроды/урод/гады/скоты/больные/тупые/тупой/тупая/бесполезные/бесполезный/бесполезны/
    бесполезен/безмозглые/безмозглый/глупые/глупый/ненормальные/невменяемые/отвратительны/ужасны/дурацкий
"""
INSULTS = """
    idiots/morons/scammers/crooks/thieves/liars/idiot/moron/useless/stupid/dumb/pathetic/incompetent/worthless/clueless/
    hopeless/terrible/horrible/awful/disgusting/ridiculous/garbage/trash/criminals/a_joke/a_liar/no_help
"""
# Of a product they say nothing about us; next to a word for us they do.
BAD = """
    бесполезн туп глуп дурацк идиотск безмозгл бестолков ужасн отвратительн мерзк паршив хренов никчемн дебильн
    кошмарн безобразн убог отстойн поган useless stupid dumb terrible horrible awful crappy pathetic worthless
    garbage shit incompetent disgusting idiotic moronic lousy appalling atrocious dreadful ridiculous
"""
US = """
    бот бота боты боту ботом чатбот поддержка поддержку сервис обслуживание контора конторка компания магазин
    служба операторы менеджеры консультанты ответы отношение сайт bot bots chatbot service support
    company assistant website
"""
# In a raised voice they are anger, in a quiet one they are questions.
COMPLAINTS = """
    где мой/моя/мои/наш заказ/посылка/деньги/доставка/товар/возврат/курьер/корм; верните/отдайте деньги;
    верните/отдайте мои/наши деньги; почему никто не; почему вы/ты не отвечаете/отвечаешь/работаете/помогаете;
    никто не отвечает/перезвонил/помогает/звонит/берет; почему долго; сколько ждать; я жду; жду
    целый/вторую/третий/неделю/месяц; до_сих пор; вторую/третью неделю; третий/пятый/десятый раз/день; ^
    ответьте/ответь/отвечайте; это кошмар/ужас/ужасно; ^ кошмар/ужас/ужасно/жесть $; вы слышите/читаете; что
    происходит; что за ерунда/фигня/дела; ^ алло/але/ау $/?; бля; блять; немедленно; безответственность;
    обманули; не работает $; ничего не работает; верните; плохо работаете; деньги верните; where is/s my
    order/money/refund/parcel/package/delivery; wheres my order/money/refund/parcel/package; give me my
    money/refund; i want my money/refund; refund me; why is nobody/no_one; why are you not/ignoring;
    nobody/no_one answers/helps/replies/cares; answer me; still waiting; this is
    nightmare/terrible/awful/horrible; ^ terrible/awful/horrible $; what is/s going_on; still not
    working/arrived; for third/fifth/tenth time; immediately; do something; are you there/listening; is
    anyone/anybody there/listening; how long do_i; stop ignoring; money back
"""
# The last answer did not help.
MISSES = """
    ^ не_по теме $; ^ ответ/это не_по теме $; don_t/dont think you understood/understand;
    ^ не_то/не_туда/мимо/неверно/неправильно/неправда/не_так/не_оно $; ^ это
    не_то/не_оно/не_так/неверно/неправильно/неправда/мимо $; ^ не_то не_то $; ^ это/ответ/вопрос/речь
    не_про_то/не_об_этом/не_о_том/не_про_это/о_другом/про_другое $; ^ не_про_то/не_о_том/не_об_этом/не_про_это $;
    не_то что/о_чем/про_что я спрашивал/спрашивала/спросил/спросила; не_то что/о_чем/про_что
    спрашивал/спрашивала/спросил/спросила/спрашивают/просил/просила; ^ не_то что/о_чем/про_что я; ^ это не_то
    что/о_чем/про_что; я не_об_этом/не_про_это/не_это/не_о_том/не_про_то/о_другом/про_другое/другое
    спрашивал/спросил; я не_об_этом/не_про_это/не_это/не_о_том/не_про_то/о_другом/про_другое/другое
    спрашивала/спросила/спрашиваю; ^ не_об_этом/не_про_это/не_это/не_о_том спрашивал/спрашивала/спросил/спросила;
    ^ я не_об_этом/не_про_это/не_о_том/про_другое; я спрашивал/спрашивала/спросил/спросила/спрашиваю
    о_другом/про_другое/другое/не_это/не_об_этом/не_про_это/не_о_том; ^ другой вопрос $; ^ вопрос был другой; ^
    у_меня другой вопрос $; ^ у другой вопрос $; ^ не/нет_не помогло/помогает/помог/помогли .; ^
    это/ваш_ответ/ответ/совет не помогло/помогает/помог/поможет $; ваш/твой ответ/совет не
    помог/помогает/подходит; вы/ты не помогли/помог/помогла/помогаете/помогаешь $; это не ответ; не ответ на
    вопрос/мой; ^ не ответ $; нет ответа на мой; вопрос остался; мой вопрос не решен/решили/понят/поняли; вы/ты
    не ответили/ответил/ответила/отвечаете/отвечаешь $; вы/ты не ответили/ответил/отвечаете/отвечаешь на
    мой/вопрос; на мой/заданный вопрос не ответили/ответил/отвечаете; на мой вопрос вы/ты не; на вопрос не
    ответили/ответил; ^ не ответили/ответил/отвечает на вопрос/мой; ^ ответ/это не_на тот/мой вопрос; ^ а на мой
    вопрос $/?; вы/ты не/неправильно/неверно поняли/понял/поняла/понимаете/понимаешь; вы/ты не правильно/то/верно
    поняли/понял/поняла; ^ не/неправильно/неверно поняли/понял $; ^ не то/правильно/верно поняли/понял; ^ вы/ты
    о_чем/про_что/не_о_том $/?; при_чем/причем тут/здесь это; ^ это не/ничем поможет/помогает/помогло/помог $; ^
    бесполезно $; это/ответ/ваш_ответ бесполезно/бесполезен/неправильный/неверный/не_тот/не_полезен $; не тот
    ответ; ^ ответ не верный/правильный $; ^ не_решило; это не_решает/не_решило; ^ проблема осталась $; ^ это я
    знаю $; ^ это я без_вас знаю $; ^ я это знаю $; ^ это/я/я_это я/это/читал/читала/пробовал/пробовала
    читал/читала/пробовал/пробовала $; ^ это читал/читала/пробовал/пробовала $; ничего не понятно/понял/поняла $;
    ^ не понятно/понимаю/понял/поняла .; ^ я не понял/поняла/понимаю .; ^ непонятно $; яснее не_стало $; ^
    нужно/надо другое $; ^ я другое имел/имела; я имел/имела в_виду другое; это не_мой/не_про_мой случай; ^
    не_мой случай $; not/isn_t/wasn_t/isnt what i asked/meant/am_asking/m_asking/was_asking/said; ^ that/this
    is/s not what i need/needed/want/wanted; ^ that isn t what i need/needed/want/wanted; not my question; ^ not
    helpful/useful/it/relevant/that/really/right/correct $; ^ wrong/unhelpful/useless/incorrect/irrelevant $; ^
    that/this/it is/s/was not it/helpful/useful/right/correct/relevant/answer $; ^ that/this/it isn/wasn t
    it/helpful/useful/right/correct/relevant/answer $; ^ that/this/it isnt/wasnt it/helpful/right/useful $; ^
    that/this/it is/s/was wrong/unhelpful/incorrect/irrelevant/useless $; ^ that/this/it/which does/did not
    help/answer/solve; ^ that/this/it/which/your_answer doesn/didn t help/answer/solve; ^ that/this/it
    doesnt/didnt help/answer/solve; ^ doesn/didn t help; ^ doesnt/didnt help; ^ does/did not help; not answer
    to_my/to question; does/did not answer my question; doesn/didn/don t answer my/question; didnt/doesnt/dont
    answer my question; you did/do not understand; you did not answer $; you did not answer my/question; you
    haven/have t/not answered; you didn/don t understand/get_it/get_me/answer; you didnt/dont understand/answer;
    you misunderstood/misread/missed_the_point; misunderstood me/my; wrong answer; answer is/was/s
    wrong/not_helpful/unhelpful/useless/irrelevant; ^ no help/use $; ^ not clear $; ^ i still don_t
    understand/get_it/know; ^ still don_t understand/get_it/know; ^ i don t get_it/understand $; still not_clear
    $; i asked/meant about something/anything else; i asked/meant something else; i was/am asking/talking about
    something else; ^ something else $; i already tried/know/read that/this/it; i have/ve already tried/read
    that/this/it; not_related to_my question
"""
FORCE = """
    вообще совсем просто уже же ну так реально прям прямо очень все и да какие такие такой такая полностью
    абсолютно сильно мне меня опять снова увы еще пожалуйста really so just very absolutely totally completely
    such honestly literally quite seriously bloody freaking fucking all a an the
"""
_LINKS = frozenset(("is", "s", "are", "это"))
_REFUSING = frozenset(("не", "ни", "not", "isn", "aren", "never"))
_ENDS = frozenset("^$.?")
_CLAUSE = re.compile(r"([.!?;:,\n…()\[\]«»\"—–]+)")
_RAISED = re.compile(r"!\s?!\s?!|[!?]{4}")
_LETTERS = 8  # of a text in capitals that is a raised voice


class _Phrases(NamedTuple):
    """Phrases, and for the word that one may begin with the length of the longest that does."""

    known: frozenset[str]
    openings: dict[str, int]


def is_angry(text: str) -> bool:
    """Return whether the text is angry with us: not with a product, and not merely loud.

    A swear word in a question about goods is none; neither are capitals and signs on their own.
    """
    clauses = list(_clauses(text))
    if any(_has(words, _FURIOUS) or _belittles(words) for words in clauses):
        return True
    return _is_raised(text) and any(_has(words, _COMPLAINTS) for words in clauses)


def is_miss(text: str) -> bool:
    """Return whether the text says that the last answer was beside the point or did not help."""
    return any(_has(words, _MISSES) for words in _clauses(text))


def _clauses(text: str) -> Iterator[list[str]]:
    parts = _CLAUSE.split(texts.normalise(text))
    for clause, signs in zip(parts[::2], [*parts[1::2], "."], strict=True):
        words = _bare(texts.split(clause))
        if words:
            yield ["^", *words, _end(signs)]


def _end(signs: str) -> str:
    if "?" in signs:
        return "?"
    return "." if set(signs) & set(".!\n…") else "$"


def _bare(words: Iterable[str]) -> list[str]:
    """Words as they are compared: without those that only add force, `ооочень` as `очень`."""
    return [word for word in map(texts.once, words) if word not in _FORCE]


def _has(words: list[str], phrases: _Phrases) -> bool:
    for at, word in enumerate(words):
        longest = phrases.openings.get(word, 0)
        if longest and not (at and words[at - 1] in _REFUSING):
            sizes = range(1, longest + 1)
            if any(" ".join(words[at : at + size]) in phrases.known for size in sizes):
                return True
    return False


def _belittles(words: list[str]) -> bool:
    """«Тупой бот», «сервис ужасный»: a bad word and a word for us, side by side."""
    words = [word for word in words if word not in _LINKS]
    for at in range(1, len(words) - 2):
        first, second = words[at], words[at + 1]
        if words[at - 1] in _REFUSING:
            continue
        if (first in _US and second.startswith(_BAD)) or (second in _US and first.startswith(_BAD)):
            return True
    return False


def _is_raised(text: str) -> bool:
    """Several exclamation marks, or next to all in capitals."""
    letters = [sign for sign in text if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters)
    return bool(_RAISED.search(text)) or (len(letters) >= _LETTERS and capitals >= 0.8 * len(letters))


def _read(*blocks: str) -> _Phrases:
    known: set[str] = set()
    openings: dict[str, int] = {}
    for phrase in ";".join(blocks).split(";"):
        for words in _expanded(phrase):
            if not _ENDS.issuperset(words):
                known.add(" ".join(words))
                openings[words[0]] = max(openings.get(words[0], 0), len(words))
    return _Phrases(frozenset(known), openings)


def _expanded(phrase: str) -> Iterator[list[str]]:
    """Every reading of a phrase; `$` ends a clause or a sentence."""
    choices = [part.replace("$", "$/.").split("/") for part in phrase.split()]
    for chosen in product(*choices):
        yield _bare(word for part in chosen for word in part.split("_"))


def _one_of(block: str) -> str:
    return "".join(block.split())


_FORCE = frozenset(map(texts.once, FORCE.split()))
_US = frozenset(map(texts.once, US.split()))
_BAD = tuple(map(texts.once, BAD.split()))
_FURIOUS = _read(
    FURIOUS,
    f"^ {_one_of(OUTRAGES)} .; ^ это/что_за/какое/какой/какая/полный/полное/сплошное {_one_of(OUTRAGES)}",
    f"^ какое_то/какой_то {_one_of(OUTRAGES)} $; ^ {_one_of(OUTRAGES)} какое_то/какой_то/какая_то/полный/полное",
    f"^ {_one_of(NAMES)} .; вы/ты {_one_of(NAMES)}; вы/ты там {_one_of(NAMES)}; одни/кругом {_one_of(NAMES)} $",
    f"вы/ты {_one_of(BEASTS)} $/?; вы/ты там {_one_of(BEASTS)} $/?",
    f"you/u are/re/r {_one_of(INSULTS)}; youre/ur/u/you {_one_of(INSULTS)}",
    f"you guys/people are {_one_of(INSULTS)}",
)
_COMPLAINTS = _read(COMPLAINTS)
_MISSES = _read(MISSES)
