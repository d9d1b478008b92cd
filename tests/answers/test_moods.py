import time
from collections.abc import Callable

import pace
import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from besedka.answers.moods import is_angry, is_miss

ANGRY = """
вы издеваетесь
Вы что, издеваетесь???
вы издеваетесь надо мной?!
Бесполезный бот
совершенно бесполезный бот!
бот тупой
Какой же тупой бот
сколько можно
Сколько можно?!
сколько можно ждать!
Сколько можно вас ждать, третий день
верните деньги, мошенники
Мошенники!
вы мошенники
Верните деньги!!!
вы там совсем тупые?
ты тупой?
Идиоты.
какого чёрта
что за бред
Это просто безобразие!
хамство какое-то
Позорище
ужасный сервис
сервис просто ужасный
у вас отвратительная поддержка
вы меня уже достали
вы меня бесите
иди к чёрту
да пошли вы
с меня хватит!
я возмущена
буду жаловаться в Роспотребнадзор
подам в суд
ноги моей у вас больше не будет
бред несёте
вам не стыдно?
вы читать умеете?
толку от вас ноль
ГДЕ МОЙ ЗАКАЗ!!!
где мои деньги!!!
ПОЧЕМУ НИКТО НЕ ОТВЕЧАЕТ
меня обманули!!!
сколько раз вам повторять
за дурака меня держите?
this is ridiculous
This is absolutely ridiculous!
you are useless
You're completely useless
useless bot
stupid bot!
WTF
wtf is this
what the hell
are you kidding me?
Are you stupid?
fuck you
your bot sucks
worst customer service ever
This is unacceptable.
I'm furious
I am sick of waiting
I'm fed up with this
shame on you
you're scammers
terrible service
WHERE IS MY ORDER!!!
How many times do I have to repeat myself
stop wasting my time
This bot is useless
Какое-то издевательство, третью неделю жду
shut up
""".strip().splitlines()
CALM = """
ужасно воняет корм, как вернуть?
ОК!!!
СПАСИБО!!!
Привет!!!
ДА!
ок!!!!!
ХОЧУ КУПИТЬ КОРМ ДЛЯ КОТА!!!
ЗДРАВСТВУЙТЕ, СКОЛЬКО СТОИТ ДОСТАВКА?
сколько можно хранить открытый корм?
сколько можно вернуть товаров за раз?
Сколько можно ждать заказ в пункте выдачи?
как вернуть деньги?
верните деньги за отменённый заказ, пожалуйста
нож тупой, как обменять?
вы прислали тупой нож
тупой угол у стола, есть защита?
бесполезный робот-пылесос, как вернуть?
ужасный запах у шампуня
отвратительный вкус, собака не ест
Это не мошенники?
как не попасться на мошенников?
мне звонили мошенники от вашего имени
вы не мошенники?
есть ли средство от воров?
воры украли посылку, что делать?
кот достал корм с полки
мы достали старую клетку, подойдёт ли она?
Надоел старый ошейник, хочу новый
кобель или сука?
козлы для пилки дров есть?
где мой заказ?
Подскажите, где моя посылка
почему так долго идёт посылка?
жду уже неделю, когда привезут?
никто не отвечает по телефону, какой у вас график?
не работает промокод
корм — просто бомба!!!
Обожаю ваш магазин!!!
Супер!!! Класс!!!
Отличный сервис!
сервис не ужасный, мне понравилось
у вас нормальные размеры?
вы нормальные деньги принимаете?
сколько раз в день кормить?
сколько раз повторять курс таблеток?
какая разница между кормами
ужас как понравилось!!!
бешеная собака укусила, что делать?
собака бесится, что купить?
как подать в суд на соседа?
жалобная книга у вас есть?
куда отправить жалобу на курьера?
как заказать, я не тупой, но не понял
вы несёте ответственность за возврат?
вы кинули ссылку не на тот товар
Хватит ли мешка на месяц?
глупый вопрос: можно ли кормить щенка рыбой?
this food smells terrible, how do i return it?
the knife is useless, can i get a refund?
where is my order?
I want my money back, how do I do that?
how do i know if this is a scam?
is this a scam?
did my parcel get lost?
how many times do i have to feed it?
how many times a day should I feed a puppy?
how to screw this on?
the shoes are awful, how to return?
my dog is sick of this food
THANK YOU!!!
OK!!!
I love it!!!
fucking amazing, thanks
you are not useless
what is the worst that can happen?
is it dumb to buy two?
the handle is broken, ridiculous price, can I exchange?
can I shut the lid up?
is the service center open?
бесит, когда шерсть везде, какой пылесос взять?
собака достала, грызёт всё, что купить?
which service is good and which is awful?
""".strip().splitlines()
MISSES = """
не то
Не то!
это не то
Это совсем не то
нет, не то
не то, что я спрашивал
это не то, что я спрашивала
не помогло
Мне не помогло.
это не помогает
перезагрузил, не помогло
ваш ответ не помог
это не ответ на мой вопрос
Вы не ответили на мой вопрос
вы не поняли
Вы меня не поняли
ты не понял вопрос
ответ не по теме
I don't think you understood
вы не так поняли
вы неправильно меня поняли
я не об этом спрашивал
я спрашивал о другом
Я не про это
вопрос был другой
не об этом
при чём тут это?
не понял
непонятно
that's not what I asked
That is not what I meant
doesn't help
it doesn't help
that didn't help
This does not answer my question
not helpful
wrong answer
you didn't answer my question
you don't understand
you misunderstood me
that's not it
I asked about something else
I still don't get it
you did not understand me
""".strip().splitlines()
NO_MISSES = """
прислали не то
пришло не то, что я заказывал
не тот размер прислали
не помогло лекарство, что делать?
что делать, если не помогло лекарство?
шампунь не помог от блох
корм не подходит кошке, можно вернуть?
как понять, что кот не понял команду?
не то чтобы дорого, но есть скидка?
поможет ли это от блох?
курьер не ответил на звонок
не работает кнопка оплаты
мой вопрос не срочный
вы помогли, спасибо
спасибо, помогло
понял
понятно
мне нужен другой цвет
это то, что нужно
привет
сколько стоит доставка?
does it help with fleas?
it helped
that helps
the courier did not answer
what if the medicine doesn't help
can I ask something else?
the colour is wrong, can I return it?
I got the wrong item
the colour is not what I ordered
is it helpful for puppies?
that's it, thanks
""".strip().splitlines()


