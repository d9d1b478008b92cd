"""How much of anything one caller may ask for: sizes of what is sent, and rates."""

import functools
import hashlib
import ipaddress
import time
from collections import OrderedDict
from typing import Any

import msgspec

from besedka.problems import Problem

TEXT_LENGTH = 4_000  # code points in a message
BODY_SIZE = 64 * 1024  # bytes of a request's body, and of a WebSocket frame
BODY_S = 20  # seconds that a body may take to arrive
CLIENT_ID_LENGTH = 255
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


class TooLong(Problem):
    """The text is longer than a message may be."""

    code = "too_long"


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


class Rates:
    """All rates of the visitors' side."""

    def __init__(self, *, on: bool) -> None:
        """`on=False` counts nothing: for a benchmark."""
        self.on = on
        self.messages = Rate("messages", burst=60, per_s=1)  # a token
        self.address_messages = Rate("address-messages", burst=600, per_s=20)  # an office behind one address
        self.strangers = Rate("strangers", burst=120, per_s=1)  # tokens never seen before, an address
        self.reads = Rate("reads", burst=3_000, per_s=100)  # an address
        self.guesses = Rate("guesses", burst=300, per_s=2)  # reads under a token that nobody has, an address
        self.uploads = Rate("uploads", burst=40, per_s=0.5)  # files, an address
        self.connections = Rate("connections", burst=300, per_s=5)  # connections, an address
        self._by_name = {rate.name: rate for rate in vars(self).values() if isinstance(rate, Rate)}

    def tell(self) -> dict[str, dict[str, int]] | None:
        """What the other processes are to count as well."""
        return {name: told for name, rate in self._by_name.items() if (told := rate.tell())} or None

    def hear(self, sender: str, told: Any) -> None:
        """What another process let through. Raises `ValueError` for what is no such thing."""
        for name, counts in msgspec.convert(told, dict[str, dict[str, int]]).items():
            if name in self._by_name:
                self._by_name[name].hear(counts)


def name_for_others(caller: str) -> str:
    """A caller as processes name them to each other: short, and no token."""
    return hashlib.blake2b(caller.encode(), digest_size=12).hexdigest()


@functools.lru_cache(maxsize=10_000)
def network_of(host: str, forwarded: str, trusted_proxies: int) -> str:
    """Who asks: an IPv4 address, or the /64 network that one subscriber has in IPv6.

    Of `X-Forwarded-For` only what our own proxies appended counts; what stands left of it the caller wrote itself.
    """
    if trusted_proxies:
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        if len(hops) >= trusted_proxies:
            host = hops[-trusted_proxies]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
