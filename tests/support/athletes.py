"""Rows of athletes with their connection, for tests that write them past the OAuth pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from adductor.athletes import tokens
from adductor.installation import Installation
from adductor.platforms.base import Tokens
from adductor.store.models import Athlete, Connection, LoggedActivity

_OF_CONNECTION = set(Connection.__table__.columns.keys()) - set(Athlete.__table__.columns.keys())


def new_athlete(*, external_id: int | str, **values: Any) -> Athlete:
    """An athlete with one connection, to Strava unless ``platform`` says otherwise; ``values`` of either row."""
    theirs = {name: value for name, value in values.items() if name in _OF_CONNECTION}
    own = {name: value for name, value in values.items() if name not in _OF_CONNECTION}
    connection = Connection(**{"platform": "strava", "external_id": str(external_id), **theirs})
    return Athlete(**own, connections=[connection])


def change(athlete: Athlete, **values: Any) -> None:
    """Set columns of the athlete, or of their connection."""
    for name, value in values.items():
        setattr(athlete.connection if name in _OF_CONNECTION else athlete, name, value)


def run_of(athlete_id: int, platform_id: str, start: datetime, **values: Any) -> LoggedActivity:
    """An easy run in the athlete's log; ``values`` replace its columns."""
    columns = {
        "sport": "run",
        "moving_s": 2400,
        "elapsed_s": 2400,
        "distance_m": 7200,
        "elevation_gain_m": 30,
        "intensity": "easy",
        "manual": False,
        "time_unreliable": False,
        "uploaded_at": start + timedelta(seconds=2400),
        "fetched_at": start + timedelta(seconds=2400),
        "expires_at": start + timedelta(days=7),
        **values,
    }
    return LoggedActivity(athlete_id=athlete_id, platform_id=platform_id, start=start, **columns)


def earlier_run(athlete_id: int, now: datetime) -> LoggedActivity:
    """A run of three days ago: without it every run would be the first after a break."""
    start = now - timedelta(days=3)
    times = {"uploaded_at": start, "fetched_at": now, "expires_at": now + timedelta(days=6)}
    return run_of(athlete_id, f"strava:{1_000_000 + athlete_id}", start, **times)


def give_tokens(session: Session, installation: Installation, athlete_id: int, given: Tokens) -> None:
    """Store tokens in the athlete's connection, as connecting does."""
    tokens.store(installation, session.get_one(Athlete, athlete_id).connection, given)
