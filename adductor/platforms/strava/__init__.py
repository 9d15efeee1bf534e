"""Strava, through stravalib: its fixed facts and its rate limits.

Limits count for each application, in two buckets (overall; "read", which is everything but uploads). Calls over the
quarter's limit count to the day. Source: https://developers.strava.com/docs/rate-limits/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from adductor.platforms.base import Facts, Figures
from adductor.platforms.budget import Reported, read_pair

FACTS = Facts(
    label="Strava",
    capabilities=frozenset({"webhooks", "polling", "private_note", "description", "refresh_tokens"}),
    read_scopes=frozenset({"read", "activity:read_all"}),
    scopes={"private_note": "activity:write", "description": "activity:write"},
    # Strava API agreement, in force since 2026-06-01: no longer than seven days.
    keep=timedelta(days=7),
)
# An application with one athlete. Larger ones are learned from the headers.
SMALLEST_LIMITS = Figures(overall_quarter=200, overall_day=2_000, read_quarter=100, read_day=1_000)


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read the rate-limit headers. Absent ones and values like "," are unknown, never an error."""
    limits, usage = (
        Figures(*read_pair(headers, f"x-ratelimit-{of}"), *read_pair(headers, f"x-readratelimit-{of}"))
        for of in ("limit", "usage")
    )
    return Reported(limits, usage)
