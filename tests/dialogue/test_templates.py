"""Names in braces are put in once, and what comes in stays what it is."""

import string
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.dialogue import templates
from besedka.dialogue.calls import picked, ready
from besedka.dialogue.steps import ApiCall


def test_a_name_is_put_in_and_one_that_is_not_set_leaves_nothing():
    assert templates.text("{имя}, {user_input}! {nobody}.", {"имя": "Анна"}, "да") == "Анна, да! ."


@pytest.mark.parametrize(
    "written",
    [
        "{{ ''.__class__ }}", "{% include '/etc/passwd' %}", "{{settings.SECRET_KEY}}", "{0.__init__}", "${7*7}",
        "%(x)s", "{a.b}", "{a[0]}", "{a!r}", "{a:>10}", "{}", "{0}", "{ a }", "{secret.KEY}", "{{", "}}",
    ],
)  # fmt: skip
def test_what_is_no_name_stays_as_it_is(written):
    assert templates.text(written, {"x": "X", "settings": "S", "a": "A"}, "answer") == written


@given(st.text(), st.text())
def test_what_a_visitor_typed_is_never_expanded(said, other):
    assert templates.text("{a}", {"a": said, "b": other}, "") == said.replace("\ue000", "").replace("\ue001", "")
    assert templates.text("{user_input}", {"a": "SECRET"}, "{a}") == "{a}"


@given(st.text())
def test_a_value_stays_in_its_part_of_the_address(said):
    if said in (".", ".."):
        with pytest.raises(templates.Unfit):
            templates.url("https://example.com/o/{user_input}/x", {}, said)
        return
    made = urlsplit(templates.url("https://example.com/o/{user_input}/x?q={user_input}#f", {}, said))

    clean = said.replace("\ue000", "").replace("\ue001", "")
    assert (made.scheme, made.netloc) == ("https", "example.com")
    assert made.path.count("/") == 3
    assert unquote(made.path.split("/")[2]) == clean
    assert dict(parse_qsl(made.query, keep_blank_values=True)) == {"q": clean}


@pytest.mark.parametrize("said", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "\x7f", "\x1b[0m"])
def test_a_header_takes_no_line_breaks_from_a_visitor(said):
    with pytest.raises(templates.Unfit):
        templates.header("Bearer {user_input}", {}, said)


def call(**content: object) -> ApiCall:
    return ApiCall.model_validate({"url": "https://example.com/a", "method": "POST", **content})


def test_a_body_keeps_the_kinds_of_values_and_escapes_by_being_data():
    content = call(json={"n": "{n}", "text": "Order: {user_input}", "list": ["{flag}", 5, None]})

    made = ready(content, "1", {"n": 5, "flag": True}, 'say "hi"}')

    assert made.json == {"n": 5, "text": 'Order: say "hi"}', "list": [True, 5, None]}


def test_the_query_joins_what_the_address_has():
    content = ApiCall.model_validate({"url": "https://example.com/a?b=1", "query": {"q": "{user_input}"}})

    assert ready(content, "1", {}, "x&y=1 #").url == "https://example.com/a?b=1&q=x%26y%3D1+%23"


def test_secrets_are_named_here_and_put_in_by_whoever_calls():
    content = call(headers={"Authorization": "Bearer {secret.KEY}"}, json={"k": "{secret.KEY}"})

    made = ready(content, "1", {}, "")

    assert "KEY" in made.headers["Authorization"]
    assert templates.with_secrets(made.headers, {"KEY": "s3"}) == {"Authorization": "Bearer s3"}
    assert templates.with_secrets(made.json, {"KEY": "s3"}) == {"k": "s3"}
    with pytest.raises(templates.Unfit):
        templates.with_secrets(made.json, {})


@pytest.mark.parametrize("said", ["{secret.KEY}", "\ue000KEY\ue001"])
def test_a_visitor_cannot_ask_for_a_secret(said):
    made = ready(
        call(headers={"X-A": "{user_input}"}, json={"a": "{user_input}", "b": "{b}"}), "1", {"b": said}, said
    )

    assert "s3" not in str(templates.with_secrets(made.headers, {"KEY": "s3"}))
    assert "s3" not in str(templates.with_secrets(made.json, {"KEY": "s3"}))


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1), ("list.1.c", 2), ("list.9", None), ("a.b.c", None), ("nothing", None), ("list.-1", None)],
)
def test_what_is_wanted_of_a_reply_is_named_by_a_dotted_path(path, found):
    assert picked({"a": {"b": 1}, "list": [0, {"c": 2}]}, path) == found


@given(st.text(alphabet=string.printable), st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_any_path_in_any_reply_finds_something_or_nothing(path, body):
    picked(body, path)
