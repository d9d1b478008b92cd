import make
import pictures
import pytest

from besedka.ads import images

pytestmark = pytest.mark.django_db
XSS = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(autouse=True)
def inbox():
    return make.inbox(is_default=True)


def page(client, path: str, language: str = "ru", **query: str) -> str:
    response = client.get(path, query, headers={"Accept": "text/html", "Accept-Language": language})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("path", ["/ads", "/ads/"])
@pytest.mark.parametrize(("language", "word"), [("ru", "Объявления"), ("en", "Ads")])
def test_the_list_speaks_the_language_of_the_browser_and_has_the_chat(client, inbox, path, language, word):
    shown = page(client, path, language)

    assert f'<html lang="{language}">' in shown
    assert f"<title>{word}" in shown
    assert f'data-inbox="{inbox.public_key}"' in shown


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("language", "age"), [("ru", "2 года"), ("en", "2 years")])
def test_an_ad_has_a_page(client, language, age, slash):
    ad = make.ad(title="Рыжик", age=2, price=1_234_567, description="Первая\n\nВторая")

    shown = page(client, f"/ads/{ad.pk}{slash}", language)

    for text in ("Рыжик", age, "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567", "<p>Вторая</p>"):
        assert text in shown


@pytest.mark.parametrize(
    ("age", "ru", "en"),
    [
        (0, "меньше года", "under a year"),
        (1, "1 год", "1 year"),
        (5, "5 лет", "5 years"),
        (12, "12 лет", "12 years"),
        (22, "22 года", "22 years"),
    ],
)
def test_years_are_counted_as_people_do(client, age, ru, en):
    ad = make.ad(age=age)

    assert f"<dd>{ru}</dd>" in page(client, f"/ads/{ad.pk}/")
    assert f"<dd>{en}</dd>" in page(client, f"/ads/{ad.pk}/", "en")


def test_filters_are_a_form_that_remembers(client):
    make.ad(title="Рыжик", kind="Cat", price=5)
    make.ad(title="Бобик", kind="Dog", price=5)

    shown = page(client, "/ads/", search="рыж", kind="Cat", price_min="1", ordering="price", utm_source="mail")

    assert "Рыжик" in shown
    assert "Бобик" not in shown
    for typed in ('value="рыж"', '"Cat" selected', 'value="1"', '"price" selected'):
        assert typed in shown
    assert "utm_source" not in shown


@pytest.mark.parametrize(
    ("query", "ru", "en"),
    [("", "Объявлений пока нет", "no ads yet"), ("search=x", "никто не предлагает", "Nobody offers")],
)
def test_where_there_is_nothing_it_is_said(client, query, ru, en):
    assert ru in page(client, f"/ads/?{query}")
    assert en in page(client, f"/ads/?{query}", "en")


def test_pages_follow_one_another_with_their_filters(client):
    for number in range(25):
        make.ad(title=f"Щенок-{number:02}")
    make.ad(title="Кот", kind="Cat")

    first = page(client, "/ads/", kind="Dog")
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = page(client, f"/ads/{following}")

    assert "kind=Dog" in following
    assert (first.count('class="good"'), second.count('class="good"')) == (20, 5)
    assert 'href="?kind=Dog"' in second
    assert 'rel="next"' not in second


@pytest.mark.parametrize(
    "query", ["kind=Horse", "search=%00", "age_min=x", "cursor=x", "price_max=1e9", "search=" + "x" * 300]
)
def test_a_condition_that_cannot_be_read_is_named(client, query):
    response = client.get(f"/ads/?{query}", headers={"Accept": "text/html", "Accept-Language": "ru"})

    assert response.status_code == 400
    assert f"<code>{query.partition('=')[0]}</code>" in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/ads/1",
        "/ads/999999999999999999/",
        "/ads/99999999999999999999/",
        "/ads/x/",
        "/media/ads/x.webp",
        "/media/ads/../secret_key",
        f"/media/ads/{'0' * 32}.webp",
    ],
)
def test_what_is_not_there_is_not_found(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/ads/", "/ads/1/"])
def test_pages_are_for_reading(client, path):
    response = client.post(path)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_what_people_write_is_shown_and_never_run(client):
    ad = make.ad(title=XSS, description=XSS, breed=XSS[:90], location=XSS)

    for shown in (
        page(client, "/ads/", search=XSS),
        page(client, f"/ads/{ad.pk}/"),
        page(client, "/ads/", breed=XSS),
    ):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "&lt;script&gt;" in shown


def test_pages_have_no_script_nor_style_of_their_own(client):
    ad = make.ad()

    for path in ("/ads/", f"/ads/{ad.pk}/"):
        response = client.get(path, headers={"Accept": "text/html"})
        shown = response.content.decode()
        assert "script-src 'self'" in response["Content-Security-Policy"]
        assert shown.count("<script") == 1
        assert " style=" not in shown
        assert "<style" not in shown


def test_pictures_are_loaded_when_they_are_seen_and_kept_for_ever(client):
    ad = make.ad(picture=images.encode(pictures.of(size=(60, 20))))

    listed = page(client, "/ads/")
    picture = client.get(f"/media/ads/{ad.picture}.webp")
    thumbnail = client.get(f"/media/ads/{ad.picture}-small.webp")

    assert f'<img src="/media/ads/{ad.picture}-small.webp" alt="" loading="lazy"' in listed
    for response in (picture, thumbnail):
        assert response["Content-Type"] == "image/webp"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["Content-Disposition"].startswith("inline")
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert pictures.opened(response.getvalue()).format == "WEBP"


def test_a_list_takes_the_same_questions_for_many(client, django_assert_num_queries):
    for _ in range(10):
        make.ad()

    with django_assert_num_queries(3):  # inbox, ids, ads
        page(client, "/ads/")


def test_a_language_that_is_chosen_keeps_the_filters(client):
    shown = page(client, "/ads/", kind="Dog")

    assert 'href="?kind=Dog&amp;lang=en"' in shown
