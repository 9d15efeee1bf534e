"""How long one decision takes with two weeks of history: `python -m bench.decide`.

Prints the median and the 99th percentile in microseconds of processor time on one core, for each kind of ending, and
exits 1 when the median of all is above the target.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from adductor.catalogue import catalogue
from adductor.coaching import decide
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Event,
    EventType,
    Intensity,
    PlannedRun,
    Session,
    Situation,
)
from bench.figures import Figure, Part, percentile

TARGET_MICROSECONDS = 100  # median, one core
ROUNDS, QUICK_ROUNDS = 400, 40
NOW = datetime(2026, 11, 17, 7, 55, tzinfo=UTC)


def situations() -> list[Situation]:
    """Runners with fourteen days of runs (one to fourteen of them), sessions, check-ins and a plan."""
    made = []
    for runs in range(1, 15):
        for variant in range(4):
            log = tuple(
                Activity(
                    id=f"r{n}",
                    sport="run",
                    start=NOW - timedelta(days=n, minutes=50),
                    moving_min=45,
                    elapsed_min=46,
                    distance_km=8.1,
                    elevation_gain_m=60,
                    intensity=Intensity.EASY,
                    uploaded_at=NOW - timedelta(days=n, minutes=3),
                )
                for n in range(runs)
            )
            since = (3, 1, 2, 5)[variant]
            made.append(
                Situation(
                    athlete=Athlete(
                        timezone=ZoneInfo("Europe/Berlin"),
                        programme_stage=1 + variant,
                        sessions_completed_total=20,
                        screening_completed=True,
                    ),
                    event=Event(EventType.ACTIVITY_UPLOADED, "r0"),
                    now=NOW,
                    check_ins=(CheckIn(NOW - timedelta(hours=20), hip_groin_pain_0_10=variant % 2 * 4),),
                    plan=(PlannedRun(NOW + timedelta(days=1 + variant), "tempo" if variant == 2 else "easy"),),
                    activities=log,
                    sessions=tuple(Session(NOW - timedelta(days=since + 4 * n), "strength_full") for n in range(2)),
                )
            )
    return made


def _timed(rounds: int) -> dict[str, list[float]]:
    """Microseconds of each decision, by the rule that it ends with."""
    known = catalogue()
    by_rule: dict[str, list[float]] = defaultdict(list)
    for situation in situations():
        rule = decide(situation, known).rule
        for _ in range(rounds):
            start = time.process_time_ns()
            decide(situation, known)
            by_rule[rule].append((time.process_time_ns() - start) / 1000)
    return by_rule


def _rows(by_rule: dict[str, list[float]]) -> list[tuple[str, float, float, int]]:
    """How a decision ends, median, 99th percentile and number; all of them last."""
    every = [took for times in by_rule.values() for took in times]
    return [
        (rule, median(times), percentile(times, 0.99), len(times))
        for rule, times in [*sorted(by_rule.items()), ("all", every)]
    ]


def measure(quick: bool) -> Part:
    """The median of all decisions, and each kind of ending."""
    rows = _rows(_timed(QUICK_ROUNDS if quick else ROUNDS))
    _, middle, late, count = rows[-1]
    return Part(
        [
            Figure(
                what="`decide` with 14 days of history",
                value=f"{middle:.0f} us",
                floor="-",
                reached=f"{middle / TARGET_MICROSECONDS:.2f} x target",
                target=f"median {TARGET_MICROSECONDS} us",
                met=middle <= TARGET_MICROSECONDS,
                remarks=f"p99 {late:.0f} us, {count:,} decisions, processor time",
            )
        ],
        {
            "Decisions": "\n".join(
                ["| ends with | median us | p99 us | decisions |", "|---|--:|--:|--:|"]
                + [f"| {rule} | {half:.1f} | {end:.1f} | {number:,} |" for rule, half, end, number in rows]
            )
        },
    )


def main() -> int:
    """Measure and print; the exit code says whether the target is met."""
    rows = _rows(_timed(ROUNDS))
    print(f"{'ends with':<24}{'median us':>10}{'p99 us':>10}{'decisions':>11}")
    for rule, middle, late, count in rows:
        print(f"{rule:<24}{middle:>10.1f}{late:>10.1f}{count:>11}")
    met = rows[-1][1] <= TARGET_MICROSECONDS
    print(f"target: median of {TARGET_MICROSECONDS} us or less: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
