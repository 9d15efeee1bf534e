"""What is held about one athlete: its export, and the end of connections (`adductor.jobs.leaving` deletes all of it)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from adductor.athletes import connections, decisions, revocation
from adductor.installation import Installation
from adductor.store.models import Athlete, Base, Delivery, InboxEvent, Suggestion

# Nothing that opens a door is handed over, not even to the runner: exports lie around in download folders.
_NEVER_EXPORTED = frozenset({"calendar_key", "lease_until", "lease_owner"})


def export(session: Session, athlete: Athlete) -> dict[str, Any]:
    """Everything held about an athlete as plain values for JSON, times in UTC; no tokens and no secret addresses."""
    found: dict[str, Any] = {"athlete": _plain(athlete)}
    # Every table with rows of one athlete, also those that come later.
    for table in sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda table: table.__tablename__):
        if "athlete_id" in inspect(table).columns:
            rows = session.scalars(select(table).filter_by(athlete_id=athlete.id))
            found[table.__tablename__] = [_plain(row) for row in rows]
    deliveries = select(Delivery).join(Suggestion).where(Suggestion.athlete_id == athlete.id)
    found["deliveries"] = [_plain(row) for row in session.scalars(deliveries)]
    found["events"] = [
        _plain(row) for row in session.scalars(select(InboxEvent).where(connections.events_of(*athlete.connections)))
    ]
    return found


def disconnect(installation: Installation, athlete_id: int, platform: str | None = None) -> bool:
    """End the athlete's connections, or the one to a platform: tokens are revoked, the platform's data is deleted.

    The athlete's record stays.

    Returns whether the platform took a token back; when it can't be reached everything else happens all the same.
    """
    queued = []
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            return False
        now = installation.clock.now()
        for connection in athlete.connections:
            if connection.disconnected_at is None and platform in (None, connection.platform):
                queued.append(revocation.queue_token_of(session, connection, now))
                connections.disconnect(session, connection, now)
    # Writing has stopped; only now is there time to wait for the platform.
    return revocation.revoke_now(installation, queued)


def _plain(row: Base) -> dict[str, Any]:
    names = (column.key for column in inspect(type(row)).columns)
    values = {name: getattr(row, name) for name in names if name not in _NEVER_EXPORTED}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if not name.endswith("_encrypted")
    }
