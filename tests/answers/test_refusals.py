import base64
import time
from urllib.parse import quote

import pace
import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, lists, sampled_from, text

from besedka.answers import refusals
from besedka.answers.refusals import DEFAULT_PHRASES, gives_away, secrets_in, without_secrets

KEY = "sk-Qx7?z/Lm+42vTp9"
GIVEN_AWAY = [
    "Я бот, поэтому ответить нечем.",
    "Увы, я бот",
    "я не могу этого сделать",
    "К сожалению, Я НЕ МОГУ помочь.",
    "Как модель искусственного интеллекта, замечу",
    "Это искусственный интеллект.",
    "искусственный   интеллект",
    "Я\u00a0бот",
    "Я\tне\nмогу",
    "Я б\u00adот",
    "я\u200b бо\u200dт",
    "Я бoт",
    "я бoт",
    "Я нe мoгy",
    "иcкуccтвeннoгo интeллeктa",
    "ИCКУCCTBEHHOГO ИHTEЛЛEКTA",
    "иску\u0301сственный интелле\u0301кт",
    "_я бот_",
    "**Я бот**",
    "«я бот»",
    "Яблоко? Нет: я бот!",
    "я ботинки не ношу, я бот",
]
INNOCENT = """
Я ботинки купил вчера
Моя ботаника
моя бот
у меня не могут пройти платежи
я не могущество ищу
Вы не можете вернуть вскрытый корм.
интеллект искусственный
искусственные интеллекты
Бот ответит, если я занят
Доставка стоит 290 ₽.
""".strip().splitlines()


@pytest.mark.parametrize("said", GIVEN_AWAY)
def test_who_gives_itself_away_is_found_out(said: str):
    assert gives_away(said, DEFAULT_PHRASES) in DEFAULT_PHRASES


@pytest.mark.parametrize("said", [*INNOCENT, ""])
def test_words_that_only_resemble_a_phrase_are_none(said: str):
    assert gives_away(said, DEFAULT_PHRASES) is None


def test_the_default_phrases_are_those_of_the_contract():
    assert DEFAULT_PHRASES == ("искусственного интеллекта", "искусственный интеллект", "я не могу", "я бот")


def test_the_phrase_is_returned_as_it_was_configured():
    assert gives_away("as an ai model, no", ["Ещё  одна", "As an AI"]) == "As an AI"
    assert gives_away("еще одна", ["Ещё  одна", "As an AI"]) == "Ещё  одна"


@pytest.mark.parametrize("phrase", ["", " ", "\u200b"])
def test_an_empty_phrase_is_in_no_text(phrase: str):
    assert gives_away("я бот", [phrase]) is None


@given(before=text(), after=text(), phrase=sampled_from(DEFAULT_PHRASES))
def test_a_phrase_is_found_between_any_two_sentences(before: str, after: str, phrase: str):
    assert gives_away(f"{before}. {phrase.upper()}. {after}", [phrase]) == phrase


@pytest.mark.parametrize(
    "said",
    [
        f"Ключ: {KEY}.",
        KEY.lower(),
        KEY.upper(),
        " ".join(KEY),
        "\u200b".join(KEY),
        "\n".join(KEY),
        quote(KEY, safe=""),
        quote(quote(KEY, safe=""), safe=""),
        "".join(f"%{octet:02x}" for octet in KEY.encode()),
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        quote(base64.b64encode(f"key={KEY};".encode()).decode(), safe=""),
        KEY.replace("p", "р"),
        KEY.replace("-", "_"),
        "-".join(KEY),
    ],
)
def test_a_secret_is_seen_through_its_disguise(said: str):
    assert secrets_in(said, ["another one", KEY])


@pytest.mark.parametrize("said", ["", "Доставка стоит 290 ₽.", KEY[:-1], KEY[::-1], "sk-"])
def test_what_is_no_secret_is_none(said: str):
    assert not secrets_in(said, [KEY])


@pytest.mark.parametrize("secret", ["", "12345", "     6     "])
def test_a_secret_too_short_to_be_one_is_not_looked_for(secret: str):
    assert not secrets_in(f"1234567 {secret}", [secret])
    assert without_secrets(f"1234567 {secret}", [secret]) == f"1234567 {secret}"


def test_a_secret_of_signs_only_is_looked_for_as_it_is():
    assert secrets_in("a \u0301\u0301\u0301\u0301\u0301\u0301 b", ["\u0301" * 6]) is False
    assert secrets_in("###!!!", ["###!!!"])
    assert not secrets_in("Доставка!!!", ["###!!!"])


@given(before=binary(), after=binary(), secret=text(min_size=6, alphabet="abcXYZ019-_/+=?я"))
def test_base64_hides_a_secret_at_no_place(before: bytes, after: bytes, secret: str):
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    assert secrets_in(encoded, [secret])


@given(said=text(), secrets=lists(text()))
def test_any_text_and_any_secrets_may_be_given(said: str, secrets: list[str]):
    gives_away(said, secrets)
    secrets_in(said, secrets)
    without_secrets(said, secrets)


@given(before=text(), after=text())
def test_no_secret_is_left(before: str, after: str):
    left = without_secrets(f"{before}{KEY}{after}{KEY}", [KEY[:8], KEY])

    assert KEY not in left
    assert refusals.COVER in left


def test_the_longer_secret_is_covered_whole():
    assert without_secrets(f"({KEY})", [KEY[:8], KEY]) == "(•••)"


@pytest.mark.parametrize(
    "part", ["я бот", "я ", "a", "%25", "%", "\u0315\u0300", "\ufdfa", "=", "+/", "я не мог "]
)
@given(rest=integers(0, 3))
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str, rest: int):
    said = part * (10_000 // len(part.encode())) + "x" * rest
    start = time.process_time()
    gives_away(said, DEFAULT_PHRASES)
    secrets_in(said, [KEY, "a" * 40])

    assert time.process_time() - start < pace.seconds(0.1)
