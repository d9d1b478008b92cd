"""A scaled installation of its own, on real services, with everything outside of it; or one that runs already."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import httpx2  # noqa: E402
import load_watch  # noqa: E402 - beside this file
import psycopg  # noqa: E402
import running  # noqa: E402 - the tests know how to run a server
import services  # noqa: E402
import telegram_server  # noqa: E402
from load_people import MESSAGES  # noqa: E402

POSTGRESQL = services.address("PostgreSQL")
PASSWORD = "a-password-of-load"
MODEL, OFFLINE = "Да, расскажите о товаре номер", "hello"  # what is said to a bot with a model, and to one without
TIDY_S = 20  # seconds between two looks for tables that many rows were changed in
ENDS_S = 30  # seconds that a process has to end
running.STARTED_S = 180  # several processes begin at once, perhaps on a machine that does more than that

_OPEN = """
import json
from django.contrib.auth.hashers import make_password
from besedka.accounts.models import User
from besedka.bots import placements
from besedka.bots.models import Bot
from besedka.conversations.models import Inbox
from besedka.desk.models import Operator, Routing
keys = []
for provider in ("openai", "offline"):
    bot = Bot.objects.create(name=provider, provider=provider, tokens_a_day=None, tokens_a_conversation=None)
    inbox = Inbox.objects.create(name=provider, language="ru")
    Routing.objects.create(inbox=inbox, bot_s=0)
    placements.place(bot.pk, inbox.pk)
    keys.append(inbox.public_key)
password = make_password({password!r})
names = [f"desk{{number}}" for number in range({operators})]
people = User.objects.bulk_create([User(username=name, password=password) for name in names])
Operator.objects.bulk_create([Operator(user=person, is_enabled=True, capacity={capacity}) for person in people])
print(json.dumps(keys))
"""
# PostgreSQL's own limits: "Routine Vacuuming" in its documentation.
_UNTIDY = """
SELECT quote_ident(s.relname) FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE n_dead_tup > 50 + 0.2 * GREATEST(reltuples, 0) OR n_mod_since_analyze > 50 + 0.1 * GREATEST(reltuples, 0)
"""
_OWED = [
    """
    SELECT 'conversation ' || id || ', ' || status || ', due ' || due_at || ', tried ' || attempts
    FROM conversations_conversation WHERE due_at IS NOT NULL
    """,
    """
    SELECT channel || ' ' || id || ', ' || state || ', due ' || due_at || ', tried ' || attempts || ' ' || error
    FROM conversations_delivery WHERE state IN ('waiting', 'sending')
    """,
]
_ENABLE = "from besedka.desk.models import Operator; Operator.objects.update(is_enabled=True)"


@dataclass
class Shape:
    """What an installation of ours consists of."""

    web: int = 2
    broker: str = ""  # unset: turns run in the web processes
    redis: str = "redis://127.0.0.1:6379/7"
    postgresql: str = POSTGRESQL
    operators: int = 10
    capacity: int = 5
    phones: int = 3
    think_s: float = 2.0
    extra: dict[str, str] = field(default_factory=dict)  # more of the environment


class Town:
    """The process of everything outside."""

    def __init__(self, shape: Shape) -> None:
        command = [sys.executable, str(Path(__file__).with_name("load_town.py"))]
        command += ["--think", str(shape.think_s), "--operators", str(shape.phones)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addresses = self._hear()

    def do(self, step: str) -> Any:
        """One step of its life, and what it says to that."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{step}\n")
        self.process.stdin.flush()
        return self._hear()

    def end(self) -> None:
        """It is over."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(ENDS_S)

    def _hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@dataclass
class Site:
    """Where the load goes, and what of it can be looked at."""

    url: str
    inboxes: list[tuple[str, str]]  # public key, and what is said there
    operators: list[tuple[str, str, int]]  # name, password, capacity
    server: running.Server | None = None  # to ask its database
    town: Town | None = None
    roots: dict[str, int] = field(default_factory=dict)  # our processes by name
    database: str = ""

    def processes(self) -> dict[str, list[int]]:
        """All that belongs to it, and what it leans on."""
        found: dict[str, list[int]] = {}
        for name, pid in self.roots.items():
            with contextlib.suppress(OSError):
                below = load_watch.children(pid)
                serving = [child for child in below if b"spawn_main" in _command(child)]
                if not serving:
                    found[name] = [pid, *below]
                else:
                    found[f"{name} 0"] = [pid]  # it looks after the others
                for number, child in enumerate(sorted(serving), 1):
                    found[f"{name} {number}"] = [child]
        if self.server is not None:
            found["postgresql"] = [pid for pid in load_watch.named("postgres") if self._serves_us(pid)]
            found["redis"] = load_watch.named("redis-server")
            found["rabbitmq"] = load_watch.named("beam.smp")
        return found

    def is_connection(self, pid: int) -> bool:
        """Whether a process of PostgreSQL serves a connection of ours."""
        return self.database.rpartition("/")[2].encode() in _command(pid)

    def _serves_us(self, pid: int) -> bool:
        """Whether a process of PostgreSQL works for our database, or for all of them."""
        name, told = self.database.rpartition("/")[2].encode(), b""
        with contextlib.suppress(OSError):
            told = _command(pid)
        return name in told or b"(" not in told

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """What its database says."""
        assert self.server is not None
        return self.server.select(query)


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@contextlib.contextmanager
def started(shape: Shape) -> Iterator[Site]:
    """An installation of this shape that serves, with an empty database; it is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="besedka-load-") as folder,
        running.scratch_database(shape.postgresql, begun=True) as database,
        contextlib.ExitStack() as life,
    ):
        town = Town(shape)
        life.callback(town.end)
        life.enter_context(_tidied(database))
        home = Path(folder) / "home"
        home.mkdir()
        server = running.Server(
            home,
            running.free_port(),
            _environment(shape, town, database),
            [running.BESEDKA, "web", "--workers", str(shape.web)],
        )
        server.shell(running.MAKE_READY)
        opened = server.shell(_OPEN.format(password=PASSWORD, operators=shape.operators, capacity=shape.capacity))
        keys = json.loads(opened.strip().splitlines()[-1])
        inboxes = list(zip(keys, (MODEL, OFFLINE), strict=True))
        operators = [(f"desk{number}", PASSWORD, shape.capacity) for number in range(shape.operators)]
        server.start()
        life.callback(server.stop)
        assert server.process is not None
        site = Site(server.url, inboxes, operators, server, town, {"web": server.process.pid}, database)
        for name, command in _others(shape).items():
            site.roots[name] = life.enter_context(_beside(server, name, command))
        _answered_once(site)
        if shape.phones:
            if not town.do("register"):
                raise RuntimeError(f"nobody in Telegram was answered:\n{log_of(server, 'telegram')}")
            server.shell(_ENABLE)
            town.do("begin")
        yield site


