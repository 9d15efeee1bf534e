"""How many calls to Strava a note and an event cost, over a club's year: `python -m bench.club_year [--quick] [--weeks N]`.

The real pipeline over SQLite with a set clock, in this process; only the running log is made up, and counts its calls
(`bench.club`). Counts, not times: the databases lie in memory where there is such a folder.

**A note** is a block of ours that was put into an activity. Its calls are the GETs and PUTs made under its own trace, from
the event (or the prompt) on until it stood. A list of the last two weeks is no part of that: an event that can't matter is
not read at all, and the next that can brings in what was left out, with one list for all of it. Lists count per event.
**Per event**: every call that counts against Strava's limits (GET, PUT, list; also for prompts, for notes taken back, and
for the look after missed events) over every webhook event that came. OAuth's calls don't count against the limits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from adductor import logs
from adductor.jobs.deliveries import LOOK_AGAIN_AFTER
from bench.club import Club, Tally
from bench.figures import Figure, Part

SMALL_CLUB, LARGE_CLUB = 10, 1000
YEAR_WEEKS = 52
LARGE_CLUB_S = 60.0  # for as many weeks as fit
WITHOUT_EMPTY_NOTES_WEEKS = 6
TARGET_PER_NOTE = 2
TARGET_PER_EVENT = 1.0
# Strava's limits for an application of ten athletes, reads: a quarter-hour, a day.
QUARTER_LIMIT, DAY_LIMIT = 200, 2000
_MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own folder in memory; ours inside it is private


@dataclass(frozen=True, slots=True)
class Counted:
    """What a club was counted at."""

    runners: int
    weeks: int
    tally: Tally

    @property
    def events(self) -> int:
        """Webhook events that came; those that we made up for lost ones are no events of Strava's."""
        return sum(count for kind, count in self.tally.events.items() if kind in ("create", "update", "delete"))

    @property
    def per_event(self) -> float:
        return self.tally.in_all() / max(1, self.events)

    def notes(self, woken_by: str | None = None) -> int:
        return sum(count for (by, _), count in self.tally.note_costs.items() if woken_by in (None, by))

    @property
    def per_note(self) -> float:
        return sum(cost * count for (_, cost), count in self.tally.note_costs.items()) / max(1, self.notes())

    @property
    def costs(self) -> Counter[int]:
        """GET + PUT -> how many notes."""
        found: Counter[int] = Counter()
        for (_, cost), count in self.tally.note_costs.items():
            found[cost] += count
        return found


def count(runners: int, weeks: int, within_s: float | None = None, *, leaves_empty_note_out: bool = False) -> Counted:
    """A club of so many runners for so many weeks; with ``within_s`` as many of them as fit, at least one.

    Runners know nothing of each other, so they are spread over this machine's cores.
    """
    cores = max(1, min(os.cpu_count() or 1, runners))
    shares = [list(range(first, runners, cores)) for first in range(cores)]
    with ProcessPoolExecutor(cores) as pool:
        lived = list(pool.map(_live, shares, [weeks] * cores, [within_s] * cores, [leaves_empty_note_out] * cores))
    together = min(len(weekly) for weekly in lived)
    total = Tally()
    for weekly in lived:
        for tally in weekly[:together]:
            total.add(tally)
    return Counted(runners, together, total)


def _live(numbers: list[int], weeks: int, within_s: float | None, leaves_empty_note_out: bool) -> list[Tally]:
    """What each week came to. No further week is begun that would not end in time."""
    logs.configure("text", "bench")
    logs.only_errors()
    started = time.monotonic()
    memory = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
    weekly: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="adductor-club-", dir=memory) as folder:
        club = Club(Path(folder), numbers, leaves_empty_note_out=leaves_empty_note_out)
        try:
            for week in range(weeks):
                club.week(week)
                weekly.append(club.take_tally())
                lasted = time.monotonic() - started
                if within_s is not None and lasted + lasted / len(weekly) > within_s:
                    break
        finally:
            club.close()
    return weekly


def measure(quick: bool, weeks: int | None = None) -> Part:
    """The figures and where the calls went. ``weeks``: so many for both clubs, however long it takes."""
    if quick:
        small = count(SMALL_CLUB, weeks or 2)
        large = count(40, weeks or 1)
        absent = count(4, 1, leaves_empty_note_out=True)
    else:
        small = count(SMALL_CLUB, weeks or YEAR_WEEKS)
        large = count(LARGE_CLUB, weeks or YEAR_WEEKS, None if weeks else LARGE_CLUB_S)
        absent = count(SMALL_CLUB, WITHOUT_EMPTY_NOTES_WEEKS, leaves_empty_note_out=True)
    part = Part()
    for club in (small, large):
        part.figures += [_per_note(club), _per_event(club)]
    part.tables["Where the calls go"] = _table(small, large, absent)
    return part


