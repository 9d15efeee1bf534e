"""The last days of an athlete's log as rows, kept no longer than the platform allows, and their gaps.

An event that can't matter is not looked up, so its activity is missing here. The gap is noted, and one list call fills it
when the history is needed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, select, update

from adductor import logs
from adductor.athletes import connections, platform_calls, schedule, told
from adductor.athletes.decisions import Consultation
from adductor.athletes.situations import PLAN_AHEAD, local_day, zone_of
from adductor.installation import Installation
from adductor.platforms import registry
from adductor.platforms.base import UNKNOWN_SPORT, LoggedActivity, Priority, Told, platform_of
from adductor.queue.retry import Final, RetryLater
from adductor.store import models

log = logs.get(__name__)

# Rows are due this long before their platform's limit (`base.Facts.keep`): the job that deletes runs hourly, and
# `adductor.jobs.retention` shows that none is older.
DUE_BEFORE = timedelta(hours=2)
# The shortest: history is good for less.
KEEP = min(facts.keep for facts in registry.FACTS.values()) - DUE_BEFORE
# Deletions are to be seen here within 48 hours.
KEEP_DELETED = timedelta(hours=24)
_NEVER = "1970-01-01T00:00:00+00:00"
# A race of the last weeks keeps days free.
PLAN_BEHIND = timedelta(days=30)
# What a decision looks back on.
HISTORY = timedelta(days=14)
# Where no events come, wellness is read so often: with the polls at most 300 calls a day.
WELLNESS_EVERY = timedelta(hours=2)
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
    # Whether every log of the athlete was listed, and of which connection (None: of all) this is.
    of_all: bool = True
    connection: models.Connection | None = None

    @property
    def is_whole(self) -> bool:
        return self.of_all and len(self.activities) < MOST_LISTED


def list_history(installation: Installation, connection: models.Connection, priority: Priority) -> Listed:
    """List the last 14 days of all logs of the connection's athlete, one call each.

    Raises what `platform_calls.call` raises for this connection; another one that fails leaves the history with its gap.
    """
    listed = list_one(installation, connection, priority)
    found, of_all = list(listed.activities), True
    for other in _others(installation, connection):
        try:
            found += list_one(installation, other, priority).activities
        except (RetryLater, Final) as error:
            of_all = False
            log.info("history of another log not read", athlete=connection.athlete_id, problem=error.problem)
    return Listed(found, listed.asked_at, of_all)


def _others(installation: Installation, connection: models.Connection) -> list[models.Connection]:
    with installation.store.read() as session:
        athlete = session.get(models.Athlete, connection.athlete_id)
    return [each for each in (athlete.connections if athlete else []) if each.is_usable and each.id != connection.id]


def read_plan(installation: Installation, athlete_id: int, priority: Priority, *, since: datetime) -> None:
    """Read the calendars of the athlete's platforms that were not read since then, one call each; store what they say.

    Raises RetryLater. A platform that refuses for good leaves what was known.
    """
    with installation.store.read() as session:
        athlete = session.get(models.Athlete, athlete_id)
    if athlete is None:
        return
    today = local_day(athlete, installation.clock.now())
    for connection in athlete.connections:
        read_at = datetime.fromisoformat(connection.told.get("plan_read_at", _NEVER))
        if read_at <= since and connection.allows(registry.FACTS[connection.platform].scopes.get("plan")):
            with suppress(Final):
                said, _ = platform_calls.calendar_call(
                    installation,
                    connection,
                    priority,
                    lambda platform, caller, today=today: platform.read_calendar(  # type: ignore[misc]
                        caller, today - PLAN_BEHIND, today + PLAN_AHEAD
                    ),
                )
                _keep_told(installation, connection, said, plan_read_at=installation.clock.now().isoformat())


def read_wellness(installation: Installation, connection: models.Connection) -> None:
    """Read the scales of yesterday and today now and then, and store them; a failure waits for the next time."""
    now, last = installation.clock.now(), datetime.fromisoformat(connection.told.get("wellness_read_at", _NEVER))
    scope = registry.FACTS[connection.platform].scopes.get("wellness")
    if now - last < WELLNESS_EVERY or not connection.allows(scope):
        return
    with installation.store.read() as session:
        today = local_day(session.get_one(models.Athlete, connection.athlete_id), now)
    try:
        said = platform_calls.calendar_call(
            installation,
            connection,
            Priority.HISTORY,
            lambda platform, caller: platform.read_wellness(caller, today - timedelta(days=1), today),
        )
    except (RetryLater, Final) as error:
        log.info("wellness not read", athlete=connection.athlete_id, problem=error.problem)
    else:
        _keep_told(installation, connection, said, wellness_read_at=installation.clock.now().isoformat())


def _keep_told(installation: Installation, seen: models.Connection, said: Told, **more: str) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        connection = session.get(models.Connection, seen.id, with_for_update=True)
        if connection is not None and connection.is_usable:
            told.keep(connection, said, local_day(connection.athlete, now), **more)


def list_one(installation: Installation, connection: models.Connection, priority: Priority) -> Listed:
    """List the last 14 days of one log. Raises what `platform_calls.call` raises."""
    asked_at = installation.clock.now()
    activities = platform_calls.call(
        installation,
        connection,
        priority,
        lambda platform, caller: platform.list_activities(caller, after=asked_at - HISTORY),
    )
    return Listed(activities, asked_at, connection=connection)


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
    if activity.sport == UNKNOWN_SPORT and sum(each.is_usable for each in coach.athlete.connections) > 1:
        return  # the log that it comes from tells it itself
    key = {"athlete_id": coach.athlete.id, "platform_id": activity.id}
    row = session.scalar(select(models.LoggedActivity).filter_by(**key))
    if row is None:
        row = models.LoggedActivity(**key, uploaded_at=uploaded_at)
        session.add(row)
    if row.deleted_at is None or revives:
        for name in _KEPT:
            setattr(row, name, getattr(activity, name))
        row.intensity = str(activity.intensity)
        keep_for = registry.FACTS[platform_of(activity.id)].keep - DUE_BEFORE
        row.deleted_at, row.fetched_at, row.expires_at = None, now, now + keep_for
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
    hours = activity.start.astimezone(zone_of(athlete.timezone)).utcoffset()
    if (
        activity.timezone.startswith("Etc/")
        and activity.start.astimezone(zone_of(activity.timezone)).utcoffset() == hours
    ):
        return  # only its hours are known, and they are the athlete's
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
    if listed.connection is not None:
        kept = listed.activities
        withheld = bool(kept) and all(activity.sport == UNKNOWN_SPORT for activity in kept)
        current = coach.session.get(models.Connection, listed.connection.id)
        if current is not None and current.told.get("only_withheld", False) != withheld:
            current.told = {**current.told, "only_withheld": withheld}
    if not listed.of_all or (
        listed.connection is not None and len([c for c in athlete.connections if c.is_usable]) > 1
    ):
        return  # the other logs are not known
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


def has_unknown_today(coach: Consultation) -> bool:
    """Whether today's log holds a session that its platform may not hand on: it may have been a run."""
    row = models.LoggedActivity
    since = coach.now - timedelta(days=2)
    unknown = select(row.start).where(
        row.athlete_id == coach.athlete.id, row.sport == UNKNOWN_SPORT, row.start >= since
    )
    # Of such a session only the wall time is known: it was stored as if it were UTC's.
    return any(start.date() == coach.today for start in coach.session.scalars(unknown.where(row.deleted_at.is_(None))))


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
