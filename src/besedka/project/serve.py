"""Making ready and serving, in one process or in several."""

import asyncio
import contextlib
import signal

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from besedka.accounts.administrators import make_administrator
from besedka.conversations import leases
from besedka.knowledge import leases as imports
from besedka.project import demo, loops, sentry, starting, telling
from besedka.project.backups import marking
from besedka.project.listening import Listening

KEEP_ALIVE_S = 75  # visitors that poll every few seconds keep their connection
READY_S = 60  # seconds that a worker has to begin, and to answer that it lives
GRACE_S = 10  # seconds that requests under way have when we are asked to stop


def make_ready() -> None:
    """As `prepare`, for the process that serves it all; and says where. Raises `SystemExit` as that does."""
    prepare()
    if connection.vendor == "sqlite":  # one process has one file: whoever began a turn or an import before is dead
        leases.release_all()
        imports.release_all(now=timezone.now())
    address = f"http://{settings.HOST}:{settings.PORT}"
    places = "   ".join(f"{name}: {address}/{name}/" for name in ("demo", "desk", "admin"))
    print(f"Besedka: {address}   {places}", flush=True)


def prepare() -> None:
    """The database has its tables and what a first start finds. Says what it made; again it changes nothing.

    Raises `SystemExit` where the settings are unsafe.
    """
    starting.refuse_unsafe_settings()
    marking.refuse_half_restored()
    call_command("migrate", verbosity=0, interactive=False)
    password = make_administrator()
    made = demo.open_shop()
    if made:
        print("The demo shop is open.")
    if password is not None:
        print(
            f"Administrator: admin, password: {password}  (shown this once; it is stored as a hash only)",
            flush=True,
        )


def serve(*, workers: int = 1) -> None:
    """Serve until we are told to stop; what was begun is finished first.

    Of several `workers` one that dies is replaced, and SIGHUP replaces them one after the other.
    """
    marking.refuse_half_restored()
    uvicorn.run(
        "besedka.project.asgi:application",
        host=settings.HOST,
        port=settings.PORT,
        workers=workers,
        timeout_worker_healthcheck=READY_S,
        loop="uvloop",
        http=Listening,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,  # it triples the memory of a connection
        ws_ping_interval=20,
        ws_ping_timeout=20,
        proxy_headers=False,  # who asks is for the door to decide
        server_header=False,
        access_log=False,  # uvicorn's writes the query, and tickets travel there
        log_config=None,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
    )


def serve_telegram() -> None:
    """Talk to Telegram until we are told to stop; what was begun is finished first."""

    marking.refuse_half_restored()

    async def run() -> None:
        working = asyncio.ensure_future(loops.telegram_apart(redis_url=settings.REDIS_URL))
        for asked in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(asked, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working

    sentry.begin()
    with telling.figures("telegram", port=settings.METRICS_PORT):
        asyncio.run(run())
