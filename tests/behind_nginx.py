"""Debian's nginx with the very files of `deploy/`, in front of real processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import running
import services

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
FILES = running.ROOT / "deploy"


@dataclass
class Nginx:
    """One that serves; `url` is where, `folder` what it was given and what it wrote."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it wrote: who asked, and what it said of itself."""
        return "".join((self.folder / name).read_text(errors="replace") for name in ("access.log", "error.log"))


def laid_out(folder: Path, upstreams: Sequence[int], *, server: str = "plain", **more: object) -> Path:
    """The configuration as compose and the page about installing lay it out, for these ports on loopback."""
    values = {
        "NGINX_USER": "root" if os.geteuid() == 0 else "",
        "NGINX_RUN": folder,
        "NGINX_LOG": folder / "access.log",
        "NGINX_UPSTREAM": " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in upstreams),
        "NGINX_FILES": folder / "files",
        **more,
    }
    (folder / "etc" / "besedka").mkdir(parents=True)
    (folder / "files").mkdir(exist_ok=True)
    shutil.copy(FILES / "nginx" / "site.conf", folder / "etc" / "besedka")
    for template, path in (
        (FILES / "nginx.conf", folder / "etc" / "nginx.conf"),
        (FILES / "nginx" / f"{server}.conf", folder / "etc" / "besedka" / "server.conf"),
    ):
        path.write_bytes(
            subprocess.run(
                ["envsubst", " ".join(f"${{{name}}}" for name in values)],
                input=template.read_bytes(),
                env={"PATH": os.environ["PATH"], **{name: str(value) for name, value in values.items()}},
                check=True,
                capture_output=True,
            ).stdout
        )
    return folder / "etc" / "nginx.conf"


@contextlib.contextmanager
def serving(folder: Path, upstreams: Sequence[int], *, server: str = "plain", **more: object) -> Iterator[Nginx]:
    """An nginx in front of these ports; `more` are further NGINX_… of its files."""
    assert NGINX is not None, "nginx is not installed"
    port = running.free_port()
    configuration = laid_out(folder, upstreams, server=server, **{"NGINX_LISTEN": f"127.0.0.1:{port}", **more})
    with (folder / "error.log").open("ab") as errors:
        process = subprocess.Popen([NGINX, "-c", str(configuration), "-g", "daemon off;"], stderr=errors)
    try:
        running.wait_for_port(port)
        yield Nginx(folder, port, process)
    finally:
        process.send_signal(signal.SIGQUIT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait()


@contextlib.contextmanager
def site(folder: Path, *, processes: int = 2, **environment: str) -> Iterator[tuple[Nginx, list[running.Server]]]:
    """So many `besedka web` on PostgreSQL and Redis, and nginx in front of them."""
    with running.scratch_database(postgresql(), begun=True) as database:
        home = folder / "home"
        home.mkdir(parents=True)
        surroundings = {
            "DATABASE_URL": database,
            "REDIS_URL": redis(),
            "BESEDKA_TRUSTED_PROXIES": "1",
            **environment,
        }
        command = [running.BESEDKA, "web", "--workers", "1"]
        servers = [running.Server(home, running.free_port(), surroundings, command) for _ in range(processes)]
        try:
            for one in servers:
                one.start()
            (folder / "nginx").mkdir()
            with serving(folder / "nginx", [one.port for one in servers]) as nginx:
                yield nginx, servers
        finally:
            for one in servers:
                one.stop()


def postgresql() -> str:
    """Where databases for this are made."""
    return services.url("PostgreSQL")


def redis() -> str:
    """Where signals go."""
    return services.url("Redis")


def seconds_until_cut(sends: Iterator[bytes], port: int, *, between_s: float, within_s: float) -> float:
    """Seconds until whoever sends these pieces, one after the other, is answered or hung up on."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(between_s)
        while time.monotonic() < began + within_s:
            with contextlib.suppress(TimeoutError):
                try:
                    line.sendall(next(sends))
                    line.recv(1)
                except ConnectionError:
                    pass
                return time.monotonic() - began
    raise AssertionError(f"it was not cut within {within_s} s")
