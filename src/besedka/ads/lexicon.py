"""Words in which people ask for animals, as they stand in a message that was folded (`searching.fold`).

Beginnings of words stand where forms are many; whole words where a form decides: «щенка» is sought,
«щенку» is fed.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Breed(NamedTuple):
    """A breed: of which kind, the beginnings of words that it is found by, and those that it is known by."""

    kind: str
    sought: tuple[str, ...]
    known: tuple[tuple[str, ...], ...]


class Town(NamedTuple):
    """A town: its name, and the beginnings of words, or stems, that it is known by beside its own."""

    name: str
    known: tuple[tuple[str, ...], ...]


def _words(block: str) -> frozenset[str]:
    return frozenset(block.split())


def _beginnings(block: str) -> tuple[str, ...]:
    return tuple(block.split())


# Who is sought: kind and whether it is young. Only forms in which somebody is wanted.
DOGS = _words(
    """
    собака собаку собаки собак собачка собачку собачки собачек пес пса псы псов песик песика песики песиков
    песель кобель кобеля кобели кобелей псина псину dog dogs doggy
    """
)
PUPPIES = _words("щенок щенка щенки щенков щеночек щеночка щеночки щеночков щеня puppy puppies pup pups")
CATS = _words(
    """
    кошка кошку кошки кошек кот кота коты котов котик котика котики котиков кошечка кошечку кошечки кошечек
    котэ киса кису cat cats
    """
)
KITTENS = _words("котенок котенка котята котят котеночек котеночка котеныш kitten kittens kitty kitties")
ANY_ANIMAL = _words(
    """
    питомец питомца питомцы питомцев животное животные животных животинка животинку pet pets animal animals
    """
)
# The same in forms in which something is done to them, with them or for them.
TOUCHED = _words(
    """
    собаке собакой собакою собакам собаками собаках собачке собачкой собачкам псу псом псам псами псах щенку
    щенком щенкам щенками щенках щеночку щеночком кошке кошкой кошкам кошками кошках коту котом котам котами
    котах котику котиком котенку котенком котятам котятами котятах питомцу питомцем питомцам питомцами
    питомцах животному животным животными
    """
)
MALE = _words(
    """
    мальчик мальчика мальчики мальчиков самец самца самцы самцов кобель кобеля кобели кобелей male males boy
    boys
    """
)
FEMALE = _words(
    """
    девочка девочку девочки девочек самка самку самки самок сука суку суки сук кошечка кошечку кошечки
    кошечек female females girl girls
    """
)

# Words of who looks for something. After the first ones other words may stand that nobody knows.
SEEKING = _words(
    """
    ищу ищем подыскиваю подыскиваем куплю купим купить приобрести приобрету подбери подберите подобрать найди
    найдите покажи покажите показать продаете продаешь продаются продается интересует интересуют завести
    looking buy show find adopt purchase
    """
)
WANTING = _words(
    """
    есть имеется имеются бывают найдется найдутся остались хочу хотим хотел хотела хотели хотелось нужен нужна
    нужны нужно надо мечтаю продажа продаже продажи продажу наличии почем стоит стоят стоимость цена цены цену
    вариант варианты вариантов предложения предложений предложите найти взять возьму возьмем посмотреть увидеть
    выбрать отдаете отдают отдадут have want need sale sell selling price prices cost costs much available see
    """
)
ADVERTS = _words(
    """
    объявление объявления объявлений объявлениях объявлениям ad ads advert adverts listing listings
    """
)
AROUND = _words(
    """
    подарок подарить ребенку ребенка детям дочке дочери сыну маме маму жене мужу бабушке квартиру семьи семью gift
    себя дочки сына мамы глазами глаза самый самая самую самого самые самых
    а и или в во на с со из от по за около у о об про вы вас вам вами ли же бы б мне нам я мы ты тут здесь там это
    этот эту сейчас сегодня пожалуйста плиз спасибо здравствуйте здравствуй привет приветствую добрый доброе день
    вечер утро дня подскажите подскажи скажите скажи ответьте какие какой какая какого какую каких кто кого что где
    сколько то нибудь либо любой любая любую любого любые один одна одну одного пара пару двух двое себе семью дом
    какие-нибудь интересно ну вот да ага так тогда ок хорошо можно может можете могу нет нету еще все всех всего
    всякие разные порода породы пород породу город города городе городах г область области обл район районе рядом
    недалеко поблизости неподалеку близко возраст возраста возрасте возрастом пол пола цене ценой ценами
    деньги руб р больше более другие другой другую другого другом других
    hi hello hey please do does you your any some a an the is are there i we me us in at near around from for of to
    what which who how much many about and or would like d ll m s re looking with one ones can could get got that
    where years year old
    """
)
# Nothing else that an animal is wanted to be matters to a search; what an ad would say of itself is looked for.
PRAISED = _beginnings(
    """
    маленьк небольш больш крупн мелк средн ласков спокойн добр активн красив здоров хорош мил умн друж весел
    послушн домашн чистопл компактн игрив good small big large little cute nice healthy friendly calm
    beautiful
    """
)
_DESCRIBED = """
    рыж черн белы:бел белог:бел белую:бел белая:бел серы:сер серог:сер серую:сер серая:сер голуб трехцвет
    полосат пятнист пушист гладкошерст длинношерст короткошерст вислоух лысы:лыс лысог:лыс лысую:лыс
    лысая:лыс породист привит:привит прививками:привив стерилизован кастрирован чипирован документ родословн
    black white red ginger grey gray fluffy longhair vaccinated pedigree
    """
DESCRIBED = {begin: sought or begin for begin, _, sought in (one.partition(":") for one in _DESCRIBED.split())}
# With these it is no search for an animal, whatever else is said.
ELSE = _beginnings(
    """
    корм еда еду еды питани лаком витамин ошейник поводок поводк лежак лежанк переноск клетк когтеточ лоток
    лотк наполнител игрушк шампун миск одежд намордник доставк доставля оплат возврат вернут груминг стрижк
    стричь лечит лечен заболе болеет болит ветеринар ветклиник потерял пропал сбежал украл найден нашел нашла
    нашли умер погиб подать подаю размест опубликова добавит выложит удалит убрат снять отредактирова измени
    продам продаю отдам отдаю пристро передерж гостиниц вязк дрессир воспита кормит кормл мыть купат чесат
    гуля приучит назват кличк имя имена food toy toys leash collar deliver delivery vet sick ill feed feeding
    train training groom lost found stolen return refund walk walking name names insurance passport
    """
)
NOT_ELSE = _words("неделя недели недель никак мыться именно")  # though they begin like one
MINE = _words(
    """
    мой моя мою моего моей моему мои моих моим наш наша нашу нашего нашей наши наших свой свою my our
    """
)
ASKING_HOW = _words("как зачем почему отчего чем чему когда why when whose")
NO = _words("не no not don't doesn't isn't dont without без")

CHEAP = _words(
    """
    недорого недорогой недорогая недорогую недорогого недорогие недорогих дешево дешевый дешевая дешевую дешевого
    дешевые дешевых дешевле подешевле бюджетный бюджетного бюджетную бюджетные cheap cheaper cheapest inexpensive
    affordable
    """
)
CHEAPER = _words("дешевле подешевле дешевше cheaper")
DEARER = _words("дороже подороже pricier")
FREE = _words("бесплатно бесплатный бесплатного бесплатную бесплатные даром безвозмездно free")
YOUNGER = _words("младше моложе помладше помоложе younger")
OLDER = _words("старше постарше older")
MORE = _words("еще дальше следующие more next другие остальные")
ANEW = _words("везде всюду anywhere everywhere")  # in any town
ANY = _words("любой любая любую любого любом любые всех всей всем другой другом других any other")
GOES_ON = _words("а и and or тогда what how но but")  # begins what is said of what was shown
BEFORE_TOWNS = _words("в во из под около по г город городе in from near")
YOUNG, GROWN, OLD = ("молод",), ("взросл", "adult"), ("пожил", "senior")

UPTO = _words(
    """
    до максимум макс дешевле меньше менее младше моложе ниже бюджет бюджетом бюджете пределах max under below
    upto budget within less cheaper younger
    """
)
FROM = _words("от с минимум мин дороже больше более старше выше from over above more older least")
ABOUT = _words("около примерно порядка районе about around approximately")
OF_AGE = _words("младше моложе старше younger older")
AND = _words("до to and и по - –")
BESIDE_NUMBERS = _words(
    """
    не чем than least at up no not a the и цена ценой цене стоимостью возраст возрастом возрасте between в за for
    от с до to
    """
)
THOUSANDS = _words("к k т тр тыс тыщ тысяч тысячи тысяча тысячу тыщи косарей thousand thousands")
MILLIONS = _words("млн миллион миллиона миллионов million")
MONEY = _words("р руб рубль рубля рублей рублях ₽ rub rubles roubles rur")
YEARS = _words("год года году годик годика лет летний летняя летнюю летнего летние г years year yo")
MONTHS = _words(
    """
    мес месяц месяца месяцев месячный месячная месячную месячного месячные month months недель недели неделя
    нед weeks week
    """
)
NUMBERS = {
    word: int(number)
    for number, *words in (
        line.split()
        for line in """
            1 один одного одной
            2 два двух две
            3 три трех
            4 четыре четырех
            5 пять пяти five
            6 шесть шести
            7 семь семи
            8 восемь восьми
            9 девять девяти
            10 десять десяти ten
            12 двенадцать двенадцати
            15 пятнадцать пятнадцати fifteen
            20 двадцать двадцати twenty
            30 тридцать тридцати thirty
            40 сорок сорока forty
            50 пятьдесят пятидесяти fifty
            60 шестьдесят шестидесяти
            70 семьдесят семидесяти
            80 восемьдесят восьмидесяти
            100 сто ста
            200 двести двухсот
            300 триста трехсот
            500 пятьсот пятисот
        """.strip().splitlines()
    )
    for word in words
}


def _breeds(kind: str, block: str) -> list[Breed]:
    """`sought/known otherwise/…`, with `;` between breeds; each beginnings of words."""
    found = []
    for entry in block.split(";"):
        known = tuple(tuple(name.split()) for name in entry.strip().split("/"))
        found.append(Breed(kind, known[0], known))
    return found


BREEDS = [
    *_breeds(
        "Dog",
        """
    лабрадор/labrador; ретривер/retriever; золотист ретривер/golden retriever; овчарк/shepherd; немецк
    овчарк/german shepherd; кавказск овчарк; среднеазиатск овчарк; алаба; хаск/husk; корги/corgi;
    шпиц/spitz/pomeranian; чихуа/chihuahua; йорк/yorki/yorkshire terrier; такс/dachshund; мопс/pug;
    пудел/poodle; бульдог/bulldog; французск бульдог/french bulldog; английск бульдог/english bulldog;
    доберман/doberman; ротвейлер/rottweiler; бигл/beagle; далматин/dalmatian; колли/collie; самоед/samoyed;
    акит/akita; шиб ину/сиб ину/shiba inu; шарпе/shar pei; чау чау/chow chow; сенбернар; боксер/boxer;
    питбул/pitbull; стаффорд/staffordshire; спаниел/spaniel; кокер/cocker; лайк; сеттер/setter;
    пинчер/pinscher; шнауцер/schnauzer; мальтипу/maltipoo; мальт болонк/maltese; болонк; пекинес/pekingese;
    ши тцу/shih tzu; бишон/bichon; левретк; борз; той терьер/тойтерьер/toy terrier; джек рассел/jack russell;
    терьер/terrier; дворняг/дворняж/mongrel
    """,
    ),
    *_breeds(
        "Cat",
        """
    мейн кун/мейнкун/maine coon; британ/british; шотландск/scottish; сфинкс/sphynx; сиам/siamese;
    перс/persian; бенгал/bengal; абиссин/abyssinian; рэгдолл/регдолл/ragdoll; ориентал/oriental; невск
    маскарадн; сибирск/siberian; норвежск/norwegian; русск голуб/russian blue; экзот/exotic;
    манчкин/munchkin; бурм/burm; ангор/angora; саванн/savannah; девон рекс/devon rex; корниш рекс/cornish rex
    """,
    ),
]
NO_BREEDS = _words("такси лайкнуть лайкни перспектива перспективы persons person персонал персоналу")


def _towns(block: str) -> list[Town]:
    """`Name/known otherwise/…`, with `;` between towns."""
    found = []
    for entry in block.split(";"):
        name, *others = " ".join(entry.split()).split("/")
        found.append(Town(name, tuple(tuple(other.split()) for other in others)))
    return found


TOWNS = _towns(
    """
    Москва/мск/московск/moscow/нерезинов;
    Санкт-Петербург/спб/питер/питерск/петербург/петербургск/петроград/saint petersburg/st petersburg/spb;
    Московская область/подмосковь/подмосковн; Ленинградская область/ленобласт; Казань/kazan; Нижний
    Новгород/нижегородск/nizhny novgorod; Великий Новгород;
    Екатеринбург/екб/ебург/екат/yekaterinburg/ekaterinburg; Новосибирск/нск/novosibirsk; Самара/samara;
    Омск/omsk; Челябинск/chelyabinsk; Ростов-на-Дону/ростов/rostov; Уфа/уфимск/ufa; Красноярск/krasnoyarsk;
    Воронеж/voronezh; Пермь/perm; Волгоград/volgograd; Краснодар/krasnodar; Саратов/saratov; Тюмень/tyumen;
    Тольятти/tolyatti; Ижевск/izhevsk; Барнаул/barnaul; Ульяновск; Иркутск/irkutsk; Хабаровск/khabarovsk;
    Ярославль/yaroslavl; Владивосток/владик/vladivostok; Махачкала; Томск/tomsk; Оренбург; Кемерово;
    Новокузнецк; Рязань/ryazan; Астрахань/astrakhan; Набережные Челны/челн; Пенза/penza; Липецк; Киров;
    Чебоксары; Тула/тульск/tula; Калининград/kaliningrad; Балашиха; Курск/kursk; Севастополь/sevastopol;
    Сочи/sochi; Ставрополь; Улан-Удэ; Тверь/tver; Магнитогорск; Иваново; Брянск; Белгород/belgorod; Сургут;
    Владимир/vladimir; Архангельск; Чита; Симферополь; Калуга/kaluga; Смоленск/smolensk; Волжский; Якутск;
    Саранск; Череповец; Курган; Вологда/vologda; Орёл/орл; Подольск; Грозный; Мурманск/murmansk; Тамбов;
    Петрозаводск; Стерлитамак; Нижневартовск; Кострома; Новороссийск; Йошкар-Ола; Химки; Таганрог; Сыктывкар;
    Нальчик; Мытищи; Люберцы; Королёв; Псков; Минск/minsk; Алматы/almaty; Астана/astana; Киев/kyiv;
    Ташкент/tashkent; Ереван/yerevan; Тбилиси/tbilisi; Рига/riga
    """
)


def is_animal(word: str) -> bool:
    """Whether this word names who is sought."""
    young = word in PUPPIES or word in KITTENS
    return young or word in DOGS or word in CATS or word in ANY_ANIMAL


def begins(word: str, beginnings: Iterable[str]) -> bool:
    """Whether the word begins with one of these."""
    return any(word.startswith(begin) for begin in beginnings)


def has_a_meaning(word: str) -> bool:
    """Whether a word means something here already, whatever ads call their breeds."""
    sets = (SEEKING, WANTING, AROUND, ADVERTS, TOUCHED, MINE,
            CHEAP, FREE, MALE, FEMALE, MORE, NO, ASKING_HOW,
            CHEAPER, DEARER, YOUNGER, OLDER)  # fmt: skip
    begin = (*ELSE, *PRAISED, *DESCRIBED, *YOUNG, *GROWN, *OLD)
    return is_animal(word) or any(word in one for one in sets) or begins(word, begin)
