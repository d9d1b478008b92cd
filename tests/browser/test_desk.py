"""The operators' desk as an operator meets it, in Chromium."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import make
import pictures
import pytest
import running
from desk_double import DeskDouble
from person import Visitor
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

AXE = running.ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
ANNA, BORIS = 3, 4
XSS = "<img src=https://evil.example/x onerror=document.title='run'><script>document.title='run'</script>"


class Operator(Visitor):
    """An operator with a browser of their own."""

    def sign_in(self, site: running.Server, name: str = "admin") -> None:
        """Come to the desk through the form that everybody signs in with."""
        self.page.goto(f"{site.url}/desk/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", running.PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("[data-part=desk]")

    def part(self, name: str) -> Any:
        """A part of the desk."""
        return self.page.locator(f"[data-part={name}]")

    def card(self, conversation: int) -> Any:
        """A card of the list."""
        return self.page.locator(f"[data-part=card][data-conversation='{conversation}']")

    def keys(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type into the composer and send."""
        self.part("composer").fill(text)
        self.part("composer").press("Enter")


@pytest.fixture
def sits(site: running.Server, browser: Browser) -> Iterator[Callable[..., Operator]]:
    """Somebody who sits down at the desk of a double."""
    people: list[Operator] = []

    def sit(double: DeskDouble, operator_id: int = ANNA, **options: Any) -> Operator:
        operator = Operator(browser, **options)
        people.append(operator)
        double.let_in(operator.context, operator_id)
        operator.sign_in(site)
        operator.page.wait_for_selector("[data-part=card], [data-part=nothing]")
        return operator

    yield sit
    for operator in people:
        operator.context.close()


def texts(operator: Operator, author: str) -> list[str]:
    """What an author has said in the open conversation, as it is shown."""
    found: list[str] = operator.page.locator(f"[data-part=log] [data-author={author}] .bubble").all_inner_texts()
    return found


def test_a_conversation_is_taken_and_answered_by_keyboard_alone(sits):
    double = DeskDouble()
    anna = sits(double)
    first = double.listed("waiting", None, ANNA)[0]["id"]

    anna.keys("j", "Enter")
    expect(anna.part("talk")).to_be_focused()
    anna.keys("c")
    expect(anna.part("owner")).to_have_text("Отвечаете вы")
    anna.keys("r", *"hello", "Enter")

    expect(anna.page.locator("[data-author=operator] .bubble")).to_have_text("hello")
    expect(anna.part("pending")).to_have_count(0)
    assert double.cards[first]["operator"] == {"id": ANNA, "name": "Анна Лесная"}
    assert anna.complaints == []


def test_what_comes_to_the_desk_is_seen_without_a_reload(sits):
    double = DeskDouble(4)
    anna = sits(double)
    before = anna.part("card").count()

    double._invent(54)
    double.refresh()

    expect(anna.part("card")).to_have_count(before + 1)
    expect(anna.part("list-waiting").locator(".count")).to_have_text(str(before + 1))


def test_the_second_operator_is_told_who_was_faster(sits):
    double = DeskDouble(4)
    anna, boris = sits(double), sits(double, BORIS)
    anna.card(3).click()
    boris.card(3).click()
    double.cards[3]["owner_version"] += 1  # Boris' click is under way

    double.cards[3].update(owner="operator", operator={"id": BORIS, "name": "Борис Ким"}, waiting_since=None)
    anna.part("act-claim").click()

    expect(anna.part("toasts")).to_contain_text("Уже отвечает Борис Ким")
    expect(anna.part("owner")).to_contain_text("Отвечает Борис Ким")
    expect(anna.part("composer")).to_have_count(0)
    expect(anna.part("standing")).to_contain_text("Борис Ким")
    anna.shot("desk-held")


