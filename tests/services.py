"""Where the servers are that tests talk to, and whether they are there."""

import os
import socket
import urllib.parse

import pytest

SERVICES = {
    "PostgreSQL": ("BESEDKA_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/besedka"),
    "MariaDB": ("BESEDKA_TEST_MARIADB", "mysql://root@127.0.0.1:3306/besedka"),
    "Redis": ("BESEDKA_TEST_REDIS", "redis://127.0.0.1:6379/15"),
    "RabbitMQ": ("BESEDKA_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/"),
}


def url(name: str) -> str:
    """The address of this server; skips where it is not here, unless all of them have to be."""
    found = address(name)
    if not answers(found):
        assert os.environ.get("BESEDKA_REQUIRE_ALL") != "on", f"{name} is missing"
        pytest.skip(f"{name} is not here")
    return found


def address(name: str) -> str:
    """Where it is looked for, whether it is there or not."""
    variable, standard = SERVICES[name]
    return os.environ.get(variable, standard)


def parts(name: str) -> urllib.parse.SplitResult:
    """The same in its parts: for a line that is laid to it."""
    return urllib.parse.urlsplit(url(name))


def answers(url: str) -> bool:
    """Whether something listens there."""
    parts = urllib.parse.urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False
