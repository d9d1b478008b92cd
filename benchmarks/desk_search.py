"""Searches in a history of a million messages: how long they take, how large the index is, how fast it fills.

    desk_search.py [--rows 1000000] [--postgresql]

The messages are made of words of the support service's data, as often as they stand there; every twentieth has an
order's number, every fiftieth a phone number, each thousandth a word that few have.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import bases  # noqa: E402 - beside this file
import fill  # noqa: E402
import running  # noqa: E402
import services  # noqa: E402

POSTGRESQL = services.address("PostgreSQL")
AGAIN = 15  # times each search is made
FLEETING = 10_000  # the newest messages do not have the word that all older ones often have


def texts(rows: int) -> list[str]:
    """So many messages, the same in every run."""
    chance = random.Random(7)
    entries, cases = bases.support()
    words = [word for entry in entries for word in f"{entry.question} {entry.answer}".split()]
    words += [word for case in cases for word in case.question.split()]
    made = []
    for number in range(rows):
        said = chance.choices(words, k=min(60, 3 + int(chance.expovariate(1 / 9))))
        if number % 20 == 0:
            said.append(f"заказ № {1_000_000 + number}")
        if number % 50 == 0:
            said.append(phone(number))
        if number % 1000 == 0:
            said.append(f"редкость{number // 10_000}")
        if number % 3 == 0 and number < rows - FLEETING:
            said.append("прежний")
        made.append(" ".join(said))
    return made


def phone(number: int) -> str:
    """A phone number, each message another."""
    digits = f"{(number * 7_919 + 1_234_567) % 10_000_000:07}"
    return f"+7 (9{number // 50 % 90 + 10}) {digits[:3]}-{digits[3:5]}-{digits[5:]}"


def searches(rows: int) -> dict[str, str]:
    """What is searched for."""
    middle = rows // 2 // 1000 * 1000
    return {
        "a rare word": f"редкость{middle // 10_000}",
        "a word that nobody wrote": "небывальщина",
        "a frequent word": "видео",
        "the most frequent word, of one letter": "в",
        "a frequent word that the newest lack": "прежний",
        "two frequent words": "видео канал",
        "two words, one of them rare": f"видео редкость{middle // 10_000}",
        "three words in other forms": "настройками каналу видео",
        "two letters": "ре",
        "three letters": "про",
        "four letters": "прав",
        "a word and two letters": "канал на",
        "an order's number": str(1_000_000 + middle),
        "a phone number": phone(middle),
        "seven digits of a phone number": phone(middle)[-9:],
        "three digits": "345",
    }


def measure(rows: int) -> dict[str, object]:
    """Everything, in the process whose settings say which database."""
    import django  # noqa: PLC0415 - the settings are read here, in the inner process

    django.setup()
    from django.db import connection  # noqa: PLC0415

    from besedka.conversations import search_index, searching, sql  # noqa: PLC0415

    began, indexed, batches = time.perf_counter(), 0, []
    while True:
        started = time.perf_counter()
        [some] = search_index.index_more_many([search_index.AT_ONCE])
        batches.append((time.perf_counter() - started) * 1000)
        if not some:
            break
        indexed += some
    filling_s = time.perf_counter() - began
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE conversations_wording")  # autovacuum would, within a minute
    idle = []
    for _ in range(20):
        started = time.perf_counter()
        search_index.index_more_many([search_index.AT_ONCE])
        idle.append(time.perf_counter() - started)
    [(inbox_id,)] = sql.select("SELECT MIN(id) FROM conversations_inbox", [])
    found: dict[str, object] = {}
    times: list[float] = []
    for name, text in searches(rows).items():
        for scope, inboxes in (("", None), (", in one inbox", (inbox_id,))):
            took = []
            for _ in range(AGAIN):
                started = time.perf_counter()
                [page] = searching.search_many([searching.Wish(text, inboxes)])
                took.append((time.perf_counter() - started) * 1000)
            times += took
            found[name + scope] = [round(statistics.median(took), 1), round(max(took), 1), len(page)]
    times.sort()
    return {
        "rows": indexed,
        "messages a second": round(indexed / filling_s),
        "a full call, ms (p50, p95, max)": [
            round(part, 1)
            for part in (statistics.median(batches), sorted(batches)[int(len(batches) * 0.95)], max(batches))
        ],
        "a call without work, ms": round(statistics.median(idle) * 1000, 2),
        "size, MB": _sizes(connection.vendor),
        "p50, ms": round(statistics.median(times), 1),
        "p95, ms": round(times[int(len(times) * 0.95)], 1),
        "max, ms": round(times[-1], 1),
        "searches": found,
    }


def _sizes(vendor: str) -> dict[str, float]:
    from besedka.conversations import sql  # noqa: PLC0415

    if vendor == "postgresql":
        names = ["conversations_message", "conversations_wording", "conversations_found"]
        found = [(name, sql.select("SELECT pg_total_relation_size(%s::regclass)", [name])[0][0]) for name in names]
        index = dict(found)["conversations_found"]
        found[1] = (found[1][0], found[1][1] - index)
    else:
        names = ["message", "wording", "found"]
        parts = " ".join(f"WHEN tbl_name LIKE 'conversations_{name}%%' THEN '{name}'" for name in names)
        found = sql.select(
            f"SELECT CASE {parts} END AS part, SUM(pgsize) FROM dbstat s JOIN sqlite_master USING (name) "
            "WHERE part IS NOT NULL GROUP BY part",
            [],
        )
    return {name: round(size / 1e6, 1) for name, size in found}


def run(rows: int, *, url: str = "") -> dict[str, object]:
    """Fill a database of this kind and measure in it."""
    with (
        tempfile.TemporaryDirectory() as name,
        running.server(Path(name) / "home", DATABASE_URL=url) as server,
    ):
        server.stop()  # it has made the tables; a loop of its own would index beside us
        fill.fill(server, rows, texts=texts(rows))
        environment = {
            **os.environ,
            "BESEDKA_HOME": str(server.home),
            "DATABASE_URL": server.environment["DATABASE_URL"],
            "DJANGO_SETTINGS_MODULE": "besedka.project.settings",
        }
        command = [sys.executable, __file__, "--inside", "--rows", str(rows)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.rows)))
        return
    print(
        json.dumps(run(options.rows, url=POSTGRESQL if options.postgresql else ""), ensure_ascii=False, indent=1)
    )


if __name__ == "__main__":
    main()