def test_a_held_conversation_can_be_noted_in_and_taken_over(sits):
    double = DeskDouble(6)
    anna, boris = sits(double), sits(double, BORIS)
    anna.part("list-open").click()
    anna.card(1).click()  # of Boris
    boris.part("list-open").click()
    boris.card(1).click()
    expect(anna.part("owner")).to_contain_text("Борис Ким смотрит")

    anna.keys("n")
    anna.write("Это наш давний покупатель")
    expect(boris.part("note")).to_contain_text("Это наш давний покупатель")
    anna.part("mode-reply").click()
    anna.part("take-over").click()

    expect(anna.part("owner")).to_contain_text("Отвечаете вы")
    expect(boris.part("standing")).to_contain_text("Анна Лесная")
    assert "Это наш давний покупатель" not in [message["text"] for message in double.logs[1]]


def test_a_message_whose_answer_was_lost_is_sent_again_and_stored_once(sits):
    double = DeskDouble(4)
    anna = sits(double)
    anna.card(3).click()
    anna.part("composer").wait_for()
    double.lose_answers = True

    anna.write("Сейчас посмотрю")
    anna.write("и сразу отвечу")

    expect(anna.page.locator("[data-author=operator] .bubble")).to_have_text(["Сейчас посмотрю", "и сразу отвечу"])
    expect(anna.part("pending")).to_have_count(0)
    sent = [command["id"] for command in double.commands if command["type"] == "send"]
    assert (len(sent), len(set(sent))) == (3, 2)
    assert [one["text"] for one in double.logs[3] if one["author"] == "operator"] == [
        "Сейчас посмотрю",
        "и сразу отвечу",
    ]


def test_after_a_lost_line_nothing_is_missing_and_nothing_doubled(sits):
    double = DeskDouble(4)
    anna = sits(double)
    anna.card(3).click()
    double.says(3, "раз")
    expect(anna.part("log")).to_contain_text("раз")

    anna.page.route("**/api/ws_token/", lambda route: route.abort())
    double.lines[0].cut()
    expect(anna.part("banner")).to_be_visible()
    double.says(3, "два")
    anna.write("написано без связи")
    expect(anna.part("pending")).to_contain_text("отправляется")
    anna.shot("desk-lost")
    double.says(3, "три")
    anna.page.unroute("**/api/ws_token/")
    double.let_in(anna.context, ANNA)

    expect(anna.part("banner")).to_have_count(0, timeout=20_000)
    expect(anna.part("pending")).to_have_count(0)
    assert texts(anna, "contact")[-3:] == ["раз", "два", "три"]
    assert texts(anna, "operator") == ["написано без связи"]


def test_what_was_not_sent_when_the_page_went_is_sent_by_the_next_one(sits):
    double = DeskDouble(4)
    anna = sits(double)
    anna.card(3).click()
    anna.part("composer").wait_for()
    anna.page.route("**/api/ws_token/", lambda route: route.abort())
    double.lines[0].cut()
    anna.write("не потеряйте")
    anna.part("pending").wait_for()

    anna.page.unroute("**/api/ws_token/")
    anna.page.reload()
    anna.part("list-mine").click()

    expect(anna.card(3)).to_contain_text("не потеряйте")
    assert [one["text"] for one in double.logs[3] if one["author"] == "operator"] == ["не потеряйте"]


def test_what_contacts_write_is_text_wherever_it_stands(sits):
    double = DeskDouble(4)
    double.cards[3]["contact"]["name"] = double.contacts[3]["name"] = XSS
    double.says(3, XSS)
    double.says(3, "[press](javascript:document.title='run') javascript:alert(1)")
    double.says(3, XSS + " **жирно** ![x](https://evil.example/p.png)", "bot")
    picture = {"name": XSS, "media_type": "image/png", "size": 5, "url": "https://evil.example/x.png"}
    double.says(3, "", file=picture)
    double.says(3, "", file={**picture, "url": "javascript:alert(1)", "media_type": "text/html"})
    foreign: list[str] = []
    anna = sits(double)
    anna.page.on("request", lambda request: foreign.append(request.url) if "evil" in request.url else None)
    anna.page.on("dialog", lambda dialog: foreign.append(dialog.message))

    anna.card(3).click()
    anna.part("log").wait_for()
    anna.part("search").fill("img")
    anna.part("found").first.wait_for()
    anna.page.wait_for_timeout(500)

    assert foreign == []
    assert "run" not in anna.page.title()
    assert XSS in texts(anna, "contact")
    assert anna.page.locator("#desk img, #desk script, #desk [href^=javascript]").count() == 0


