"""A PostgreSQL of the tests' own, to be killed, starved and filled; and Debian's PgBouncer in front of one."""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import running

READY_S = 60  # a server that was killed has recovered by then
OWNER = "postgres"  # neither PostgreSQL nor PgBouncer runs as root
SMALL = {"shared_buffers": "16MB", "min_wal_size": "32MB", "max_wal_size": "64MB", "unix_socket_directories": "''"}


@dataclass
class Cluster:
    """One PostgreSQL on loopback, with its files in `folder`."""

    folder: Path
    port: int
    programs: Path

    def url(self, name: str = "postgres") -> str:
        """Of a database in it."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """It answers when this returns. One that was killed is let to die first: its processes go one by one."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            done = self._control("start", "-w", "-t", "30", "-l", str(self.folder / "log"))
            if done.returncode == 0 and self.answers():
                return
            time.sleep(0.2)
        raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, how: str = "immediate") -> None:
        """It ends: at once, or `fast` and tidily."""
        self._control("stop", "-w", "-m", how)

    def kill(self) -> None:
        """`kill -9` of the process that all others belong to."""
        os.kill(int((self.folder / "data/postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def answers(self) -> bool:
        """Whether somebody is let in and answered."""
        with contextlib.suppress(psycopg.Error):
            return self.ask("SELECT 1") == [(1,)]
        return False

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """What it says."""
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(question.encode())
            return cursor.fetchall() if cursor.description else []

    def _control(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *arguments]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run(as_owner(command), check=False, cwd="/", **silent)


@contextlib.contextmanager
def cluster(folder: Path | None = None, **settings: str) -> Iterator[Cluster]:
    """A PostgreSQL that runs, with these settings, and its database as a first start of ours leaves it.

    It lies in a folder of its own, in `folder` if that is given.
    """
    begun = _begun()
    with own_folder(folder) as own:
        subprocess.run(["cp", "-a", str(begun / "data"), str(own / "data")], check=True)
        made = _configured(own, settings)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@functools.cache
def _begun() -> Path:
    """The folder of a PostgreSQL that is shut down, with our tables in it: it is made once, and copied."""
    folders = contextlib.ExitStack()
    own = folders.enter_context(own_folder(None))
    atexit.register(folders.close)
    initialise = [str(binaries() / "initdb"), "-D", str(own / "data"), "-U", OWNER, "-A", "trust", "-E", "UTF8"]
    initialise += ["--locale=C", "--no-sync", "--wal-segsize=1"]
    subprocess.run(as_owner(initialise), check=True, capture_output=True, cwd="/")
    made = _configured(own, {"fsync": "off"})
    try:
        made.start()
        with tempfile.TemporaryDirectory(prefix="besedka-begun-") as folder:
            running.first_start(Path(folder) / "home", made.url())
    finally:
        made.stop("fast")
    return own


def _configured(own: Path, settings: dict[str, str]) -> Cluster:
    made = Cluster(own, running.free_port(), binaries())
    told = {**SMALL, "fsync": "on", **settings, "port": str(made.port), "listen_addresses": "'127.0.0.1'"}
    with (own / "data/postgresql.conf").open("a") as file:  # what stands further down counts
        file.writelines(f"{name} = {value}\n" for name, value in told.items())
    return made


def binaries() -> Path:
    """Where PostgreSQL's own programs lie; skips where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL's own programs (initdb, pg_ctl) are not installed")
    return found[-1].parent


@contextlib.contextmanager
def bouncer(to: Cluster, *, size: int) -> Iterator[int]:
    """The port of a PgBouncer that pools transactions over so many connections for each database."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    with own_folder(None) as own:
        port = running.free_port()
        (own / "users.txt").write_text(f'"{OWNER}" ""\n')
        (own / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={to.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {own}/users.txt\n"
            f"pool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 500\n"
        )
        log = (own / "log").open("wb")
        with (
            log,
            subprocess.Popen(
                as_owner([program, str(own / "pgbouncer.ini")]), stdout=log, stderr=log, cwd="/"
            ) as process,
        ):
            try:
                running.wait_for_port(port)
                yield port
            finally:
                process.terminate()


@contextlib.contextmanager
def site(
    url: str, home: Path, *, command: Sequence[str] = (running.BESEDKA, "run"), **environment: str
) -> Iterator[running.Server]:
    """A server on this database."""
    home.mkdir()
    surroundings = {"DATABASE_URL": url, "BESEDKA_RATE_LIMITS": "off", **environment}
    served = running.Server(home, running.free_port(), surroundings, list(command))
    try:
        served.start()
        yield served
    finally:
        served.stop()


@contextlib.contextmanager
def own_folder(folder: Path | None) -> Iterator[Path]:
    """A folder that the servers' account can write to; what pytest gives out is shut to it."""
    made = Path(tempfile.mkdtemp(prefix="besedka-servers-", dir=folder))
    try:
        if os.getuid() == 0:
            shutil.chown(made, OWNER)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def as_owner(command: list[str]) -> list[str]:
    """The command as the account that may run such servers; as our own, if we are not root."""
    return (
        ["setpriv", "--reuid", OWNER, "--regid", OWNER, "--clear-groups", *command]
        if os.getuid() == 0
        else command
    )
