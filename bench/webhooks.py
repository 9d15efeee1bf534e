"""What accepting a webhook costs beside the least that it can cost: `python -m bench.webhooks [--quick]`.

Ours is `adductor up` as it is started, with everything beside it that it starts: an event is checked, stored under its key,
synced to the disk and answered, while the worker handles the events of before. The floor inserts a row and commits
(bench/floor_web.py) and has the machine to itself: while it is measured, every process of ours is stopped. Both get the
same events at the same moments, in turns. The events belong to athletes whom nobody knows, so what the worker does with each
is little, and in the same database.
"""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from sqlalchemy import select

from adductor.store import Store
from adductor.store.models import InboxEvent
from bench import alone
from bench.figures import Figure, Part, ms
from bench.load import STRAVA_WAITS_S, Answers, Load, Rounds, Sender, sender
from bench.servers import Server, adductor_up, floor_server

USUAL_RATE = 100.0  # events a second, as the issue says
P99_TIMES_THE_FLOOR = 1.5
QUICK_ENOUGH_S = 0.1  # the highest rate is the one whose p99 stays below this
_FIRST_ACTIVITY = 10**10
_HOPELESS = 10.0  # events a second
_UNKNOWN = (10**12, 10**12 + 10**6)  # athletes whom nobody knows


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    warm_s: float
    rounds: int
    round_s: float
    lowest: float  # the search of the highest rate begins here, events a second
    step: float  # and goes up by this factor
    step_s: float
    halvings: int  # then it closes in on the last that was good and the first that wasn't
    tries: int  # a step that fails is tried this often: a hiccup of the machine is no limit of the server
    flood_s: float


THOROUGH = Plan(warm_s=1.0, rounds=9, round_s=2.0, lowest=200, step=1.5, step_s=2.0, halvings=2, tries=2, flood_s=6.0)
QUICK = Plan(warm_s=0.5, rounds=1, round_s=1.5, lowest=300, step=1.7, step_s=0.7, halvings=0, tries=1, flood_s=2.5)


def measure(quick: bool = False) -> Part:
    """p50 and p99 at 100 events a second, the highest rate, and what happens at twice that."""
    plan = QUICK if quick else THOROUGH
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        sending = stack.enter_context(sender())
        ours = Target(stack.enter_context(adductor_up(folder / "ours")), sending)
        floor = Target(stack.enter_context(floor_server(folder / "floor")), sending)
        for target in (ours, floor):
            target.send(USUAL_RATE, plan.warm_s)
        usual, usual_floor = _in_turns(ours, floor, plan)
        highest, highest_floor = _highest(ours, floor, plan)
        flood_rate = 2 * (highest.rate or USUAL_RATE)  # none was good: a machine that is busy with something else
        flood = ours.send(flood_rate, plan.flood_s)
        kept = ours.kept()
    return Part(
        [
            *_at_the_usual_rate(usual, usual_floor),
            _highest_rate(highest, highest_floor),
            _at_twice_that(flood, flood_rate),
            _durable(kept),
        ],
        {"Webhooks: the search of the highest rate": _search_table(highest, highest_floor)},
    )


# --- what is measured -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """Events: answered 200; of these not in the database; stored with another answer or none."""

    answered: int
    missing: int
    more: int


