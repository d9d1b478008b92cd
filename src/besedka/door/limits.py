"""How much of anything one caller may ask for: sizes of what is sent, and rates."""

from typing import Any

import msgspec

from besedka.accounts.networks import network_of as network_of
from besedka.accounts.rates import Rate as Rate
from besedka.accounts.rates import RateLimited as RateLimited
from besedka.problems import Problem

TEXT_LENGTH = 4_000  # code points in a message
BODY_SIZE = 64 * 1024  # bytes of a request's body, and of a WebSocket frame
LARGEST = 42 * 1024 * 1024  # bytes of any body at all: a form with four pictures; nginx has the same
BODY_S = 20  # seconds that a body may take to arrive
CLIENT_ID_LENGTH = 255


class TooLong(Problem):
    """The text is longer than a message may be."""

    code = "too_long"


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
