"""What leaves the house: to public addresses only, however they are spelled, and with a limit on what returns."""

import asyncio
import contextlib
import http.server
import ipaddress
import threading

import httpcore2
import httpx2
import pytest

from besedka import outbound

REFUSED = [
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/",
    "http://localhost/",
    "http://shop.localhost/",
    "http://printer.local/",
    "http://[::1]/",
    "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00::1]/",
    "http://[fe80::1%25eth0]/",
    "http://224.0.0.1/",
    "http://user@example.com/",
    "http://example.com#@127.0.0.1/\\",
    "http://exa mple.com/",
    "http://example.com:22/",
    "http://example.com:5432/",
    "http://example.com:6379/",
    "http://example.com:99999/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "unix:///var/run/docker.sock",
    "//example.com/",
    "example.com",
    "",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_the_webs_is_refused_when_it_is_saved(url):
    with pytest.raises(outbound.AddressRefused):
        outbound.check_url(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/v1", "http://8.8.8.8/", "https://api.example.com:8443/x?y=1#z"]
)
def test_an_address_of_the_web_may_be_saved(url):
    outbound.check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::1",
        "64:ff9b::a00:1",
        "0.0.0.0",
        "fe80::1",
    ],
)
def test_what_the_internet_does_not_reach_is_not_public(address):
    assert not outbound.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_what_the_internet_reaches_is_public(address):
    assert outbound.is_public(ipaddress.ip_address(address))


class Canned(http.server.BaseHTTPRequestHandler):
    """Answers what its path asks for, and notes who came."""

    came: list[str]

    def do_GET(self):
        self.came.append(self.path)
        body = b"x" * 3_000_000 if self.path == "/huge" else b"hello"
        self.send_response(302 if self.path == "/elsewhere" else 200)
        if self.path == "/elsewhere":
            self.send_header("Location", "/there")
        if self.path == "/packed":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # it heard enough
            self.wfile.write(body)

    def log_message(self, *args):
        """Quietly."""


@pytest.fixture
def canned():
    kind = type("Canned", (Canned,), {"came": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.came = kind.came
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(url: str) -> httpx2.Response:
    async def get():
        async with outbound.client() as client:
            return await client.get(url)

    return asyncio.run(get())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
def test_nothing_of_ours_is_reached_when_it_comes_to_connecting(canned, host):
    with pytest.raises(outbound.AddressRefused):
        fetch(f"http://{host}:{canned.server_port}/")

    assert canned.came == []


def test_a_name_that_resolves_to_something_of_ours_is_refused(canned, monkeypatch):
    async def resolved(host, port, timeout):
        return ["93.184.216.34", "127.0.0.1"]

    monkeypatch.setattr(outbound, "_resolve", resolved)
    with pytest.raises(outbound.AddressRefused):
        fetch(f"http://innocent.example:{canned.server_port}/")

    assert canned.came == []


@pytest.fixture
def allowed(canned, settings):
    settings.OUTBOUND_ALLOW = {f"127.0.0.1:{canned.server_port}"}
    return f"http://127.0.0.1:{canned.server_port}"


def test_what_the_administrator_allows_is_reached(allowed):
    outbound.check_url(allowed)

    assert fetch(allowed).text == "hello"


def test_another_port_of_an_allowed_host_is_not_allowed(allowed):
    with pytest.raises(outbound.AddressRefused):
        outbound.check_url("http://127.0.0.1:9/")


def test_redirects_are_not_followed(allowed, canned):
    assert fetch(f"{allowed}/elsewhere").status_code == 302
    assert canned.came == ["/elsewhere"]


@pytest.mark.parametrize("path", ["/huge", "/packed"])
def test_an_answer_that_is_too_large_or_packed_is_cut(allowed, path):
    with pytest.raises(outbound.AnswerTooLarge):
        fetch(allowed + path)


def test_the_environments_proxy_is_not_asked(allowed, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert fetch(allowed).text == "hello"


def inside(place: str, url: str) -> httpx2.Response:
    async def get():
        async with outbound.client_inside(place) as client:
            return await client.get(url)

    return asyncio.run(get())


def test_a_part_of_the_house_reaches_the_one_place_that_it_is_for_and_strangers_do_not(canned):
    place = f"127.0.0.1:{canned.server_port}"

    assert inside(place, f"http://{place}/").text == "hello"
    with pytest.raises(outbound.AddressRefused):
        outbound.check_url(f"http://{place}/")
    with pytest.raises(outbound.AddressRefused):
        fetch(f"http://{place}/")


@pytest.mark.parametrize("place", ["127.0.0.1:9", "localhost:{port}", "0.0.0.0:{port}"])
def test_a_part_of_the_house_reaches_no_other_place(canned, place):
    with pytest.raises(outbound.AddressRefused):
        inside(place.format(port=canned.server_port), f"http://127.0.0.1:{canned.server_port}/")

    assert canned.came == []


def test_sockets_of_this_machine_are_refused():
    async def connect():
        await outbound._Guard().connect_unix_socket("/var/run/docker.sock")

    with pytest.raises(outbound.AddressRefused):
        asyncio.run(connect())


def test_a_name_that_does_not_resolve_is_a_failed_connection():
    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(outbound._Guard().connect_tcp("no.such.host.invalid", 80, timeout=5))
