"""Addresses as settings name them."""

from urllib.parse import urlsplit


def place(url: str) -> str:
    """`host:port` of a web address, the port by its scheme where it names none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
