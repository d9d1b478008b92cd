"""`deploy.sh` brings releases into service: with supervisor's real processes, and with what it tells Docker."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import behind_nginx
import httpx2
import pytest
import running

DEPLOY = running.ROOT / "deploy"
GOOD = f'#!/bin/sh\nexec {running.BESEDKA} "$@"\n'
DEAD = f'#!/bin/sh\n[ "$1" = web ] && exit 1\nexec {running.BESEDKA} "$@"\n'
NOT_MIGRATING = f'#!/bin/sh\n[ "$1" = prepare ] && exit 1\nexec {running.BESEDKA} "$@"\n'
MESSAGES = "/api/v1/conversation/messages"
DOCKER = """#!/bin/sh
echo "$BESEDKA_TAG: $*" >> "$RECORD"
case "$*" in
    *'ps --services'*) printf 'web-a\\nweb-b\\ntelegram\\n' ;;
    *'ps --quiet'*) echo 0123 ;;
    *pull*) [ "$BESEDKA_TAG" != unknown ] ;;
    *healthy.py*) [ "$BESEDKA_TAG" != ill ] ;;
    *'run --rm'*) [ "$BESEDKA_TAG" != unmigratable ] ;;
esac
"""

serving = [pytest.mark.faults, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]


@dataclass
class Host:
    """An installation under a folder, kept by supervisor."""

    root: Path
    environment: dict[str, str]
    port: int

    def release(self, name: str, program: str) -> None:
        """There is a release of this name, whose program this is."""
        path = self.root / "releases" / name / "bin" / "besedka"
        path.parent.mkdir(parents=True)
        path.write_text(program)
        path.chmod(0o755)
        (path.parent.parent / ".complete").touch()

    def deploy(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Bring it into service."""
        return subprocess.run(
            [self.root / "deploy" / "deploy.sh", name],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1500,
        )

    @property
    def in_service(self) -> str:
        """The release that serves."""
        return (self.root / "current").readlink().name

    def status(self) -> dict[str, str]:
        """How each process does."""
        command = ["supervisorctl", "--configuration", str(self.root / "etc" / "supervisord.conf"), "status"]
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        return {line.split()[0]: line.split()[1] for line in lines}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with nothing in service yet."""
    root, web = tmp_path / "besedka", [running.free_port(), running.free_port()]
    for folder in ("etc", "home", "log", "run", "releases"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(DEPLOY, root / "deploy")
    with running.scratch_database(behind_nginx.postgresql()) as database:
        (root / "etc" / "besedka.env").write_text(
            f"# settings\nDATABASE_URL={database}\nREDIS_URL={behind_nginx.redis()}\n"
            f"CELERY_BROKER_URL={behind_nginx.redis().rpartition('/')[0]}/13\n"
            f"BESEDKA_HOME={root}/home\nBESEDKA_STATIC={root}/files/static\nBESEDKA_TRUSTED_PROXIES=1\n"
            "BESEDKA_ADMIN_PASSWORD=a password with $pecial 'signs'\n"
        )
        environment = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "BESEDKA_BY": "host",
            "BESEDKA_ROOT": str(root),
            "BESEDKA_USER": "root",
            "BESEDKA_STATE": str(root / "state"),
            "BESEDKA_READY_S": "400",
            "WEB_A": str(web[0]),
            "WEB_B": str(web[1]),
        }
        names = "${BESEDKA_ROOT} ${BESEDKA_USER} ${WEB_A} ${WEB_B}"
        configuration = subprocess.run(
            ["envsubst", names],
            input=(DEPLOY / "supervisord.conf").read_bytes(),
            env=environment,
            capture_output=True,
        ).stdout
        port = running.free_port()
        behind_nginx.laid_out(root, web, NGINX_LISTEN=f"127.0.0.1:{port}", NGINX_RUN=root / "run")
        (root / "etc" / "supervisord.conf").write_bytes(configuration)
        try:
            yield Host(root, environment, port)
        finally:
            pid = root / "run" / "supervisord.pid"
            if pid.exists():
                number = int(pid.read_text())
                os.kill(number, 15)
                running.wait_until(lambda: not Path(f"/proc/{number}").exists(), within_s=120)


class TestOnAHost:
    """Supervisor keeps the processes."""

    pytestmark = serving

    def test_releases_follow_each_other_and_one_that_is_not_well_is_taken_back_while_visitors_write(self, host):
        host.release("1", GOOD)
        host.release("2", GOOD)
        host.release("3", DEAD)
        host.release("4", NOT_MIGRATING)
        first = host.deploy("1")
        assert first.returncode == 0, first.stdout + first.stderr
        states = {}

        with ThreadPoolExecutor(1) as beside:
            stop: list[bool] = []
            writing = beside.submit(write, host, stop)
            for name in ("2", "3", "4"):
                states[name] = host.deploy(name).returncode, host.in_service
            stop.append(True)
            taken = writing.result(timeout=60)

        log = seen(host)
        assert states == {"2": (0, "2"), "3": (1, "2"), "4": (1, "2")}
        assert (host.root / "state" / "release").read_text() == "2\n"
        assert (host.root / "state" / "previous").read_text() == "1\n"
        assert [text for text in log if text.startswith("m")] == taken  # each once, in order, through all of it
        assert len(taken) > 10
        assert {"besedka-web-a", "besedka-web-b"} <= {
            name for name, state in host.status().items() if state == "RUNNING"
        }
        assert (host.root / "files" / "static" / "besedka" / "widget.js").exists()


def write(host: Host, stop: list[bool]) -> list[str]:
    """A visitor writes on, sending again what was not taken; the texts that were taken."""
    taken: list[str] = []
    while not stop:
        text = f"m{len(taken)}"
        body = {"text": text, "client_id": text}
        try:
            answer = httpx2.post(url(host), json=body, headers={"chat-token": "a-visitor-who-writes"}, timeout=20)
            if answer.status_code in (200, 201):
                taken.append(text)
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    return taken


def seen(host: Host) -> list[str]:
    """The visitor's own words as the log has them."""
    found: list[str] = []
    after = 0
    while True:
        answer = httpx2.get(
            url(host), params={"after": after}, headers={"chat-token": "a-visitor-who-writes"}, timeout=20
        )
        messages = answer.json()["messages"]
        if not messages:
            return found
        found += [message["text"] for message in messages if message["author"] == "contact"]
        after = messages[-1]["seq"]


