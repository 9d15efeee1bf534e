"""Heartbeats: when each process was last at work, in real time; for the start, /readyz, doctor and alerts."""

from __future__ import annotations

from datetime import datetime, timedelta

from adductor.installation import Installation
from adductor.store.models import Heartbeat

# A sweep comes every second; writing that down each time would be most of what an idle installation writes.
EVERY = timedelta(seconds=10)
# When an athlete last could not connect because the application is full; athletes' time.
TURNED_AWAY = "turned away"
# When the database was last backed up; real time.
BACKUP = "backup"


def beat(installation: Installation, part: str) -> bool:
    """Write this process's heartbeat, at most every ten seconds; whether it was written."""
    real_now = installation.clock.real_now()
    seen = last(installation, part)
    if seen is not None and timedelta(0) <= real_now - seen < EVERY:
        return False
    with installation.store.write() as session:
        session.merge(Heartbeat(part=part, at=real_now))
    return True


def turned_away(installation: Installation) -> None:
    """Note that an athlete could not connect because the platform allows this application no more."""
    with installation.store.write() as session:
        session.merge(Heartbeat(part=TURNED_AWAY, at=installation.clock.now()))


def backed_up(installation: Installation) -> None:
    """Note that the database was backed up just now."""
    with installation.store.write() as session:
        session.merge(Heartbeat(part=BACKUP, at=installation.clock.real_now()))


def last(installation: Installation, part: str) -> datetime | None:
    """When the part was last seen; None if never."""
    with installation.store.read() as session:
        row = session.get(Heartbeat, part)
        return row.at if row is not None else None
