"""The books: every answer of "stored", against what is stored and what every reader received."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from load_people import MESSAGES, Receipt
from load_wire import Line

Select = Callable[[str], list[tuple[Any, ...]]]
SHOWN_OLD = {"bot": "bot", "operator": "operator", "system": "operator"}  # to clients of the old site chat


@dataclass(frozen=True)
class Entry:
    """One message as it is stored."""

    seq: int
    author: str
    text: str
    client_id: str | None


@dataclass
class Verdict:
    """What does not add up."""

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    late: int = 0  # a connection that follows was not told by itself
    silent: int = 0  # contacts who still wait for the bot
    promised: int = 0
    stored: int = 0
    received: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """How much is wrong."""
        return self.lost + self.doubled + self.reordered + self.late + self.silent

    def blame(self, count: str, who: str, what: str) -> None:
        """One fault."""
        setattr(self, count, getattr(self, count) + 1)
        if len(self.examples) < 20:
            self.examples.append(f"{count}: {who}: {what}")


def judge(found: list[dict[str, Any]], phones: list[str], logs: dict[str, list[Entry]]) -> Verdict:
    """Compare what all processes of visitors, and operators with a phone, know with the logs by token."""
    verdict = Verdict(stored=sum(map(len, logs.values())))
    for crowd in found:
        for kind, token, promised, received, pushed, count in crowd["visitors"]:
            log = logs.get(token, [])
            verdict.promised += len(promised)
            verdict.received += len(received)
            _written(verdict, token, promised, count, log)
            _read(verdict, kind, token, [tuple(one) for one in received], log)
            if kind in ("socket", "stream") and pushed < len(received):
                verdict.blame("late", token, f"{len(received) - pushed} had to be asked for")
    by_text: dict[str, int] = {}
    for log in logs.values():
        for entry in log:
            if entry.author == "operator":
                by_text[entry.text] = by_text.get(entry.text, 0) + 1
    answers = [text for crowd in found for _, text, _ in crowd["operators"]] + phones
    verdict.promised += len(answers)
    for text in answers:
        times = by_text.get(text, 0)
        if times != 1:
            verdict.blame("doubled" if times else "lost", "an operator", f"{text!r} is stored {times} times")
    return verdict


def _written(verdict: Verdict, token: str, promised: list[Any], count: int, log: list[Entry]) -> None:
    """What one visitor was promised is stored, once, under the number that was told, without a hole between."""
    if [entry.seq for entry in log] != list(range(1, len(log) + 1)):
        verdict.blame("reordered", token, "the log has a hole or a repeat")
    own: dict[str, list[Entry]] = {}
    for entry in log:
        if entry.author == "contact":
            own.setdefault(entry.client_id or "", []).append(entry)
    for client_id, text, seq in promised:
        entries = own.pop(client_id, [])
        if not entries:
            verdict.blame("lost", token, client_id)
        elif len(entries) > 1:
            verdict.blame("doubled", token, client_id)
        elif entries[0].text != text or entries[0].seq != (seq or entries[0].seq):
            verdict.blame("lost", token, f"{client_id} is stored otherwise than was told")
    unpromised = count - len(promised)  # whoever was cut off while sending does not know
    if len(own) > max(0, unpromised):
        verdict.blame("doubled", token, f"{len(own)} messages that nobody was told of")


def _read(verdict: Verdict, kind: str, token: str, received: list[Receipt], log: list[Entry]) -> None:
    """What one reader received is the log: all of it, once, in its order."""
    if kind == "legacy":
        wanted: list[Any] = [SHOWN_OLD[entry.author] for entry in log if entry.author in SHOWN_OLD]
        got: list[Any] = [author for _, author, _ in received]
        told = [entry.text for entry in log if entry.author == "operator"]
        heard = [text for _, author, text in received if author == "operator" and text in set(told)]
        in_order = heard == told and got == wanted
    else:
        wanted = [(entry.seq, entry.author, entry.text) for entry in log]
        got = list(received)
        in_order = got == wanted
    if in_order:
        return
    if len(got) < len(wanted):
        verdict.blame("lost", token, f"a {kind} reader received {len(got)} of {len(wanted)}")
    elif len(got) > len(wanted):
        verdict.blame("doubled", token, f"a {kind} reader received {len(got)} of {len(wanted)}")
    else:
        verdict.blame("reordered", token, f"a {kind} reader received something else than is stored")


def logs_of(select: Select, tokens: list[str]) -> dict[str, list[Entry]]:
    """Everybody's log, past the server."""
    known = {hashlib.sha256(token.encode()).hexdigest(): token for token in tokens}
    logs: dict[str, list[Entry]] = {}
    for known_as, *entry in select(
        "SELECT i.known_as, m.seq, m.author, m.text, m.client_id FROM conversations_message m "
        "JOIN conversations_conversation c ON c.id = m.conversation_id "
        "JOIN conversations_identity i ON i.contact_id = c.contact_id ORDER BY m.conversation_id, m.seq"
    ):
        if known_as in known:
            logs.setdefault(known[known_as], []).append(Entry(*entry))
    return logs


