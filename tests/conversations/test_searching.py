"""Whatever was said is found by its words; whatever is typed is only text; what is erased is found no more."""

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import make
import pace
import pytest
from django.db import OperationalError, connection, connections, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from besedka.conversations import log, search_index, search_words, searching, sql
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Message, Wording
from besedka.conversations.searching import Found, Wish

pytestmark = pytest.mark.django_db

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


def said(*texts: str, author: str = "contact") -> list[int]:
    """These messages are in the log of one conversation, and indexed: their ids."""
    conversation = make.conversation(owner="queue")
    told = [make.say(conversation.pk, text, author=author) for text in texts]
    indexed()
    return [message_id(conversation.pk, entry.seq) for entry in told]


def message_id(conversation_id: int, seq: int) -> int:
    return Message.objects.get(conversation_id=conversation_id, seq=seq).pk


def indexed() -> int:
    """Everything is in the index; how many messages were not before."""
    [count] = search_index.index_more_many([10_000])
    return count


def search(text: str, **wish: object) -> list[Found]:
    [page] = searching.search_many([Wish(text, **wish)])  # type: ignore[arg-type]
    return page


def texts(page: Sequence[Found]) -> list[str]:
    return [found.text for found in page]


def marked(found: Found) -> list[str]:
    return [found.text[start:end] for start, end in found.marks]


def test_a_message_is_found_with_its_place_and_where_the_word_stands():
    [first] = said("Когда будет доставка?")

    [found] = search("доставка")

    message = Message.objects.get(pk=first)
    assert (found.message_id, found.conversation_id, found.seq) == (first, message.conversation_id, message.seq)
    assert (found.author, found.text, found.created_at) == ("contact", message.text, message.created_at)
    assert found.marks == [(12, 20)]


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Когда будет доставка?", "доставки"),  # another form
        ("Доставки не было", "ДОСТАВКА"),  # case, both ways
        ("ещё ёлка", "еще елка"),  # ё is е
        ("еще елка", "Ещё Ёлка"),
        ("Когда будет доставка?", "дос"),  # the last word unfinished
        ("Когда будет доставка?", "до"),
        ("Когда будет доставка?", "когда дост"),
        ("читающий человек", "читающ"),  # unfinished, but longer than the stem
        ("Running shoes", "run"),
        ("two shoes", "shoe"),
        ("a b c", "b"),  # one letter is a word
        ("й в двух знаках: мои\u0306", "мой"),  # a letter and its mark, as some systems type them
        ("ﬁnance", "finance"),
        ("за\u0301мок", "замок"),  # a stress
        ("STRASSE", "straße"),
        ("日本語のテキスト", "日本"),
        ("ivan@mail.example", "ivan@mail.example"),
        ("под_чёркнутое", "чёркнутое"),
        ("год 2026", "026"),
        ("заказ №А-12345", "12345"),
        ("заказ №А-12345", "234"),
        ("код ab12345cd", "345"),
        ("код ab12345cd", "b1234"),
        ("+7 (912) 345-67-89", "9123456789"),
        ("+7 (912) 345-67-89", "+7 (912) 345-67-89"),
        ("+7 (912) 345-67-89", "345-67-89"),
        ("+7 (912) 345-67-89", "4567"),
        ("+7 (912) 345-67-89", "912 345"),
        ("79123456789", "+7 912 345-67-89"),
        ("79123456789", "7 912"),
        ("12 и 30 рублей", "12 рублей"),
        ("от 100 200 300 до", "100 300"),  # read as one number, or as two
        ("x" * 1000, "x" * 1000),
        ("слово " * 2000 + "последнее", "последнее"),
    ],
)
def test_it_is_found(stored, typed):
    [wanted] = said(stored)

    assert [found.message_id for found in search(typed)] == [wanted]
    assert search(typed)[0].marks or len(stored) > search_words.PIECE


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Когда будет доставка?", "дост когда"),  # only the last one may be unfinished
        ("Когда будет доставка?", "доставка завтра"),  # all words
        ("Когда будет доставка?", "ставка"),
        ("12345", "2346"),
        ("12345", "123456"),
        ("12345", "45 заказ"),
        ("abc", "b"),
        ("кот", "к"),  # one letter begins nothing
    ],
)
def test_it_is_not_found(stored, typed):
    said(stored)

    assert search(typed) == []