def test_a_contact_cannot_look_like_an_operator_or_the_house(sits):
    double = DeskDouble(4)
    double.cards[3]["contact"]["name"] = double.contacts[3]["name"] = "Анна Лесная · Оператор"
    double.says(3, "Бот позвал человека: скидка одобрена")
    anna = sits(double)

    anna.card(3).click()

    said = anna.page.locator("[data-part=log] .entry", has_text="скидка одобрена")
    expect(said).to_have_attribute("data-author", "contact")
    expect(anna.page.locator(".event", has_text="скидка одобрена")).to_have_count(0)


def test_a_template_is_found_while_one_types_and_knows_the_name(sits):
    double = DeskDouble(4)
    anna = sits(double)
    double.contacts[3]["name"] = double.cards[3]["contact"]["name"] = "Олег"
    anna.card(3).click()

    anna.part("composer").press_sequentially("/при")
    expect(anna.part("reply")).to_have_count(1)
    anna.keys("Enter")

    expect(anna.part("composer")).to_have_value("Здравствуйте, Олег! Чем могу помочь?")


def test_the_last_message_of_mine_is_changed_with_one_key(sits):
    double = DeskDouble(4)
    anna = sits(double)
    anna.card(3).click()
    anna.write("Прдём завтра")
    expect(anna.page.locator("[data-author=operator]")).to_have_count(1)

    anna.part("composer").press("ArrowUp")
    expect(anna.part("composer")).to_have_value("Прдём завтра")
    anna.write("Придём завтра")

    expect(anna.page.locator("[data-author=operator] .bubble")).to_have_text("Придём завтра")
    expect(anna.page.locator("[data-author=operator]")).to_contain_text("изменено")


def test_what_was_begun_is_kept_for_its_conversation(sits):
    double = DeskDouble(8)
    anna = sits(double)
    anna.card(3).click()
    anna.part("composer").fill("начато")

    anna.part("list-open").click()
    anna.card(4).click()
    expect(anna.part("composer")).to_have_value("")
    anna.card(3).click()

    expect(anna.part("composer")).to_have_value("начато")


def test_older_messages_come_as_one_scrolls_and_push_nothing_away(sits):
    double = DeskDouble(4)
    for number in range(250):
        double.says(3, f"сообщение {number}", "contact" if number % 3 else "bot")
    anna = sits(double)
    anna.card(3).click()
    last = anna.page.locator(f"[data-seq='{len(double.logs[3])}']")
    expect(last).to_be_in_viewport()
    assert anna.page.locator("[data-seq]").count() == 100
    first = anna.page.locator("[data-seq]").first
    seq = first.get_attribute("data-seq")

    anna.part("log").evaluate("log => log.scrollTo(0, 0)")

    expect(anna.page.locator("[data-seq]")).to_have_count(200)
    expect(anna.page.locator(f"[data-seq='{seq}']")).to_be_in_viewport()


def test_an_earlier_episode_and_a_result_of_the_search_are_gone_to(sits):
    double = DeskDouble(4)
    for number in range(250):
        double.says(3, f"сообщение {number}")
    anna = sits(double, viewport={"width": 1440, "height": 850})
    anna.card(3).click()
    anna.part("episode").click()
    expect(anna.page.locator("[data-seq='1']")).to_be_in_viewport()

    anna.keys("Escape", "/")
    anna.part("search").fill("сообщение 120")
    anna.part("found").click()

    expect(anna.page.locator("[data-seq]", has_text="сообщение 120")).to_be_in_viewport()


def test_ten_thousand_conversations_are_as_quick_as_ten(sits):
    double = DeskDouble(10_000)
    anna = sits(double)
    anna.part("list-open").click()
    cards = anna.part("cards")
    expect(anna.part("card").first).to_be_visible()

    for _ in range(8):
        cards.evaluate("list => list.scrollTo(0, list.scrollHeight)")
        anna.page.wait_for_timeout(150)
    drawn = anna.part("card").count()
    opened = anna.page.evaluate(
        """async () => {
            const began = performance.now();
            document.querySelectorAll("[data-part=card]")[3].click();
            await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            return document.querySelector("[data-part=talk][data-conversation]") && performance.now() - began;
        }"""
    )

    assert drawn < 40
    assert cards.evaluate("list => list.scrollHeight") > 300 * 96
    assert opened < 500  # milliseconds; a frame or two on an idle machine


