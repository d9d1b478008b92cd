"""A scaled installation for trials: web processes, workers and a beat, on PostgreSQL, Redis and a broker."""

import contextlib
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import services
from faults import dying, trial
from faults.site import Site, installed
from running import BESEDKA

WEB = [BESEDKA, "web", "--workers", "1"]
WORKER = [BESEDKA, "worker", "--threads", "16"]
BEAT = [BESEDKA, "beat"]
DYING = [sys.executable, str(Path(dying.__file__))]


def coming_to_grief(point: str, nth: int, command: list[str]) -> list[str]:
    """The same process, which kills itself at that point."""
    return [*DYING, point, str(nth), "--", *command]


@contextlib.contextmanager
def scaled(
    folder: Path,
    *,
    web: int = 2,
    others: Mapping[str, list[str]] | None = None,
    broker: str | None = None,
    **environment: str,
) -> Iterator[Site]:
    """An installation with so many web processes; a worker and a beat, unless it is said what else there is."""
    with installed(
        folder / "home",
        trial.database_url("postgresql"),
        web=[WEB] * web,
        others={"worker": WORKER, "beat": BEAT} if others is None else others,
        REDIS_URL=services.url("Redis"),
        CELERY_BROKER_URL=broker or services.url("Redis"),
        **environment,
    ) as site:
        yield site


@contextlib.contextmanager
def rabbitmq_host() -> Iterator[str]:
    """A virtual host of RabbitMQ's that is ours alone; the common one, where nobody here may make any."""
    if shutil.which("rabbitmqctl") is None:
        yield "/"
        return
    name = f"besedka_{secrets.token_hex(6)}"
    _rabbitmqctl("add_vhost", name)
    try:
        _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield name
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "-q", *arguments], check=True, capture_output=True)
