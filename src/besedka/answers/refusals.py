"""What must not be said aloud: a model that gives itself away, and a secret that slipped into a text."""

import base64
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote_plus, unquote

from besedka.answers import texts

DEFAULT_PHRASES = ("искусственного интеллекта", "искусственный интеллект", "я не могу", "я бот")
SHORTEST_SECRET = 6  # characters; what is shorter would be found in any text
SHORTEST_BARE = 12  # letters and digits of a secret that is looked for without its signs
COVER = "•••"
ROUNDS = 3  # how often a text may have been percent-encoded

# Latin and Greek letters that look like a Cyrillic one, in lower case or in capitals.
_LOOKS_LIKE = str.maketrans("aeocpxykmtbhαεορχυκτβ", "аеосрхукмтвнаеорхуктв")
_SPACE = re.compile(r"\s+")
_SIGN = re.compile(r"[\W_]+")


def gives_away(text: str, phrases: Sequence[str] = DEFAULT_PHRASES) -> str | None:
    """Return the first of the phrases that the text contains as whole words; None when it has none of them.

    Case, ё, kinds and number of spaces, invisible characters, accents and look-alike letters make no difference.
    """
    said = _folded(text)
    return next((phrase for phrase in phrases if _contains(said, _folded(phrase))), None)


def secrets_in(text: str, secrets: Sequence[str]) -> bool:
    """Return whether one of the secrets can be read out of the text.

    As it is, in other case, spaced out, with invisible or look-alike letters, percent-encoded, in Base64, in hex.
    A secret of fewer than six characters is not looked for.
    """
    known = [secret for secret in secrets if _is_long_enough(secret)]
    if not known:
        return False
    seen = list(_readings(text))
    bare = [_SIGN.sub("", reading) for reading in seen]
    return any(
        any(needle in reading for needle in _disguises(secret) for reading in seen)
        or any(_bare(secret) in reading for reading in bare if len(_bare(secret)) >= SHORTEST_BARE)
        for secret in known
    )


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """Return the text with `•••` wherever a secret of six characters or more stood as it is."""
    for secret in sorted(filter(_is_long_enough, secrets), key=len, reverse=True):
        text = text.replace(secret, COVER)
    return text


def _folded(text: str) -> str:
    """One form for all that reads alike. Accents go first: to put thousands of them in order would take long."""
    apart = unicodedata.normalize("NFKD", texts.visible(text)).casefold()
    return _SPACE.sub(" ", texts.visible(apart).translate(_LOOKS_LIKE)).strip()


def _contains(said: str, phrase: str) -> bool:
    at = said.find(phrase) if phrase else -1
    while at >= 0:
        end = at + len(phrase)
        if not _inside_word(said[max(0, at - 1) : at + 1]) and not _inside_word(said[end - 1 : end + 1]):
            return True
        at = said.find(phrase, at + 1)
    return False


def _inside_word(pair: str) -> bool:
    """Whether two neighbours belong to one word."""
    return len(pair) == 2 and pair.isalnum()


def _is_long_enough(secret: str) -> bool:
    return len(secret.strip()) >= SHORTEST_SECRET


def _compact(text: str) -> str:
    return _folded(text).replace(" ", "")


def _bare(secret: str) -> str:
    return _SIGN.sub("", _compact(secret))


def _readings(text: str) -> Iterator[str]:
    """The text as it is and as it would be percent-decoded, each without its spaces."""
    written = _SPACE.sub("", texts.visible(text))
    for _ in range(ROUNDS):
        yield _compact(written)
        decoded = unquote(written)
        if decoded == written:
            return
        written = decoded
    yield _compact(written)


@lru_cache(maxsize=64)
def _disguises(secret: str) -> tuple[str, ...]:
    """How a secret may be written, compacted as a text is."""
    raw = secret.strip()
    octets = raw.encode("utf-8", "surrogatepass")
    written = [_compact(raw) or raw, _compact(quote_plus(octets)), _compact(octets.hex())]
    for shift in range(3):  # Base64 of a longer text has it at one of three offsets
        encoded = base64.b64encode(b"\0" * shift + octets).decode()
        sure = encoded[(shift * 8 + 5) // 6 : (shift + len(octets)) * 8 // 6]
        written += [_compact(sure), _compact(sure.replace("+", "-").replace("/", "_"))]
    return tuple(written)
