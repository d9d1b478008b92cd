"""Making ready and serving, in one process or in several."""

import asyncio
import contextlib
import signal

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from besedka.accounts.administrators import make_administrator
from besedka.conversations import leases
from besedka.project import demo, loops, starting

KEEP_ALIVE_S = 75  # visitors that poll every few seconds keep their connection
READY_S = 60  # seconds that a worker has to begin, and to answer that it lives
GRACE_S = 10  # seconds that requests under way have when we are asked to stop


def make_ready() -> None:
    """The database has its tables and what a first start finds. Says what it made.

    Raises `SystemExit` where the settings are unsafe.
    """
    starting.refuse_unsafe_settings()
    call_command("migrate", verbosity=0, interactive=False)
    if connection.vendor == "sqlite":  # one process has one file: whoever began a turn before is dead
        leases.release_all()
    password = make_administrator()
    made = demo.open_shop()
    if made:
        print("The demo shop is open.")
    if password is not None:
        print(f"Administrator: admin, password: {password}  (shown this once; it is stored as a hash only)")
    address = f"http://{settings.HOST}:{settings.PORT}"
    places = "   ".join(f"{name}: {address}/{name}/" for name in ("demo", "desk", "admin"))
    print(f"Besedka: {address}   {places}", flush=True)


def serve(*, workers: int = 1) -> None:
    """Serve until we are told to stop; what was begun is finished first.

    Of several `workers` one that dies is replaced, and SIGHUP replaces them one after the other.
    """
    uvicorn.run(
        "besedka.project.asgi:application",
        host=settings.HOST,
        port=settings.PORT,
        workers=workers,
        timeout_worker_healthcheck=READY_S,
        loop="uvloop",
        http="httptools",
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

    async def run() -> None:
        working = asyncio.ensure_future(loops.telegram_apart(redis_url=settings.REDIS_URL))
        for asked in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(asked, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working

    asyncio.run(run())
