"""intervals.icu: OAuth or the athlete's own API key, webhooks with a secret in the body, a calendar of notes.

The application's rate limits hold for all its athletes together; each API key has its own. Their headers are rarely seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from adductor.platforms.base import Facts, Figures
from adductor.platforms.budget import Reported, read_pair

FACTS = Facts(
    label="intervals.icu",
    capabilities=frozenset({"webhooks", "polling", "description", "calendar", "plan", "wellness", "own_keys"}),
    read_scopes=frozenset({"ACTIVITY:READ"}),
    scopes={
        "description": "ACTIVITY:WRITE",
        "calendar": "CALENDAR:WRITE",
        "plan": "CALENDAR:READ",
        "wellness": "WELLNESS:READ",
    },
    scope_words={
        "ACTIVITY:WRITE": "routines can't stand in a run's description",
        "CALENDAR:WRITE": "routines can't stand in your calendar",
        "CALENDAR:READ": "we don't see your races, planned sessions and breaks",
        "WELLNESS:READ": "we don't see your soreness and injuries",
    },
    # Its terms of 2025-10-23 set no limit. The coach looks back on two weeks; a month is judgement.
    keep=timedelta(days=30),
    catch_up=timedelta(hours=1),
    athlete_prefix="i",
)
# An application of few athletes, and an API key. Larger ones are learned from the headers, where there are some.
SMALLEST_LIMITS = Figures(overall_quarter=2_500, overall_day=5_000, read_quarter=2_500, read_day=5_000)


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read "15 minutes,day" of the limit and of what remains. What can't be read is unknown, never an error."""
    limits, left = read_pair(headers, "x-ratelimit-limit"), read_pair(headers, "x-ratelimit-remaining")
    used = (-1, -1) if -1 in (*limits, *left) else (max(limits[0] - left[0], 0), max(limits[1] - left[1], 0))
    return Reported(Figures(*limits, *limits), Figures(*used, *used))
