"""A hundred thousand ads behind the real server: lists, filters, searches, deep pages, a bot that looks them up.

    ads.py [--rows 100000] [--postgresql | --mysql]

Ads of two kinds, 50 breeds and 40 towns, some far more frequent than others; prices from nothing to half a
million; descriptions of 30 words out of 4 000, the frequent ones in most ads, the rare ones in a few. The
server has core 0, the asker core 1. Milliseconds, p50, p95 and p99; `/health/` is asked in turn with them, as
what the server takes for nothing, so that the ratio to it can be compared between machines.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import httpx2  # noqa: E402 - beside the tests
import running  # noqa: E402
import services  # noqa: E402

POSTGRESQL = services.address("PostgreSQL")
MYSQL = services.address("MariaDB")
running.STARTED_S = 300  # others may load the machine while this runs
ROWS = 100_000
BOT = "a bot's answer"
AGAIN = 20  # times each is asked
AT_ONCE = 2_000  # rows of one statement

_DOGS = "корги лабрадор такса мопс хаски шпиц йорк пудель бигль доберман колли самоед шарпей лайка боксер"
_CATS = "мейнкун британская шотландская сфинкс сиамская персидская бенгальская рэгдолл сибирская экзот"
_TOWNS = """
    Москва Санкт-Петербург Казань Самара Омск Уфа Пермь Воронеж Волгоград Краснодар Саратов Тюмень Ижевск Барнаул
    Иркутск Хабаровск Ярославль Томск Кемерово Рязань Пенза Липецк Киров Тула Калининград Курск Сочи Ставрополь
    Тверь Брянск Белгород Сургут Владимир Чита Калуга Смоленск Курган Вологда Мурманск Тамбов
