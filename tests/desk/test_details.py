import time

import make
import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.conversations import details as reaching
from besedka.conversations.details import Left
from besedka.conversations.models import Contact
from besedka.desk import details


@pytest.mark.parametrize(
    ("text", "email", "phone"),
    [
        ("Пишите на anna@shop.example, пожалуйста", "anna@shop.example", ""),
        ("+7 (916) 123-45-67", "", "+7 (916) 123-45-67"),
        ("мой 8 916 1234567 или a.b+c@mail.example.org.", "a.b+c@mail.example.org", "8 916 1234567"),
    ],
)
def test_an_address_is_found_among_words(text, email, phone):
    found = details.find(text)

    assert (found.email, found.phone) == (email, phone)


@pytest.mark.parametrize("text", ["", "нет", "заказ 12345", "a@b", "1234567890123456789", "@@@", "2026-11-2"])
def test_what_is_no_address_is_none(text):
    assert details.find(text) is None


@given(st.text())
def test_any_text_is_read(text):
    details.find(text)


@pytest.mark.parametrize("piece", ["a.", "1 ", "a@", "+", "a@b.", "(1)-"])
def test_a_long_text_takes_no_longer_than_its_length(piece):
    began = time.perf_counter()

    details.find(piece * 5_000)

    assert time.perf_counter() - began < 0.5


@pytest.mark.django_db
def test_what_a_contact_left_is_kept_once_and_to_be_called_back():
    conversation = make.conversation(details_asked=True)

    assert reaching.left_many([Left(conversation.pk, "a@shop.example")]) == [True]
    assert reaching.left_many([Left(conversation.pk, "b@shop.example")]) == [False]

    conversation.refresh_from_db()
    assert Contact.objects.get().email == "a@shop.example"
    assert conversation.callback_at is not None