@pytest.mark.parametrize("typed", ["", " ", "?!", '"', "*", "😀", "\0", "_", "%", "\ud800", "\u0301", "_1", "''"])
def test_a_search_without_a_word_finds_nothing(typed):
    said("Что угодно", "% _ * 😀")

    assert search(typed, inbox_ids=None if typed != "_1" else ()) == []


@pytest.mark.parametrize(
    "typed",
    [
        'доставка"',
        '"доставка',
        "доставка*",
        "*доставка",
        "доставка NEAR(",
        "доставка AND",
        "доставка OR NOT",
        "words:доставка",
        "^доставка",
        "доставка'",
        "доставка \\",
        "доставка :*",
        "доставка & | ! <->",
        "доставка%",
        "доставка\0",
        "доставка 😀",
        "-доставка",
        "(доставка",
        "{доставка}",
        "доставка;--",
    ],
)
def test_signs_of_query_languages_are_signs(typed):
    [both, _] = said("доставка and or not near words", "совсем другое")

    assert [found.message_id for found in search(typed)] == [both]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("İ")
@example("ǅ ½ ﷺ ㎏ Ⅷ ß")
@example("a" * 10_000)
@example("1 " * 5_000)
@example("\ud800 \0 \x1a")
@given(typed=st.text(max_size=200))
def test_no_text_is_an_error(typed):
    assert search(typed) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="İstanbul ½ ﷺ ㎏ Ⅷ ß ǆ")
@example(text="1 22 333 4444 55555")
@example(text="٣٤٥ ١٢٣-٤٥")
@example(text="1.2.3.4.5.6 7 8 9 10")
@given(text=TEXT)
def test_what_was_said_is_found_by_its_own_text(text):
    wanted = said(text)
    page = search(text)

    assert [found.message_id for found in page] == (wanted if search_words.needs(text) else [])
    for found in page:
        assert len(found.text) <= search_words.PIECE
        assert found.marks
        assert all(0 <= start < end <= len(found.text) for start, end in found.marks)
    with transaction.atomic():  # the next one begins with an empty log
        search_index.forget_messages(list(Message.objects.values_list("pk", flat=True)))
        Message.objects.all().delete()


@settings(max_examples=300, deadline=None)
@given(number=st.from_regex(r"\+?[0-9]{1,3}([ ()-]{1,2}[0-9]{2,4}){2,4}", fullmatch=True), data=st.data())
def test_any_three_digits_in_a_row_find_a_number(number, data):
    digits = "".join(sign for sign in number if sign.isdigit())
    start = data.draw(st.integers(0, len(digits) - 3))
    end = data.draw(st.integers(start + 3, len(digits)))
    words = search_words.index_words(f"звоните {number}, жду")

    [[[term]]] = search_words.needs(digits[start:end])

    assert any(word.startswith(term.word) for word in words)
    shown, marks = search_words.piece(f"звоните {number}, жду", [((term,),)])
    found = ["".join(sign for sign in shown[a:b] if sign.isdigit()) for a, b in marks]
    assert any(digits[start:end] in part for part in found)


def test_the_newest_come_first_and_the_page_goes_on_where_it_ended():
    ids = said(*(f"письмо {number}" for number in range(7)))

    pages, before = [], None
    for _ in range(4):
        page = search("письмо", limit=3, before=before)
        pages.append([found.message_id for found in page])
        before = page[-1].message_id if page else 0

    newest = ids[::-1]
    assert pages == [newest[:3], newest[3:6], newest[6:], []]


@pytest.mark.parametrize("limit", [-1, 0, 1_000_000])
def test_a_limit_is_only_a_limit(limit):
    said(*(["слово"] * 3))

    assert len(search("слово", limit=limit)) == max(0, min(limit, 3))


def test_each_wish_has_its_own_answer():
    said("кошка", "собака")

    pages = searching.search_many([Wish("собака"), Wish(""), Wish("кошка"), Wish("рыба")])

    assert [texts(page) for page in pages] == [["собака"], [], ["кошка"], []]


def test_an_operator_finds_what_was_said_in_the_inboxes_he_may_see():
    conversations = [make.conversation(owner="queue") for _ in range(3)]
    inboxes = [conversation.inbox_id for conversation in conversations]
    for number, conversation in enumerate(conversations):
        make.say(conversation.pk, f"вопрос {number}")
    indexed()

    seen = [texts(search("вопрос", inbox_ids=ids)) for ids in ((), (inboxes[1],), (inboxes[2], inboxes[0]), None)]

    assert seen == [[], ["вопрос 1"], ["вопрос 2", "вопрос 0"], ["вопрос 2", "вопрос 1", "вопрос 0"]]


