"""Things people type into a chat that no base of knowledge answers: the neutral background of the calibration."""

SMALL_TALK = """
как дела
как тебя зовут
ты кто вообще
что делаешь
расскажи анекдот
ты человек или программа
сколько тебе лет
мне скучно
мне сегодня очень грустно
доброе утро, как спалось
что нового
я тебя люблю
давай дружить
ты умеешь петь
пожелай мне удачи
я устал на работе
а ты веришь в бога
какой твой любимый цвет
ну и ладно
понял, спасибо большое
ага, ясно
хорошо, я подумаю
не знаю даже
а что ещё ты умеешь
поговори со мной
how are you doing today
what is your name
are you some kind of machine
make me laugh
do you like music
when were you born
i am bored
i love you
what's new with you
sing me a song
nice to meet you
ok got it, thank you so much
who made you
do you ever sleep
let us be friends
"""

OTHER_DOMAINS = """
какая завтра погода в казани
будет ли дождь на выходных
сколько будет семью восемь
кто написал войну и мир
столица австралии
как сварить борщ
рецепт шарлотки с яблоками
когда началась первая мировая война
курс доллара на сегодня
сколько километров до луны
как решить квадратное уравнение
кто выиграл вчера футбол
посоветуй хороший фильм на вечер
как вылечить насморк у взрослого
какие таблетки пить от головы
когда следующий поезд до твери
сколько стоит билет на самолёт в сочи
как поменять масло в двигателе
почему небо голубое
что такое фотосинтез
напиши сочинение про осень
переведи слово дом на французский
какой сейчас час в токио
как посадить помидоры на рассаду
где купить квартиру в ипотеку
когда отопление включат
как получить загранпаспорт
запиши меня к стоматологу
какая группа крови самая редкая
как накачать пресс за месяц
во сколько закат сегодня
сделай мне программу на питоне
what is the weather like tomorrow in london
who won the world cup last year
what is the capital of peru
how do i bake sourdough bread
convert ten miles to kilometers
when does the next train to boston leave
why is the sky blue
what is the square root of ninety
recommend a good book about space
how tall is mount everest
how do i fix a flat tyre
who was the first man on the moon
translate apple to german
how many calories are in a banana
how late is it in tokyo now
write a poem about winter
how to lose weight fast
best restaurants near the river
what are the side effects of aspirin
explain how black holes work
book me a table for two tonight
how does the stock market work
what is the meaning of life
"""

ABUSE = """
вы там все тупые
да пошли вы
бот ты дурак
достали уже своими отписками
ерунда какая то
бесполезная железяка
ненавижу вас
чушь несёшь
руки бы оторвать тому кто это придумал
ты вообще меня слышишь
позор такой конторе
фыва олдж пролд
ааааааа
йцукен
you are so stupid
this is garbage
shut up
worst thing i have ever seen
useless piece of junk
you people are liars
asdf qwer zxcv
lorem ipsum dolor sit amet
go away
what the hell is wrong with you
"""


def questions() -> list[str]:
    """Return all of them."""
    return [line for block in (SMALL_TALK, OTHER_DOMAINS, ABUSE) for line in block.strip().splitlines()]
