"""The proxy that makes the weather of the other tests: each kind of it does what it says."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from faults.proxy import Proxy, Weather, proxy_to

PATIENCE_S = 20


class Echo:
    """Says everything back; `said` is what it was told on all lines together."""

    def __init__(self, mark: bytes = b"") -> None:
        self.mark, self.said = mark, b""
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = self.door.getsockname()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.door.accept()
                threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError), caller:
            while came := caller.recv(65_536):
                self.said += came
                caller.sendall(self.mark + came)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def line(echo: Echo) -> Iterator[Proxy]:
    with proxy_to(*echo.address) as line:
        yield line


@contextlib.contextmanager
def called(line: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", line.port), timeout=PATIENCE_S) as caller:
        yield caller


def asked(caller: socket.socket, text: bytes) -> bytes:
    """What comes back for it; less where the line breaks before."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        caller.sendall(text)
        while len(answer) < len(text) and (came := caller.recv(65_536)):
            answer += came
    return answer


def timed(caller: socket.socket, text: bytes) -> float:
    began = time.monotonic()
    assert asked(caller, text) == text
    return time.monotonic() - began


def test_in_fair_weather_everything_passes_both_ways(line):
    text = bytes(range(256)) * 800

    with called(line) as caller:
        assert asked(caller, text) == text


def test_an_end_is_told_to_the_other_side(line):
    with called(line) as caller:
        caller.sendall(b"last words")
        caller.shutdown(socket.SHUT_WR)
        heard = b"".join(iter(lambda: caller.recv(100), b""))

    assert heard == b"last words"


def test_latency_is_paid_in_each_direction_and_once_for_what_is_under_way_together(line):
    line.weather(Weather(latency_s=0.3), Weather(latency_s=0.2, jitter_s=0.1))

    with called(line) as caller:
        took_s = timed(caller, b"x" * 200_000)

    assert 0.5 <= took_s < 5


def test_a_rate_lets_so_many_bytes_through_a_second(line):
    line.weather(down=Weather(bytes_s=1_000))

    with called(line) as caller:
        assert timed(caller, b"x" * 1_000) >= 0.9


def test_a_connection_is_cut_after_so_many_bytes_of_a_direction(echo, line):
    line.weather(down=Weather(cut_after=7))

    with called(line) as caller:
        heard = asked(caller, b"0123456789")

    assert (heard, echo.said, line.broken) == (b"0123456", b"0123456789", 1)


def test_an_answer_that_is_swallowed_was_asked_for_and_never_comes(echo, line):
    line.weather(down=Weather(swallows=1))

    with called(line) as caller:
        heard = asked(caller, b"a question")

    assert (heard, echo.said) == (b"", b"a question")


def test_a_question_that_is_swallowed_never_arrives(echo, line):
    line.weather(up=Weather(swallows=1))

    with called(line) as caller:
        asked(caller, b"a question")

    assert echo.said == b""


def test_what_happens_by_chance_is_the_same_for_the_same_seed(echo):
    def heard(seed: int) -> list[bytes]:
        with proxy_to(*echo.address, seed=seed) as line:
            line.weather(down=Weather(breaks=0.5))
            answers = []
            for _ in range(20):
                with called(line) as caller:
                    answers.append(asked(caller, b"0123456789"))
            return answers

    first = heard(seed=3)

    assert first == heard(seed=3) != heard(seed=4)
    assert 3 < sum(answer != b"0123456789" for answer in first) < 17


def test_a_share_of_connections_is_doomed(line):
    line.weather(down=Weather(doomed=0.5))
    whole = 0

    for _ in range(40):
        with called(line) as caller:
            whole += asked(caller, b"x" * 5_000) == b"x" * 5_000

    assert 5 < whole < 35
    assert line.broken == 40 - whole


def test_some_of_the_connections_that_are_there_are_cut(line):
    with contextlib.ExitStack() as all_of_them:
        callers = [all_of_them.enter_context(called(line)) for _ in range(40)]
        assert all(asked(caller, b"one") == b"one" for caller in callers)

        cut = line.cut_some(0.3)
        left = sum(asked(caller, b"two") == b"two" for caller in callers)

    assert 0 < cut < 40
    assert left == 40 - cut


def test_what_is_said_into_the_silence_arrives_when_it_is_over(echo, line):
    with called(line) as caller:
        assert asked(caller, b"one") == b"one"
        line.freeze()
        caller.sendall(b"two")
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            caller.recv(100)
        line.mend()
        caller.settimeout(PATIENCE_S)

        assert caller.recv(100) == b"two"
    assert echo.said == b"onetwo"


def test_who_calls_a_stalled_line_is_taken_and_told_nothing_until_it_is_mended(line):
    line.stall()

    with called(line) as caller:
        caller.sendall(b"hello?")
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            caller.recv(100)
        line.mend()
        caller.settimeout(PATIENCE_S)
        with contextlib.suppress(ConnectionError):
            assert caller.recv(100) == b""

    with called(line) as caller:
        assert asked(caller, b"again") == b"again"


def test_a_line_that_is_cut_takes_nobody_until_it_is_mended(line):
    with called(line) as before:
        assert asked(before, b"one") == b"one"
        line.cut()
        assert asked(before, b"two") == b""
    with called(line) as meanwhile:
        assert asked(meanwhile, b"three") == b""
    line.mend()

    with called(line) as after:
        assert asked(after, b"four") == b"four"


def test_of_several_targets_each_has_its_turn_and_one_that_is_away_is_passed_over():
    first, second = Echo(b"1"), Echo(b"2")
    with proxy_to(*first.address, second.address) as line:

        def answers() -> bytes:
            with called(line) as caller:
                caller.sendall(b".")
                return caller.recv(2)

        both = {answers() for _ in range(4)}
        first.close()
        alone = [answers() for _ in range(4)]
    second.close()

    assert both == {b"1.", b"2."}
    assert alone == [b"2."] * 4


def test_nobody_waits_for_somebody_elses_line(line):
    line.weather(down=Weather(bytes_s=10))
    with called(line) as slow:
        slow.sendall(b"x" * 1_000)
        slow.recv(1)
        line.weather(down=Weather())
        with called(line) as quick:
            times = [timed(quick, b"hello") for _ in itertools.repeat(None, 5)]

    assert min(times) < 1
