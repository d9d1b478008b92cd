"""What the demo shop has on its shelves. Made up, like the shop."""

from typing import NamedTuple


class Good(NamedTuple):
    """One thing to buy; `picture` names a drawing in `web/pictures.svg`."""

    picture: str
    ru: str
    en: str
    note_ru: str
    note_en: str
    price: str


GOODS = (
    Good("bowl", "Миска «Полянка»", "Meadow bowl", "Керамика, 450 мл", "Stoneware, 450 ml", "690 ₽"),
    Good(
        "food",
        "Корм «Индейка и тыква»",
        "Turkey and pumpkin food",
        "Для щенков, 2 кг",
        "For puppies, 2 kg",
        "1 490 ₽",
    ),
    Good("bed", "Лежанка «Облако»", "Cloud bed", "Чехол можно стирать", "The cover is washable", "2 350 ₽"),
    Good("ball", "Мяч «Не догонишь»", "Catch-me ball", "Не тонет", "It floats", "390 ₽"),
    Good("post", "Когтеточка «Сосна»", "Pine scratching post", "60 см, сизаль", "60 cm, sisal", "1 790 ₽"),
    Good("leash", "Поводок «Тропа»", "Trail leash", "3 м, светится", "3 m, reflective", "950 ₽"),
)
