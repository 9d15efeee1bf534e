"""Strava, through stravalib."""

from __future__ import annotations

from datetime import timedelta

from adductor.platforms.base import Facts

FACTS = Facts(
    label="Strava",
    capabilities=frozenset({"webhooks", "polling", "private_note", "description", "refresh_tokens"}),
    read_scopes=frozenset({"read", "activity:read_all"}),
    scopes={"private_note": "activity:write", "description": "activity:write"},
    # Strava API agreement, in force since 2026-06-01: no longer than seven days.
    keep=timedelta(days=7),
)
