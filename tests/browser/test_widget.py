"""The chat as a visitor meets it, in Chromium."""

import contextlib
import http.server
import socket
import socketserver
import threading
from collections.abc import Iterator

import httpx2
import pytest
import running
from person import Visitor
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

QUESTION = "Сколько стоит доставка?"
AXE = running.ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"


def say_elsewhere(site: running.Server, visitor: Visitor) -> None:
    """The same visitor asks from another device."""
    token = visitor.page.evaluate(
        "localStorage.getItem(Object.keys(localStorage).find(key => !key.includes('outbox')))"
    )
    httpx2.post(f"{site.url}/gpt", json={"message": QUESTION}, headers={"chat-token": token})


def test_a_question_in_the_demo_shop_is_answered(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.shot("demo-empty")

    visitor.say(QUESTION)

    assert "курьер" in visitor.hears("bot")
    visitor.shot("demo-answered")
    assert visitor.complaints == []


def test_a_popular_question_is_asked_with_one_press(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.page.locator("[data-part=question]", has_text=QUESTION).click()

    assert visitor.hears("contact") == QUESTION
    visitor.hears("bot")
    expect(visitor.page.locator("[data-part=composer]")).to_be_focused()


def test_a_person_is_called_once_and_the_button_goes(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.page.click("[data-part=person]")

    assert "человеку" in visitor.hears("system")
    expect(visitor.page.locator("[data-part=person]")).to_have_count(0)
    expect(visitor.page.get_by_text("Ждём человека")).to_be_visible()
    expect(visitor.page.locator("[data-part=composer]")).to_be_focused()
    visitor.shot("demo-waiting")


def test_the_history_is_there_after_a_reload(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.say(QUESTION)
    visitor.hears("bot")

    visitor.open_chat(f"{site.url}/demo/")

    assert visitor.hears("contact") == QUESTION
    expect(visitor.page.locator("[data-author]")).to_have_count(2)


def test_two_tabs_show_the_same_once(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    other = visitor.context.new_page()
    other.goto(f"{site.url}/demo/")
    other.click("[data-part=launcher]")

    visitor.say(QUESTION)
    visitor.hears("bot")

    expect(other.locator("[data-author]")).to_have_count(2)
    expect(visitor.page.locator("[data-author]")).to_have_count(2)


def test_an_answer_that_nobody_has_seen_is_counted_on_the_button(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.say(QUESTION)
    visitor.hears("bot")
    visitor.page.wait_for_timeout(300)
    visitor.page.click("[data-part=close]")

    say_elsewhere(site, visitor)

    expect(visitor.page.locator("[data-part=badge]")).to_have_text("1")
    visitor.page.click("[data-part=launcher]")
    expect(visitor.page.locator("[data-part=badge]")).to_be_hidden()


@pytest.mark.parametrize(
    "text",
    [
        "<script>document.title='owned'</script>",
        "<img src=x onerror=document.title='owned'>",
        "javascript:alert(1)",
    ],
)
def test_what_is_typed_is_shown_as_text(site, visitor, text):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.say(text)

    assert visitor.hears("contact") == text
    assert visitor.page.title() != "owned"
    assert visitor.page.locator("[data-part=log] a, [data-part=log] img, [data-part=log] script").count() == 0


def test_a_link_says_where_it_goes_and_gives_nothing_away(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.say("see https://shop.example/x.")

    link = visitor.page.locator("[data-part=log] a")
    expect(link).to_have_attribute("href", "https://shop.example/x")
    expect(link).to_have_attribute("rel", "noopener nofollow noreferrer")


def test_a_chat_that_could_not_be_fetched_is_fetched_at_the_next_press(site, visitor):
    visitor.page.route("**/chat.js*", lambda route: route.abort(), times=1)
    visitor.page.goto(f"{site.url}/demo/")
    launcher = visitor.page.locator("[data-part=launcher]")
    with visitor.page.expect_event("requestfailed"):
        launcher.click()

    launcher.click()

    expect(visitor.page.locator("[data-part=composer]")).to_be_focused()


def test_whoever_reads_older_messages_is_left_there(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.say("\n".join(f"строка {n}" for n in range(60)))
    visitor.hears("system")  # nobody knows what to say to that
    log = visitor.page.locator("[data-part=log]")
    log.evaluate("log => log.scrollTo(0, 0)")
    visitor.page.wait_for_timeout(100)

    say_elsewhere(site, visitor)
    visitor.hears("contact", times=2)
    left_there = log.evaluate("log => log.scrollTop")
    visitor.say("а это уже я")
    visitor.hears("contact", times=3)

    assert left_there == 0
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 40


@pytest.mark.parametrize(("color", "ink"), [("#ffeb3b", "rgb(0, 0, 0)"), ("#2563eb", "rgb(255, 255, 255)")])
def test_the_accent_is_the_shops_and_what_stands_on_it_can_be_read(site, visitor, color, ink):
    page = httpx2.get(f"{site.url}/demo/", headers={"Accept": "text/html"}).text
    page = page.replace("data-inbox=", f'data-color="{color}" data-inbox=')
    visitor.page.route("**/demo/", lambda route: route.fulfill(body=page, content_type="text/html"))
    visitor.open_chat(f"{site.url}/demo/")

    for part in ("[data-part=launcher]", "header"):
        assert visitor.page.locator(part).last.evaluate("one => getComputedStyle(one).color") == ink


def test_the_keyboard_is_enough(site, visitor):
    visitor.page.goto(f"{site.url}/demo/")
    launcher = visitor.page.locator("[data-part=launcher]")
    launcher.focus()

    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("[data-part=panel]:visible")
    visitor.page.keyboard.type(QUESTION)
    visitor.page.keyboard.press("Enter")
    visitor.hears("bot")
    visitor.page.keyboard.press("Escape")

    expect(visitor.page.locator("[data-part=panel]")).to_be_hidden()
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")


def test_too_long_a_text_is_refused_before_it_is_sent(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.page.fill("[data-part=composer]", "я" * 4_001)

    expect(visitor.page.locator("[data-part=send]")).to_be_disabled()
    expect(visitor.page.get_by_text("не больше 4000")).to_be_visible()


def test_on_a_phone_the_chat_takes_the_screen(site, browser):
    phone = Visitor(browser, viewport={"width": 390, "height": 780}, color_scheme="dark", locale="en-GB")
    phone.open_chat(f"{site.url}/demo/?lang=en")
    phone.say("Do you deliver abroad?")
    phone.hears("bot")

    phone.shot("demo-phone-dark")
    box = phone.page.locator("[data-part=panel]").bounding_box()

    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    phone.context.close()


def test_on_a_touch_screen_no_keyboard_covers_the_questions(site, browser):
    phone = Visitor(browser, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone.open_chat(f"{site.url}/demo/")

    expect(phone.page.locator("[data-part=panel]")).to_be_focused()
    phone.shot("demo-touch-empty")
    phone.page.keyboard.press("Escape")

    expect(phone.page.locator("[data-part=launcher]")).to_be_focused()
    phone.context.close()


@pytest.fixture
def strict_host(site: running.Server) -> Iterator[str]:
    """A page of another site that allows scripts and connections of ours and nothing else."""
    inbox = httpx2.get(f"{site.url}/api/v1/widget").json()["inbox"]
    allowed = f"script-src {site.url}; style-src 'self'; connect-src {site.url} ws://127.0.0.1:{site.port}"
    policy = f"default-src 'none'; {allowed}"
    script = f'<script async src="{site.url}/widget.js" data-inbox="{inbox}"></script>'
    body = f"<!doctype html><title>Shop</title>{script}"

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            if self.path == "/":
                self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            """Nobody needs it."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_strict_content_security_policy_does_not_bother_it(site, visitor, strict_host):
    visitor.open_chat(strict_host)

    visitor.say(QUESTION)
    visitor.hears("bot")

    assert [complaint for complaint in visitor.complaints if "favicon" not in complaint] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_serious_stands_in_the_way_of_anybody(site, browser, scheme, width):
    person = Visitor(browser, color_scheme=scheme, viewport={"width": width, "height": 850}, bypass_csp=True)
    for path in ("/", "/demo/"):
        person.page.goto(site.url + path)
        person.shot(f"{path.strip('/') or 'home'}-{scheme}-{width}", full_page=True)
        if path == "/demo/":
            person.page.click("[data-part=launcher]")
            person.say(QUESTION)
            person.hears("bot")
            person.page.wait_for_timeout(400)
        person.page.add_script_tag(path=AXE)
        found = person.page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        serious = [
            (fault["id"], [node["target"] for node in fault["nodes"]])
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{path} {scheme} {width}"
    person.context.close()


@pytest.mark.xdist_group("outage")
def test_what_was_typed_while_the_server_was_away_is_sent_once_when_it_returns(tmp_path, visitor):
    with running.server(tmp_path / "home") as site:
        visitor.open_chat(f"{site.url}/demo/")
        visitor.say("привет")
        visitor.hears("bot")

        site.kill()
        expect(visitor.page.locator("[data-part=banner]")).to_be_visible(timeout=15_000)
        visitor.say(QUESTION)
        expect(visitor.page.get_by_text("отправляется…")).to_be_visible()
        visitor.shot("demo-offline")
        site.start()

        visitor.hears("bot", times=2)
        expect(visitor.page.locator("[data-part=banner]")).to_be_hidden(timeout=20_000)
        assert visitor.page.locator("[data-part=log] .bubble", has_text=QUESTION).count() == 1
        stored = site.select("SELECT COUNT(*) FROM conversations_message WHERE author = 'contact'")
        assert stored == [(2,)]


def test_without_websockets_the_chat_goes_on_by_http(site, visitor):
    visitor.page.route_web_socket("**/ws/visitor*", lambda line: line.close(code=1011))
    visitor.open_chat(f"{site.url}/demo/")

    visitor.say(QUESTION)

    assert "курьер" in visitor.hears("bot")
    visitor.say(QUESTION)
    visitor.hears("bot", times=2)
    expect(visitor.page.locator("[data-author=contact]")).to_have_count(2)


class Line(socketserver.ThreadingTCPServer):
    """A line to the server that can die as in a lift: nothing comes through, and nobody says goodbye."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.dead = False
        line = self

        class Relay(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as behind:
                    back = threading.Thread(target=line.relay, args=(behind, self.request), daemon=True)
                    back.start()
                    line.relay(self.request, behind)
                    back.join()

        super().__init__(("127.0.0.1", 0), Relay)

    def relay(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not self.dead:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def line(site: running.Server) -> Iterator[Line]:
    """A line that lives."""
    with Line(site.port) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


@pytest.mark.xdist_group("line")
def test_a_line_that_dies_without_a_word_is_noticed_within_45_seconds(line, visitor):
    visitor.open_chat(f"http://127.0.0.1:{line.server_address[1]}/demo/")
    visitor.say(QUESTION)
    visitor.hears("bot")

    line.dead = True

    expect(visitor.page.locator("[data-part=banner]")).to_be_visible(timeout=45_000)
    line.dead = False
    expect(visitor.page.locator("[data-part=banner]")).to_be_hidden(timeout=45_000)
