"""Words of ads: folded alike where they are stored and where they are asked for, and found by each database."""

import re
import unicodedata
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Lookup, Q
from django.db.models.expressions import RawSQL

from besedka.ads.models import MAX_BREED, MAX_LOCATION, Ad

MAX_WORD = 40  # characters of a word that count
MAX_WORDS = 10  # words of a search that count

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> list[str]:
    """The words of the text in the form in which equal ones are equal: NFKC, no case, е for ё."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return [word[:MAX_WORD] for word in _WORD.findall(plain)]


def columns(ad: Ad) -> dict[str, str]:
    """What is to stand in the folded columns of this ad."""
    texts = (ad.title, ad.breed, ad.location, ad.description)
    all_words = dict.fromkeys(word for text in texts for word in fold(text))
    return {
        "breed_words": " ".join(fold(ad.breed))[:MAX_BREED],
        "location_words": " ".join(fold(ad.location))[:MAX_LOCATION],
        "words": f" {' '.join(all_words)} ",
    }


class Beginning(Lookup):
    """A folded column is these words, or begins with them: a range that an index can be read by.

    Between a word and what follows stands a blank, and only that sorts before the sign that ends the range.
    """

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """By code points: so SQLite sorts, and a `_bin` collation."""
        return self._range(compiler, connection, ">=", "<")

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """By code points, whatever language the database sorts in."""
        return self._range(compiler, connection, "~>=~", "~<~")

    def _range(self, compiler: Any, connection: Any, least: str, below: str) -> tuple[str, Any]:
        column, given = self.process_lhs(compiler, connection)
        line = str(self.rhs)
        both = (*given, line, *given, f"{line}!")
        return f"({column} {least} %s AND {column} {below} %s)", both


def beginning(column: F | Func, text: str) -> Q:
    """Ads whose folded column is these words or begins with them: `Москва` finds `Москва, Арбат`."""
    return Q(Beginning(column, " ".join(fold(text))))


def asked(text: str) -> list[str]:
    """The words of a search: what begins a word of the ad, or, of one letter, is one. Each once."""
    return list(dict.fromkeys(fold(text)))[:MAX_WORDS]


def having(words: list[str]) -> Q:
    """Ads that have all these words, found out from each ad; for none no ad."""
    if not words:
        return Q(pk__in=[])
    found = Q()
    for word in words:
        found &= Q(words__contains=f" {word}" if len(word) > 1 else f" {word} ")
    return found


def found(words: list[str], *, at_most: int) -> list[int]:
    """Ids of such ads, not all where there are more, from the index of words where the database has one."""
    connection = connections[Ad.objects.db]
    if words and connection.vendor == "sqlite":
        match = " ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in words)
        with connection.cursor() as cursor:
            cursor.execute("SELECT rowid FROM ads_words WHERE ads_words MATCH %s LIMIT %s", [match, at_most])
            return [ad_id for (ad_id,) in cursor.fetchall()]
    condition: Q | RawSQL = having(words)
    if words and connection.vendor == "postgresql":
        match = " & ".join(f"'{word}':*" if len(word) > 1 else f"'{word}'" for word in words)
        lexemes = "array_to_tsvector(string_to_array(btrim(ads_ad.words), ' ')) @@ %s::tsquery"
        condition = RawSQL(lexemes, [match], output_field=BooleanField())
    return list(Ad.objects.filter(condition).values_list("pk", flat=True)[:at_most])
