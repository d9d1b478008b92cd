"""`create_test_data/run.py` against a real server, as a newcomer starts it."""

import os
import subprocess
import sys

import httpx2
import pictures
import pytest
import running

RUN = running.ROOT / "demo" / "create_test_data" / "run.py"
OLD_PATH = running.ROOT / "create_test_data" / "run.py"


def run(*words: str, script: os.PathLike[str] = RUN, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What the script says, and how it ends; nobody is there to be asked for a password."""
    surroundings = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **environment}
    command = [sys.executable, str(script), *words]
    return subprocess.run(
        command,
        env=surroundings,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        start_new_session=True,
    )


@pytest.mark.xdist_group("site")
def test_a_service_is_filled_once_and_a_second_run_changes_nothing(site):
    site.shell(
        "from besedka.accounts.models import User\n"
        f"User.objects.create_user('breeder', password='{running.PASSWORD}')"
    )

    def listed() -> list[dict[str, object]]:
        return [ad for ad in httpx2.get(f"{site.url}/api/v1/execute").json() if ad["created_by"] == author]

    before = {ad["id"] for ad in httpx2.get(f"{site.url}/api/v1/execute").json()}
    first = run(site.url, "--user", "breeder", "--password", running.PASSWORD)
    assert (first.returncode, first.stderr) == (0, "")
    made = [ad for ad in httpx2.get(f"{site.url}/api/v1/execute").json() if ad["id"] not in before]
    author = made[0]["created_by"]
    mine = listed()

    assert first.stdout == f"40 ads added, 0 were there: {site.url}/ads/\n"
    assert len({ad["title"] for ad in mine}) == 40
    assert {ad["kind"] for ad in mine} == {"Dog", "Cat"}
    assert len({str(ad["location"]).partition(",")[0] for ad in mine}) >= 15
    shown = {httpx2.get(str(ad["image"])).content for ad in mine[:8]}
    assert len(shown) == 8
    assert {pictures.opened(content).size for content in shown} == {(640, 480)}

    httpx2.request(
        "DELETE", f"{site.url}/api/v1/execute", json={"id": mine[5]["id"]}, auth=("breeder", running.PASSWORD)
    )
    mended = run(f"{site.url}/", "--user", "breeder", script=OLD_PATH, BESEDKA_ADMIN_PASSWORD=running.PASSWORD)
    kept = listed()
    again = run(site.url, "--user", "breeder", "--password", running.PASSWORD)

    assert mended.stdout == f"1 ads added, 39 were there: {site.url}/ads/\n"
    assert again.stdout == f"0 ads added, 40 were there: {site.url}/ads/\n"
    assert listed() == kept


@pytest.mark.xdist_group("site")
def test_who_is_not_known_is_told_in_one_line(site):
    refused = run(site.url, "--user", "breeder", "--password", "wrong")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"{site.url} does not know breeder with this password.\n"


def test_where_nobody_gives_a_password_it_is_told():
    refused = run("http://127.0.0.1:1")

    assert refused.returncode == 1
    assert "Nobody gave a password" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://", "nonsense", "ftp://127.0.0.1/"])
def test_a_service_that_does_not_answer_is_told_in_one_line(url):
    refused = run(url, "--password", "x")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "does not answer" in refused.stderr
    assert refused.stderr.count("\n") == 1
