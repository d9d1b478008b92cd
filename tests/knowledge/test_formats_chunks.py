import time

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, text

from besedka.knowledge import chunks
from besedka.knowledge.chunks import Section

SENTENCE = "Мы доставляем по будням с девяти до шести. "

# What is hard to cut: no space, only space, ends of sentences, quotes, lines, paragraphs.
pieces = lists(sampled_from(["слово", "a", ". ", "! ", "?» ", "\n", "\n\n", " ", "\u00a0", "x" * 50, "…", "1."]))


def bare(text: str) -> str:
    return "".join(text.split())


@given(words=pieces, noise=text(max_size=30), limit=integers(10, 80))
def test_nothing_is_lost_but_white_space_and_every_chunk_fits(words: list[str], noise: str, limit: int):
    whole = "".join(words) + noise

    cut = list(chunks.cut(whole, limit))

    assert bare("".join(cut)) == bare(whole)
    assert all(0 < len(chunk) <= limit and chunk == chunk.strip() for chunk in cut)


@given(words=lists(text("абв.!", min_size=1, max_size=9), min_size=1), limit=integers(10, 40))
def test_no_word_is_cut(words: list[str], limit: int):
    cut = list(chunks.cut(" ".join(words), limit))

    assert " ".join(cut).split() == words


@pytest.mark.parametrize("text", [SENTENCE * 1200, "слово" * 10_000, "а " * 25_000, "\n" * 50_000 + "а" * 50_000])
def test_a_hundred_kilobytes_are_cut_within_a_second(text: str):
    begun = time.perf_counter()

    assert all(len(chunk) <= chunks.MAX_CHUNK for chunk in chunks.cut(text))

    assert time.perf_counter() - begun < 1


def test_it_is_cut_where_a_sentence_ends():
    cut = list(chunks.cut(SENTENCE * 100))

    assert len(cut) > 1
    assert all(chunk.endswith("шести.") for chunk in cut)


def test_it_is_cut_between_paragraphs_rather_than_in_one():
    paragraph = (SENTENCE * 10).strip()

    assert list(chunks.cut(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")) == [
        f"{paragraph}\n\n{paragraph}",
        paragraph,
    ]


def test_a_list_is_cut_between_its_items():
    items = [f"- {SENTENCE.strip()} {number}" for number in range(60)]

    cut = list(chunks.cut("\n".join(items)))

    assert [line for chunk in cut for line in chunk.split("\n")] == items


def test_the_path_of_headings_is_the_topic_and_the_heading_the_question():
    table = chunks.table_of([Section(("Shop", "Delivery"), "By post.", 1), Section((), "First. Second.", 5)])

    assert table.rows == [("Shop › Delivery", "Delivery", "By post."), ("", "First.", "First. Second.")]


def test_a_path_too_long_for_a_topic_is_shortened_and_still_tells_sections_apart():
    table = chunks.table_of([Section(("слово " * 200, str(number)), "Text.", 1) for number in range(2)])

    assert len({piece.known_by for piece in table.pieces}) == 2
    assert all(len(row.topic) <= 500 and row.topic.endswith("…") for row in table.rows)


def test_lines_of_a_page_become_paragraphs_and_a_list_stays_a_list():
    page = (
        "We deliver to every town of the coun-\ntry within three working days, and to\nislands.\n\n"
        "Bring:\n- a card\n- a bag"
    )

    assert chunks.without_wraps(page) == (
        "We deliver to every town of the country within three working days, and to islands.\n\n"
        "Bring:\n- a card\n- a bag"
    )
