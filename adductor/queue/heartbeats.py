"""Heartbeats: when each process was last at work, in real time; for the start, /readyz, doctor and alerts."""

from __future__ import annotations

import platform
from datetime import datetime, timedelta

from sqlalchemy import func, select

from adductor import logs
from adductor.installation import Installation
from adductor.store.models import Heartbeat

log = logs.get(__name__)

# The row that a difference of clocks is noted in, and from when it matters: a lease is 30 s long, extended every 10 s.
CLOCKS = "clocks apart"
CLOCKS_APART = timedelta(seconds=5)
# A sweep comes every five seconds; writing that down each time would be most of what an idle installation writes. Three
# of them are LOST_AFTER_S of the outages.
EVERY = timedelta(seconds=30)
# When an athlete last could not connect because the application is full; athletes' time.
TURNED_AWAY = "turned away"
# When the database was last backed up; real time.
BACKUP = "backup"


def beat(installation: Installation, part: str) -> bool:
    """Write this process's heartbeat, at most every half minute; whether it was written."""
    real_now = installation.clock.real_now()
    seen = last(installation, part)
    if seen is not None and timedelta(0) <= real_now - seen < EVERY:
        return False
    with installation.store.write() as session:
        session.merge(Heartbeat(part=part, at=real_now))
    compare_clocks(installation)
    return True


def compare_clocks(installation: Installation) -> str | None:
    """Compare this machine's clock with the database's, and note a difference that matters: due times and leases of all
    machines are judged by their own clocks. None where both agree.
    """
    theirs = database_now(installation)
    off_s = (installation.clock.real_now() - theirs).total_seconds() if theirs is not None else 0.0
    if theirs is None or abs(off_s) < CLOCKS_APART.total_seconds():
        return None
    note = (
        f"the clock of {platform.node()} is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the database's"
    )
    log.warning("clocks differ", problem=note)
    with installation.store.write() as session:
        session.merge(Heartbeat(part=CLOCKS, at=theirs, note=note))
    return note


def database_now(installation: Installation) -> datetime | None:
    """The time of PostgreSQL's machine; None with SQLite, whose machine is ours."""
    if installation.store.is_sqlite:
        return None
    with installation.store.read() as session:
        return session.scalar(select(func.clock_timestamp()))


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
