"""Addresses as settings name them."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def place(url: str) -> str:
    """`host:port` of a web address, the port by its scheme where it names none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def site(told: str, hosts: Sequence[str], *, https: bool, port: int) -> str:
    """Where people reach us, no slash at its end: as told, else by the first name that is not this machine's.

    A name that stands for many (`*`, `.example.com`) names no place.
    """
    if told:
        return (told if "://" in told else f"https://{told}").rstrip("/")
    named = (host for host in hosts if host[:1] not in "*." and host not in ("localhost", "127.0.0.1", "[::1]"))
    host = next(named, None)
    if host is None:
        return f"http://127.0.0.1:{port}"
    return f"{'https' if https else 'http'}://{host}"
