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
from adductor.content import catalogue

TARGET_MICROSECONDS = 100  # median, one core
ROUNDS = 400
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


def main() -> int:
    """Measure and print; the exit code says whether the target is met."""
    known = catalogue()
    all_of_it: list[float] = []
    by_rule: dict[str, list[float]] = defaultdict(list)
    for situation in situations():
        rule = decide(situation, known).rule
        for _ in range(ROUNDS):
            start = time.process_time_ns()
            decide(situation, known)
            took = (time.process_time_ns() - start) / 1000
            all_of_it.append(took)
            by_rule[rule].append(took)
    print(f"{'ends with':<24}{'median us':>10}{'p99 us':>10}{'decisions':>11}")
    for rule, times in [*sorted(by_rule.items()), ("all", all_of_it)]:
        times.sort()
        print(f"{rule:<24}{median(times):>10.1f}{times[int(0.99 * len(times))]:>10.1f}{len(times):>11}")
    met = median(all_of_it) <= TARGET_MICROSECONDS
    print(f"target: median of {TARGET_MICROSECONDS} us or less: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
