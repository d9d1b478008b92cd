"""How a log line looks: one line an event, whatever was logged; for people, or as JSON for programs."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from besedka import about
from besedka.problems import request_id

TRACEBACK = "  | "  # before each line of one: no line of it looks like an event


class OneLine(logging.Formatter):
    """`time level logger message [request] conversation=7`, control characters escaped: nobody forges a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The record's line without its traceback, which follows on lines of its own."""
        line = super().formatMessage(record)
        ids = dict(_ids())
        if under_way := ids.pop("request", ""):
            line = f"{line} [{under_way}]"
        return _escaped(" ".join([line, *(f"{name}={known}" for name, known in ids.items())]))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:
        """The traceback; what it says in the words of others stays on its lines."""
        return _set_off(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        """As a traceback."""
        return _set_off(super().formatStack(stack_info))


class OneObject(logging.Formatter):
    """`{"time": …, "level": …, "logger": …, "message": …, "request": …, "conversation": …, "traceback": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON, in ASCII: also what only some readers take for the end of a line."""
        told: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


class ClientsFault(logging.Filter):
    """A client that sends bytes which are no text is told so; to us it is a line, not a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without what uvicorn says about the place in its own code."""
        if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _ids() -> Mapping[str, str | int]:
    under_way = request_id()
    return {**({"request": under_way} if under_way else {}), **about.known()}


def _set_off(traceback: str) -> str:
    return "\n".join(f"{TRACEBACK}{_escaped(line)}" for line in traceback.split("\n"))


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
