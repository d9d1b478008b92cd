"""One process full of visitors and operators: its plan comes by standard input, its measurements go to a file.

Started by `load.py`. It says `ready` when everybody is there, and is told the moment of the end; it says `quiet`
when it writes no more, and is told to go on: then it reads whatever is still missing, and ends.
"""

import asyncio
import gc
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

import uvloop
from load_desk import Operator
from load_people import OF_KIND, Tally, Visitor

PUSHED_S = 5.0  # after everything is stored, whoever follows has it


def say(word: str) -> None:
    """Tell the process that started us."""
    print(word, flush=True)


async def told() -> str:
    """What it tells us to go on with."""
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


class Crowd:
    """Everybody of this process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.tally = plan, Tally()
        self.visitors: list[Visitor] = [
            OF_KIND[kind](plan["url"], token, inbox, words, self.tally)
            for kind, token, inbox, words in plan["visitors"]
        ]
        self.operators = [Operator(plan["url"], *one, self.tally) for one in plan["operators"]]
        self.there: list[Visitor] = []
        self.late_ms: list[tuple[float, float]] = []
        self._writing: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[str, Any]:
        """Come, talk, be quiet, catch up; what was promised, received and measured."""
        talking = asyncio.create_task(self._talk())
        await self._come()
        say("ready")
        ends = float(await told())
        busy, steady = time.process_time(), time.monotonic()
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        busy, until = time.process_time() - busy, time.monotonic()
        talking.cancel()
        await asyncio.gather(talking, *self._writing, return_exceptions=True)
        # What was not given back is no loss.
        await asyncio.gather(*(operator.leave() for operator in self.operators), return_exceptions=True)
        say("quiet")
        await told()
        await asyncio.sleep(PUSHED_S)
        had = {visitor.token: len(visitor.received) for visitor in self.visitors}
        await self._end()
        return {
            "steady": [steady, until],
            "cpu": busy / (until - steady),
            "times": self.tally.times,
            "late": self.late_ms,
            "errors": self.tally.errors,
            "refusals": self.tally.refusals,
            "visitors": [[v.kind, v.token, v.promised, v.received, had[v.token], v.count] for v in self.visitors],
            "operators": [promise for operator in self.operators for promise in operator.promised],
        }

    async def _come(self) -> None:
        for operator in self.operators:
            await operator.come()
        began, pause = time.monotonic(), self.plan["ramp_s"] / max(1, len(self.visitors))
        coming: set[asyncio.Task[None]] = set()
        for number, visitor in enumerate(self.visitors):
            coming.add(asyncio.create_task(self._let_in(visitor)))
            await asyncio.sleep(max(0.0, began + number * pause - time.monotonic()))
        await asyncio.gather(*coming)

    async def _let_in(self, visitor: Visitor) -> None:
        await visitor.come()
        self.there.append(visitor)

    async def _talk(self) -> None:
        """Somebody writes so often, whether or not what was written before is stored by now."""
        dice, number, due = random.Random(self.plan["seed"]), 0, time.monotonic()
        while True:
            share = len(self.there) / max(1, len(self.visitors))
            if not share:
                await asyncio.sleep(0.01)
                due = time.monotonic()
                continue
            due += 1 / (self.plan["rate"] * share)
            ahead_s = due - time.monotonic()
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            self.late_ms.append((time.monotonic(), max(0.0, time.monotonic() - due) * 1000))
            visitor = self.there[number % len(self.there)]
            number += 1
            wish = dice.random() < self.plan["wishes"]
            writing = asyncio.create_task(visitor.say(for_a_person=wish))
            self._writing.add(writing)
            writing.add_done_callback(self._written)

    def _written(self, task: "asyncio.Task[None]") -> None:
        self._writing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.tally.errors[f"a visitor broke: {task.exception()!r}"] += 1

    async def _end(self) -> None:
        """Everybody stops following and fetches what is missing; a few at a time."""
        for at in range(0, len(self.visitors), 100):
            some = self.visitors[at : at + 100]
            await asyncio.gather(*(visitor.leave() for visitor in some))
            await asyncio.gather(*(visitor.catch_up() for visitor in some))


def main() -> None:
    """Do what the plan says."""
    plan = json.loads(sys.stdin.readline())
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.set_threshold(50_000)  # a pause of ours would look like one of the server's
    crowd = Crowd(plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(crowd.run())
    Path(plan["result"]).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