def _per_note(club: Counted) -> Figure:
    costs = club.costs
    exact = bool(costs) and set(costs) == {TARGET_PER_NOTE} and not club.tally.failed
    return Figure(
        what=f"Strava calls per note, {_club(club)}",
        value=f"{club.per_note:.3f}",
        floor=f"{TARGET_PER_NOTE} (read, write)",
        reached=f"{club.per_note / TARGET_PER_NOTE:.2f} x",
        target="exactly 2",
        met=exact,
        remarks=f"{club.notes():,} notes: "
        + ", ".join(f"{notes:,} with {cost} calls" for cost, notes in sorted(costs.items()))
        + (f"; {club.tally.failed} rows given up" if club.tally.failed else ""),
    )


def _per_event(club: Counted) -> Figure:
    return Figure(
        what=f"Strava calls per event, all of them, {_club(club)}",
        value=f"{club.per_event:.2f}",
        floor="-",
        reached=f"{club.per_event / TARGET_PER_EVENT:.2f} x target",
        target=f"at most {TARGET_PER_EVENT:.1f}",
        met=club.events > 0 and club.per_event <= TARGET_PER_EVENT,
        remarks=f"{club.tally.in_all():,} calls, {club.events:,} events",
    )


def _club(club: Counted) -> str:
    span = "a year" if club.weeks == YEAR_WEEKS else "1 week" if club.weeks == 1 else f"{club.weeks} weeks"
    return f"{club.runners:,} runners, {span}"


def _table(small: Counted, large: Counted, absent: Counted) -> str:
    lines = [
        f"| calls | {_club(small)} | {_club(large)} |",
        "|---|--:|--:|",
    ]
    causes = sorted({key for club in (small, large) for key in club.tally.calls})
    for cause, kind in causes:
        lines.append(f"| {cause}: {kind} | {small.tally.calls[cause, kind]:,} | {large.tally.calls[cause, kind]:,} |")
    rows: list[tuple[str, Callable[[Counted], str]]] = [
        ("all that count against the limits", lambda club: f"{club.tally.in_all():,}"),
        ("events: created", lambda club: f"{club.tally.events['create']:,}"),
        ("events: edited", lambda club: f"{club.tally.events['update']:,}"),
        ("events: deleted", lambda club: f"{club.tally.events['delete']:,}"),
        (
            "lost events that were found in time for a note",
            lambda club: f"{club.tally.events['made up for a lost one']:,}",
        ),
        ("notes after an event", lambda club: f"{club.notes('an event'):,}"),
        ("notes after a prompt", lambda club: f"{club.notes('the clock'):,}"),
        ("calls per recorded activity", lambda club: _ratio(club.tally.in_all(), club.tally.events["create"])),
        ("calls per event without lists", lambda club: _ratio(club.tally.in_all() - _lists(club), club.events)),
        ("lists a runner and week", lambda club: _ratio(_lists(club), club.runners * club.weeks)),
        ("calls a runner and day", lambda club: _ratio(club.tally.in_all(), club.runners * club.weeks * 7)),
        ("busiest quarter-hour", lambda club: f"{_busiest(club, 1):,}"),
        ("busiest day", lambda club: f"{_busiest(club, 96):,}"),
        ("token refreshes (OAuth, not counted above)", lambda club: f"{club.tally.refreshes:,}"),
    ]
    lines += [f"| {what} | {of(small)} | {of(large)} |" for what, of in rows]
    costs = ", ".join(f"{notes:,} notes with {cost}" for cost, notes in sorted(absent.costs.items()))
    lines += [
        "",
        f"An application of ten athletes may make {QUARTER_LIMIT} reads a quarter-hour and {DAY_LIMIT:,} a day. The made-up"
        " log has no limits; what waits for the budget waits, and costs no further call.",
        "",
        "Where Strava leaves an empty private note out of its answer, that is unknown and looked at again"
        f" {LOOK_AGAIN_AFTER.total_seconds():.0f} s later before it counts as empty: {_club(absent)} of that"
        f" came to {costs}.",
        "",
        "Runners know nothing of each other, so a large club differs from a small one in nothing but the peaks. The first"
        " weeks need the most calls: everybody's history is read, and everybody is due.",
    ]
    return "\n".join(lines)


def _lists(club: Counted) -> int:
    return club.tally.in_all("list")


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def _busiest(club: Counted, quarters: int) -> int:
    spans: Counter[int] = Counter()
    for quarter, calls in club.tally.quarters.items():
        spans[quarter // quarters] += calls
    return max(spans.values(), default=0)


def main(argv: list[str] | None = None) -> int:
    """Count and print; the exit code says whether both targets are met."""
    parser = argparse.ArgumentParser(prog="python -m bench.club_year", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small clubs and few weeks")
    parser.add_argument("--weeks", type=int, help="so many weeks for both clubs, however long it takes")
    options = parser.parse_args(argv)
    if options.weeks is not None and not 1 <= options.weeks <= YEAR_WEEKS:
        parser.error(f"--weeks must be between 1 and {YEAR_WEEKS}")
    part = measure(options.quick, options.weeks)
    for figure in part.figures:
        print(f"{figure.what}: {figure.value} ({figure.target}: {'met' if figure.met else 'missed'}); {figure.remarks}")
    for heading, table in part.tables.items():
        print(f"\n{heading}\n{table}")
    return 0 if all(figure.met for figure in part.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
