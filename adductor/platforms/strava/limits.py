"""Strava's rate limits: the smallest tier, and the headers.

Limits count for each application, in two buckets (overall; "read", which is everything but uploads). Calls over the
quarter's limit count to the day. Source: https://developers.strava.com/docs/rate-limits/
"""

from __future__ import annotations

from collections.abc import Mapping

from adductor.platforms.base import Figures
from adductor.platforms.budget import Reported, read_pair

# An application with one athlete. Larger ones are learned from the headers.
SMALLEST_LIMITS = Figures(overall_quarter=200, overall_day=2_000, read_quarter=100, read_day=1_000)


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read the rate-limit headers. Absent ones and values like "," are unknown, never an error."""
    limits, usage = (
        Figures(*read_pair(headers, f"x-ratelimit-{of}"), *read_pair(headers, f"x-readratelimit-{of}"))
        for of in ("limit", "usage")
    )
    return Reported(limits, usage)