def test_nobody_is_asked_for_notifications_before_pressing_the_button(sits):
    double = DeskDouble(4)
    anna = sits(double)
    anna.page.evaluate("() => { window.asked = 0; Notification.requestPermission = async () => window.asked++; }")
    anna.part("duty").click()
    expect(anna.part("duty")).to_have_attribute("aria-checked", "true")
    double._invent(54)
    double.refresh()
    expect(anna.part("list-waiting").locator(".count")).to_have_text("2")

    assert anna.page.evaluate("window.asked") == 0
    assert anna.page.title().startswith("(2)")


def test_a_phone_shows_one_pane_at_a_time(sits):
    double = DeskDouble(8)
    anna = sits(double, viewport={"width": 390, "height": 800})

    anna.card(3).click()
    expect(anna.part("log")).to_be_visible()
    expect(anna.part("cards")).to_be_hidden()
    anna.shot("desk-phone-talk")
    anna.part("contact-card").click()
    expect(anna.part("contact")).to_be_visible()
    anna.page.locator(".leave").click()
    anna.part("back").click()

    expect(anna.part("cards")).to_be_visible()
    expect(anna.part("log")).to_be_hidden()
    assert anna.page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_theme_that_was_chosen_is_kept(sits):
    anna = sits(DeskDouble(4))
    light = anna.page.evaluate("getComputedStyle(document.body).backgroundColor")

    anna.part("settings").click()
    anna.part("theme").select_option("dark")
    anna.page.reload()
    anna.page.wait_for_selector("[data-part=card]")

    assert anna.page.evaluate("getComputedStyle(document.body).backgroundColor") != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_nothing_stands_in_the_way_of_anybody(sits, scheme, width):
    double = DeskDouble()
    double.says(
        3, "Вот чек", file={"name": "чек.pdf", "media_type": "application/pdf", "size": 9, "url": "/files/a"}
    )
    anna = sits(double, color_scheme=scheme, viewport={"width": width, "height": 860}, bypass_csp=True)
    anna.page.add_script_tag(path=AXE)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        anna.shot(f"desk-{name}-{scheme}-{width}")
        rules = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
        faults = anna.page.evaluate(rules)["violations"]
        told = [f"{fault['id']}: {node['html'][:160]}" for fault in faults for node in fault["nodes"]]
        if told:
            found[name] = told

    look("list")
    anna.keys("j", "j", "Enter", "c")
    expect(anna.part("owner")).to_have_text("Отвечаете вы")
    anna.write("Здравствуйте! Уже смотрю.")
    anna.keys("Escape", "n")
    anna.write("Писал в мае, скидка 5 %")
    anna.part("note").wait_for()
    look("talk")
    for key in ("t", "z", "?"):
        anna.keys("Escape", key)
        look({"t": "transfer", "z": "snooze", "?": "help"}[key])
        anna.keys("Escape")
    if width < 1361:
        anna.keys("o")
        anna.part("contact-card").click()
    anna.part("contact-phone").fill("+7 900 000-00-00")
    look("contact")
    anna.part("contact-save").click()
    expect(anna.part("toasts")).to_contain_text("Сохранено")
    anna.keys("/")
    anna.part("search").fill("размер")
    anna.part("found").first.wait_for()
    look("search")

    assert found == {}


def test_the_english_desk_speaks_english(sits, site):
    anna = sits(DeskDouble(4))

    anna.page.goto(f"{site.url}/desk/?lang=en")

    expect(anna.part("list-waiting")).to_contain_text("Waiting")
    expect(anna.page.locator("h1")).to_have_text(re.compile("Waiting"))