@contextlib.contextmanager
def _tidied(url: str) -> Iterator[None]:
    """PostgreSQL's tables are tidied as its autovacuum does by default, also where that is off.

    A plan that was made for an empty table reads all of it, again and again, when it is large; and where nobody
    sweeps up rows that were changed, every look for what is due passes them all.
    """
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            if connection.execute("SHOW autovacuum").fetchone() == ("on",):
                return
            connection.execute("SET vacuum_cost_delay = 2")
            while not over.wait(TIDY_S):
                for (table,) in connection.execute(_UNTIDY).fetchall():
                    connection.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}".encode())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


def _answered_once(site: Site) -> None:
    """Each bot has answered somebody: whoever runs turns is there, and has loaded what it takes."""
    for key, words in site.inboxes:
        address, headers = f"{site.url}{MESSAGES}?inbox={key}", {"chat-token": "load-the-first-one"}
        said = httpx2.post(address, json={"text": words}, headers=headers, timeout=60).raise_for_status().json()
        until = time.monotonic() + running.STARTED_S
        while not httpx2.get(f"{address}&after={said['seq']}&wait=20", headers=headers, timeout=60).json()[
            "messages"
        ]:
            if time.monotonic() > until:
                raise RuntimeError("no bot has answered")


def _environment(shape: Shape, town: Town, database: str) -> dict[str, str]:
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": shape.redis,
        "BESEDKA_RATE_LIMITS": "off",  # all of them come from one address
        "BESEDKA_DEMO_BOT": "off",
        "BESEDKA_MODEL_TOKENS_A_DAY": "0",
        "OPENAI_API_KEY": "sk-load-0123456789",
        "OPENAI_BASE_URL": f"{town.addresses['model']}/v1",
        "OPENAI_MODEL": "m",
        **shape.extra,
    }
    if shape.broker:
        environment["CELERY_BROKER_URL"] = shape.broker
    if shape.phones:
        environment |= {
            "TELEGRAM_BOT_TOKEN": telegram_server.TOKEN,
            "TELEGRAM_API_BASE": town.addresses["telegram"],
            "BOT_SECRET": "a-secret-between-processes",
            "BOT_PORT": str(running.free_port()),
        }
    return environment


def _others(shape: Shape) -> dict[str, list[str]]:
    """The commands beside the web processes."""
    commands: dict[str, list[str]] = {}
    if shape.broker:
        commands |= {name: [running.BESEDKA, name] for name in ("worker", "beat")}
    if shape.phones:
        commands["telegram"] = [running.BESEDKA, "telegram"]
    return commands


def log_of(server: running.Server, name: str) -> str:
    """The end of what one process said."""
    path = server.home.parent / f"{name}.log"
    return path.read_text(errors="replace")[-3000:] if path.exists() else ""


def keep_logs(site: Site, folder: Path) -> None:
    """Put what all processes said into this folder."""
    assert site.server is not None
    folder.mkdir(parents=True, exist_ok=True)
    for log in site.server.home.parent.glob("*.log"):
        shutil.copy(log, folder / ("web.log" if log == site.server.log else log.name))


@contextlib.contextmanager
def _beside(server: running.Server, name: str, command: list[str]) -> Iterator[int]:
    """Another process of the same installation; its id."""
    with (server.home.parent / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=server.surroundings(), stdout=log, stderr=log, cwd=server.home.parent
        )
    try:
        yield process.pid
        if process.poll() is not None:
            raise RuntimeError(f"`{name}` ended by itself:\n{log_of(server, name)}")
    finally:
        process.terminate()
        try:
            process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def settle(site: Site, within_s: float = 90.0) -> list[str]:
    """Nobody waits for the bot, and nothing for being delivered; what does still after so long."""
    until = time.monotonic() + within_s
    while True:
        owed = [what for question in _OWED for (what,) in site.select(question)]
        if not owed or time.monotonic() > until:
            return owed
        time.sleep(0.2)
