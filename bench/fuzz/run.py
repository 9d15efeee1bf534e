"""The run: inputs in chunks over a few threads, each answer judged at once, the tables after every chunk."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import psutil

from bench.fuzz.kinds import KINDS, Kind
from bench.fuzz.mutations import smallest
from bench.fuzz.world import Request, World

CHUNK = 10_000
THREADS = 4
# The first inputs fill caches, pools and tables that stay; what comes after must not grow with the inputs.
WARM_UP_SHARE = 0.1
MOST_GROWTH_MB = 12.0
_WEIGHTED: tuple[Kind, ...] = tuple(kind for weight, kind in KINDS for _ in range(weight))


class FoundError(Exception):
    """Something is wrong; the message can be pasted."""


@dataclass
class Report:
    """The figures of a run."""

    seed: int
    inputs: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: int = 0
    seconds: float = 0.0
    rss_mb: list[float] = field(default_factory=list)
    traced_kb: float | None = None

    @property
    def warm(self) -> list[float]:
        return self.rss_mb[int(len(self.rss_mb) * WARM_UP_SHARE) :]

    def slope_kb(self) -> float:
        """KB that each 10,000 inputs after the warm-up add, by least squares."""
        values = self.warm
        middle = (len(values) - 1) / 2
        average = sum(values) / len(values)
        spread = sum((at - middle) ** 2 for at in range(len(values)))
        rise = sum((at - middle) * (value - average) for at, value in enumerate(values))
        return 1024 * rise / spread * 10_000 * len(self.rss_mb) / self.inputs if spread else 0.0

    def lines(self) -> list[str]:
        lines = [
            f"seed {self.seed}: {self.inputs:,} inputs in {self.seconds:,.0f} s, {self.inputs / self.seconds:,.0f} a second"
        ]
        for kind in dict.fromkeys(kind for kind, _ in self.statuses):
            own = {status: count for (name, status), count in sorted(self.statuses.items()) if name == kind}
            lines.append(
                f"  {kind}: {sum(own.values()):,}; "
                + ", ".join(f"{status}: {count:,}" for status, count in own.items())
            )
        lines.append(
            f"  rows of events: {self.rows:,}, each one accounted for; nothing else changed without its link or code"
        )
        lines.append(
            f"  memory (RSS): {self.warm[0]:.1f} MB after the warm-up, {self.rss_mb[-1]:.1f} MB at the end, "
            f"{self.slope_kb():+.1f} KB per 10,000 inputs"
        )
        if self.traced_kb is not None:
            lines.append(f"  Python's own objects: {self.traced_kb:+.1f} KB held after 10,000 inputs more")
        return lines


def request_of(seed: int, number: int, world: World) -> tuple[Kind, Request]:
    """Input ``number`` of a seed. What only this run has (keys, states, codes, links) is put in as the run has it."""
    rng = Random(f"{seed}/{number}")  # noqa: S311 - to be repeated, not to be secret
    kind = rng.choice(_WEIGHTED)
    return kind, kind.make(rng, world)


def run(world: World, *, seed: int, inputs: int, first: int = 0, traced: bool = False) -> Report:
    """Send the inputs. Raises FoundError at the first chunk in which something is wrong."""
    report = Report(seed)
    process = psutil.Process(os.getpid())
    began = time.monotonic()
    chunk = min(CHUNK, max(1, inputs // 5))
    for start in range(first, first + inputs, chunk):
        numbers = range(start, min(start + chunk, first + inputs))
        try:
            _chunk(world, seed, numbers, report)
        except KeyboardInterrupt:
            if not report.rss_mb:
                raise
            print("interrupted: these are the figures so far", file=sys.stderr)
            traced = False
            break
        report.inputs += len(numbers)
        report.rss_mb.append(process.memory_info().rss / 2**20)
        if sys.stderr.isatty():
            print(f"\r{numbers.stop - first:,} of {inputs:,}", end="", file=sys.stderr, flush=True)
    report.seconds = time.monotonic() - began
    if traced:
        report.traced_kb = _traced(world, seed, first + inputs)
    grown = report.rss_mb[-1] - report.warm[0]
    if grown > MOST_GROWTH_MB:
        raise FoundError(f"memory grew by {grown:.1f} MB after the warm-up\n" + "\n".join(report.lines()))
    return report


def _chunk(world: World, seed: int, numbers: range, report: Report) -> None:
    world.begin()
    found: list[tuple[int, Kind, Request, str]] = []
    stopped = threading.Event()
    counts = [Counter[tuple[str, int]]() for _ in range(THREADS)]

    def work(thread: int) -> None:
        for number in numbers[thread::THREADS]:
            if found or stopped.is_set():
                return
            kind, request = request_of(seed, number, world)
            problem, status = judged(world, kind, request)
            counts[thread][kind.name, status] += 1
            if problem is not None:
                found.append((number, kind, request, problem))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stopped.set()
        for thread in threads:
            thread.join()
        raise
    for count in counts:
        report.statuses.update(count)
    if found:
        raise FoundError(_told(world, seed, *found[0]))
    if world.log.everywhere:
        raise FoundError("in the log, of a thread that serves no request:\n" + "\n".join(world.log.everywhere[:3]))
    problems = world.problems_in_the_tables()
    if problems:
        raise FoundError(
            f"after inputs {numbers.start} to {numbers.stop - 1} of seed {seed}:\n" + "\n".join(problems[:10])
        )
    report.rows += len(world.ledger.events)


def judged(world: World, kind: Kind, request: Request) -> tuple[str | None, int]:
    """What is wrong with the answer to ``request``, if anything, and its status."""
    try:
        answer = world.send(request)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}", 0
    problem = world.log.problem()
    if problem is not None:
        return problem, answer.status
    expected = kind.expected(request, world)
    if answer.status not in expected:
        return f"answered {answer.status}, expected {sorted(expected)}: {answer.body[:300]!r}", answer.status
    return kind.note(request, answer, world), answer.status


def _told(world: World, seed: int, number: int, kind: Kind, request: Request, problem: str) -> str:
    """The failing input made as small as it stays failing."""

    def fails(**changes: Any) -> bool:
        again, status = judged(world, kind, replace(request, **changes))
        return again is not None and status == first_status

    whole, (again, first_status) = request, judged(world, kind, request)
    if again is not None:
        request = replace(request, body=smallest(request.body, lambda body: fails(body=body)))
        # The beginning says what kind of request it is; without it another one would fail.
        beginning, _, rest = request.target.rpartition(b"?" if b"?" in request.target else b"/")
        mark = request.target[len(beginning) : len(beginning) + 1]
        request = replace(
            request, target=beginning + mark + smallest(rest, lambda t: fails(target=beginning + mark + t))
        )
    return (
        f"{kind.name}, input {number} of seed {seed}: {problem}\n"
        f"again: python -m bench.fuzz --seed {seed} --first {number} --inputs 1\n{request!r}\nas it came: {whole!r}"
    )


def _traced(world: World, seed: int, first: int) -> float:
    """KB that Python holds more after 10,000 inputs than before, everything being warm."""
    tracemalloc.start()
    try:
        half = Report(seed)
        _chunk(world, seed, range(first, first + 2_000), half)
        world.begin()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        _chunk(world, seed, range(first + 2_000, first + 12_000), half)
        world.begin()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / 1024
    finally:
        tracemalloc.stop()
