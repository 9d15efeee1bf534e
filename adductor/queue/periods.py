"""Periodic work that runs once a period, however many clocks ask: a unique key in the database decides."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.dialects import postgresql, sqlite

from adductor.installation import Installation
from adductor.store.models import ClockRun


def first_in_period(installation: Installation, task: str, length: timedelta) -> bool:
    """True for the first caller in each period of that length (athletes' time)."""
    now = installation.clock.now()
    insert = sqlite.insert if installation.store.is_sqlite else postgresql.insert
    statement = insert(ClockRun).values(task=task, period=_start_of_period(now, length), at=now)
    with installation.store.write() as session:
        return session.scalar(statement.on_conflict_do_nothing().returning(ClockRun.task)) is not None


def _start_of_period(now: datetime, length: timedelta) -> datetime:
    seconds = length.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