def answered_twice(select: Select) -> int:
    """Messages of contacts that two turns have answered."""
    [(times,)] = select(
        "SELECT COUNT(*) FROM conversations_message m WHERE m.author = 'contact' AND 1 < ("
        "SELECT COUNT(*) FROM conversations_turn t WHERE t.conversation_id = m.conversation_id"
        " AND t.outcome <> 'dropped' AND m.seq BETWEEN t.from_seq AND t.upto_seq)"
    )
    return int(times)


async def logs_over_http(url: str, visitors: list[tuple[str, str]]) -> dict[str, list[Entry]]:
    """Everybody's log, as (token, inbox) may read it."""
    line, logs = Line(url), {}
    for token, inbox in visitors:
        log: list[Entry] = []
        while True:
            after = log[-1].seq if log else 0
            path = f"{MESSAGES}?after={after}" + (f"&inbox={inbox}" if inbox else "")
            answer, _ = await line.ask("GET", path, {"chat-token": token})
            more = answer.json()["messages"]
            log += [Entry(one["seq"], one["author"], one["text"], one.get("client_id")) for one in more]
            if not more:
                break
        logs[token] = log
    line.close()
    return logs


def read_over_http(url: str, visitors: list[tuple[str, str]]) -> dict[str, list[Entry]]:
    """The same, for who has no event loop."""
    return asyncio.run(logs_over_http(url, visitors))


def turn_starts(select: Select, after_s: float, until_s: float) -> list[float]:
    """Milliseconds from a message to the claim of its turn, of messages between these seconds of the epoch.

    A message counts from its commit where the server keeps the times of commits (`track_commit_timestamp`), else
    from its own time, which was taken before that. Where the bot was still busy with what was said before, waiting
    is right, and these are left out.
    """
    [[keeps]] = select("SELECT current_setting('track_commit_timestamp') = 'on'")
    stored = "pg_xact_commit_timestamp(xmin)" if keeps else "created_at"
    found = select(
        "WITH turns AS (SELECT t.conversation_id, t.from_seq, t.upto_seq, t.started_at,"
        " LAG(t.finished_at) OVER (PARTITION BY t.conversation_id ORDER BY t.from_seq) AS free_at"
        " FROM conversations_turn t WHERE t.outcome <> 'dropped')"
        " SELECT EXTRACT(EPOCH FROM t.started_at - m.stored_at) * 1000 FROM turns t"
        f" JOIN LATERAL (SELECT created_at, {stored} AS stored_at FROM conversations_message"
        "  WHERE conversation_id = t.conversation_id"
        "  AND seq BETWEEN t.from_seq AND t.upto_seq AND author = 'contact' ORDER BY seq LIMIT 1) m ON TRUE"
        " WHERE (t.free_at IS NULL OR m.created_at > t.free_at)"
        f" AND EXTRACT(EPOCH FROM m.created_at) BETWEEN {after_s:.3f} AND {until_s:.3f}"
    )
    return [float(milliseconds) for (milliseconds,) in found]
