"""How often one caller may ask, counted in this process."""

import time
from collections import OrderedDict

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
    """A token bucket for each caller: `burst` at once, then `per_s` a second."""

    def __init__(self, name: str, *, burst: int, per_s: float) -> None:
        """`name` is what the limit is called in the problem that it raises."""
        self.name, self.burst, self.per_s = name, burst, per_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, now: float | None = None) -> None:
        """Count one request of `caller`. Raises `RateLimited` when there is none left."""
        now = time.monotonic() if now is None else now
        level, at = self._levels.pop(caller, (float(self.burst), now))
        level = min(float(self.burst), level + (now - at) * self.per_s)
        spent = level >= 1
        self._levels[caller] = (level - 1 if spent else level, now)
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        if not spent:
            wait = max(1, round((1 - level) / self.per_s + 0.5))
            window = round(self.burst / self.per_s)
            raise RateLimited(limit=self.name, retry_after=wait, quota=self.burst, window_s=window)


class TooManyTries(Problem):
    """Too many wrong tries: wait before you try again."""

    code = "rate_limited"
    status = 429
