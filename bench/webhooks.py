"""Webhook acceptance beside its floor: latency at 100 events a second, and the highest rate.

The product is `adductor up` with all its processes. The floor (bench/floor.py) inserts a row and commits; while it is
measured, every process of the product is stopped. Both get the same arrival times in turns. The product knows none of the
athletes, so that its worker has little to do with each event.
"""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.figures import Figure, ms
from bench.load import Answers, p50, usual_p99
from bench.servers import Server, adductor_up, flask_floor, stopped

USUAL_RATE = 100.0  # events a second
P50_TIMES_THE_FLOOR, P99_TIMES_THE_FLOOR = 1.5, 2.0
HIGHEST_TIMES_THE_FLOOR = 0.6
QUICK_ENOUGH_S = 0.1  # p99 below which a rate counts as sustained
# The search of the highest rate rises by this factor; a rate fails when it fails this often in a row.
LOWEST_RATE, STEP, TRIES = 100.0, 1.25, 2
ROUNDS, QUICK_ROUNDS = 9, 2
ROUND_S, QUICK_ROUND_S = 2.0, 1.0
_FIRST_ACTIVITY = 10**10


@dataclass
class Target:
    """A server and the loads that it got."""

    server: Server
    sent: int = 0
    loads: int = 0

    def send(self, rate: float, seconds: float) -> Answers:
        """Send one load. Both targets get the same arrival times in the same turn."""
        self.loads += 1
        first = _FIRST_ACTIVITY + self.sent
        answers = load.send(self.server, rate=rate, seconds=seconds, seed=self.loads, first=first)
        self.sent += answers.sent
        return answers

    def highest_rate(self, seconds: float) -> float:
        """The highest sustained rate, searched from below; 0 when even the lowest was not."""
        rate, best = LOWEST_RATE, 0.0
        while any(sustained(self.send(rate, seconds)) for _ in range(TRIES)):
            best, rate = rate, rate * STEP
        return best


def sustained(answers: Answers) -> bool:
    """Whether every event was stored, and quickly."""
    return answers.all_stored and answers.within(0.99) < QUICK_ENOUGH_S


def measure(quick: bool = False) -> list[Figure]:
    """Two figures of latency, and the highest rate."""
    rounds, round_s = (QUICK_ROUNDS, QUICK_ROUND_S) if quick else (ROUNDS, ROUND_S)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        up = stack.enter_context(adductor_up(folder / "ours"))
        ours = Target(up.server)
        floor = Target(stack.enter_context(flask_floor(folder / "floor")))
        answers: dict[bool, list[Answers]] = {True: [], False: []}
        highest = {}
        for number in range(1 + rounds):
            for is_ours in (True, False):
                with contextlib.nullcontext() if is_ours else stopped(ours.server.process.pid):
                    came = (ours if is_ours else floor).send(USUAL_RATE, round_s)
                answers[is_ours] += [came] if number else []  # the first round warms up
        for is_ours in (True, False):
            with contextlib.nullcontext() if is_ours else stopped(ours.server.process.pid):
                highest[is_ours] = (ours if is_ours else floor).highest_rate(round_s)
    return [
        *_at_the_usual_rate(answers[True], answers[False]),
        Figure(
            f"highest rate with a p99 below {ms(QUICK_ENOUGH_S)}",
            f"{highest[True]:.0f}/s",
            f"{highest[False]:.0f}/s",
            f"{highest[True] / highest[False]:.2f} x" if highest[False] else "-",
            f"at least {HIGHEST_TIMES_THE_FLOOR} x",
            met=highest[True] >= HIGHEST_TIMES_THE_FLOOR * highest[False] > 0,
            remarks="beside its worker; the floor has the machine to itself",
        ),
    ]


def _at_the_usual_rate(ours: list[Answers], floor: list[Answers]) -> list[Figure]:
    stored = all(answers.all_stored for answers in ours)
    sent = sum(answers.sent for answers in ours)
    rows = (
        ("p50", p50(ours), p50(floor), P50_TIMES_THE_FLOOR, f"{sent} events each, in turns"),
        ("p99", usual_p99(ours), usual_p99(floor), P99_TIMES_THE_FLOOR, f"median of {len(ours)} rounds' p99"),
    )
    return [
        Figure(
            f"webhook accepted and durable at {USUAL_RATE:.0f} events/s, {name}",
            ms(value),
            ms(least),
            f"{value / least:.2f} x",
            f"at most {most} x",
            met=value <= most * least and stored,
            remarks=remarks,
        )
        for name, value, least, most, remarks in rows
    ]
