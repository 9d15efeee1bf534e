"""Strava's rate limits: the smallest tier, and the headers.

Limits count for each application, in two buckets (overall; "read", which is everything but uploads). Calls over the
quarter's limit count to the day. Source: https://developers.strava.com/docs/rate-limits/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adductor.platforms.base import Figures
from adductor.platforms.budget import Reported

# An application with one athlete. Larger ones are learned from the headers.
SMALLEST_LIMITS = Figures(overall_quarter=200, overall_day=2_000, read_quarter=100, read_day=1_000)
# A longer number isn't one of calls.
_PAIR = re.compile(r"\s*([0-9]{1,12})\s*,\s*([0-9]{1,12})\s*")


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read the rate-limit headers in any letter case. Absent ones and values like "," are unknown, never an error."""
    found = {name.lower(): value for name, value in headers.items()}
    limits, usage = (
        Figures(*_pair(found.get(f"x-ratelimit-{what}")), *_pair(found.get(f"x-readratelimit-{what}")))
        for what in ("limit", "usage")
    )
    return Reported(limits, usage)


def _pair(value: str | None) -> tuple[int, int]:
    """The two numbers of "quarter,day"; -1 for both when they can't be read."""
    match = _PAIR.fullmatch(value or "")
    return (int(match[1]), int(match[2])) if match else (-1, -1)
