"""The only way out of the house: HTTP to addresses that strangers may name, without reaching what is ours.

Every address that a name resolves to is checked, and the connection goes to the address that was checked: a name
that resolves to something else a moment later gains nothing (OWASP, SSRF prevention). Redirects are not followed,
the environment's proxies are not asked, and no answer is larger than was agreed.
"""

import asyncio
import ipaddress
import itertools
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings

from besedka.problems import Problem

CONNECT_S = 5
READ_S = 20  # seconds between two pieces of an answer
MAX_BYTES = 1024 * 1024
CONNECTIONS = 2_000  # at once; whoever waits for a slow peer must not keep others from theirs
KEPT = 100  # connections that stay open for a while with nothing to do
POOLS = 20  # that they are spread over

TIMEOUT = httpx2.Timeout(READ_S, connect=CONNECT_S)
FAILURES = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL)  # the other end's, and the network's
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.InvalidURL)  # surely
Response = httpx2.Response
Client = httpx2.AsyncClient

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_WEB_PORTS = {80, 443}
# Above the reserved ports (0 to 1023), those where databases, queues and other machinery listen.
_MACHINERY = {1433, 1521, 2375, 2376, 2379, 3306, 4222, 5432, 5672, 6379, 6380, 8086, 9042, 9092, 9200, 9300}
_MACHINERY |= {10250, 11211, 15672, 27017}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Problem):
    """We send nothing to this address."""

    code = "address_refused"


class AnswerTooLarge(httpx2.ReadError):
    """The answer is larger than agreed, or packed although we asked for it plain."""


def check_url(url: str) -> None:
    """The address is one we might send to, as far as can be told without asking the network.

    Raises `AddressRefused`, with the reason, for everything but http and https, for user names in the address, for
    ports of machinery and for numbers, in any spelling, of networks that are not public.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused(f"This is no web address: {error}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefused("A web address begins with http:// or https:// and names a host.")
    if "@" in parts.netloc or "%" in host or "\\" in url or any(character <= " " for character in url):
        raise AddressRefused("A web address has no user name, no zone, no backslash and no space.")
    number = port if port is not None else (443 if parts.scheme == "https" else 80)
    if _is_allowed(host, number):
        return
    _check_port(number)
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise AddressRefused(f"{host} is not a public address.")
    try:
        spelled = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return  # a name: what it resolves to is checked when we connect
    for *_, address in spelled:
        _check_address(str(address[0]))


def check_name(url: str) -> None:
    """As `check_url`, and what its host resolves to just now is public. One that does not resolve passes.

    Raises `AddressRefused`. Blocks while the name is looked up.
    """
    check_url(url)
    parts = urlsplit(url)
    host, number = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if _is_allowed(host, number):
        return
    try:
        found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return  # the network may be away; whoever connects asks again
    for *_, address in found:
        _check_address(str(address[0]))


def client() -> httpx2.AsyncClient:
    """The client of the running loop, shared by all who call from it."""
    loop = asyncio.get_running_loop()
    known = _clients.get(loop)
    if known is None:
        known = _clients[loop] = httpx2.AsyncClient(
            transport=_Spread(),
            timeout=TIMEOUT,
            headers={"Accept-Encoding": "identity", "User-Agent": "Besedka"},
            follow_redirects=False,
            trust_env=False,
        )
    return known


def client_inside(place: str) -> httpx2.AsyncClient:
    """A client that reaches one `host:port` of our own, private or not, and nothing else; to be closed after use.

    For parts of the house that run apart. What strangers name goes through `client`, which does not reach them.
    """
    return httpx2.AsyncClient(
        transport=_Transport(_Guard(only=place), _verification()),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
    )


_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = weakref.WeakKeyDictionary()


def is_public(address: IpAddress) -> bool:
    """Whether the whole internet reaches this address; one with an IPv4 address inside is judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside:
            return is_public(inside)
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Guard(httpcore2.AsyncNetworkBackend):
    """Connects to an address only after it was checked, and to no other."""

    def __init__(self, *, only: str | None = None) -> None:
        self._behind = httpcore2.AnyIOBackend()
        self._only = only

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check every address, connect to one of them."""
        addresses = [host]
        if self._only is not None:
            if f"{host}:{port}" != self._only:
                raise AddressRefused(f"From here nothing but {self._only} is reached.")
        elif not _is_allowed(host, port):
            _check_port(port)
            addresses = await _resolve(host, port, timeout)
            for address in addresses:
                _check_address(address)
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._behind.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except httpcore2.ConnectError as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Never."""
        raise AddressRefused("Sockets of this machine are not for strangers.")

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries."""
        await asyncio.sleep(seconds)


class _Transport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport, over the guard, with a limit on what comes back."""

    def __init__(self, guard: _Guard, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        # The constructor takes no network backend; the pool that it would make differs in nothing else.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS // POOLS,
            max_keepalive_connections=KEPT // POOLS,
            keepalive_expiry=30,
            network_backend=guard,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, whose body ends with `AnswerTooLarge` where it does not end by itself."""
        response = await super().handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        response.stream = _Limited(stream, response.headers.get("content-encoding", "identity"))
        return response


class _Spread(httpx2.AsyncBaseTransport):
    """Several transports, one after the other.

    A pool looks at each of its connections whenever a request begins or ends; with hundreds of them that costs
    more than the request.
    """

    def __init__(self) -> None:
        guard, context = _Guard(), _verification()
        self._all = [_Transport(guard, context) for _ in range(POOLS)]
        self._turn = itertools.cycle(self._all)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The next one's answer."""
        return await next(self._turn).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._all:
            await transport.aclose()


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoding.strip().lower() not in ("", "identity"):
            raise AnswerTooLarge(f"packed as {self._encoding!r} although we asked for it plain")
        came = 0
        async for piece in self._stream:
            came += len(piece)
            if came > MAX_BYTES:
                raise AnswerTooLarge(f"more than {MAX_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _verification() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def _is_allowed(host: str, port: int) -> bool:
    """Whether whoever runs this installation has named it as one that may be reached, private or not."""
    return f"{host}:{port}" in settings.OUTBOUND_ALLOW


async def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore2.ConnectTimeout(f"{host} was not resolved in time") from None
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} cannot be resolved: {error}") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _check_port(port: int) -> None:
    if (port < 1024 and port not in _WEB_PORTS) or port in _MACHINERY:
        raise AddressRefused(f"Port {port} is not one of web services.")


def _check_address(address: str) -> None:
    if not is_public(ipaddress.ip_address(address.partition("%")[0])):
        raise AddressRefused(f"{address} is not a public address.")
