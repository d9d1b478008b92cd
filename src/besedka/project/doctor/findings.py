"""What a doctor finds: how it stands, in which part, what it is, and what to do about it. Nothing secret."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.conf import settings

FINE = "fine"
DOUBTFUL = "doubtful"
WRONG = "wrong"
LONGEST = 300  # characters of what somebody else's error says


@dataclass(frozen=True)
class Finding:
    """One line of what is found."""

    state: str
    part: str
    said: str
    advice: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"state": self.state, "part": self.part, "said": self.said, "advice": self.advice}


def fine(part: str, said: str) -> Finding:
    """Nothing to be done."""
    return Finding(FINE, part, said)


def doubtful(part: str, said: str, advice: str) -> Finding:
    """It works, and somebody should think about it."""
    return Finding(DOUBTFUL, part, said, advice)


def wrong(part: str, said: str, advice: str) -> Finding:
    """It does not work, or is unsafe."""
    return Finding(WRONG, part, said, advice)


def told(error: BaseException) -> str:
    """What an error says, in one line, without any secret of ours in it."""
    said = f"{type(error).__name__}: {error}".strip().rstrip(":")
    for secret in _secrets():
        said = said.replace(secret, "…")
    return " ".join(said.split())[:LONGEST]


def _secrets() -> list[str]:
    known = [settings.SECRET_KEY, *settings.ENCRYPTION_KEYS, settings.ADMIN_PASSWORD]
    known += [settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_WEBHOOK_SECRET]
    known += [settings.YANDEX_API_KEY, settings.OPENAI_API_KEY]
    known += [settings.METRICS_TOKEN, settings.FLOWER_PASSWORD, settings.SENTRY_DSN]
    for url in (settings.DATABASE_URL, settings.REDIS_URL, settings.CELERY_BROKER_URL):
        password = urlsplit(url).password or ""
        known += [password, unquote(password)]
    return sorted(filter(None, known), key=len, reverse=True)