"""
REQUESTS = {
    "first page": {},
    "kind": {"kind": "Cat"},
    "gender": {"kind": "Dog", "gender": "F"},
    "breed": {"breed": "корги"},
    "location": {"location": "Москва"},
    "age": {"age_min": "2", "age_max": "3"},
    "price range and town": {"location": "Казань", "price_min": "5000", "price_max": "20000"},
    "search, a frequent word": {"search": "слово1"},
    "search, a rare word": {"search": "слово3999"},
    "search, two words": {"search": "слово12 слово40"},
    "by price": {"ordering": "price"},
    "by price, narrowed": {"ordering": "-price", "kind": "Cat", "location": "Тамбов"},
    "deep page": {"cursor": "50000"},
    "deep page by price": {"ordering": "price", "cursor": "30000_50000", "kind": "Dog"},
    "all together": {
        "kind": "Dog", "gender": "M", "location": "Москва", "price_max": "20000", "search": "щенок слово7",
        "ordering": "price",
    },
    "nothing found": {"location": "Москва", "search": "слово3999 слово3998", "price_max": "1"},
}  # fmt: skip
WISHES = (
    "есть щенки в Москве до 20 000?",
    "Ищу корги в Казани",
    "недорогой котёнок",
    "рыжие котята в Тамбове от 5 до 10 тысяч",
    "собака старше года, девочка",
    "мейнкун в Сочи до 1 рубля",
    "looking for a puppy in Moscow under 20k",
    "кошки",
)


def rows(count: int, author_id: int) -> Iterator[dict[str, Any]]:
    """So many ads, the same each time."""
    dice = random.Random(7)
    breeds = [("Dog", breed) for name in _DOGS.split() for breed in (name, f"{name} мини")]
    breeds += [("Cat", breed) for name in _CATS.split() for breed in (name, f"{name} лесная")]
    dice.shuffle(breeds)
    towns = _TOWNS.split()
    words = [f"слово{number}" for number in range(4_000)]
    weights = [1 / (number + 1) for number in range(4_000)]
    began = datetime(2026, 1, 1, tzinfo=UTC)
    said = [dice.choices(words, weights, k=30) for _ in range(min(count, 20_000))]
    for number in range(count):
        kind, breed = breeds[min(int(dice.expovariate(0.08)), len(breeds) - 1)]
        age = min(int(dice.expovariate(0.6)), 15)
        young = ("щенок" if kind == "Dog" else "котёнок") if age < 2 else ("собака" if kind == "Dog" else "кошка")
        colour = dice.choice(("рыжий", "чёрный", "белый", "серый"))
        yield {
            "title": f"{young} {breed}, {colour}".capitalize(),
            "description": " ".join((*said[number % len(said)], f"номер{number}")),
            "kind": kind,
            "breed": breed.capitalize(),
            "age": age,
            "gender": dice.choice("MF"),
            "location": towns[min(int(dice.expovariate(0.12)), len(towns) - 1)]
            + dice.choice(("", "", ", Центральный район")),
            "price": min(int(dice.lognormvariate(9.5, 0.9)) // 100 * 100, 500_000),
            "created_by_id": author_id,
            "created_at": began + timedelta(seconds=number),
            "updated_at": began + timedelta(seconds=number),
        }


def fill(count: int) -> None:
    """Put so many ads into the database of the settings; in the inner process."""
    import django  # noqa: PLC0415 - the settings are read here, in the inner process

    django.setup()
    from django.db import connection, transaction  # noqa: PLC0415

    from besedka.accounts.models import User  # noqa: PLC0415
    from besedka.ads import searching  # noqa: PLC0415
    from besedka.ads.models import Ad  # noqa: PLC0415

    author_id = User.objects.values_list("pk", flat=True).earliest("pk")
    fields = [field for field in Ad._meta.concrete_fields if not field.primary_key]
    names = ", ".join(field.column for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    insert = f"INSERT INTO {Ad._meta.db_table} ({names}) VALUES ({marks})"
    batch: list[list[Any]] = []
    with transaction.atomic(), connection.cursor() as cursor:
        for row in rows(count, author_id):
            ad = Ad(**row)
            for name, value in searching.columns(ad).items():
                setattr(ad, name, value)
            batch.append([field.get_db_prep_save(getattr(ad, field.attname), connection) for field in fields])
            if len(batch) == AT_ONCE:
                cursor.executemany(insert, batch)
                batch = []
        if batch:
            cursor.executemany(insert, batch)
    analyse = {"mysql": "ANALYZE TABLE ads_ad", "postgresql": "VACUUM ANALYZE ads_ad"}.get(
        connection.vendor, "ANALYZE"
    )
    with connection.cursor() as cursor:
        cursor.execute(analyse)


@contextlib.contextmanager
def filled(count: int, *, url: str = "") -> Iterator[running.Server]:
    """A running server with so many ads and the demo shop's bot."""
    with (
        tempfile.TemporaryDirectory() as name,
        running.server(Path(name) / "home", DATABASE_URL=url) as server,
    ):
        server.stop()  # it has made the tables
        environment = {
            **os.environ,
            "BESEDKA_HOME": str(server.home),
            "DATABASE_URL": server.environment["DATABASE_URL"],
            "DJANGO_SETTINGS_MODULE": "besedka.project.settings",
        }
        began = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--fill", str(count)], env=environment, check=True)
        print(f"{count:,} ads in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        server.start()
        assert server.process is not None
        subprocess.run(["taskset", "-acp", "0", str(server.process.pid)], check=True, capture_output=True)
        yield server


def measure(server: running.Server) -> dict[str, list[float]]:
    """p50, p95 and p99 of each request, of a bot's answer, and of nothing."""
    os.sched_setaffinity(0, {1})
    found: dict[str, list[float]] = {}
    nothing: list[float] = []
    with httpx2.Client(base_url=server.url, timeout=60) as client:

        def health() -> None:
            client.get("/health/").raise_for_status()

        def asked(path: str, parameters: dict[str, str]) -> Callable[[int], None]:
            return lambda number: client.get(path, params=parameters).raise_for_status() and None

        def chat(number: int) -> None:
            body = {"message": WISHES[number % len(WISHES)], "user_session": uuid.uuid4().hex}
            answered = client.post("/api/bots/1/chat/", json=body).raise_for_status().json()["response"]
            assert "/ads/" in answered, answered

        asks: dict[str, Callable[[int], None]] = {}
        for name, parameters in REQUESTS.items():
            asks[f"/api/v1/ads/ {name}"] = asked("/api/v1/ads/", parameters)
            asks[f"/ads/ {name}"] = asked("/ads/", parameters)
        asks[BOT] = chat
        for name, ask in asks.items():
            ask(0)
            took = []
            for number in range(AGAIN):
                took.append(_timed(lambda ask=ask, number=number: ask(number)))  # type: ignore[misc]
                nothing.append(_timed(health))
            found[name] = _spread(took)
            print(f"{name:44} {_line(found[name])}", file=sys.stderr, flush=True)
    found["/health/"] = _spread(nothing)
    print(f"{'/health/':44} {_line(found['/health/'])}", file=sys.stderr, flush=True)
    return found


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _spread(took: list[float]) -> list[float]:
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return [round(statistics.median(took), 1), round(cuts[94], 1), round(cuts[98], 1)]


def _line(spread: list[float]) -> str:
    return f"p50 {spread[0]:7.1f}, p95 {spread[1]:7.1f}, p99 {spread[2]:7.1f} ms"


def run(count: int, *, url: str = "") -> dict[str, list[float]]:
    """Fill a database of this kind and measure in it."""
    with filled(count, url=url) as server:
        return measure(server)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--mysql", action="store_true")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(options.fill)
        return
    found = run(options.rows, url=POSTGRESQL if options.postgresql else MYSQL if options.mysql else "")
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
