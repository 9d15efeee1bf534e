"""The last days of an athlete's log as rows, kept no longer than the platform allows, and their gaps.

An event that can't matter is not looked up, so its activity is missing here. The gap is noted, and one list call fills it
when the history is needed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, select, update

from adductor.athletes import connections, platform_calls, schedule
from adductor.athletes.decisions import Consultation
from adductor.athletes.situations import zone_of
from adductor.installation import Installation
from adductor.platforms.base import LoggedActivity, Priority
from adductor.store import models

# Strava API agreement, in force since 2026-06-01: no longer than seven days. The job that deletes runs hourly, so rows are
# due two hours before (`adductor.jobs.retention` shows that none is older).
KEEP = timedelta(days=7) - timedelta(hours=2)
# Deletions are to be seen here within 48 hours.
KEEP_DELETED = timedelta(hours=24)
# What a decision looks back on.
HISTORY = timedelta(days=14)
# A new activity stands in the list within this.
LISTED_WITHIN = timedelta(seconds=60)
# A list call tells no more, the oldest first: a full list says nothing of what isn't in it.
MOST_LISTED = 200
# Read the history again before its rows expire.
HISTORY_GOOD_FOR = KEEP - timedelta(hours=12)
# What is kept of an activity: the columns that an activity has by the same name. No title, note or track.
_KEPT = [
    column.key
    for column in models.LoggedActivity.__table__.columns
    if column.key not in ("id", "athlete_id") and column.key in LoggedActivity.__dataclass_fields__
]


@dataclass(frozen=True, slots=True)
class Listed:
    """What one list call gave. ``asked_at`` (athletes' time): before the call; what came later may be missing."""

    activities: Sequence[LoggedActivity]
    asked_at: datetime

    @property
    def is_whole(self) -> bool:
        return len(self.activities) < MOST_LISTED


def list_history(installation: Installation, connection: models.Connection, priority: Priority) -> Listed:
    """List the last 14 days. Raises what `platform_calls.call` raises."""
    asked_at = installation.clock.now()
    activities = platform_calls.call(
        installation,
        connection,
        priority,
        lambda platform, caller: platform.list_activities(caller, after=asked_at - HISTORY),
    )
    return Listed(activities, asked_at)


def has_gaps(athlete: models.Athlete, now: datetime) -> bool:
    """Whether the last 14 days are not all here."""
    if athlete.history_read_at is None or athlete.history_gap_from is not None:
        return True
    return now - athlete.history_read_at > HISTORY_GOOD_FOR


def note_gap(athlete: models.Athlete, since: datetime) -> None:
    """An activity of that time was not looked up."""
    if athlete.history_gap_from is None or since < athlete.history_gap_from:
        athlete.history_gap_from = since


def keep(coach: Consultation, activity: LoggedActivity, *, uploaded_at: datetime, revives: bool = True) -> None:
    """Store or renew one activity; the athlete's time zone follows where they run.

    ``revives``: it is there although we were told of its deletion, which can be undone.
    """
    session, now = coach.session, coach.now
    key = {"athlete_id": coach.athlete.id, "platform_id": activity.id}
    row = session.scalar(select(models.LoggedActivity).filter_by(**key))
    if row is None:
        row = models.LoggedActivity(**key, uploaded_at=uploaded_at)
        session.add(row)
    if row.deleted_at is None or revives:
        for name in _KEPT:
            setattr(row, name, getattr(activity, name))
        row.intensity = str(activity.intensity)
        row.deleted_at, row.fetched_at, row.expires_at = None, now, now + KEEP
    _follow_zone(coach.athlete, activity, now)


def _follow_zone(athlete: models.Athlete, activity: LoggedActivity, now: datetime) -> None:
    """The athlete's time zone follows their latest recorded activity.

    One that began before the time zone was last learned or given, or was typed in afterwards, changes nothing.
    """
    known_from = athlete.timezone_from
    if activity.start > now or (known_from is not None and (activity.manual or activity.start < known_from)):
        return
    if not activity.timezone or zone_of(activity.timezone).key != activity.timezone:
        return
    moved = athlete.timezone != activity.timezone
    athlete.timezone, athlete.timezone_from = activity.timezone, activity.start
    if moved or athlete.next_due_at is None:
        schedule.reschedule(athlete, now)


def keep_history(coach: Consultation, listed: Listed) -> None:
    """Store all of the last 14 days as one list call gave them. A gap noted since the call stays one."""
    athlete = coach.athlete
    for activity in sorted(listed.activities, key=lambda entry: entry.start):
        if activity.complete:
            uploaded_at = activity.start + timedelta(seconds=activity.elapsed_s)
            # A list is read some moments before it is kept: what was deleted meanwhile is still in it.
            keep(coach, activity, uploaded_at=uploaded_at, revives=False)
    athlete.history_read_at = coach.now
    if athlete.history_gap_from is not None and athlete.history_gap_from <= listed.asked_at:
        athlete.history_gap_from = None
    athlete.history_covers_until = listed.asked_at - LISTED_WITHIN if listed.is_whole else None
    athlete.history_incomplete = [activity.id for activity in listed.activities if not activity.complete]


def is_older_than_history(coach: Consultation, activity_id: str, created_at: datetime) -> bool:
    """Whether an activity is certainly older than 14 days: created before the history was listed, and not in it."""
    athlete = coach.athlete
    if athlete.history_covers_until is None or created_at > athlete.history_covers_until:
        return False
    if activity_id in (athlete.history_incomplete or ()):
        return False
    known = select(models.LoggedActivity.id).filter_by(athlete_id=athlete.id, platform_id=activity_id)
    return coach.session.scalar(known) is None


def mark_deleted(coach: Consultation, activity_id: str) -> None:
    """The athlete deleted it: the row is deleted within a day, its titles at once."""
    session, athlete, now = coach.session, coach.athlete, coach.now
    row, goes_at = models.LoggedActivity, now + KEEP_DELETED
    # Never later than it would have gone anyway.
    expires_at = case((row.expires_at < goes_at, row.expires_at), else_=goes_at)
    kept = update(row).where(row.athlete_id == athlete.id, row.platform_id == activity_id)
    session.execute(kept.values(deleted_at=now, expires_at=expires_at))
    event = models.InboxEvent
    for connection in athlete.connections:
        told = update(event).where(event.object_id == activity_id, event.object_type == "activity")
        session.execute(told.where(connections.events_of(connection)).values(updates={}))
