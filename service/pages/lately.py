"""The recent days, newest first: recorded runs, routines, and each "no" with its reason. Equal days in a row are folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from sqlalchemy import Row

from adductor.store.models import DecisionRecord, Suggestion

Decided = Row[DecisionRecord, Suggestion]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day, or several equal ones in a row. ``decided``: decision and suggestion (or None), newest first."""

    first: date
    last: date
    runs: tuple[str, ...]
    decided: tuple[Decided, ...]

    @property
    def headline(self) -> Decided | None:
        """The row that says most: a routine that holds, else a referral, else the latest."""
        ranks = {"refer": 1}
        return min(
            self.decided,
            key=lambda row: 0 if row[1] is not None and row[1].status != "withdrawn" else ranks.get(row[0].decision, 2),
            default=None,
        )

    @property
    def reasons(self) -> Mapping[str, Sequence[DecisionRecord]]:
        """The decisions without a routine by their reason."""
        found: dict[str, list[DecisionRecord]] = defaultdict(list)
        for decision, suggestion in self.decided:
            if suggestion is None:
                found[decision.reason].append(decision)
        return found

    def equals(self, other: Day) -> bool:
        """Whether nothing but the date tells the days apart. A day with a routine stands alone."""
        has_routine = any(suggestion for day in (self, other) for _, suggestion in day.decided)
        return not has_routine and self.runs == other.runs and self.reasons.keys() == other.reasons.keys()


def by_day(rows: Sequence[Decided], zone: tzinfo, runs: Mapping[date, Sequence[str]]) -> list[Day]:
    """Group decisions (newest first) and recorded runs by the runner's local day."""
    decided: dict[date, list[Decided]] = defaultdict(list)
    for row in rows:
        decided[row[0].at.astimezone(zone).date()].append(row)
    folded: list[Day] = []
    for day in sorted({*decided, *runs}, reverse=True):
        fresh = Day(day, day, tuple(runs.get(day, ())), tuple(decided[day]))
        newer = folded[-1] if folded else None
        if newer is not None and (newer.first - day).days == 1 and newer.equals(fresh):
            folded[-1] = replace(newer, first=day, decided=(*newer.decided, *fresh.decided))
        else:
            folded.append(fresh)
    return folded
