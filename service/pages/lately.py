"""The recent days, newest first: recorded runs, routines, and each "no" with its reason. Equal days in a row are folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from sqlalchemy import Row

from adductor.store.models import DecisionRecord, Suggestion

Decided = Row[DecisionRecord, Suggestion]


@dataclass(slots=True)
class Day:
    """A local day, or several equal ones in a row. ``decided``: decision and suggestion (or None), newest first."""

    first: date
    last: date
    runs: Sequence[str]
    decided: list[Decided]

    @property
    def headline(self) -> Decided | None:
        """The row that says most: a routine that holds, else a referral, else the latest."""
        holds = (row for row in self.decided if row[1] is not None and row[1].status != "withdrawn")
        refers = (row for row in self.decided if row[0].decision == "refer")
        return next(holds, None) or next(refers, None) or next(iter(self.decided), None)

    @property
    def reasons(self) -> Mapping[str, Sequence[DecisionRecord]]:
        """The decisions without a routine by their reason."""
        found: dict[str, list[DecisionRecord]] = defaultdict(list)
        for decision, suggestion in self.decided:
            if suggestion is None:
                found[decision.reason].append(decision)
        return found


def by_day(rows: Sequence[Decided], zone: tzinfo, runs: Mapping[date, Sequence[str]]) -> list[Day]:
    """Group decisions (newest first) and recorded runs by the runner's local day. A day with a routine stands alone."""
    decided: dict[date, list[Decided]] = defaultdict(list)
    for row in rows:
        decided[row[0].at.astimezone(zone).date()].append(row)
    folded: list[Day] = []
    for day in sorted({*decided, *runs}, reverse=True):
        fresh, newer = Day(day, day, runs.get(day, []), decided[day]), folded[-1] if folded else None
        if (
            newer is not None
            and (newer.first - day).days == 1
            and not any(suggestion for _, suggestion in (*newer.decided, *fresh.decided))
            and (newer.runs, newer.reasons.keys()) == (fresh.runs, fresh.reasons.keys())
        ):
            newer.first, newer.decided = day, newer.decided + fresh.decided
        else:
            folded.append(fresh)
    return folded