@pytest.fixture(scope="module")
def boris(site: running.Server) -> str:
    """A second operator of the real server, who is no supervisor."""
    site.shell(
        "from besedka.accounts.models import User; "
        f"User.objects.create_user('boris', password='{running.PASSWORD}', is_staff=True, first_name='Борис')"
    )
    return "boris"


@pytest.fixture
def comes(site: running.Server, browser: Browser) -> Iterator[Callable[..., Operator]]:
    """An operator who sits down at the desk of the real server."""
    people: list[Operator] = []

    def come(name: str = "admin", **options: Any) -> Operator:
        operator = Operator(browser, **options)
        people.append(operator)
        operator.sign_in(site, name)
        expect(operator.part("duty")).to_be_enabled()
        return operator

    yield come
    for operator in people:
        operator.context.close()


def calls_for_a_person(site: running.Server, visitor: Visitor, text: str) -> None:
    """A visitor asks for a person and then says something."""
    visitor.open_chat(f"{site.url}/demo/")
    visitor.page.click("[data-part=person]")
    visitor.hears("system")
    visitor.say(text)
    expect(visitor.page.get_by_text("отправляется…")).to_have_count(0)


def waiting(operator: Operator, text: str) -> Any:
    """The card of the conversation in which this was said last."""
    return operator.page.locator("[data-part=card]", has_text=text)


def test_a_visitor_calls_and_an_operator_answers_by_keyboard(site, visitor, comes):
    operator = comes()
    text = "Сколько стоит доставка в Кострому?"
    calls_for_a_person(site, visitor, text)
    operator.part("list-waiting").locator(".count").wait_for()

    operator.keys("g", "w")
    expect(operator.part("card").first).to_be_visible()
    for _ in range(40):
        operator.keys("j")
        if operator.page.locator(".card.chosen", has_text="Кострому").count():
            break
    operator.keys("Enter", "c")
    expect(operator.part("owner")).to_have_text("Отвечаете вы")
    operator.keys("r")
    operator.write("Здравствуйте! 300 рублей.")

    assert visitor.hears("operator") == "Здравствуйте! 300 рублей."
    visitor.say("Спасибо!")
    expect(operator.page.locator("[data-author=contact] .bubble").last).to_have_text("Спасибо!")
    expect(operator.page.locator("[data-author=operator] .ticks.read")).to_have_count(1)
    operator.shot("desk-real")
    assert operator.complaints == []


def test_of_two_who_claim_at_once_one_answers_and_the_other_is_told(site, visitor, comes, boris):
    calls_for_a_person(site, visitor, "Доставка в Нерехту сколько стоит?")
    both = [comes(), comes(boris)]
    for operator in both:
        waiting(operator, "Нерехту").click()
        operator.part("act-claim").wait_for()

    for operator in both:
        operator.page.evaluate("setTimeout(() => document.querySelector('[data-part=act-claim]')?.click(), 300)")

    for operator in both:
        expect(operator.part("owner")).to_contain_text("Отвеча")
    told = [operator for operator in both if "Отвечаете вы" not in operator.part("owner").inner_text()]
    assert len(told) == 1
    expect(told[0].part("composer")).to_have_count(0)
    expect(told[0].part("standing")).to_contain_text("Здесь отвечает")


def test_without_a_network_nothing_is_lost_and_nothing_doubled(site, visitor, comes):
    calls_for_a_person(site, visitor, "Сколько стоит доставка в Галич?")
    operator = comes()
    waiting(operator, "Галич").click()
    operator.write("Секунду")
    visitor.hears("operator")

    operator.context.set_offline(True)
    expect(operator.part("banner")).to_be_visible()
    operator.write("написано в лифте")
    for text in ("раз", "два", "три"):
        visitor.say(text)
    expect(visitor.page.locator("[data-author=contact]")).to_have_count(4)
    operator.shot("desk-real-lost")
    operator.context.set_offline(False)

    expect(operator.part("banner")).to_have_count(0, timeout=20_000)
    assert visitor.hears("operator", times=2) == "написано в лифте"
    expect(operator.page.locator("[data-author=contact]")).to_have_count(4)
    expect(operator.part("pending")).to_have_count(0)
    assert texts(operator, "contact")[-3:] == ["раз", "два", "три"]
    assert texts(operator, "operator") == ["Секунду", "написано в лифте"]


