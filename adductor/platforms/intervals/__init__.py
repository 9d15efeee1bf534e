"""intervals.icu: OAuth or the athlete's own API key, webhooks with a secret in the body, a calendar of notes."""

from __future__ import annotations

from datetime import timedelta

from adductor.platforms.base import Facts

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