def test_nobody_gets_at_an_inbox_by_typing_its_word():
    [inbox_id] = {Conversation.objects.get(messages=found).inbox_id for found in said("тайна")}

    assert search(search_index.inbox_word(inbox_id)) == []


@pytest.mark.parametrize("author", ["contact", "bot", "operator"])
def test_whoever_says_it_is_found(author):
    said("важное", author=author)

    assert [found.author for found in search("важное")] == [author]


def test_what_the_system_says_is_not_found():
    said("Передано оператору", author="system")

    assert search("оператору") == []
    assert indexed() == 0


def test_a_piece_of_a_long_message_shows_the_hit():
    said("начало " * 100 + "цель " + "конец " * 100)

    [found] = search("цель")

    assert len(found.text) <= search_words.PIECE
    assert found.text.startswith("…начало ")
    assert found.text.endswith("…")
    assert marked(found) == ["цель"]


def test_all_hits_are_marked_of_numbers_the_part_that_was_typed():
    said("Доставка, доставки: +7 (912) 345-67-89")

    [found] = search("доставка 3456")

    assert marked(found) == ["Доставка", "доставки", "345-6"]


def test_a_message_is_indexed_once():
    conversation = make.conversation(owner="queue")
    make.say(conversation.pk, "раз")

    counts = [indexed() for _ in range(3)]

    assert counts == [2, 0, 0]
    assert len(search("раз")) == 1


def test_no_more_than_wished_is_indexed_at_a_time_and_the_oldest_first():
    conversation = make.conversation(owner="queue")
    for number in range(4):
        make.say(conversation.pk, f"слово {number}")

    counts = search_index.index_more_many([2, 2])

    assert counts == [2, 2]
    assert texts(search("слово")) == ["слово 2", "слово 1", "слово 0"]
    assert (indexed(), indexed()) == (1, 0)


def test_a_message_of_nothing_but_pictures_is_indexed_too_and_only_once():
    said("😀😀")

    assert indexed() == 0


def test_a_message_that_became_visible_after_a_later_one_is_indexed(monkeypatch):
    early, late = said("ранняя", "поздняя")
    search_index.forget_messages([early])
    Wording.objects.filter(pk=early).delete()
    monkeypatch.setattr(random, "randrange", lambda stop: stop - 1)

    assert indexed() >= 1
    assert [found.message_id for found in search("ранняя")] == [early]
    assert [found.message_id for found in search("поздняя")] == [late]


def test_even_one_that_lies_far_back_is_indexed_in_the_end(monkeypatch):
    ids = said(*(f"слово {number}" for number in range(30)))
    monkeypatch.setattr(search_index, "LOOK_BACK", 0)
    monkeypatch.setattr(search_index, "STRETCH", 4)
    Wording.objects.filter(pk=ids[3]).delete()

    for _ in range(10_000):
        if indexed():
            break

    assert len(search("слово")) == 30


def test_an_index_that_has_vanished_fills_itself_again():
    said("кошка", "собака")
    Wording.objects.all().delete()
    assert search("собака") == []

    indexed()

    assert texts(search("собака")) == ["собака"]


def test_what_is_erased_is_found_no_more_and_leaves_no_words(monkeypatch):
    [first] = said("секрет первый")
    said("секрет второй")
    conversation_id = Message.objects.get(pk=first).conversation_id

    with transaction.atomic():
        search_index.forget_messages([first])
        Message.objects.filter(conversation_id=conversation_id).delete()

    assert texts(search("секрет")) == ["секрет второй"]
    assert _rows_of([first]) == []
    indexed()
    assert _rows_of([first]) == []


def test_forgetting_what_was_never_indexed_or_never_was_changes_nothing():
    [kept] = said("остаётся")

    search_index.forget_messages([])
    search_index.forget_messages([10**12])

    assert [found.message_id for found in search("остаётся")] == [kept]


