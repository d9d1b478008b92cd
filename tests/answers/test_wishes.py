import time

import pace
import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from besedka.answers.wishes import wants_person

WISHES = """
оператор
Оператора!!!
оператор 17
позовите оператора
Позовите, пожалуйста, оператора!
оператора позовите
Ничего не понял. Оператор!
мне нужен оператор
можно оператора?
дайте человека
соедините с менеджером
Здравствуйте, соедините меня пожалуйста с оператором
переключите на оператора
переведите меня на специалиста
свяжите меня с консультантом
не могу связаться с оператором
хочу поговорить с человеком
хочу общаться с живым человеком, а не с роботом
Не хочу говорить с ботом, дайте человека
живой человек
есть тут живой человек?
пусть ответит человек
operator please
Operator!
human
real person
is there a real person here
talk to a human
i need a human
I want to speak to a manager
i'd like to talk to a person
get me a real person
can i talk to someone
connect me with an agent please
Could you transfer me to a human agent?
let me speak to a representative
операторррр
опиратор
аператор
опператор пожалуйста
оперытор
опреатор
соедени с человеком
соедените меня с оператором
соединте с менеджером
живой чел
нужен живой чел
позовите чела
дайте живого человека
agent pls
operater please
I need an operater
представителя позовите
можно с человеком поговорить?
можно поговорить с живым человеком?
есть кто живой?
живые люди есть?
тут есть люди?
хочу живого оператора
хочу к оператору
мне бы оператора
мне бы с человеком поговорить
оператора мне!
оператора дайте
человека дайте
дайте поговорить с оператором
переведи на человека
переключи на живого
переключите на живого человека пожалуйста
кто-нибудь живой есть?
требую оператора
требую живого сотрудника
не хочу с ботом, позовите человека
я не хочу общаться с роботом
нужна помощь оператора
нужна помощь живого человека
нужен специалист
свяжите с поддержкой
свяжите меня с вашей поддержкой
позовите старшего
позовите начальника
позовите руководителя
хочу поговорить с руководством
пригласите менеджера в чат
подключите живого человека к чату
пусть мне ответит живой человек
пусть перезвонит менеджер
перезвоните мне
позвоните мне пожалуйста
speak to a human
talk to human
human agent
real human please
live agent
live person please
I want to talk to someone real
give me a human
get me your manager
let me talk to a human being
human being please
can I have a human?
I need to speak to somebody
put me through to an agent
transfer me to support
connect me to customer service
representitive
speak to a rep
i want a rep
I would like to speak with an actual human
is anyone real there?
not a bot, a human
no bots, human please
I don't want to talk to a bot
escalate to a human
switch to human
let me speak to your supervisor
need human asap
"""
NO_WISHES = """
как стать оператором?
хочу стать менеджером
сколько весит человек
ваш оператор мне нахамил
Оператор, который вчера отвечал, ошибся
вчера я говорил с оператором
какой мобильный оператор лучше
нужен ли оператор для съёмки
хочу добавить администратора страницы
можно ли взять с собой второго человека
не зовите оператора
не хочу говорить с оператором
оператор не нужен
ты человек или бот?
operator precedence in python
are you a human?
do i need a manager to sign the form
how to talk to a person who is sad
what does a sales manager do
how many people can chat at once
people usually call us on Mondays
do not transfer me to an agent
I don't want to talk to an agent
привет
я человек пожилой, как заказать?
нужен корм для человека?
мой человек собака
вы человек?
чел, сколько стоит?
нужен ли чел для сборки
сколько людей в компании
хочу сказать оператору спасибо
как сказать человеку
хочу работать оператором
ищу работу менеджером
нужна вакансия консультанта
есть вакансия оператора?
какой специалист лечит кошек
нужен специалист по кошкам
нужен человек для выгула собаки
нужна лежанка, на которой поместится человек
консультант в магазине сказал другое
администратор группы есть?
живой корм есть?
есть живые черви?
дайте живого корма
оператор сотовой связи
что делает оператор?
the manager was rude
are there real leather collars
do you sell live food
is it safe for humans
agent orange
can a person eat this
is human food ok
does it support bluetooth
customer service hours
I can't connect to the service
your agent told me it was free
I am a real person
how much for two people
price per person
sales representative salary
i want managed hosting
do I need a consultant
служба поддержки когда работает
начальник сказал купить корм
позвоните соседу
позвоните по номеру
можно перевести деньги на карту человека
пригласите друга и получите скидку
приведите пример специалиста
хочу купить робота
не хочу покупать робот
не говорите с ботом по-английски? что он понимает
соединить два провода
человек-паук игрушка
I have a manager at work
нужна операция коту
есть сотрудничество с приютами?
"""


@pytest.mark.parametrize(
    "typed",
    WISHES.strip().splitlines(),
)
def test_a_wish_for_a_person_is_heard(typed: str):
    assert wants_person(typed)


@pytest.mark.parametrize(
    "typed",
    NO_WISHES.strip().splitlines(),
)
def test_a_word_about_a_person_is_no_wish_for_one(typed: str):
    assert not wants_person(typed)


@pytest.mark.parametrize("typed", ["", " ", "?!", "17"])
def test_nothing_is_no_wish(typed: str):
    assert not wants_person(typed)


@given(
    typed=text()
    | lists(sampled_from(["оператор", "не", "хочу", "позовите", "с", ",", "to", "human"])).map(" ".join)
)
def test_any_text_may_be_typed(typed: str):
    assert wants_person(typed) in (True, False)


@pytest.mark.parametrize(
    "part", ["оператор ", "хочу ", "с ", "не ", "а", ".", ", please", " ", "please ", "живой", "\ufdfa", "«"]
)
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str):
    start = time.process_time()
    wants_person(part * (10_000 // len(part)) + " оператор")

    assert time.process_time() - start < pace.seconds(0.1)
