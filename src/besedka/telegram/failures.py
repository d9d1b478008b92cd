"""The ways in which Telegram does not do what it is asked. No exception of its client passes `client.py`."""


class Failure(Exception):
    """It was not done, or we do not know."""


class Later(Failure):
    """Surely not done; it may be asked again after `after_s` seconds (None: whoever asks decides)."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(reason)


class Conflict(Later):
    """Somebody else polls with our token, or a webhook is set."""


class Refused(Later):
    """Telegram does not know our token."""


class Never(Failure):
    """Surely not done, and asking again would change nothing."""


class Blocked(Never):
    """This person does not want to hear from us."""


class Unclear(Failure):
    """We asked and had no answer: it may have been done."""
