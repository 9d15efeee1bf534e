"""Retention: an hourly job deletes the platforms' data, then checks that none is older than the platform allows.

The check goes by when rows were read or received, not by the columns by which they are deleted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities
from adductor.installation import Installation
from adductor.store.models import ClockRun, InboxEvent, Letter, LoggedActivity

log = logs.get(__name__)

# Strava API agreement, in force since 2026-06-01. We delete two hours before (`activities.KEEP`), once an hour.
LIMIT = timedelta(days=7)
# A letter's key keeps it from being sent twice; a month later it is not asked for again.
KEEP_LETTERS = timedelta(days=30)


def oldest(session: Session) -> dict[str, datetime | None]:
    """The oldest row of each table that holds Strava's data, by an index: activities since they were read, events (their
    titles are Strava's) since they came. None: there is none.

    An event that still waits to be handled counts only while it holds anything but its own numbers.
    """
    counts = or_(InboxEvent.state.in_(("done", "failed")), InboxEvent.updates != {})
    event = select(InboxEvent.received_at).where(counts).order_by(InboxEvent.received_at).limit(1)
    activity = select(func.min(LoggedActivity.fetched_at))
    return {"activities": session.scalar(activity), "inbox_events": session.scalar(event)}


def check(installation: Installation) -> timedelta:
    """Log the ages, as an error when the agreement is broken; returns the highest."""
    now = installation.clock.now()
    with installation.store.read() as session:
        ages = {table: max(now - (at or now), timedelta(0)) for table, at in oldest(session).items()}
    held = ", ".join(f"{table} {round(age / timedelta(hours=1), 1)} h" for table, age in ages.items())
    if max(ages.values()) > LIMIT:
        log.error("retention exceeded", held=held, limit_days=LIMIT.days)
    else:
        log.info("retention checked", held=held)
    return max(ages.values())


def expire(installation: Installation) -> bool:
    """Delete what has been kept as long as it may be, once an hour; True for the call that did it."""
    now = installation.clock.now()
    hour = ClockRun(task="expire", period=now.replace(minute=0, second=0, microsecond=0), at=now)
    try:  # the key decides, however many clocks ask
        with installation.store.write() as session:
            if session.get(ClockRun, (hour.task, hour.period)) is not None:
                return False
            session.add(hour)
    except IntegrityError:
        return False
    limit = now - activities.KEEP
    ended, old = ("done", "failed"), InboxEvent.received_at < limit
    with installation.store.write() as session:
        session.execute(delete(LoggedActivity).where(LoggedActivity.expires_at <= now))
        session.execute(delete(InboxEvent).where(old, InboxEvent.state.in_(ended)))
        # Titles in events are the platform's data. An event that still waits is handled when it can be, without its title.
        session.execute(update(InboxEvent).where(old, InboxEvent.object_type == "activity").values(updates={}))
        session.execute(delete(ClockRun).where(ClockRun.at < limit))
        session.execute(delete(Letter).where(Letter.created_at < now - KEEP_LETTERS, Letter.state.in_(ended)))
    log.info("expired data deleted", received_before=limit.isoformat())
    return True