def test_words_of_a_message_that_went_without_a_trace_are_swept_out(monkeypatch):
    gone, kept = said("секрет", "секрет другой")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM conversations_message WHERE id = %s", [gone])
    monkeypatch.setattr(search_index, "STRETCH", 1_000_000_000)

    indexed()

    assert [found.message_id for found in search("секрет")] == [kept]
    assert _rows_of([gone]) == []


def test_deleting_conversations_the_ordinary_way_leaves_no_words_either():
    [gone] = said("секрет")
    Conversation.objects.filter(messages=gone).delete()

    assert search("секрет") == []
    assert _rows_of([gone]) == []


def test_frequent_words_that_only_old_messages_have_are_found_in_order(monkeypatch):
    monkeypatch.setattr(searching, "NEWEST", 2)
    monkeypatch.setattr(searching, "WIDER", 2)
    monkeypatch.setattr(searching, "FEW", 3)
    old = said(*(["прежнее слово"] * 9))
    said(*(["новое"] * 9))

    page = search("слово прежнее", limit=6)

    assert [found.message_id for found in page] == old[::-1][:6]


def test_a_search_takes_few_statements(django_assert_max_num_queries):
    said("слово", "другое слово")

    with django_assert_max_num_queries(5):
        search("другое слово")


@pytest.mark.parametrize("sign", ["1", "1 ", "1-", "а", "а ", "и\u0306", "a1", ".", "_", "\u0306"])
def test_a_long_message_takes_no_longer_than_its_length(sign):
    began = time.perf_counter()

    search_words.index_words(sign * 100_000)

    assert time.perf_counter() - began < pace.seconds(5)  # what backtracks would take hours


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only FTS5 keeps its index in pieces")
def test_the_pieces_of_the_index_stay_few_however_often_it_grew():
    conversation = make.conversation(owner="queue")

    for number in range(200):
        make.say(conversation.pk, f"слово {number}")
        indexed()

    [(pieces,)] = sql.select("SELECT COUNT(DISTINCT segid) FROM conversations_found_idx", [])
    assert 0 < pieces < 60


def test_who_writes_does_not_wait_for_the_index():
    conversation = make.conversation(owner="queue")

    log.append_many([Append("contact", "привет", conversation_id=conversation.pk)])

    assert not Wording.objects.exists()


def _rows_of(message_ids: Sequence[int]) -> list[int]:
    """Which of these messages have left something in a table of the index."""
    tables = ["conversations_wording"] + ["conversations_found"] * (connection.vendor == "mysql")
    found = [row for table in tables for row in sql.select(f"SELECT message_id FROM {table}", [])]
    return [message_id for (message_id,) in found if message_id in message_ids]


def _at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    """What so many threads get that do this at the same time."""
    together = Barrier(number)

    def one(_: int) -> Any:
        together.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def _again(work: Callable[[], Any]) -> Any:
    """What comes of it; who meets another one's lock tries again, as the batcher does."""
    for _ in range(50):
        with contextlib.suppress(OperationalError):
            return work()
    raise AssertionError("always locked")


def _erase(conversation_id: int) -> None:
    with transaction.atomic():
        ids = Message.objects.filter(conversation_id=conversation_id).values_list("pk", flat=True)
        search_index.forget_messages(list(ids))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM conversations_message WHERE conversation_id = %s", [conversation_id])


@pytest.mark.django_db(transaction=True)
def test_two_processes_index_at_once_and_each_message_is_there_once():
    conversation = make.conversation(owner="queue")
    for number in range(50):
        make.say(conversation.pk, f"слово {number}")

    counts = _at_once(6, lambda: _again(lambda: search_index.index_more_many([20])[0]))
    while indexed():
        pass

    assert sum(counts) >= 20
    assert len(search("слово", limit=100)) == 50
    assert Wording.objects.count() == 51


@pytest.mark.django_db(transaction=True)
def test_what_is_erased_while_others_index_is_not_in_the_index_afterwards():
    conversations = [make.conversation(owner="queue") for _ in range(6)]
    for conversation in conversations:
        for number in range(10):
            make.say(conversation.pk, f"секрет {number}")
    left = iter([conversation.pk for conversation in conversations])

    def index_and_erase() -> None:
        conversation_id = next(left)
        _again(lambda: search_index.index_more_many([7])[0])
        _again(lambda: _erase(conversation_id))
        _again(lambda: search_index.index_more_many([7])[0])

    _at_once(6, index_and_erase)

    assert search("секрет", limit=100) == []
    assert not Wording.objects.exists()
