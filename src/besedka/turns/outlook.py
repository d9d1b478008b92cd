"""What a bot's two thresholds mean for a business: how many questions it answers, how many of these rightly."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from besedka.conversations import reports

ENOUGH = 50  # questions, below which shares say nothing
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Outlook(msgspec.Struct, frozen=True):
    """Shares of the questions that a bot was asked, had it these thresholds."""

    answer_from: float
    answered: float
    right: float  # of the answered ones, as the calibrated probabilities expect
    suggested: float
    handed_off: float
    questions: int

    @property
    def percents(self) -> dict[str, int]:
        """The shares as people say them."""
        return {
            name: round(getattr(self, name) * 100) for name in ("answered", "right", "suggested", "handed_off")
        }


def confidences(bot_id: int, since: datetime) -> list[float]:
    """How sure the knowledge was of its best passage for each question that this bot was asked."""
    traces = (turn.trace for turn in reports.turns_since(since))
    return [
        max((passage["confidence"] for passage in trace["passages"]), default=0.0)
        for trace in traces
        if trace.get("bot") == bot_id and "passages" in trace
    ]


def at(sure: Sequence[float], answer_from: float, suggest_from: float) -> Outlook:
    """The outlook for these confidences at these thresholds. The probability of being right is its own measure."""
    answered = [probability for probability in sure if probability >= answer_from]
    suggested = [probability for probability in sure if suggest_from <= probability < answer_from]
    whole = max(len(sure), 1)
    return Outlook(
        answer_from,
        len(answered) / whole,
        sum(answered) / max(len(answered), 1),
        len(suggested) / whole,
        (len(sure) - len(answered) - len(suggested)) / whole,
        len(sure),
    )
