"""Webhook acceptance beside its floor and its peers: latency at 100 events a second, the highest rate, memory on the way.

The product is `adductor up` with all its processes. The floor (bench/floor.py) inserts a row and commits; the peers
(bench/peers.py) then start a thread or send a task. While one of these is measured, every process of the product is
stopped. All get the same arrival times in turns. None knows the athletes, so that workers have little to do with each event.
"""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import load, peers
from bench.figures import Figure, ms
from bench.load import Answers, p50, usual_p99
from bench.servers import Server, adductor_up, flask_floor, memory_mb, stopped

OURS, FLOOR = "ours", "floor"
USUAL_RATE = 100.0  # events a second
P50_TIMES_THE_FLOOR, P99_TIMES_THE_FLOOR = 1.5, 2.0
HIGHEST_TIMES_THE_FLOOR = 0.6
QUICK_ENOUGH_S = 0.1  # p99 below which a rate counts as sustained
# The search of the highest rate rises by this factor; a rate fails when it fails this often in a row.
LOWEST_RATE, STEP, TRIES = 100.0, 1.4, 2
ROUNDS, QUICK_ROUNDS = 5, 2
ROUND_S, QUICK_ROUND_S = 1.5, 1.0
EVENTS, QUICK_EVENTS = 10_000, 3_000
PLATEAU = 1.05
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
    """Two figures of latency, the highest rate, the same of the peers, and memory."""
    rounds, round_s = (QUICK_ROUNDS, QUICK_ROUND_S) if quick else (ROUNDS, ROUND_S)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        up = stack.enter_context(adductor_up(folder / "ours"))
        ours, curve = Target(up.server), {0: memory_mb(up)}
        targets = {OURS: ours, FLOOR: Target(stack.enter_context(flask_floor(folder / "floor")))}
        answers, highest = _in_turns(targets, ours, rounds, round_s)
        curve[ours.sent] = memory_mb(up)
        with _alone(FLOOR, ours):  # the peers afterwards: a product that is stopped for long has much to make up for
            others = {
                way: Target(stack.enter_context(peers.peer(way, folder / way, up.sandbox.url, {})))
                for way in peers.WAYS
            }
            theirs, highest_of_theirs = _in_turns(others, None, rounds, round_s)
        while ours.sent < (QUICK_EVENTS if quick else EVENTS):
            ours.send(USUAL_RATE * 3, 2 * ROUND_S)
            curve[ours.sent] = memory_mb(up)
    return [
        *_at_the_usual_rate(answers[OURS], answers[FLOOR]),
        Figure(
            f"highest rate with a p99 below {ms(QUICK_ENOUGH_S)}",
            f"{highest[OURS]:.0f}/s",
            f"{highest[FLOOR]:.0f}/s",
            f"{highest[OURS] / highest[FLOOR]:.2f} x" if highest[FLOOR] else "-",
            f"at least {HIGHEST_TIMES_THE_FLOOR} x",
            met=highest[OURS] >= HIGHEST_TIMES_THE_FLOOR * highest[FLOOR] > 0,
            remarks="beside its worker; the floor has the machine to itself",
        ),
        *(_of_a_peer(theirs[way], answers[FLOOR], highest_of_theirs[way], what) for way, what in peers.WAYS.items()),
        _memory(curve),
    ]


def _in_turns(
    targets: dict[str, Target], ours: Target | None, rounds: int, round_s: float
) -> tuple[dict[str, list[Answers]], dict[str, float]]:
    """The answers of each round of each target, and the highest rates."""
    answers: dict[str, list[Answers]] = {name: [] for name in targets}
    highest = {}
    for number in range(1 + rounds):
        for name, target in targets.items():
            with _alone(name, ours):
                came = target.send(USUAL_RATE, round_s)
            answers[name] += [came] if number else []  # the first round warms up
    for name, target in targets.items():
        with _alone(name, ours):
            highest[name] = target.highest_rate(round_s)
    return answers, highest


def _alone(name: str, ours: Target | None) -> AbstractContextManager[None]:
    """Keep the product from running while another is measured."""
    return contextlib.nullcontext() if ours is None or name == OURS else stopped(ours.server.process.pid)


def _of_a_peer(answers: list[Answers], floor: list[Answers], highest: float, what: str) -> Figure:
    remarks = f"p99 {ms(usual_p99(answers))}, highest rate {highest:.0f}/s"
    ratio = f"{p50(answers) / p50(floor):.2f} x"
    return Figure(f"{what}: answer, p50", ms(p50(answers)), ms(p50(floor)), ratio, "-", met=None, remarks=remarks)


def _memory(curve: dict[int, float]) -> Figure:
    """Growth over the second half of the curve."""
    points = list(curve.items())
    last, end = points[-1]
    half = next(megabytes for sent, megabytes in points if sent >= last / 2)
    shown = points[:: max(1, len(points) // 8)]
    return Figure(
        f"memory of `adductor up` with the sandbox after {last:,} events",
        f"{end:.0f} MB",
        "-",
        f"{end / half:.3f} x half-way",
        f"at most {PLATEAU} x",
        met=end <= PLATEAU * half,
        remarks=", ".join(f"{sent}: {megabytes:.0f}" for sent, megabytes in shown),
    )


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
