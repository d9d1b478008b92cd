"""What a model says, screened while it speaks: give-away phrases, secrets, and the numbers of passages."""

import re
import unicodedata

from besedka.answers import refusals, texts
from besedka.answers.answerer import Aloud, Prompt

MAX_REPLY = 20_000  # characters; a model that goes on and on is cut off
LOOK_EVERY = 24  # characters between two looks at what is said: tokens come by the thousand
HELD = 24  # characters held back while more may come: the beginning of a passage's number, half a sentence's end

SECRET_BEGINS = 6  # characters by which the beginning of a secret is known

_CITED = re.compile(r"[ \t]?\[(\d{1,3}(?:[,;] ?\d{1,3}){0,20})\](?!\()")
_OPEN = re.compile(r"[ \t]?\[[\d,; ]*\]?$")
_SENTENCE_END = re.compile(r"[.!?…:;»\")\]]+(?=\s|$)")


class GivesItselfAway(Exception):
    """The model speaks as a bot: the phrase of the bot's list."""


class Screen:
    """One utterance of a model. What it says aloud may be shown: no phrase and no secret, not even half of one."""

    def __init__(self, prompt: Prompt, aloud: Aloud) -> None:
        self._prompt, self._aloud = prompt, aloud
        self._phrases = prompt.give_away
        self._secrets = [secret for secret in prompt.secrets if len(secret) >= 6]
        self._bare_secrets = [_bare(secret) for secret in self._secrets]
        self._hold = HELD + max(map(len, self._phrases), default=0)
        self._pieces: list[str] = []
        self._length = self._checked = self._looked = 0
        self._shown = ""
        self._is_cut = False

    @property
    def heard(self) -> str:
        """All that was said so far, as it was said."""
        return "".join(self._pieces)

    def hear(self, piece: str) -> None:
        """Take the next piece. Raises `GivesItselfAway`; what is longer than `MAX_REPLY` is not heard."""
        self._is_cut = self._is_cut or self._length + len(piece) > MAX_REPLY
        if self._length >= MAX_REPLY:
            return
        self._pieces.append(piece[: MAX_REPLY - self._length])
        self._length += len(piece)
        if self._length - self._looked < LOOK_EVERY:
            return
        self._looked = self._length
        said = self.heard
        self._check(said[: _last_border(said)])  # a word that may go on is not read yet
        if self._may_become_secret(said):
            return
        # The tail is held back after secrets are out, so that none can stand half in it and half before it.
        shown = self._clean(_OPEN.sub("", said))[0][: -self._hold].rstrip()
        if len(shown) > len(self._shown) or not self._shown.startswith(shown):
            self._shown = shown
            self._aloud(shown)

    def end(self) -> None:
        """Nothing more comes. Raises `GivesItselfAway`."""
        self._checked = 0
        self._check(self.heard)

    def reply(self, *, whole: bool) -> tuple[str, tuple[int, ...]]:
        """The text to say and the ids of the passages it names. One that was cut ends with its last sentence."""
        said = self.heard
        if not whole or self._is_cut:
            ends = [match.end() for match in _SENTENCE_END.finditer(said)]
            said = said[: ends[-1]] if ends else ""
        return self._clean(said)

    def _check(self, said: str) -> None:
        """Look for phrases where they can have become whole since the last look."""
        start = max(0, self._checked - self._hold)
        start = _last_border(said[:start])  # never inside a word, which would be read as another one
        phrase = refusals.gives_away(said[start:], self._phrases)
        if phrase is not None:
            raise GivesItselfAway(phrase)
        self._checked = len(said)

    def _may_become_secret(self, said: str) -> bool:
        """Whether what is said ends as a secret begins: then nothing is shown until it is clear what it is."""
        tail = _bare(said[-400:])
        return any(
            tail.endswith(secret[:size])
            for secret in self._bare_secrets
            for size in range(SECRET_BEGINS, min(len(secret), len(tail)) + 1)
        )

    def _clean(self, said: str) -> tuple[str, tuple[int, ...]]:
        """Without secrets and without numbers of passages; and which passages those were."""
        cited: list[int] = []
        evidence = self._prompt.evidence

        def take(match: re.Match[str]) -> str:
            numbers = [int(number) for number in re.findall(r"\d+", match[1])]
            if not all(1 <= number <= len(evidence) for number in numbers):
                return match[0]  # brackets of another kind: [2024]
            cited.extend(evidence[number - 1].passage_id for number in numbers)
            return ""

        text = _CITED.sub(take, said).strip()
        if refusals.secrets_in(text, self._secrets):
            text = refusals.without_secrets(text, self._secrets)
            if refusals.secrets_in(text, self._secrets):  # disguised: no part of it may be shown
                text = "•••"
        return text, tuple(dict.fromkeys(cited))


def _bare(text: str) -> str:
    """The text without spaces and case, as somebody would put a secret together again."""
    return "".join(texts.visible(text).split()).casefold()


def _last_border(text: str) -> int:
    """Where the last word of the text begins."""
    at = len(text)
    while at and (text[at - 1].isalnum() or unicodedata.category(text[at - 1]) in ("Mn", "Cf")):
        at -= 1
    return at
