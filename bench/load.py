"""Webhook events at a chosen rate, from a process of their own: what a running log sends, whatever the answers do.

Open loop. Events come as those of many runners do, each for itself (Poisson; a seed makes the same moments for whoever is
measured), and none waits for another's answer: where no connection is free, one more is opened. An answer's time counts
from the moment for which its event was planned, so a server (or a sender) that falls behind can't leave that out.

`Sender` starts the process (`python -m bench.load` speaks JSON lines with it); requests are bytes before the first is sent.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import random
import re
import resource
import select
import selectors
import statistics
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from bench.figures import percentile

# Strava sends the event again when it has no answer by then.
STRAVA_WAITS_S = 2.0
# What has no answer this long after the last event was sent never gets one.
_GRACE_S = 8.0
_SPARE_FILES = 100
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """What to send. ``rate`` in events a second on average."""

    address: str  # host:port
    path: str
    rate: float
    seconds: float
    seed: int
    subscription_id: int
    first_activity: int  # new activities are numbered from here
    owners: tuple[int, int]  # the events belong to these athletes (the platform's ids), anybody among them
    # Every second event is an edit of some activity among these; without it all are new ones.
    edits_among: tuple[int, int] | None = None


@dataclass
class Answers:
    """What came of it."""

    sent: int = 0
    answered_s: list[float] = field(default_factory=list)  # from the planned moment to the whole answer
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0  # the connection ended, or nothing came
    sent_late_s: list[float] = field(default_factory=list)  # how far behind its plan the sender itself was
    took_s: float = 0.0
    taken: list[int] = field(default_factory=list)  # which were answered 200, counted from 0; of one load alone

    def add(self, other: Answers) -> None:
        """Count another round to this one."""
        self.taken = []
        self.sent += other.sent
        self.answered_s += other.answered_s
        self.statuses += other.statuses
        self.unanswered += other.unanswered
        self.sent_late_s += other.sent_late_s
        self.took_s += other.took_s

    def within(self, share: float) -> float:
        """The time in which this share of all events was answered. No answer took for ever."""
        return percentile([*self.answered_s, *[math.inf] * self.unanswered], share)

    @property
    def p50(self) -> float:
        return self.within(0.5)

    @property
    def p99(self) -> float:
        return self.within(0.99)

    @property
    def longest(self) -> float:
        return self.within(1)

    @property
    def too_late(self) -> int:
        """Events that Strava would have given up waiting for."""
        return self.unanswered + sum(1 for seconds in self.answered_s if seconds > STRAVA_WAITS_S)

    @property
    def all_stored(self) -> bool:
        return set(self.statuses) == {200} and not self.unanswered


@dataclass
class Rounds:
    """What came of several rounds with one server."""

    each: list[Answers] = field(default_factory=list)

    @property
    def together(self) -> Answers:
        """All rounds as one."""
        whole = Answers()
        for answers in self.each:
            whole.add(answers)
        return whole

    @property
    def usual_p99(self) -> float:
        """The median of the rounds' p99: one hiccup of the disk, which hits whoever's turn it is, decides a round and no
        more. Of all rounds together it would be the p99."""
        return statistics.median(answers.p99 for answers in self.each)


class Sender:
    """The process that sends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, load: Load) -> Answers:
        """Send it all and wait for the answers. Raises RuntimeError when the sender's process ended."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:
            raise RuntimeError("the sender was started without pipes")
        pipe_in.write(json.dumps(asdict(load)) + "\n")
        pipe_in.flush()
        line = pipe_out.readline()
        if not line:
            raise RuntimeError("the sending process ended; what it says stands above")
        came = json.loads(line)
        return Answers(**{**came, "statuses": Counter({int(code): n for code, n in came["statuses"].items()})})


@contextmanager
def sender() -> Iterator[Sender]:
    """A sender of our own, that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Sender(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


# --- in the sender's process ----------------------------------------------------------------------------------------


class _ToTheMicrosecond(selectors.DefaultSelector):  # which one depends on the system
    """epoll waits whole milliseconds, as long as half of our answers take."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        return ready


class _Connection(asyncio.Protocol):
    """One connection; asks the next when it has its answer."""

    def __init__(self, run: _Run, first: int) -> None:
        self.run = run
        self.asked: int | None = first
        self._transport: asyncio.Transport | None = None
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        if self.asked is not None:
            self.ask(self.asked)

    def ask(self, number: int) -> None:
        self.asked = number
        self._came = b""
        assert self._transport is not None  # noqa: S101
        self._transport.write(self.run.requests[number])

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(_HEAD_END)
        if end < 0:
            return
        length = _LENGTH.search(self._came, 0, end)
        if len(self._came) < end + len(_HEAD_END) + (int(length[1]) if length else 0) or self.asked is None:
            return
        number, self.asked = self.asked, None
        closes = b"connection: close" in self._came[:end].lower()
        if closes:
            self.close()
        self.run.answered(number, int(self._came[9:12]), None if closes else self)

    def connection_lost(self, exc: Exception | None) -> None:
        number, self.asked = self.asked, None
        self.run.lost(self, number)


class _Run:
    """One load, being sent."""

    def __init__(self, load: Load) -> None:
        self._host, _, port = load.address.rpartition(":")
        self._port = int(port)
        chance = random.Random(load.seed)  # noqa: S311
        self._plan = list(_moments(chance, load.rate, load.seconds))
        self.requests = [_request(load, chance, number) for number in range(len(self._plan))]
        self._most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES
        self._open: set[_Connection] = set()
        self._free: list[_Connection] = []
        self._waiting: deque[int] = deque()  # for want of files
        self._connecting: set[asyncio.Task[None]] = set()
        self._left = len(self._plan)
        self._done = asyncio.Event()
        self._began = 0.0
        self.answers = Answers(sent=len(self._plan))

    async def send(self) -> Answers:
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        for number, at in enumerate(self._plan):
            await asyncio.sleep(max(self._began + at - loop.time(), 0))
            self.answers.sent_late_s.append(loop.time() - self._began - at)
            self._ask(number)
        try:
            await asyncio.wait_for(self._done.wait(), _GRACE_S)
        except TimeoutError:
            self.answers.unanswered += self._left
        self.answers.took_s = loop.time() - self._began
        self._left = 0
        for connection in list(self._open):
            connection.asked = None
            connection.close()
        return self.answers

    def _ask(self, number: int) -> None:
        if self._free:
            self._free.pop().ask(number)  # the latest used, so that those of a busy moment may rest and end
        elif len(self._open) < self._most:
            connection = _Connection(self, number)
            self._open.add(connection)
            task = asyncio.get_running_loop().create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        else:
            self._waiting.append(number)

    async def _connect(self, connection: _Connection) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, self._host, self._port)
        except OSError:
            self.lost(connection, connection.asked)

    def answered(self, number: int, status: int, free: _Connection | None) -> None:
        if self._left:
            took = asyncio.get_running_loop().time() - self._began - self._plan[number]
            self.answers.answered_s.append(took)
            self.answers.statuses[status] += 1
            if status == 200:
                self.answers.taken.append(number)
        if free is not None:
            self._free.append(free)
        self._ended()

    def lost(self, connection: _Connection, number: int | None) -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if number is not None and self._left:
            self.answers.unanswered += 1
            self._ended()

    def _ended(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._done.set()
        elif self._waiting and self._free:
            self._ask(self._waiting.popleft())


def _moments(chance: random.Random, rate: float, seconds: float) -> Iterator[float]:
    at = chance.expovariate(rate)
    while at < seconds:
        yield at
        at += chance.expovariate(rate)


def _request(load: Load, chance: random.Random, number: int) -> bytes:
    edits = load.edits_among is not None and number % 2 == 1
    body = json.dumps(
        {
            "aspect_type": "update" if edits else "create",
            "event_time": int(time.time()),
            "object_id": chance.randint(*load.edits_among or (0, 0)) if edits else load.first_activity + number,
            "object_type": "activity",
            "owner_id": chance.randint(*load.owners),
            "subscription_id": load.subscription_id,
            "updates": {"title": "Evening Run"} if edits else {},
        }
    ).encode()
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: {load.address}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _loop() -> asyncio.SelectorEventLoop:
    return asyncio.SelectorEventLoop(_ToTheMicrosecond())


def main(_: Sequence[str]) -> int:
    """One load a line on standard input, its answers as one line each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = 20_000 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    for line in sys.stdin:
        wanted = json.loads(line)
        load = Load(
            **{
                **wanted,
                "owners": tuple(wanted["owners"]),
                "edits_among": wanted["edits_among"] and tuple(wanted["edits_among"]),
            }
        )
        gc.disable()  # a collection would count as the server's time
        with asyncio.Runner(loop_factory=_loop) as runner:
            answers = runner.run(_sent(load))
        gc.enable()
        gc.collect()
        sys.stdout.write(json.dumps(vars(answers)) + "\n")
        sys.stdout.flush()
    return 0


async def _sent(load: Load) -> Answers:
    return await _Run(load).send()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
