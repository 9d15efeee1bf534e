"""Retention: an hourly job deletes the platforms' data, then checks that none is older than the platform allows.

The check goes by when rows were read or received, not by the columns by which they are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities
from adductor.installation import Installation
from adductor.queue.periods import first_in_period
from adductor.store.models import ClockRun, Heartbeat, InboxEvent, Letter, LoggedActivity

log = logs.get(__name__)

# Strava API agreement, in force since 2026-06-01.
LIMIT = timedelta(days=7)
PART = "strava-data-age"
# A letter's key keeps it from being sent twice; a month later it is not asked for again.
KEEP_LETTERS = timedelta(days=30)


class TooOldError(Exception):
    """Data of Strava's is held for longer than the agreement allows."""


@dataclass(frozen=True, slots=True)
class Ages:
    """How long the oldest row of each kind has been held; zero where there is none."""

    activities: timedelta
    events: timedelta

    @property
    def oldest(self) -> timedelta:
        return max(self.activities, self.events)

    @property
    def too_old(self) -> bool:
        return self.oldest > LIMIT


def oldest(session: Session, now: datetime) -> Ages:
    """The ages now, each by an index: activities since they were read, events (their titles are Strava's) since they came.

    An event that still waits to be handled counts only while it holds anything but its own numbers.
    """
    return Ages(_since(activities_since(session), now), _since(events_since(session), now))


def activities_since(session: Session) -> datetime | None:
    """When the oldest activity was read (UTC)."""
    return session.scalar(select(func.min(LoggedActivity.fetched_at)))


def events_since(session: Session) -> datetime | None:
    """When the oldest event came (UTC), of those that count."""
    counts = or_(InboxEvent.state.in_(("done", "failed")), InboxEvent.updates != {})
    first: datetime | None = session.scalar(select(func.min(InboxEvent.received_at)))
    if first is None or session.scalar(select(InboxEvent.id).where(InboxEvent.received_at == first, counts).limit(1)):
        return first
    # The very oldest doesn't count: go on along the index to the first that does.
    came_at: datetime | None = session.scalar(
        select(InboxEvent.received_at).where(counts).order_by(InboxEvent.received_at).limit(1)
    )
    return came_at


def check(installation: Installation) -> Ages:
    """Store and log the oldest age. Raises TooOldError when the agreement is broken."""
    with installation.store.read() as session:
        ages = oldest(session, installation.clock.now())
    hours = f"activities {_hours(ages.activities)} h, events {_hours(ages.events)} h"
    with installation.store.write() as session:
        session.merge(Heartbeat(part=PART, at=installation.clock.real_now(), note=hours))
    if ages.too_old:
        log.error("retention exceeded", held=hours, limit_h=_hours(LIMIT))
        raise TooOldError(f"Strava's data may be held for {LIMIT.days} days; the oldest here: {hours}")
    log.info("retention checked", held=hours)
    return ages


def expire(installation: Installation) -> bool:
    """Delete what has been kept as long as it may be, once an hour; True for the call that did it."""
    if not first_in_period(installation, "expire", timedelta(hours=1)):
        return False
    now = installation.clock.now()
    limit = now - activities.KEEP
    with installation.store.write() as session:
        expired = activities.expire(session, now)
        # Titles in events are the platform's data. An event that still waits is handled when it can be, without its title.
        old_events = session.execute(
            delete(InboxEvent).where(InboxEvent.received_at < limit, InboxEvent.state.in_(("done", "failed")))
        )
        session.execute(
            update(InboxEvent)
            .where(
                InboxEvent.received_at < limit,
                InboxEvent.object_type == "activity",
                InboxEvent.state.in_(("waiting", "claimed")),
            )
            .values(updates={})
        )
        session.execute(delete(ClockRun).where(ClockRun.at < limit))
        session.execute(
            delete(Letter).where(Letter.created_at < now - KEEP_LETTERS, Letter.state.in_(("done", "failed")))
        )
    log.info("expired data deleted", activities=expired, events=old_events.rowcount)  # type: ignore[attr-defined]
    return True


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, timedelta(0)) if moment is not None else timedelta(0)


def _hours(age: timedelta) -> float:
    return round(age / timedelta(hours=1), 1)
