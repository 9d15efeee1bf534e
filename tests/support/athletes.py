"""Rows of athletes with their connection, for tests that write them past the OAuth pages."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from adductor.athletes import tokens
from adductor.installation import Installation
from adductor.platforms.base import Tokens
from adductor.store.models import Athlete, Connection

_OF_CONNECTION = frozenset(
    {
        "platform",
        "external_id",
        "scopes",
        "state",
        "connected_at",
        "disconnected_at",
        "private_note_refused_at",
        "absent_note_is_empty",
        "refused_since",
        "refresh_unconfirmed_since",
    }
)


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


def give_tokens(session: Session, installation: Installation, athlete_id: int, given: Tokens) -> None:
    """Store tokens in the athlete's connection, as connecting does."""
    tokens.store(installation, session.get_one(Athlete, athlete_id).connection, given)
