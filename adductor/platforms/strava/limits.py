"""Strava's rate limits: the smallest tier, the headers, and a budget made of both.

Limits count for each application, in two buckets (overall; "read", which is everything but uploads). Calls over the
quarter's limit count to the day. Source: https://developers.strava.com/docs/rate-limits/
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from adductor.platforms.base import Figures
from adductor.platforms.budget import Reported, WindowBudget

if TYPE_CHECKING:
    from redis import Redis

# An application with one athlete. Larger ones are learned from the headers.
SMALLEST_LIMITS = Figures(overall_quarter=200, overall_day=2_000, read_quarter=100, read_day=1_000)
_MOST_DIGITS = 12  # a longer number isn't one of calls


def make_budget(
    redis: Redis | None,
    *,
    now: Callable[[], datetime],
    application: str = "default",
    alone: bool = True,
    chance: Callable[[], float] = random.random,
) -> WindowBudget:
    """The budget of one Strava application; for ``alone`` see `WindowBudget`."""
    return WindowBudget(
        redis,
        now=now,
        smallest=SMALLEST_LIMITS,
        read_headers=read_headers,
        key=f"adductor:strava:budget:windows:{application}",
        alone=alone,
        chance=chance,
    )


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read the rate-limit headers in any letter case. Absent ones and values like "," are unknown, never an error."""
    found = {name.lower(): value for name, value in headers.items()}
    limits = _pair(found.get("x-ratelimit-limit")) + _pair(found.get("x-readratelimit-limit"))
    usage = _pair(found.get("x-ratelimit-usage")) + _pair(found.get("x-readratelimit-usage"))
    return Reported(Figures(*limits), Figures(*usage))


def _pair(value: str | None) -> tuple[int, int]:
    """The two numbers of "quarter,day"; -1 for one that can't be read."""
    quarter, comma, day = (value or "").partition(",")
    if not comma or "," in day:
        return (-1, -1)
    return (_calls(quarter), _calls(day))


def _calls(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else -1
