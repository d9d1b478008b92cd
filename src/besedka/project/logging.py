"""How a log line looks: one line an event, whatever was logged."""

import logging

from besedka.problems import request_id


class OneLine(logging.Formatter):
    """`time level logger message [request]`; control characters are escaped, so nobody can forge a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The record's line without its traceback, which follows on lines of its own."""
        line = super().formatMessage(record)
        if under_way := request_id():
            line = f"{line} [{under_way}]"
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


class ClientsFault(logging.Filter):
    """A client that sends bytes which are no text is told so; to us it is a line, not a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without what uvicorn says about the place in its own code."""
        if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
