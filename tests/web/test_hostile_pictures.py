"""What is no picture, or more than one, sent to every address that takes pictures, over real HTTP."""

import base64
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import console
import httpx2
import make
import pictures
import pytest
import running

pytestmark = pytest.mark.xdist_group("hostile")
HOSTILE = pictures.hostile()
TAKEN = {"place and camera", "path as a name", "device as a name", "long name", "lines in the name"}
AUTHOR = ("admin", running.PASSWORD)


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory, temporary) -> Iterator[running.Server]:
    """A server that keeps what it does not mean to keep in a folder of its own."""
    with running.server(tmp_path_factory.mktemp("hostile") / "home", TMPDIR=str(temporary)) as server:
        yield server


@pytest.fixture(scope="module")
def anna(site) -> console.Colleague:
    return console.operator(site, "anna")


def is_refused(response: httpx2.Response, *codes: str) -> None:
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert response.json()["code"] in codes
    assert response.status_code in (400, 415)


def is_harmless(picture: httpx2.Response) -> None:
    """Nothing of what came is in it, and a browser will do nothing but show it."""
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert "content-disposition" in picture.headers
    assert "set-cookie" not in picture.headers
    assert pictures.opened(picture.content).format in ("WEBP", "PNG", "JPEG")
    assert not pictures.opened(picture.content).getexif()
    for trace in (b"script", b"Secret", b"alert"):
        assert trace not in picture.content


def is_emptied(folder: Path) -> None:
    """Nothing is left in it. A server tidies up once its answer has gone."""
    until = time.monotonic() + 30
    while list(folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(folder.iterdir()) == []


def send(site: running.Server, way: str, case: str, anna: console.Colleague, token: str) -> httpx2.Response:
    content, name, media_type = HOSTILE[case]
    with httpx2.Client(timeout=60) as client:
        if way == "base64":
            image = base64.b64encode(content).decode()
            return client.post(f"{site.url}/api/v1/ads/", json={**make.AD, "image": image}, auth=AUTHOR)
        if way == "old endpoint":
            image = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
            return client.post(f"{site.url}/api/v1/execute", json={**make.AD, "image": image}, auth=AUTHOR)
        if way == "form":
            files = {"image": (name, content, media_type)}
            return client.post(f"{site.url}/api/v1/ads/", data=make.AD, files=files, auth=AUTHOR)
        headers, query = {"content-type": media_type}, {"name": name}
        if way == "visitor":
            address = f"{site.url}/api/v1/conversation/files"
            return client.post(address, params=query, content=content, headers={**headers, "chat-token": token})
        query["conversation"] = "1"
        headers["ticket"] = anna.ticket()
        return client.post(f"{site.url}/api/v1/desk/files", params=query, content=content, headers=headers)


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("way", ["base64", "old endpoint", "form"])
def test_an_ad_has_a_picture_of_our_own_or_none(site, anna, temporary, way, case):
    published = send(site, way, case, anna, "")

    if published.status_code != 201:
        assert case not in TAKEN
        is_refused(published, "image_invalid")
    else:
        assert published.json()["image"] != published.json()["thumbnail"]
        for address in (published.json()["image"], published.json()["thumbnail"]):
            is_harmless(httpx2.get(address))
    is_emptied(temporary)


@pytest.mark.parametrize("way", ["visitor", "desk"])
def test_a_file_of_a_conversation_is_harmless_or_refused(site, anna, temporary, way):
    token = make.token()
    opened = httpx2.post(f"{site.url}/api/v1/gpt", json={"message": "оператор"}, headers={"chat-token": token})
    assert opened.status_code == 201

    for case in HOSTILE:
        kept = send(site, way, case, anna, token)
        if kept.status_code != 201:
            assert case not in TAKEN
            is_refused(kept, "image_invalid", "file_kind_refused")
        else:
            assert kept.json()["media_type"].startswith("image/")
            assert not set(kept.json()["name"]) & set('/\\\r\n"')
            assert len(kept.json()["name"]) <= 100
            is_harmless(httpx2.get(site.url + kept.json()["url"]))
    is_emptied(temporary)


def test_a_large_picture_in_a_form_leaves_no_temporary_file(site, temporary):
    large = pictures.of("PNG", size=(1_800, 1_100), compress_level=0)
    assert len(large) > 5_000_000

    for content, status in ((large, 201), (large[:-100], 400), (large + b"\0" * 6_000_000, 413)):
        files = {"image": ("x.png", content, "image/png")}
        answer = httpx2.post(f"{site.url}/api/v1/ads/", data=make.AD, files=files, auth=AUTHOR, timeout=60)
        assert answer.status_code == status, answer.text
    is_emptied(temporary)