def url(host: Host) -> str:
    return f"http://127.0.0.1:{host.port}{MESSAGES}"


@dataclass
class Engine:
    """A Docker that writes down what it is told, and how the script did."""

    folder: Path

    def deploy(self, tag: str) -> int:
        """The script's exit code."""
        (self.folder / "record").write_text("")
        return subprocess.run(
            [self.folder / "deploy" / "deploy.sh", tag],
            env={
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "RECORD": str(self.folder / "record"),
                "BESEDKA_READY_S": "1",
            },
            capture_output=True,
        ).returncode

    @property
    def told(self) -> list[str]:
        """Each command: the tag, and what is to be done."""
        return [
            line.replace(f"--project-directory {self.folder}/deploy --file {self.folder}/deploy/compose.yml ", "")
            for line in (self.folder / "record").read_text().splitlines()
        ]

    def read(self, path: str) -> str:
        """A file that it left."""
        return (self.folder / "deploy" / path).read_text()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """One on whose host nothing serves yet."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / ".env").write_text("SITE_NAME=chat.example\nBESEDKA_TAG=latest\n")
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return Engine(tmp_path)


def test_a_release_is_fetched_migrated_and_brought_into_service_one_process_after_the_other(engine):
    assert engine.deploy("v2") == 0

    steps = [line for line in engine.told if " ps " not in line and "healthy" not in line]
    up = "v2: compose --profile telegram --profile flower up --detach --no-deps"
    assert steps == [
        "v2: compose pull --quiet web-a",
        "v2: compose up --detach --wait --wait-timeout 1 postgres redis",
        "v2: compose run --rm --no-deps migrate",
        *(f"{up} {name}" for name in ("web-a", "web-b", "worker", "beat", "telegram")),
        "v2: compose up --detach --no-deps nginx",
    ]
    assert engine.read("state/release") == "v2\n"
    assert "BESEDKA_TAG=v2\n" in engine.read(".env")


def test_a_process_is_ready_before_the_next_one_is_touched(engine):
    engine.deploy("v2")

    order = [line.split()[-1] for line in engine.told if "healthy.py" in line or line.endswith(("web-a", "web-b"))]
    assert order == ["web-a", "web-a", "/health/ready/", "web-b", "/health/ready/"]


def test_one_that_is_not_well_is_taken_back_before_the_second_web_is_touched(engine):
    engine.deploy("v2")

    assert engine.deploy("ill") == 1

    assert not [line for line in engine.told if line.startswith("ill") and line.endswith("web-b")]
    assert engine.told[-1] == "v2: compose up --detach --no-deps nginx"
    assert engine.read("state/release") == "v2\n"
    assert "BESEDKA_TAG=v2\n" in engine.read(".env")


@pytest.mark.parametrize("tag", ["unknown", "unmigratable"])
def test_what_cannot_be_fetched_or_migrated_touches_nothing_that_serves(engine, tag):
    engine.deploy("v2")

    assert engine.deploy(tag) != 0

    assert not [line for line in engine.told if "web-a" in line and "pull" not in line]
    assert engine.read("state/release") == "v2\n"


def test_two_at_once_do_not_get_into_each_others_way(engine):
    (engine.folder / "deploy" / "state").mkdir()
    with (engine.folder / "deploy" / "state" / "lock").open("w") as lock:
        holding = subprocess.Popen(["flock", lock.name, "sleep", "30"])
        try:
            running.wait_until(lambda: subprocess.run(["flock", "--nonblock", lock.name, "true"]).returncode != 0)
            assert engine.deploy("v2") == 1
        finally:
            holding.kill()
            holding.wait()

    assert engine.told == []


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_every_script_can_be_read_by_the_shell(path):
    assert subprocess.run(["sh", "-n", path]).returncode == 0
