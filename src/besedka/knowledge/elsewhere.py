"""What people ask that hardly any company answers, so that a linear model knows what is none of its classes."""

_ENGLISH = """
can you reserve a flight to madrid for monday
what should i cook for dinner tonight
how far is the moon from the earth
set an alarm for seven in the morning
turn the lights off in the kitchen
play some jazz please
how do i get rid of ants in my garden
what does this word mean
who is the president of france
how old is the universe
tell me a story about a dragon
is it going to snow this weekend
what time does the library open
how much protein is in an egg
how many people live in brazil
which team is leading the league
how do i train my puppy
how do i tie a bow tie
what size tyres does my car need
how do i renew my passport
when is the next public holiday
what is a good name for a cat
how do i remove a wine stain
how long do i boil potatoes
who painted the starry night
what is the fastest animal
how do vaccines work
should i buy shares or bonds
what colour suits a small room
how do i learn to swim
give me a recipe for pancakes
find me a plumber nearby
can you solve this equation for me
what rhymes with orange
write an essay about the ocean
what is the boiling point of water
how do i write a resume
what was the score of the match
how do i change a flat bicycle wheel
how does a jet engine work
which gym is open on sundays
how do i meditate
what language do they speak in chile
when did the second world war end
what is the exchange rate of the yen
how do i grow tomatoes
why do cats purr
what movie should i watch
how do i stop the hiccups
what are the lyrics of this song
how do i play chess
how high can a plane fly
do i need an umbrella today
what is my horoscope
how much does a house cost there
what do dreams mean
how many continents are there
where can i see the northern lights
what is the best phone of this year
how do i fold a paper crane
do you have a family
are you a real person
what do you look like
do you like chocolate
where do you live
you are very funny
i do not like you
this makes no sense at all
i am so tired of this
whatever, never mind
let me think about it
i had a bad day
guess what happened to me
you talk too much
say something clever
"""

_RUSSIAN = """
закажи мне такси на вокзал
что приготовить на ужин
поставь будильник на семь утра
включи музыку погромче
какая температура за окном
как избавиться от муравьёв на даче
как переводится это слово
кто сейчас президент франции
сколько лет вселенной
расскажи сказку про дракона
пойдёт ли снег в субботу
во сколько открывается библиотека
сколько белка в яйце
сколько людей живёт в бразилии
какая команда лидирует в чемпионате
как приучить щенка к лотку
как завязать галстук
какие шины подойдут к моей машине
когда ближайший праздник
как назвать кота
как вывести пятно от вина
сколько варить картошку
кто нарисовал эту картину
какое животное самое быстрое
как работают прививки
во что вложить деньги
как научиться плавать
рецепт блинов на молоке
найди сантехника поблизости
реши за меня задачу
придумай рифму к слову любовь
напиши рассказ про море
при какой температуре кипит вода
как составить резюме
с каким счётом закончилась игра
как устроен двигатель самолёта
какой спортзал работает в воскресенье
на каком языке говорят в чили
в каком году закончилась война
почему кошки мурлычут
как избавиться от икоты
как играть в шахматы
нужно ли сегодня брать зонт
какой у меня гороскоп
сколько стоит дом у моря
что значит сон про воду
сколько на земле материков
где посмотреть северное сияние
какой телефон лучший в этом году
как сделать журавлика из бумаги
чем лечить кашель у ребёнка
когда сажать картошку
как похудеть к лету
кто написал эту песню
как доехать до аэропорта
у тебя есть семья
ты настоящий человек
как ты выглядишь
ты любишь шоколад
где ты живёшь
ты смешной
ты мне не нравишься
какая то бессмыслица
как же я устал от всего этого
ладно, проехали
мне надо подумать
у меня был плохой день
угадай, что со мной случилось
ты слишком много болтаешь
скажи что нибудь умное
"""

PHRASES = tuple(line for block in (_ENGLISH, _RUSSIAN) for line in block.strip().splitlines())
