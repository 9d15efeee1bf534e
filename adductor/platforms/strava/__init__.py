"""Strava, through stravalib."""

from __future__ import annotations

from datetime import timedelta

from adductor.platforms.base import Capabilities, Facts

FACTS = Facts(
    label="Strava",
    application_setting="strava_client_id",
    site_setting="strava_oauth_url",
    capabilities=Capabilities(webhooks=True, polling=True, private_note=True, description=True, refresh_tokens=True),
    read_scopes=frozenset({"read", "activity:read_all"}),
    scopes={"private_note": "activity:write", "description": "activity:write"},
    # Strava API agreement, in force since 2026-06-01: no longer than seven days.
    keep=timedelta(days=7),
)
