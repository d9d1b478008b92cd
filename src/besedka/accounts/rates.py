"""How often one caller may ask, counted in this process, with hearsay of what others count."""

import hashlib
import time
from collections import OrderedDict

from besedka.figures import counted
from besedka.problems import Problem

REMEMBERED = 100_000  # callers that a rate remembers; beyond, those not seen for longest start anew


class RateLimited(Problem):
    """You ask more often than is allowed here; wait and go on."""

    code = "rate_limited"
    status = 429

    def headers(self) -> dict[str, str]:
        """`Retry-After`, and the rate's quota as in draft-ietf-httpapi-ratelimit-headers."""
        name, wait, quota, window = (self.details[k] for k in ("limit", "retry_after", "quota", "window_s"))
        return {
            "Retry-After": str(wait),
            "RateLimit-Policy": f'"{name}";q={quota};w={window}',
            "RateLimit": f'"{name}";r=0;t={wait}',
        }


class Rate:
    """A token bucket for each caller: `burst` at once, then `per_s` a second.

    Several processes share it roughly: each fills and empties its own bucket, and takes out what it hears that the
    others let through. What one lets through is told in portions of a twentieth of the burst.
    """

    def __init__(self, name: str, *, burst: int, per_s: float) -> None:
        """`name` is what the limit is called in the problem that it raises."""
        self.name, self.burst, self.per_s = name, burst, per_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._shared = False
        self._counted: OrderedDict[str, int] = OrderedDict()
        self._untold: dict[str, int] = {}
        self._elsewhere: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, now: float | None = None) -> None:
        """Count one request of `caller`. Raises `RateLimited` when there is none left."""
        now = time.monotonic() if now is None else now
        level, at = self._levels.pop(caller, (float(self.burst), now))
        level = min(float(self.burst), level + (now - at) * self.per_s)
        if self._elsewhere:
            level = max(0.0, level - self._taken_elsewhere(caller, now))
        spent = level >= 1
        self._levels[caller] = (level - 1 if spent else level, now)
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        if not spent:
            counted.RATE_REFUSALS.labels(self.name).inc()
            wait = max(1, round((1 - level) / self.per_s + 0.5))
            window = round(self.burst / self.per_s)
            raise RateLimited(limit=self.name, retry_after=wait, quota=self.burst, window_s=window)
        if self._shared:
            self._count(caller)

    def tell(self) -> dict[str, int]:
        """How many requests were let through here that the others do not know of, by `name_for_others`."""
        self._shared = True
        told, self._untold = self._untold, {}
        return {name_for_others(caller): count for caller, count in told.items()}

    def hear(self, told: dict[str, int], now: float | None = None) -> None:
        """Another process let these through."""
        now = time.monotonic() if now is None else now
        for name, count in told.items():
            taken, at = self._elsewhere.pop(name, (0.0, now))
            self._elsewhere[name] = (max(0.0, taken - (now - at) * self.per_s) + count, now)
            if len(self._elsewhere) > REMEMBERED:
                self._elsewhere.popitem(last=False)

    def _count(self, caller: str) -> None:
        count = self._counted.pop(caller, 0) + 1
        if count >= max(1, self.burst // 20):
            self._untold[caller] = self._untold.get(caller, 0) + count
            return
        self._counted[caller] = count
        if len(self._counted) > REMEMBERED:
            self._counted.popitem(last=False)

    def _taken_elsewhere(self, caller: str, now: float) -> float:
        taken, at = self._elsewhere.pop(name_for_others(caller), (0.0, now))
        return max(0.0, taken - (now - at) * self.per_s)


def name_for_others(caller: str) -> str:
    """A caller as processes name them to each other: short, and no token."""
    return hashlib.blake2b(caller.encode(), digest_size=12).hexdigest()


class TooManyTries(Problem):
    """Too many wrong tries: wait before you try again."""

    code = "rate_limited"
    status = 429
