"""A TCP proxy on 127.0.0.1 whose line can be cut, stalled and mended."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Passes bytes on to a port, until it is cut: then it hangs up on everybody and takes nobody new."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lines: list[socket.socket] = []
        self._kept: list[socket.socket] = []  # waiting, and told nothing
        self._lock = threading.Lock()
        self._cut = self._stalled = False
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self) -> None:
        """Hang up on everybody."""
        with self._lock:
            self._cut = True
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            self._lines.clear()
            for caller in self._kept:
                caller.close()
            self._kept.clear()

    def stall(self) -> None:
        """Hang up on everybody; take whoever calls, and say nothing."""
        self.cut()
        with self._lock:
            self._cut, self._stalled = False, True

    def mend(self) -> None:
        """Take calls again; who was kept waiting has to call anew."""
        if self._stalled:
            self.cut()
        with self._lock:
            self._cut = self._stalled = False

    def close(self) -> None:
        """End; who listens in the thread ends with it."""
        self.cut()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):  # the door was closed
            while True:
                caller, _ = self._door.accept()
                self._connect(caller)

    def _connect(self, caller: socket.socket) -> None:
        with self._lock:
            if self._cut:
                caller.close()
                return
            if self._stalled:
                self._kept.append(caller)
                return
            target = socket.create_connection(self._target, timeout=5)
            target.settimeout(None)
            self._lines += [caller, target]
        for one, other in ((caller, target), (target, caller)):
            threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := one.recv(65536):
            other.sendall(chunk)
    for line in (one, other):
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()


@contextlib.contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """A proxy in front of that address."""
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
