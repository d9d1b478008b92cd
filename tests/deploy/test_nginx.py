"""Debian's nginx, with the files of `deploy/`, in front of two `besedka web` on PostgreSQL and Redis."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import re
import secrets
import ssl
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import behind_nginx
import httpx2
import llm_stub
import make
import pytest
import running
from behind_nginx import Nginx
from faults import trial
from websockets.asyncio.client import connect

from besedka.accounts.rates import RateLimited
from besedka.conversations.uploads import MAX_BYTES
from besedka.problems import BodyTooLarge, Invalid, MethodNotAllowed, NotFound, Unavailable

MESSAGES = "/api/v1/conversation/messages"
STREAM = "/api/v1/conversation/stream"
FILES = "/api/v1/conversation/files"
CUT_S = 30  # who is slower than that is hung up on

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.xdist_group("nginx")]


@pytest.fixture(scope="module")
def model() -> Iterator[llm_stub.Stub]:
    """A model that thinks while it speaks."""
    with llm_stub.running() as stub:
        stub.says(llm_stub.Says(tuple(f"слово{number} " for number in range(60)), between_s=0.08))  # 5 s in all
        yield stub


@pytest.fixture(scope="module")
def both(tmp_path_factory, model) -> Iterator[tuple[Nginx, list[running.Server]]]:
    """nginx, and the two processes behind it."""
    speaking = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": f"{model.url}/v1"}
    with behind_nginx.site(tmp_path_factory.mktemp("site"), **speaking) as started:
        yield started


@pytest.fixture(scope="module")
def nginx(both) -> Nginx:
    """Where visitors come."""
    return both[0]


@pytest.fixture(scope="module")
def front(both) -> running.Server:
    """The product as it is met through nginx, with its database."""
    return dataclasses.replace(both[1][0], port=both[0].port, process=None)


@pytest.fixture
def visitor(nginx: Nginx) -> Iterator[httpx2.Client]:
    """Somebody new, who comes through nginx."""
    headers = {"chat-token": secrets.token_hex(16)}
    with httpx2.Client(base_url=nginx.url, headers=headers, timeout=60) as client:
        yield client


def pieces(*first: bytes, again: bytes) -> Iterator[bytes]:
    """First these, then the same over and over."""
    return itertools.chain(first, itertools.repeat(again))


def test_a_message_is_taken_and_answered_by_a_long_poll(visitor):
    said = visitor.post(MESSAGES, json={"text": "Сколько стоит доставка?"})
    answered = visitor.get(MESSAGES, params={"after": said.json()["seq"], "wait": 25})

    assert said.status_code == 201
    assert [message["author"] for message in answered.json()["messages"]] == ["bot"]


def test_a_long_poll_with_no_news_is_held_and_answered(visitor):
    said = visitor.post(MESSAGES, json={"text": "Сколько стоит доставка?"}).json()["seq"]
    answer = visitor.get(MESSAGES, params={"after": said, "wait": 25}).json()["messages"]

    began = time.monotonic()
    nothing = visitor.get(MESSAGES, params={"after": answer[-1]["seq"], "wait": 4})

    assert nothing.status_code == 200
    assert nothing.json() == {"messages": []}
    assert time.monotonic() - began > 3


def test_what_the_bot_says_arrives_while_it_still_speaks(visitor):
    arrived: list[tuple[float, str]] = []

    visitor.post(MESSAGES, json={"text": "Сколько стоит доставка?"})
    with visitor.stream("GET", STREAM) as stream:
        kind = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            if line.startswith("data: "):
                arrived.append((time.monotonic(), kind))
                if kind == "message" and json.loads(line.removeprefix("data: "))["author"] == "bot":
                    break

    deltas = [at for at, kind in arrived if kind == "delta"]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert len(deltas) >= 2
    assert deltas[-1] - deltas[0] > 0.5  # each when it was said, not all at the end


def test_sockets_of_visitors_desks_and_rooms_are_let_through(nginx):
    async def talk() -> tuple[list[str], dict[str, int]]:
        token, kinds, codes = make.token(), [], {}
        base = nginx.url.replace("http", "ws")
        async with connect(f"{base}/ws/visitor", additional_headers={"chat-token": token}) as ws:
            await ws.send(json.dumps({"type": "send", "client_id": "1", "text": "Привет"}))
            while "message" not in kinds or "sent" not in kinds:
                kinds.append(json.loads(await asyncio.wait_for(ws.recv(), 30))["type"])
        for path in ("/ws/desk", "/ws/chat/none?uuid=no-ticket"):
            async with connect(base + path) as ws:
                with contextlib.suppress(Exception):
                    while True:
                        await asyncio.wait_for(ws.recv(), 30)
                codes[path] = ws.close_code or 0
        return kinds, codes

    kinds, codes = asyncio.run(talk())

    assert kinds[0] == "ready"
    assert all(
        4400 <= code < 4500 for code in codes.values()
    )  # the product's own refusals, not a failed handshake


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [
        (MAX_BYTES, 201, None),
        (MAX_BYTES + 1, 413, "file_too_large"),
        (50_000_000, 413, "body_too_large"),
    ],
)
def test_files_are_taken_up_to_the_products_limit_and_refused_in_words_above(visitor, size, status, code):
    answer = visitor.post(
        FILES, params={"name": "a.txt"}, content=b"a" * size, headers={"content-type": "text/plain"}
    )

    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_headers_of_safety_are_there_once_whoever_answers(visitor):
    pages = {path: visitor.get(path) for path in ("/", "/health/", "/widget.js", "/api/v1/widget", "/static/x")}

    for page in pages.values():
        assert page.headers.get_list("x-content-type-options") == ["nosniff"]
        assert page.headers.get_list("referrer-policy") == ["same-origin"]
        assert "nginx/" not in page.headers["server"]
    assert len(pages["/"].headers.get_list("content-security-policy")) == 1
    assert "strict-transport-security" not in pages["/"].headers


def test_static_files_come_from_the_folder_and_what_is_missing_there_from_the_product(both, visitor):
    nginx, servers = both
    before = visitor.get("/static/besedka/chat.js")
    servers[0].beside("manage", "collectstatic", "--noinput")
    collected = servers[0].home / "static"
    (nginx.folder / "files" / "static").symlink_to(collected)

    after = visitor.get("/static/besedka/chat.js")

    assert (before.status_code, after.status_code) == (200, 200)
    assert before.content == after.content == (collected / "besedka" / "chat.js").read_bytes()
    assert "x-request-id" not in after.headers
    for answer in (before, after):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "javascript" in answer.headers["content-type"]
        assert answer.headers["content-encoding"] == "gzip"


def test_json_keeps_its_strong_etag_because_it_is_not_packed(nginx):
    schema = httpx2.get(f"{nginx.url}/api/v1/widget", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in schema.headers


def test_figures_for_prometheus_are_not_for_strangers(front):
    answers = [
        raw_get(front, path) for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics")
    ]

    assert [(status, body["code"]) for status, body in answers] == [(404, "not_found")] * 5


def raw_get(front: running.Server, path: str) -> tuple[int, dict[str, Any]]:
    """Ask for a path exactly as it is written."""
    with running.raw(front) as line:
        status, _, body = line.ask("GET", path)
    return status, json.loads(body)


def test_who_forges_where_it_comes_from_is_counted_as_who_it_is(nginx):
    somebody = httpx2.HTTPTransport(local_address="127.0.0.9")
    with httpx2.Client(base_url=nginx.url, transport=somebody) as client:
        statuses = [
            client.get(
                "/api/v1/conversation",
                headers={"chat-token": secrets.token_hex(8), "x-forwarded-for": f"10.1.{n % 250}.7"},
            ).status_code
            for n in range(700)
        ]
    other = httpx2.get(f"{nginx.url}/api/v1/conversation", headers={"chat-token": secrets.token_hex(8)})

    assert statuses[:100] == [200] * 100
    assert 429 in statuses
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("sends", "between_s"),
    [
        pytest.param(
            pieces(b"GET / HTTP/1.1\r\nHost: localhost\r\n", again=b"X-A: b\r\n"), 2, id="headers, dripping"
        ),
        pytest.param(pieces(b"GET / HT", again=b""), 2, id="half a line"),
        pytest.param(
            pieces(f"POST {MESSAGES} HTTP/1.1\r\nHost: localhost\r\nchat-token: slow-visitor\r\n"
                   "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n".encode(), again=b" "),
            2, id="a body, dripping",
        ),
        pytest.param(
            pieces(f"POST {FILES}?name=a.txt HTTP/1.1\r\nHost: localhost\r\nchat-token: slow-visitor\r\n"
                   "Content-Type: text/plain\r\nContent-Length: 5000000\r\n\r\n".encode(), again=b"a" * 100),
            2, id="a file, dripping",
        ),
        pytest.param(
            pieces(b"POST /auth/login/ HTTP/1.1\r\nHost: localhost\r\n"
                   b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n", again=b" "),
            2, id="a form, dripping",
        ),
    ],
)  # fmt: skip
def test_who_sends_too_slowly_is_cut(nginx, sends, between_s):
    taken = behind_nginx.seconds_until_cut(sends, nginx.port, between_s=between_s, within_s=CUT_S + 30)

    assert taken <= CUT_S


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (b"GET / HTTP/9.9\r\n\r\n", Invalid),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", MethodNotAllowed),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", NotFound),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n",
            BodyTooLarge,
        ),
    ],
)
def test_what_nginx_refuses_itself_is_a_problem_as_the_products_are(front, asked, kind):
    with running.raw(front) as line:
        line._socket.sendall(asked)
        whole = b"".join(iter(lambda: line._socket.recv(65536), b""))

    head, _, body = whole.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert b"application/problem+json" in head
    assert (told["status"], told["code"], told["title"]) == (kind.status, kind.code, kind.sentence())


def test_the_words_of_all_refusals_of_nginx_are_the_products():
    site = (behind_nginx.FILES / "nginx" / "site.conf").read_text()
    problems = [json.loads(text.replace("$request_id", "")) for text in re.findall(r"return \d+ '(\{.*\})'", site)]
    kinds = (Invalid, MethodNotAllowed, NotFound, BodyTooLarge, RateLimited, Unavailable)
    titles = {kind.code: kind.sentence() for kind in kinds}

    assert {told["code"] for told in problems} == set(titles)
    assert all(told["title"] == titles[told["code"]] for told in problems)
    assert all(told["type"] == f"urn:besedka:problem:{told['code']}" for told in problems)


def test_with_a_certificate_everybody_is_sent_to_https_and_the_product_knows(both, tmp_path):
    _, servers = both
    key, chain = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(made, check=True, capture_output=True)
    (tmp_path / "files" / ".well-known" / "acme-challenge").mkdir(parents=True)
    (tmp_path / "files" / ".well-known" / "acme-challenge" / "proof").write_text("ours")
    port = running.free_port()
    given = {"NGINX_LISTEN_TLS": f"127.0.0.1:{port}", "NGINX_NAME": "localhost", "NGINX_CERTIFICATES": tmp_path}
    trusted = ssl.create_default_context(cafile=str(chain))

    with behind_nginx.serving(tmp_path, [one.port for one in servers], server="tls", **given) as nginx:
        sent_on = httpx2.get(f"{nginx.url}/desk/?a=b")
        proof = httpx2.get(f"{nginx.url}/.well-known/acme-challenge/proof")
        well = httpx2.get(f"{nginx.url}/health/ready/")
        with httpx2.Client(verify=trusted, base_url=f"https://localhost:{port}") as client:
            home = client.get("/", headers={"accept": "application/json"})
            refused = client.get("/api/v1/conversation")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"https://127.0.0.1:{port}/", verify=False)  # by no name that is ours

    assert (sent_on.status_code, sent_on.headers["location"]) == (301, "https://localhost/desk/?a=b")
    assert (proof.text, well.status_code) == ("ours", 200)
    assert home.json()["desk"] == f"https://localhost:{port}/desk/"
    for answer in (home, refused):
        assert len(answer.headers.get_list("strict-transport-security")) == 1


def test_with_nobody_behind_it_nginx_says_when_to_come_again(tmp_path):
    with behind_nginx.serving(tmp_path, [running.free_port()]) as lonely:
        answer = httpx2.get(f"{lonely.url}/api/v1/conversation?ticket=secret-ticket")

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "secret-ticket" not in lonely.log


def test_no_log_has_a_token_a_ticket_or_a_files_key(both, visitor):
    nginx, _ = both
    token = visitor.headers["chat-token"]
    sent = visitor.post(FILES, params={"name": "a.txt"}, content=b"a", headers={"content-type": "text/plain"})
    key = sent.json()["key"]

    visitor.get(f"/files/{key}")
    visitor.get("/ws/chat/room", params={"uuid": "the-ticket"})
    visitor.get("/", headers={"authorization": "Bearer the-bearer"})

    lines = [json.loads(line) for line in (nginx.folder / "access.log").read_text().splitlines()]
    assert {"/files/…", "/ws/chat/room"} <= {line["path"] for line in lines}
    assert all(secret not in nginx.log for secret in (token, key, "the-ticket", "the-bearer"))


def test_processes_that_are_replaced_one_after_the_other_are_not_missed(both, front, model, tmp_path):
    _, servers = both
    model.says(llm_stub.Says())  # at once: who thinks for long hands some of them over

    async def replace() -> None:
        await asyncio.sleep(2)
        for one in servers:
            await asyncio.to_thread(one.stop)
            await asyncio.sleep(1)
            await asyncio.to_thread(one.start)

    _, wrong = trial.visited(front, tmp_path, replace)

    assert wrong == []
