"""Files on an S3 that hangs up, hangs or refuses: 503 within bounds, all else goes on, nothing is half there."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx2
import make
import pictures
import pytest
import running
import s3
from faults import proxy

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("files-away")]

UPLOAD = "/api/v1/conversation/files"
MESSAGES = "/api/v1/conversation/messages"
BOUND_S = 60  # of an answer on a busy machine; the product's own bound is about ten seconds


class Away(NamedTuple):
    """A server whose files lie on S3, and the line there."""

    site: running.Server
    line: proxy.Proxy
    store: Any
    bucket: str

    def upload(self, token: str) -> httpx2.Response:
        """A visitor sends a file."""
        headers = {"chat-token": token, "content-type": "application/pdf"}
        url = f"{self.site.url}{UPLOAD}?name=a.pdf"
        return httpx2.post(url, content=b"%PDF-1.7 hello", headers=headers, timeout=BOUND_S)

    def fetch(self, url: str, **headers: str) -> httpx2.Response:
        """Somebody fetches it."""
        return httpx2.get(f"{self.site.url}{url}", headers=headers, timeout=BOUND_S)

    def say(self, token: str, **body: Any) -> httpx2.Response:
        """A visitor says something."""
        return httpx2.post(f"{self.site.url}{MESSAGES}", json=body, headers={"chat-token": token}, timeout=BOUND_S)

    def word(self) -> str:
        """How files do."""
        told = httpx2.get(f"{self.site.url}/health/ready/", timeout=BOUND_S)
        assert told.status_code == 200
        return str(told.json()["files"])

    def stored(self) -> list[str]:
        """What lies in the bucket, but for what a probe leaves when the line is cut under it."""
        found = self.store.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sorted(one["Key"] for one in found if "/probe-" not in one["Key"])

    def rows(self) -> list[str]:
        """What the database knows of."""
        return sorted(key for (key,) in self.site.select("SELECT key FROM conversations_attachment"))


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory, s3_server: s3.Server) -> Iterator[Away]:
    bucket = s3_server.bucket()
    with proxy.proxy_to("127.0.0.1", s3_server.port) as line:
        home = tmp_path_factory.mktemp("files-away") / "home"
        with running.server(home, **s3.environment(bucket, line.port)) as site:
            try:
                yield Away(site, line, s3_server.client(), bucket)
            finally:
                line.mend()


def is_away(response: httpx2.Response) -> None:
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["code"] == "unavailable"


def test_a_file_goes_up_and_down_with_the_headers_and_ranges_it_always_had(away):
    token = make.token()

    kept = away.upload(token).json()
    sent = away.say(token, text="look", file=kept["key"])
    whole = away.fetch(kept["url"])
    part = away.fetch(kept["url"], range="bytes=1-3")
    behind = away.fetch(kept["url"], range="bytes=100-")
    again = away.fetch(kept["url"], range="bytes=1-3", **{"if-range": whole.headers["etag"]})
    missing = away.fetch("/files/" + "0" * 32)

    assert sent.status_code == 201
    assert away.stored() == [f"besedka/media/files/{kept['key'][:2]}/{kept['key']}"]
    assert (whole.status_code, whole.content) == (200, b"%PDF-1.7 hello")
    assert whole.headers["content-disposition"].startswith("attachment; filename=")
    assert whole.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-type"] == "application/octet-stream"
    assert [(one.status_code, one.content) for one in (part, again)] == [(206, b"PDF")] * 2
    assert (behind.status_code, missing.status_code) == (416, 404)
    assert away.word() == "ok"


def test_a_row_whose_bytes_are_gone_is_not_found(away):
    kept = away.upload(make.token()).json()
    away.store.delete_object(Bucket=away.bucket, Key=f"besedka/media/files/{kept['key'][:2]}/{kept['key']}")

    assert away.fetch(kept["url"]).status_code == 404


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_while_it_is_away_files_wait_and_nothing_else_does(away, fault):
    token = make.token()
    kept = away.upload(token).json()
    rows, stored = away.rows(), away.stored()

    getattr(away.line, fault)()
    with ThreadPoolExecutor(24) as many:
        refused = [many.submit(away.upload, make.token()) for _ in range(6)]
        refused += [many.submit(away.fetch, kept["url"]) for _ in range(12)]
        pictures_asked = [many.submit(away.fetch, "/media/ads/" + "0" * 32 + ".webp") for _ in range(12)]
        began = time.monotonic()
        said = [away.say(token, text=f"word {number}").status_code for number in range(20)]
        talked_s = time.monotonic() - began
        page = away.fetch("/health/")
        answers = [one.result() for one in refused]
        shown = [one.result() for one in pictures_asked]
    word = away.word()
    unchanged = away.rows(), away.stored()
    away.line.mend()
    running.wait_until(lambda: away.fetch(kept["url"]).status_code == 200)
    running.wait_until(lambda: away.word() == "ok")
    after = away.upload(make.token())

    for answer in (*answers, *shown):
        is_away(answer)
    assert said == [201] * 20
    assert talked_s < BOUND_S / 2
    assert page.status_code == 200
    assert word == "away"
    assert unchanged == (rows, stored)
    assert after.status_code == 201


def test_an_ad_whose_picture_cannot_be_stored_is_not_there(away):
    ad = {**make.AD, "image": pictures.base64_of(pictures.of())}

    with httpx2.Client(base_url=away.site.url, auth=("admin", running.PASSWORD), timeout=BOUND_S) as site:
        away.line.cut()
        refused = site.post("/api/v1/ads/", json=ad)
        away.line.mend()
        running.wait_until(lambda: away.word() == "ok")
        published = site.post("/api/v1/ads/", json=ad).json()
        ads = site.get("/api/v1/ads/").json()["results"]
    fetched = away.fetch(published["thumbnail"].removeprefix(away.site.url))

    is_away(refused)
    assert [one["id"] for one in ads] == [published["id"]]
    assert fetched.status_code == 200
    assert fetched.content[8:12] == b"WEBP"
    assert int(fetched.headers["content-length"]) == len(fetched.content)


def test_an_erasure_takes_the_words_at_once_and_the_files_when_it_can(away):
    token = make.token()
    kept = away.upload(token).json()
    away.say(token, text="a secret", file=kept["key"])
    [(contact_id,)] = away.site.select(
        "SELECT c.contact_id FROM conversations_conversation c JOIN conversations_attachment a"
        f" ON a.conversation_id = c.id WHERE a.key = '{kept['key']}'"
    )
    words = "SELECT count(*) FROM conversations_message WHERE text = 'a secret'"

    away.line.cut()
    away.site.shell(f"from besedka.conversations import erasure; erasure.begin_many([{contact_id}])")
    running.wait_until(lambda: away.site.select(words) == [(0,)])
    gone = away.fetch(kept["url"])
    waiting = kept["key"] in away.rows()
    away.line.mend()
    running.wait_until(lambda: kept["key"] not in away.rows())

    assert gone.status_code == 404
    assert waiting
    assert not any(kept["key"] in name for name in away.stored())


def test_a_key_that_may_not_write_is_told_of_and_serves_nobody(tmp_path, s3_server):
    with running.server(tmp_path / "home", **s3.environment("nobody-made-this", s3_server.port)) as site:
        refused = Away(site, None, None, "").upload(make.token())  # type: ignore[arg-type]
        word = httpx2.get(f"{site.url}/health/ready/", timeout=BOUND_S).json()["files"]
        told = site.beside("doctor")

    is_away(refused)
    assert word == "refused"
    assert "nobody-made-this" not in refused.text
    assert "does not let us write" in told.stdout
    assert s3.SECRET not in told.stdout
