"""Open-loop load generator: events at Poisson arrival times, whatever the server answers.

A time runs from the planned arrival to the whole answer, so that a slow server cannot slow the load (no coordinated
omission).
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field

from bench.figures import percentile
from bench.servers import Server, new_activity

# Longer than Strava waits (2 s); an answer that takes more counts as none.
_GRACE_S = 10.0
_FIRST_OWNER = 10**12  # of athletes whom the product does not know


@dataclass
class Answers:
    """The answers to one load."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    answered_s: list[float] = field(default_factory=list)

    def within(self, share: float) -> float:
        """The time in which this share was answered; infinite for events without an answer."""
        return percentile([*self.answered_s, *[math.inf] * self.unanswered], share)

    @property
    def all_stored(self) -> bool:
        """Whether every event was answered 200."""
        return set(self.statuses) == {200} and not self.unanswered


def p50(rounds: list[Answers]) -> float:
    """The median of all rounds together."""
    return percentile([seconds for answers in rounds for seconds in answers.answered_s], 0.5)


def usual_p99(rounds: list[Answers]) -> float:
    """The median of the rounds' p99: one pause of the disk spoils one round and no more."""
    return statistics.median(answers.within(0.99) for answers in rounds)


def send(server: Server, *, rate: float, seconds: float, seed: int, first: int) -> Answers:
    """Send ``rate`` events a second for ``seconds``; object ids count up from ``first``. The seed fixes arrival times."""
    gc.collect()
    gc.disable()  # a collection would count as the server's time
    try:
        return asyncio.run(_Run(server, seed, first).send(rate, seconds))
    finally:
        gc.enable()


class _Run:
    """One load over kept connections; a new connection whenever none is free."""

    def __init__(self, server: Server, seed: int, first: int) -> None:
        self._server, self._first = server, first
        self._chance = random.Random(seed)  # noqa: S311 - arrival times, no secret
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._answers = Answers()

    async def send(self, rate: float, seconds: float) -> Answers:
        loop = asyncio.get_running_loop()
        began, at, waiting = loop.time(), self._chance.expovariate(rate), set()
        while at < seconds:
            await asyncio.sleep(max(began + at - loop.time(), 0))
            waiting.add(asyncio.create_task(self._one(self._first + self._answers.sent, began + at)))
            self._answers.sent += 1
            at += self._chance.expovariate(rate)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            self._answers.unanswered += len(late)
        for _, writer in self._free:
            writer.close()
        return self._answers

    async def _one(self, activity: int, planned: float) -> None:
        try:
            reader, writer = self._free.pop() if self._free else await self._connect()
            writer.write(self._request(activity))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
            await reader.readexactly(length)
        except (OSError, EOFError):
            self._answers.unanswered += 1
            return
        status = int(head[9:12])
        self._answers.answered_s.append(asyncio.get_running_loop().time() - planned)
        self._answers.statuses[status] += 1
        if b"connection: close" in head:
            writer.close()
        else:
            self._free.append((reader, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self._server.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    def _request(self, activity: int) -> bytes:
        body = json.dumps(new_activity(self._server, activity, _FIRST_OWNER + activity % 1_000_000)).encode()
        head = (
            f"POST {self._server.webhook_path} HTTP/1.1\r\nHost: {self._server.address}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
