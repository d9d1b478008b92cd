from hypothesis import given
from hypothesis.strategies import integers, text

from besedka.telegram import splitting


@given(text(max_size=400), integers(10, 60))
def test_every_piece_fits_and_nothing_visible_is_lost(written, longest):
    pieces = splitting.split(written, longest)

    assert all(splitting.units(piece) <= longest for piece in pieces)
    squeezed = "".join("".join(pieces).split())
    assert [c for c in "".join(written.split()) if splitting.is_visible(c)] == [
        c for c in squeezed if splitting.is_visible(c)
    ]


def test_what_fits_stays_one_piece():
    assert splitting.split("a" * 4096) == ["a" * 4096]


def test_emoji_count_twice():
    pieces = splitting.split("😀" * 4000)

    assert [len(piece) for piece in pieces] == [2048, 1952]


def test_it_is_cut_between_paragraphs_lines_or_words_in_this_order():
    assert splitting.split("aaaa bbbb\n\ncccc dddd", 15) == ["aaaa bbbb", "cccc dddd"]
    assert splitting.split("aaaa bbbb\ncccc dddd", 15) == ["aaaa bbbb", "cccc dddd"]
    assert splitting.split("aaaa bbbb cccc", 10) == ["aaaa bbbb", "cccc"]


def test_what_telegram_would_call_empty_is_told_apart():
    assert not splitting.is_visible(" \n\u200b\u2060\ufeff")
    assert splitting.is_visible(" a ")
