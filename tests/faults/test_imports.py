"""A file that was handed in becomes a source once, whoever dies while it is imported."""

import contextlib

import httpx2
import pytest
import running
from faults import dying, scaled, trial
from faults.site import Site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ROWS = 3_000
FILE = "question,answer\n" + "".join(f"question {number},answer {number}\n" for number in range(ROWS))
AGAIN_S = 240  # a lease has run out, and a slow machine has imported it


@pytest.mark.xdist_group("imports")
@pytest.mark.parametrize("point", dying.IMPORTS)
@pytest.mark.parametrize("database", trial.DATABASES)
def test_killing_the_server_while_it_imports_leaves_the_import_to_the_next_one(database, point, tmp_path):
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url(database)) as served:
        served.kill()
        served.command = scaled.coming_to_grief(point, 2 if point == "mid-import" else 1, [running.BESEDKA, "run"])
        served.start()
        hand_in(served.url, title="Shop")
        fell = served.died(within_s=60)
        served.kill()
        served.command = [running.BESEDKA, "run"]
        served.start()
        running.wait_until(lambda: state(served, "Shop") == "done", within_s=AGAIN_S)
        passages, parts = held(served, "Shop"), served.select("SELECT COUNT(*) FROM knowledge_importpart")

    assert fell
    assert (passages, parts) == ((ROWS, ROWS), [(0,)])


@pytest.mark.xdist_group("imports")
def test_a_worker_that_is_killed_while_it_imports_is_followed_by_another(tmp_path):
    others = {"worker": scaled.coming_to_grief("mid-import", 2, scaled.WORKER), "beat": scaled.BEAT}
    with scaled.scaled(tmp_path, web=1, others=others) as served:
        taken = hand_in(served.url, title="Shop")
        fell = served.processes["worker"].died(within_s=120)
        left = state(served, "Shop")
        served.processes["worker"].command = scaled.WORKER
        served.start("worker")
        running.wait_until(lambda: state(served, "Shop") == "done", within_s=AGAIN_S)
        passages = held(served, "Shop")

    assert (taken, fell, left) == (202, True, "running")
    assert passages == (ROWS, ROWS)


def hand_in(url: str, *, title: str) -> int | None:
    """The status of the answer; None where the server died before it."""
    with contextlib.suppress(httpx2.HTTPError):
        files, data = {"file": ("shop.csv", FILE.encode())}, {"title": title}
        who = ("admin", running.PASSWORD)
        return httpx2.post(f"{url}/api/v1/sources/", files=files, data=data, auth=who, timeout=60).status_code
    return None


def state(served: running.Server | Site, title: str) -> str:
    """How the import of this title is."""
    [(found,)] = served.select(f"SELECT state FROM knowledge_import WHERE title = '{title}'")
    return str(found)


def held(served: running.Server | Site, title: str) -> tuple[int, int]:
    """How many passages the source has, and how many different ones."""
    [(count, different)] = served.select(
        "SELECT COUNT(*), COUNT(DISTINCT question) FROM knowledge_passage p"
        f" JOIN knowledge_source s ON s.id = p.source_id WHERE s.title = '{title}'"
    )
    return int(count), int(different)
