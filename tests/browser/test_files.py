"""Files in the chat, in Chromium."""

import io
import json
import wave

import httpx2
import pictures
import pytest
import running
from person import Visitor
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

QUESTION = "Сколько стоит доставка?"
AXE = running.ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PDF = {"name": "Счёт за май.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 hello"}


def photo(name: str = "cat.jpg") -> dict[str, object]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": pictures.of("JPEG", size=(640, 480))}


def voice() -> dict[str, object]:
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 8000)
    return {"name": "voice.wav", "mimeType": "audio/wav", "buffer": written.getvalue()}


def attach(visitor: Visitor, *files: dict[str, object]) -> None:
    visitor.page.locator("[data-part=picker]").set_input_files(list(files))


def is_ready(visitor: Visitor, times: int = 1) -> None:
    expect(visitor.page.locator("[data-part=upload]")).to_have_count(times)
    expect(visitor.page.locator("[data-part=upload] progress")).to_have_count(0)


def token(visitor: Visitor) -> str:
    found = visitor.page.evaluate(
        "localStorage.getItem(Object.keys(localStorage).find(key => !key.includes('outbox')))"
    )
    return str(found)


def test_a_photo_is_sent_with_a_word_and_shown(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    attach(visitor, photo())
    is_ready(visitor)
    visitor.shot("file-attached")
    visitor.say(QUESTION)

    picture = visitor.page.locator("[data-author=contact] [data-part=picture]")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    assert picture.get_attribute("alt") == "cat.jpg"
    expect(visitor.page.locator("[data-author=contact]")).to_contain_text(QUESTION)
    expect(visitor.page.locator("[data-part=upload]")).to_have_count(0)
    visitor.hears("bot")
    visitor.shot("file-picture")
    assert visitor.complaints == []


def test_several_files_are_sent_without_a_word_and_are_there_after_a_reload(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    attach(visitor, PDF, voice())
    is_ready(visitor, 2)
    visitor.page.click("[data-part=send]")
    expect(visitor.page.locator("[data-author=contact]")).to_have_count(2)
    visitor.open_chat(f"{site.url}/demo/")

    expect(visitor.page.locator("[data-author=contact] bdi").first).to_have_text("Счёт за май.pdf")
    sound = visitor.page.locator("[data-part=voice]")
    sound.evaluate("sound => { sound.muted = true; return sound.play(); }")
    assert sound.evaluate("sound => sound.duration") == pytest.approx(1, abs=0.1)
    visitor.shot("file-voice")
    assert visitor.complaints == []


def test_a_document_is_downloaded_under_its_name(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    attach(visitor, PDF)
    is_ready(visitor)
    visitor.page.click("[data-part=send]")

    link = visitor.page.locator("[data-author=contact] [data-part=file]")
    with visitor.page.expect_download() as download:
        link.click()

    assert download.value.suggested_filename == "Счёт за май.pdf"


def test_an_image_from_the_clipboard_is_attached(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    visitor.page.locator("[data-part=composer]").evaluate(
        """(field, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            const how = { clipboardData: data, bubbles: true, cancelable: true };
            field.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        list(pictures.of("PNG")),
    )

    is_ready(visitor)


def test_a_file_is_dropped_onto_the_chat(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    data = visitor.page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            return data;
        }""",
        list(pictures.of("PNG")),
    )

    visitor.page.dispatch_event("[data-part=panel]", "dragover", {"dataTransfer": data})
    expect(visitor.page.locator("[data-part=drop]")).to_be_visible()
    visitor.shot("file-drop")
    visitor.page.dispatch_event("[data-part=panel]", "drop", {"dataTransfer": data})

    expect(visitor.page.locator("[data-part=drop]")).to_have_count(0)
    is_ready(visitor)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("drawing.svg", b"<svg onload='alert(1)'/>", "Такие файлы не принимаются"),
        ("cat.png", b"<html>", "Картинка не читается или движется"),
        ("empty.txt", b"", "Пустой"),
        ("large.bin", b"\0" * (10 * 1024 * 1024 + 1), "Больше 10 МБ"),
    ],
    ids=["drawing", "page", "empty", "large"],
)
def test_a_file_that_is_refused_says_why_and_can_be_taken_away(site, visitor, name, content, told):
    visitor.open_chat(f"{site.url}/demo/")

    attach(visitor, {"name": name, "mimeType": "image/png" if name == "cat.png" else "", "buffer": content})

    expect(visitor.page.locator("[data-part=upload] [role=alert]")).to_have_text(told)
    expect(visitor.page.locator("[data-part=send]")).to_be_disabled()
    visitor.page.click("[data-part=detach]")
    expect(visitor.page.locator("[data-part=upload]")).to_have_count(0)
    expect(visitor.page.locator("[data-part=composer]")).to_be_focused()


def test_a_file_on_its_way_shows_how_far_it_is_and_can_be_given_up(site, visitor):
    visitor.page.route("**/api/v1/conversation/files*", lambda route: None)  # never answered
    visitor.open_chat(f"{site.url}/demo/")

    attach(visitor, PDF)

    expect(visitor.page.locator("[data-part=upload] progress")).to_be_visible()
    expect(visitor.page.locator("[data-part=send]")).to_be_disabled()
    visitor.page.click("[data-part=detach]")
    expect(visitor.page.locator("[data-part=upload]")).to_have_count(0)


def test_a_name_that_looks_like_a_page_is_shown_as_text(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")

    attach(visitor, {**PDF, "name": "<img src=x onerror=document.title='owned'>.pdf"})
    is_ready(visitor)
    visitor.page.click("[data-part=send]")

    expect(visitor.page.locator("[data-author=contact] bdi")).to_contain_text("img src=x")
    assert "owned" not in visitor.page.title()


def test_what_an_operator_edits_changes_in_its_place(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.page.click("[data-part=person]")
    visitor.hears("system")
    state = httpx2.get(f"{site.url}/api/v1/conversation", headers={"chat-token": token(visitor)}).json()

    said = speak_as_operator(site, token(visitor), "Приедем в пятнитцу", None)
    expect(visitor.page.locator("[data-author=operator] .bubble")).to_have_text("Приедем в пятнитцу")
    speak_as_operator(site, token(visitor), "Приедем в пятницу", said)

    assert said == state["last_seq"] + 1
    expect(visitor.page.locator("[data-author=operator] .bubble")).to_have_text("Приедем в пятницу")
    expect(visitor.page.locator("[data-part=edited]")).to_have_text("изменено")
    visitor.shot("file-edited")


def speak_as_operator(site: running.Server, chat_token: str, text: str, edits: int | None) -> int:
    """Put what an operator says into the log, past everything that will let operators say it."""
    payload = None if edits is None else {"edits": edits}
    said = site.shell(
        "from besedka.conversations import inboxes, log, contacts\n"
        "from besedka.conversations.log import Append\n"
        f"address = contacts.address(inboxes.directory().find(None).id, {json.dumps(chat_token)})\n"
        f"said = Append(author='operator', text={text!r}, address=address, payload={payload!r})\n"
        "[entry] = log.append_many([said])\n"
        "print(entry.seq)"
    )
    return int(said)


def test_the_chat_with_files_can_be_used_by_everybody(site, browser):
    visitor = Visitor(browser, bypass_csp=True)
    visitor.open_chat(f"{site.url}/demo/")
    attach(visitor, photo(), PDF, voice())
    is_ready(visitor, 3)
    visitor.page.click("[data-part=send]")
    expect(visitor.page.locator("[data-author=contact]")).to_have_count(3)
    attach(visitor, PDF, {"name": "x.svg", "mimeType": "", "buffer": b"<svg/>"})
    expect(visitor.page.locator("[data-part=upload]")).to_have_count(2)
    expect(visitor.page.locator("[role=alert]")).to_be_visible()

    visitor.page.add_script_tag(path=AXE)
    found = visitor.page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    visitor.shot("file-refused")
    visitor.context.close()

    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
