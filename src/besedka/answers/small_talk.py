"""Courtesies: a text of nothing else is answered with one. A greeting before a question is the question."""

from enum import Enum

from besedka.answers import texts


class Kind(Enum):
    """What kind of courtesy a text is; where there are several, the last of this list."""

    NOTED = "noted"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    ABILITIES = "abilities"


PHRASES: dict[Kind, str] = {
    Kind.GREETING: """
        привет; приветик; приветы; приветики; всем привет; и вам привет; приветствую; приветствую вас;
        здравствуйте; здравствуй; здраствуйте; здраствуй; здравствуйте всем; здрасте; здрасьте; здрасти; здарова;
        здорово живете; добрый; добрый день; добрый вечер; доброе утро; доброе; доброго дня; доброго вечера;
        доброго утра; доброго времени; доброго времени суток; доброго здоровья; утро доброе; день добрый; вечер
        добрый; хай; хей; хелло; хэллоу; салют; ку; алло; але; доброй ночи; как дела; как у вас дела; как у тебя
        дела; как ваши дела; как твои дела; как дела у вас; как поживаете; как поживаешь; как жизнь; как
        настроение; рад вас видеть; вы тут; ты тут; вы здесь; ты здесь; есть кто; есть кто нибудь; кто нибудь
        тут; есть вопрос; у меня вопрос; у меня есть вопрос; можно вопрос; можно задать вопрос; можно спросить;
        хочу спросить; хочу задать вопрос; помогите; помоги; помогите мне; нужна помощь; мне нужна помощь; нужна
        ваша помощь; помощь; можете помочь; вы можете помочь; можешь помочь; вы можете мне помочь; можете мне
        помочь; ghbdtn; privet; zdravstvuyte; hello; hello there; hello again; hi; hi there; hi again; hiya; hey;
        hey there; howdy; yo; greetings; good morning; good afternoon; good evening; good day; morning; evening;
        afternoon; hello everyone; hi everyone; hi all; how are you; how are you doing; how are you today; how is
        it going; how s it going; hope you are well; nice to meet you; what s up; whats up; sup; how do you do;
        anyone there; anybody there; is anyone there; is anybody there; are you there; you there; anyone here; is
        anyone here; i have a question; i ve a question; got a question; a quick question; quick question; can i
        ask a question; can i ask you a question; may i ask a question; can i ask you something; help; help me; i
        need help; i need your help; i need some help; can you help; can you help me; could you help me
    """,
    Kind.THANKS: """
        спасибо; спасибо вам; спасибо тебе; спасибо большое; большое спасибо; большое вам спасибо; вам спасибо;
        спасибо огромное; огромное спасибо; спасибо вам большое; спасибо вам огромное;
        спасибо тебе большое; огромное вам спасибо; спасибо преогромное; спасибочки; спасибки; спс;
        пасиб; пасибо; пасибки; спасиб; сенкс; сенк ю; мерси; благодарю; благодарю вас; от души; благодарен;
        благодарна; благодарим; за помощь; за вашу помощь; за ответ; за ответы; за информацию; за подсказку; за
        консультацию; за совет; за быстрый ответ; за подробный ответ; за оперативность; за внимание; за все; вы
        очень помогли; вы мне очень помогли; вы помогли; вы мне помогли; ты помог; ты мне помог; очень помогли;
        мне помогло; это помогло; помогло; все получилось; получилось; все заработало; заработало; выручили; вы
        меня выручили; spasibo; thank you; thank u; thanks; thank you so much; thank you very much; thank you
        all; thanks a lot; thanks so much; thanks a bunch; thanks a million; thanks again; thank you again; many
        thanks; big thanks; thx; thnx; ty; tysm; tnx; cheers; i appreciate it; for your help; for the help; for
        helping; for helping me; for your answer; for the answer; for the info; for the information; for your
        time; for the quick answer; for the quick reply; that helped; that helped a lot; that helps; that helps a
        lot; this helped; this helps; it helped; it worked; that worked; you helped me; you helped a lot; you re
        the best; you are the best; much appreciated; appreciated
    """,
    Kind.GOODBYE: """
        пока; пока пока; всем пока; до свидания; досвидания; до свидание; досвидание; досвидос; прощайте; прощай;
        до встречи; до скорого; до скорой встречи; до связи; до завтра; увидимся; всего доброго; всего вам
        доброго; всего хорошего; всего вам хорошего; всего наилучшего; хорошего дня; хорошего вечера; хорошего
        вам дня; хорошего вам вечера; доброго вам дня; хороших выходных; удачи; удачи вам; удачного дня; вам
        хорошего дня; спокойной ночи; вам тоже; и вам; и вам того же; взаимно; берегите себя; мне пора; вопросов
        больше нет; больше вопросов нет; больше ничего; на этом все; это все; вот и все; poka; bye; bye bye; bye
        for now; goodbye; good bye; see you; see you soon; see ya; see you later; cya; later; ttyl; talk to you
        later; good night; have a good day; have a nice day; have a great day; have a good one; have a lovely
        day; have a good evening; have a nice evening; have a good weekend; have a nice weekend; you too; same to
        you; take care; farewell; cu; that s all; that is all; thats all; that will be all; nothing else; no more
        questions; that s it; gotta go; i have to go
    """,
    Kind.NOTED: """
        ок; окей; окэй; оки; океюшки; хорошо; понятно; понятненько; понял; поняла; поняли; понял вас; поняла вас;
        вас понял; вас поняла; все понятно; мне все понятно; теперь понятно; стало понятно; теперь ясно; ясно;
        все ясно; ясненько; ладно; ну ладно; отлично; прекрасно; замечательно; чудесно; великолепно; здорово;
        супер; ага; угу; принято; разобрался; разобралась; разобрались; круто; класс; классно; клево; годится;
        договорились; учту; буду знать; вот как; вот оно что; так и сделаю; буду ждать; подожду; пока подожду;
        жду; пока жду; ok; okay; okey; k; kk; i see; got it; gotcha; understood; i understand; makes sense; that
        makes sense; noted; great; that s great; awesome; cool; alright; all right; all clear; fine; that s fine;
        nice; perfect; excellent; wonderful; brilliant; sure; will do; good to know; fair enough; sounds good; i
        will wait; i ll wait
    """,
    Kind.ABILITIES: """
        что ты умеешь; что ты умеешь делать; что умеешь; что вы умеете; что вы умеете делать; что умеет бот; что
        умеет этот бот; что умеет этот чат; что ты можешь; что вы можете; что ты можешь делать; что можешь; чем
        можешь помочь; чем ты можешь помочь; чем ты можешь мне помочь; чем можете помочь; чем вы можете помочь;
        чем вы можете мне помочь; чем вы мне можете помочь; чем поможешь; чем поможете; чем ты поможешь; как ты
        можешь помочь; как вы можете помочь; как ты можешь мне помочь; как вы можете мне помочь; с чем можешь
        помочь; с чем можете помочь; с чем вы можете помочь; с чем ты можешь помочь; чем ты полезен; чем вы
        полезны; чем ты занимаешься; чем вы занимаетесь тут; для чего ты; для чего ты нужен; зачем ты нужен; для
        чего этот чат; для чего этот бот; что это за чат; что это за бот; какие вопросы можно задать; о чем можно
        спросить; что можно спросить; что можно у тебя спросить; что можно у вас спросить; о чем тебя можно
        спросить; на какие вопросы ты отвечаешь; на какие вопросы вы отвечаете; на какие вопросы ты можешь
        ответить; расскажи о себе; расскажите о себе; расскажи про себя; представься; представьтесь; как тебя
        зовут; как вас зовут; как тебя звать; твое имя; как к вам обращаться; кто ты; ты кто; кто ты такой; ты
        кто такой; кто ты такая; кто вы; вы кто; кто вы такой; кто вы такие; кто это; кто здесь; кто со мной
        говорит; кто мне отвечает; кто отвечает; с кем я говорю; с кем я разговариваю; с кем я общаюсь; с кем я
        переписываюсь; ты бот; вы бот; это бот; ты робот; вы робот; это робот; ты человек; вы человек; это
        человек; ты человек или бот; ты бот или человек; ты человек или робот; ты робот или человек; вы человек
        или бот; вы бот или человек; вы человек или робот; вы робот или человек; это бот или человек; это человек
        или бот; это робот или человек; это человек или робот; бот или человек; человек или бот; ты живой; вы
        живой; вы живой человек; ты живой человек; ты настоящий; вы настоящий; вы настоящий человек; ты настоящий
        человек; ты нейросеть; вы нейросеть; это нейросеть; ты чат бот; вы чат бот; это чат бот; ты чатбот; вы
        чатбот; ты ии; вы ии; это ии; ты искусственный интеллект; вы искусственный интеллект; ты chatgpt; ты gpt;
        ты чат gpt; ты машина; ты программа; это автоответчик; вы автоответчик; я говорю с ботом; я общаюсь с
        ботом; я разговариваю с ботом; я говорю с человеком; я разговариваю с человеком; я общаюсь с человеком;
        мне отвечает бот; мне отвечает человек; отвечает бот; отвечает робот; what can you do; what can you do
        for me; what can u do; what do you do; what can you help me with; what can you help with; what do you
        know; what are you capable of; what are you; what are you for; what is this; what is this chat; what is
        this chat for; what is this bot for; what is this bot; what can this bot do; what can i ask; what can i
        ask you; what can i ask here; what can i ask you about; how can you help; how can you help me; how do you
        work; how does this work; how does this chat work; who are you; who r u; who is this; who s this; who am
        i talking to; who am i speaking to; who am i chatting with; who am i speaking with; who am i talking
        with; what is your name; what s your name; whats your name; your name; do you have a name; introduce
        yourself; tell me about yourself; are you a bot; are you bot; are u a bot; r u a bot; you a bot; are you
        just a bot; are you a chatbot; are you a chat bot; are you chatgpt; are you gpt; are you a robot; are you
        a machine; are you a computer; are you a program; are you an ai; are you ai; are you human; are you a
        human; are you real; are you a real person; are you a real human; are you a person; are you an actual
        person; are you a live person; are you alive; are you a human or a bot; are you a bot or a human; are you
        human or bot; are you a person or a bot; are you a bot or a person; are you a real person or a bot; are
        you a robot or a human; human or bot; bot or human; is this a bot; is it a bot; is this a robot; is this
        a human; is this a real person; is this a person; is this an ai; is this ai; is this chatgpt; is this
        automated; am i talking to a bot; am i talking to a human; am i talking to a real person; am i talking to
        a person; am i talking to a robot; am i chatting with a bot; am i speaking to a bot; am i speaking to a
        human; am i talking with a bot
    """,
}

_FILLERS = frozenset(
    texts.once(word)
    for word in texts.split(
        "и ну а о ой эй же вот вам вас там скажи скажите пожалуйста плиз and so oh ah well please pls"
    )
)
_SIGNS = {"👍": "ок", "👌": "ок", "🆗": "ок", "🙏": "спасибо", "👋": "привет"}  # said with a hand


def kind_of(text: str) -> Kind | None:
    """Return which courtesy the text is; None when anything in it is not one.

    Numbers, signs and repeated letters or phrases do not count; 👍 and the like say what a word would.
    """
    for sign, word in _SIGNS.items():
        text = text.replace(sign, f" {word} ")
    words = [texts.once(word) for word in texts.split(texts.normalise(text))]
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


def _phrases() -> dict[str, Kind]:
    return {
        " ".join(map(texts.once, texts.split(texts.normalise(phrase)))): kind
        for kind, block in PHRASES.items()
        for phrase in block.replace("\n", " ").split(";")
        if phrase.strip()
    }


_KINDS = _phrases()
_LONGEST = max(phrase.count(" ") + 1 for phrase in _KINDS)