@pytest.mark.parametrize("typed", ANGRY)
def test_anger_with_us_is_heard(typed: str):
    assert is_angry(typed)


@pytest.mark.parametrize("typed", [*CALM, *NO_MISSES, "", "!!!", "?!?!?!"])
def test_a_strong_word_or_a_loud_one_is_no_anger_yet(typed: str):
    assert not is_angry(typed)


@pytest.mark.parametrize("typed", MISSES)
def test_who_was_not_helped_is_heard(typed: str):
    assert is_miss(typed)


@pytest.mark.parametrize("typed", [*NO_MISSES, *CALM[:54], "", "!!!"])
def test_a_question_is_no_miss(typed: str):
    assert not is_miss(typed)


@pytest.mark.parametrize(
    "typed", ["Бесполееезный боооот", "ВЫ ИЗДЕВАЕТЕСЬ", "Вы изде\u00adваетесь", "вы  —  издеваетесь?!"]
)
def test_spelling_makes_anger_no_smaller(typed: str):
    assert is_angry(typed)


@given(
    typed=text()
    | lists(sampled_from(["вы", "не", "то", "сколько", "можно", "бот", "тупой", "you", "!!!"])).map(" ".join)
)
def test_any_text_may_be_typed(typed: str):
    assert is_angry(typed) in (True, False)
    assert is_miss(typed) in (True, False)


@pytest.mark.parametrize(
    "part", ["вы ", "не то", "a", "! ", "ЩЩЩ ", "you are ", "\ufdfa", "\u0315\u0300", ", ", "сколько "]
)
@pytest.mark.parametrize("asks", [is_angry, is_miss])
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(asks: Callable[[str], bool], part: str):
    typed = part * (10_000 // len(part.encode()))
    start = time.process_time()

    asks(typed)

    assert time.process_time() - start < pace.seconds(0.1)
