"""Who asks, as far as an address tells: the same answer at the door and where people sign in."""

import functools
import ipaddress

from django.conf import settings
from django.http import HttpRequest

NOWHERE = "0.0.0.0"  # whoever comes without an address that could be read


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


def network_of_request(request: HttpRequest) -> str:
    """Who sends this request to Django's side."""
    meta = request.META
    return network_of(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES)


def axes_address(request: HttpRequest) -> str:
    """The same as one address, the only form that axes' tables take: the first of a network stands for all."""
    first = network_of_request(request).partition("/")[0]
    try:
        return str(ipaddress.ip_address(first))
    except ValueError:
        return NOWHERE
