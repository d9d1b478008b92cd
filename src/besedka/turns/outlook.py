"""What a bot's two thresholds mean for a business: how many questions it answers, how many of these rightly."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from besedka.conversations import reports

ENOUGH = 50  # questions, below which shares say nothing
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Sure(msgspec.Struct, frozen=True):
    """How sure the knowledge was of a question: of its best passage, and of one of its first three."""

    first: float
    among: float


class Outlook(msgspec.Struct, frozen=True):
    """Shares of the questions that a bot was asked, had it these thresholds."""

    answer_from: float
    answered: float
    right: float  # of the answered ones, as the calibrated probabilities expect
    suggested: float
    found: float  # of the suggested ones: those with the right one among them, as expected
    handed_off: float
    questions: int

    @property
    def percents(self) -> dict[str, int]:
        """The shares as people say them."""
        return {
            name: round(getattr(self, name) * 100)
            for name in ("answered", "right", "suggested", "found", "handed_off")
        }


def confidences(bot_id: int, since: datetime) -> list[Sure]:
    """How sure the knowledge was of each question that this bot was asked."""
    traces = (turn.trace for turn in reports.turns_since(since))
    return [
        Sure(*(max((found.get(which, 0.0) for found in trace["passages"]), default=0.0) for which in _OF_TRACE))
        for trace in traces
        if trace.get("bot") == bot_id and "passages" in trace
    ]


_OF_TRACE = ("confidence", "among")


def at(sure: Sequence[Sure], answer_from: float, suggest_from: float) -> Outlook:
    """The outlook for these confidences at these thresholds. The probability of being right is its own measure."""
    answered = [one.first for one in sure if one.first >= answer_from]
    unsure = [max(one.first, one.among) for one in sure if one.first < answer_from]
    suggested = [probability for probability in unsure if probability >= suggest_from]
    whole = max(len(sure), 1)
    return Outlook(
        answer_from,
        len(answered) / whole,
        sum(answered) / max(len(answered), 1),
        len(suggested) / whole,
        sum(suggested) / max(len(suggested), 1),
        (len(sure) - len(answered) - len(suggested)) / whole,
        len(sure),
    )
