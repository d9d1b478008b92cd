"""The page about installing, followed to the letter in a clean folder."""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import behind_nginx
import httpx2
import pytest
import running

PAGE = running.ROOT / "docs" / "operations" / "install.md"
USER = "besedka-try"

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800), pytest.mark.xdist_group("install")]


def blocks() -> str:
    """Everything that the page tells to type."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


@pytest.fixture
def surroundings() -> Iterator[dict[str, str]]:
    """What the page lets one choose; afterwards nothing of it is left."""
    name = f"besedka_{secrets.token_hex(6)}"
    # Not below pytest's folder, which is root's alone: the user of the installation has to come there.
    place = Path(tempfile.mkdtemp(prefix="besedka-install-"))
    place.chmod(0o755)
    root = place / "opt"
    signals = behind_nginx.redis()
    chosen = {
        "BESEDKA_ROOT": str(root),
        "BESEDKA_USER": USER,
        "SITE_NAME": "chat.example",
        "LISTEN": f"127.0.0.1:{running.free_port()}",
        "WEB_A": str(running.free_port()),
        "WEB_B": str(running.free_port()),
        "FLOWER_PORT": str(running.free_port()),
        "DATABASE": name,
        "SIGNALS": signals,
        "BROKER": signals.rpartition("/")[0] + "/14",
    }
    ours = {name: value for name, value in os.environ.items() if re.search("CERT|PIP|proxy|PROXY", name)}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    yield {"PATH": path, "HOME": os.environ["HOME"], "LC_ALL": "C.UTF-8", **ours, **chosen}
    pid = root / "run" / "supervisord.pid"
    if pid.exists():
        number = int(pid.read_text())
        os.kill(number, 15)
        running.wait_until(lambda: not Path(f"/proc/{number}").exists(), within_s=150)
    for statement in (f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'DROP ROLE IF EXISTS "{name}"'):
        subprocess.run(
            ["runuser", "--user", "postgres", "--", "psql", "--quiet", "--command", statement], check=True
        )
    subprocess.run(["userdel", USER], check=True, capture_output=True)
    shutil.rmtree(place)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout of what is here."""
    there = tmp_path / "checkout"
    there.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=running.ROOT,
        check=True,
        capture_output=True,
    ).stdout
    subprocess.run(
        ["tar", "--create", "--null", "--files-from=-", "--file", there / "all.tar"],
        cwd=running.ROOT,
        input=listed,
        check=True,
    )
    subprocess.run(["tar", "--extract", "--file", "all.tar"], cwd=there, check=True)
    return there


def test_who_follows_the_page_has_an_installation_whose_bot_answers_through_nginx(
    surroundings, checkout, tmp_path
):
    log = tmp_path / "install.log"

    with log.open("wb") as out:
        followed = subprocess.run(
            ["bash", "-c", blocks()],
            cwd=checkout,
            env=surroundings,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=1500,
        )

    said = log.read_text(errors="replace")
    assert followed.returncode == 0, said[-4000:]
    answer = json.loads(re.findall(r'\{"messages":.*\}', said)[-1])
    root = Path(surroundings["BESEDKA_ROOT"])
    status = re.findall(r"^(\S+)\s+RUNNING", said, re.MULTILINE)
    site = f"http://{surroundings['LISTEN']}"
    style = httpx2.get(f"{site}/static/besedka/desk.css")
    running_as = {Path(f"/proc/{pid}").owner() for pid in pids_of(root)}
    assert [message["author"] for message in answer["messages"]] == ["bot"]
    assert {"besedka-web-a", "besedka-web-b", "besedka-worker", "besedka-beat", "nginx"} <= set(status)
    assert "✗" not in said
    assert "Administrator: admin, password:" in said
    assert (style.status_code, "x-request-id" in style.headers) == (200, False)
    assert USER in running_as
    assert oct((root / "etc" / "besedka.env").stat().st_mode)[-3:] == "600"
    assert_a_worker_answered(surroundings)


def pids_of(root: Path) -> list[int]:
    """Who runs a program of the installation's release."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{root}/releases".encode() in path.read_bytes() or f"{root}/current".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def assert_a_worker_answered(surroundings: dict[str, str]) -> None:
    """Without workers nobody is answered: a web process runs no turns."""
    root = surroundings["BESEDKA_ROOT"]
    supervisor = ["supervisorctl", "--configuration", f"{root}/etc/supervisord.conf"]
    site = f"http://{surroundings['LISTEN']}/api/v1/conversation/messages"
    subprocess.run([*supervisor, "stop", "besedka-worker"], check=True, capture_output=True)
    headers = {"chat-token": "second-visitor"}
    httpx2.post(site, json={"text": "Сколько стоит доставка?"}, headers=headers)
    unanswered = httpx2.get(site, params={"after": 1, "wait": 5}, headers=headers, timeout=30).json()["messages"]
    subprocess.run([*supervisor, "start", "besedka-worker"], check=True, capture_output=True)
    answered = httpx2.get(site, params={"after": 1, "wait": 25}, headers=headers, timeout=60).json()["messages"]

    assert unanswered == []
    assert [message["author"] for message in answered] == ["bot"]