def test_what_a_visitor_types_is_text_at_the_real_desk_too(site, visitor, comes):
    foreign: list[str] = []
    calls_for_a_person(site, visitor, f"Доставка в Чухлому? {XSS}")
    operator = comes(viewport={"width": 1440, "height": 850})
    operator.page.on("request", lambda request: foreign.append(request.url) if "evil" in request.url else None)

    waiting(operator, "Чухлому").click()
    operator.part("contact-name").fill(XSS)
    operator.part("contact-save").click()
    expect(operator.part("toasts")).to_contain_text("Сохранено")
    operator.page.reload()
    waiting(operator, "Чухлому").click()
    expect(operator.page.locator("h2").first).to_have_text(XSS)

    assert foreign == []
    assert "run" not in operator.page.title()


def test_notes_snoozes_and_closings_are_kept_by_the_real_server(site, visitor, comes):
    calls_for_a_person(site, visitor, "Сколько стоит доставка в Судиславль?")
    operator = comes()
    waiting(operator, "Судиславль").click()
    operator.keys("c")
    expect(operator.part("owner")).to_have_text("Отвечаете вы")

    operator.keys("n")
    operator.write("скидка 5 %")
    expect(operator.part("note")).to_contain_text("скидка 5 %")
    operator.keys("Escape", "z")
    operator.part("snooze-hour").click()
    expect(operator.part("owner")).to_contain_text("Отложен")
    operator.keys("x")
    expect(operator.part("owner")).to_have_text("Этот разговор закрыт.")
    closed = operator.card(int(operator.part("talk").get_attribute("data-conversation")))
    operator.keys("g", "c")
    expect(closed).to_have_count(1)
    closed.click()
    operator.part("act-reopen").click()

    expect(operator.part("owner")).to_have_text("Отвечаете вы")
    assert operator.complaints == []


def test_a_picture_that_a_contact_sends_is_seen_at_the_real_desk(site, comes):
    headers = {"chat-token": make.token()}
    upload = f"{site.url}/api/v1/conversation/files"
    picture = {"params": {"name": "чек.png"}, "content": pictures.of("PNG", size=(300, 200))}
    key = httpx2.post(upload, headers={**headers, "content-type": "image/png"}, **picture).json()["key"]
    httpx2.post(f"{site.url}/api/v1/conversation/messages", json={"file": key}, headers=headers)
    httpx2.post(f"{site.url}/api/v1/conversation/handoff", headers=headers)
    operator = comes()

    waiting(operator, "файл").first.click()

    seen = operator.page.locator("[data-part=log] img")
    expect(seen).to_have_attribute("alt", "Картинка: чек.png")
    expect(seen).to_have_js_property("naturalWidth", 300)
    assert operator.complaints == []


def test_the_real_server_finds_what_was_said_and_the_desk_goes_there(site, visitor, comes):
    calls_for_a_person(site, visitor, "Возите ли вы вишнёвые саженцы в Буй?")
    operator = comes()

    operator.keys("/")
    operator.part("search").fill("саженцы")
    found = operator.part("found").first
    expect(found.locator("mark")).to_have_text("саженцы")
    found.click()

    expect(operator.page.locator("[data-seq]", has_text="вишнёвые саженцы")).to_be_in_viewport()
    assert operator.complaints == []


def test_an_operator_sends_a_picture_to_the_visitor(site, visitor, comes):
    calls_for_a_person(site, visitor, "Пришлите фото товара, пожалуйста, в Кологрив")
    operator = comes()
    waiting(operator, "Кологрив").click()
    operator.part("composer").fill("вот он")

    picture = {"name": "товар.png", "mimeType": "image/png", "buffer": pictures.of("PNG", size=(300, 200))}
    operator.part("attach").set_input_files(picture)

    expect(operator.page.locator("[data-author=operator] img")).to_have_js_property("naturalWidth", 300)
    expect(visitor.page.locator("[data-author=operator]")).to_contain_text("вот он")
    expect(operator.part("pending")).to_have_count(0)
    assert operator.complaints == []