class Target:
    """A server, what it was sent, and what it answered."""

    def __init__(self, server: Server, sending: Sender) -> None:
        self.server = server
        self._sending = sending
        self._sent = 0
        self._rounds = 0
        self._answered_200: set[int] = set()

    def send(self, rate: float, seconds: float) -> Answers:
        """One load. Its moments are those that the other server gets in the same round."""
        self._rounds += 1
        first = _FIRST_ACTIVITY + self._sent
        answers = self._sending.send(
            Load(
                address=self.server.address,
                path=self.server.path,
                rate=rate,
                seconds=seconds,
                seed=self._rounds * 1_000_003 + int(rate),
                subscription_id=self.server.subscription_id,
                first_activity=first,
                owners=_UNKNOWN,
            )
        )
        self._sent += answers.sent
        self._answered_200.update(first + number for number in answers.taken)
        return answers

    def kept(self) -> Kept:
        """What was answered 200 against what is in the database."""
        if self.server.database is None:
            raise ValueError("only ours can be asked")
        store = Store(self.server.database)
        try:
            with store.read() as session:
                stored = set(session.scalars(select(InboxEvent.object_id)))
        finally:
            store.close()
        return Kept(
            answered=len(self._answered_200),
            missing=len(self._answered_200 - stored),
            more=len(stored - self._answered_200),
        )

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Every process of it stands still, so that none takes from what is measured meanwhile."""
        stopped = self.server.processes()
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(stopped):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)


def _in_turns(ours: Target, floor: Target, plan: Plan) -> tuple[Rounds, Rounds]:
    usual, usual_floor = Rounds(), Rounds()
    for _ in range(plan.rounds):
        with ours.stopped():
            usual_floor.each.append(floor.send(USUAL_RATE, plan.round_s))
        usual.each.append(ours.send(USUAL_RATE, plan.round_s))
    return usual, usual_floor


@dataclass(slots=True)
class Highest:
    """The search of the highest rate: the rates that were tried, and the best that was good."""

    rate: float
    tried: list[tuple[float, Answers]]


def _highest(ours: Target, floor: Target, plan: Plan) -> tuple[Highest, Highest]:
    """Step by step in turns, until both are found."""
    found, found_floor = Highest(0, []), Highest(0, [])
    searches = [(ours, found, _search(plan)), (floor, found_floor, _search(plan))]
    wanted = [next(search) for _, _, search in searches]
    going = [True, True]
    while any(going):
        for which, (target, so_far, search) in enumerate(searches):
            if not going[which]:
                continue
            with contextlib.nullcontext() if target is ours else ours.stopped():
                answers = target.send(wanted[which], plan.step_s)
            so_far.tried.append((wanted[which], answers))
            try:
                wanted[which] = search.send(_good(answers))
            except StopIteration as end:
                so_far.rate = end.value
                going[which] = False
    return found, found_floor


def _search(plan: Plan) -> Generator[float, bool, float]:
    """Yields a rate to try and is told whether it was good; returns the highest that was."""
    low, high, rate = 0.0, math.inf, plan.lowest
    while not low or high == math.inf:
        good = yield rate
        for _ in range(plan.tries - 1):
            good = good or (yield rate)
        if good:
            low, rate = rate, rate * plan.step
        elif rate < _HOPELESS:
            return 0.0
        else:
            high, rate = rate, rate / plan.step
    for _ in range(plan.halvings):
        rate = (low * high) ** 0.5
        low, high = (rate, high) if (yield rate) else (low, rate)
    return low


def _good(answers: Answers) -> bool:
    return answers.all_stored and answers.p99 < QUICK_ENOUGH_S


# --- in words -------------------------------------------------------------------------------------------------------


def _at_the_usual_rate(ours: Rounds, floor: Rounds) -> list[Figure]:
    at = f"webhook accepted and durable at {USUAL_RATE:.0f} events/s"
    all_ours, all_floor = ours.together, floor.together
    late = f"{all_ours.sent} events each, in turns; the sender itself p99 {ms(_sender_late(all_ours))} late"
    p50, p50_floor = all_ours.p50, all_floor.p50
    times = ours.usual_p99 / floor.usual_p99
    return [
        Figure(f"{at}, p50", ms(p50), ms(p50_floor), f"{p50 / p50_floor:.2f} x", "-", met=True, remarks=late),
        Figure(
            f"{at}, p99",
            ms(ours.usual_p99),
            ms(floor.usual_p99),
            f"{times:.2f} x",
            f"up to {P99_TIMES_THE_FLOOR} x",
            met=times <= P99_TIMES_THE_FLOOR and all_ours.all_stored,
            remarks=f"median of {len(ours.each)} rounds' p99; of all rounds together {ms(all_ours.p99)} beside"
            f" {ms(all_floor.p99)}, longest {_longest(all_ours)} beside {_longest(all_floor)}",
        ),
    ]


def _highest_rate(ours: Highest, floor: Highest) -> Figure:
    return Figure(
        f"highest rate with p99 < {ms(QUICK_ENOUGH_S)}",
        f"{ours.rate:.0f}/s",
        f"{floor.rate:.0f}/s",
        f"{ours.rate / floor.rate:.2f} x" if floor.rate else "-",
        "at least 1 x",
        met=ours.rate >= floor.rate > 0,
        remarks="beside its worker; the floor has the machine to itself",
    )


def _at_twice_that(flood: Answers, rate: float) -> Figure:
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(flood.statuses.items()))
    unanswered = f", {flood.unanswered} unanswered" if flood.unanswered else ""
    return Figure(
        f"answers after more than {STRAVA_WAITS_S:.0f} s at {rate:.0f} events/s, twice the highest rate",
        f"{flood.too_late} of {flood.sent}",
        "-",
        f"longest {_longest(flood)}",
        "none",
        met=flood.too_late == 0 and not set(flood.statuses) - {200, 503},
        remarks=statuses + unanswered,
    )


def _durable(kept: Kept) -> Figure:
    return Figure(
        "events answered 200 that are in the database",
        f"{kept.answered - kept.missing} of {kept.answered}",
        "-",
        f"{kept.missing} missing",
        "none missing",
        met=kept.missing == 0,
        remarks=f"{kept.more} more were stored though their answer was not 200" if kept.more else "",
    )


def _search_table(ours: Highest, floor: Highest) -> str:
    lines = ["| | events/s | p50 | p99 | longest | answers |", "|---|---|---|---|---|---|"]
    for name, found in (("ours", ours), ("floor", floor)):
        for rate, answers in found.tried:
            statuses = ", ".join(f"{count} x {status}" for status, count in sorted(answers.statuses.items()))
            lines.append(
                f"| {name} | {rate:.0f} | {ms(answers.p50)} | {ms(answers.p99)} | {_longest(answers)} | {statuses} |"
            )
    return "\n".join(lines)


def _longest(answers: Answers) -> str:
    return ms(answers.longest) if math.isfinite(answers.longest) else "never"


def _sender_late(answers: Answers) -> float:
    return replace(answers, answered_s=answers.sent_late_s, unanswered=0).p99


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
