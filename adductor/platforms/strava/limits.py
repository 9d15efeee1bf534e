"""Strava's rate limits: what its headers say and when its windows open. Pure.

Limits count for each application, in two buckets (overall; "read", which is everything but uploads) over two windows
(a quarter of an hour from :00, :15, :30, :45; a day from midnight UTC). Calls over the short limit count to the day.
Source: https://developers.strava.com/docs/rate-limits/
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adductor.platforms.base import Priority

QUARTER_S = 900
DAY_S = 86_400
QUARTERS_A_DAY = DAY_S // QUARTER_S

# We take each window to open this much later than it does. Strava's clock may be behind ours by as much, and a call
# that we book on the new window must not fall into the spent old one. NTP keeps servers well within it.
WINDOW_GUARD_S = 2

# After a window opens, who waited comes back within this stretch (earliest, latest, in s): connecting people at once,
# then fresh runs, then retries, then history, so that the first second doesn't spend the window.
RETURN_SPREAD_S: dict[Priority, tuple[float, float]] = {
    Priority.CONNECT: (0, 5),
    Priority.FRESH: (1, 60),
    Priority.REPLACEABLE: (1, 60),
    Priority.RETRY: (30, 150),
    Priority.HISTORY: (120, 600),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """One number for each bucket and window, in calls."""

    overall_quarter: int
    overall_day: int
    read_quarter: int
    read_day: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        return (self.overall_quarter, self.overall_day, self.read_quarter, self.read_day)


# What an application with one athlete has: the least there is. Larger ones are learned from the headers.
SMALLEST_LIMITS = Figures(overall_quarter=200, overall_day=2_000, read_quarter=100, read_day=1_000)


@dataclass(frozen=True, slots=True)
class Reported:
    """What one answer's headers said; -1 where they said nothing that can be read."""

    limits: Figures
    usage: Figures

    @property
    def day_is_spent(self) -> bool:
        return any(
            0 < limit <= used
            for limit, used in (
                (self.limits.overall_day, self.usage.overall_day),
                (self.limits.read_day, self.usage.read_day),
            )
        )


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read the rate-limit headers in any letter case; absent ones and values like "," are unknown, never an error."""
    found = {name.lower(): value for name, value in headers.items()}
    limit = _pair(found.get("x-ratelimit-limit"))
    used = _pair(found.get("x-ratelimit-usage"))
    read_limit = _pair(found.get("x-readratelimit-limit"))
    read_used = _pair(found.get("x-readratelimit-usage"))
    return Reported(limits=Figures(*limit, *read_limit), usage=Figures(*used, *read_used))


def quarter_of(now: datetime) -> int:
    """The number of the quarter of an hour in which a call at ``now`` is booked."""
    return int(now.timestamp() - WINDOW_GUARD_S) // QUARTER_S


def opens_at(quarter: int) -> datetime:
    """When we may book on a quarter of an hour (UTC), the guard included. Its first of a day opens the day too."""
    return datetime.fromtimestamp(quarter * QUARTER_S + WINDOW_GUARD_S, UTC)


def return_at(
    now: datetime, priority: Priority, *, day_is_spent: bool, chance: Callable[[], float] = random.random
) -> datetime:
    """When to come back (UTC): just after the next window opens, spread. ``chance`` gives 0 <= x < 1."""
    quarter = quarter_of(now)
    following = (quarter // QUARTERS_A_DAY + 1) * QUARTERS_A_DAY if day_is_spent else quarter + 1
    opening = opens_at(following)
    earliest_s, latest_s = RETURN_SPREAD_S[priority]
    return opening + timedelta(seconds=earliest_s + (latest_s - earliest_s) * chance())


def _pair(value: str | None) -> tuple[int, int]:
    """The two numbers of "quarter,day"; -1 for what can't be read."""
    parts = (value or "").split(",")
    if len(parts) != 2:
        return (-1, -1)
    quarter, day = (int(part) if part.strip().isascii() and part.strip().isdigit() else -1 for part in parts)
    # Longer than any limit there is: not a number of calls.
    return (quarter if quarter < 10**12 else -1, day if day < 10**12 else -1)
