"""Reconciliation: events that were missed are recovered from the log of an athlete who is silent for unusually long.

1. Claim due athletes by the index on their time: the cost follows those due, not all athletes.
2. An athlete who was heard of meanwhile gets a new time. Events set none: they are the hot path.
3. One list call, with the priority of history.
4. A missed activity becomes an event of our own, which carries it: it is decided without a call. Its natural key follows from
   the activity, so a second look makes no second one; one suggestion an activity makes a late real event harmless.
After an outage every athlete's log is looked at (`adductor.jobs.outages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities, decisions, platform_calls, situations, titles
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.jobs import inbox, outages
from adductor.platforms.base import UNKNOWN_SPORT, LoggedActivity, Priority, WebhookEvent, carry
from adductor.queue import timers
from adductor.queue.timers import Timer
from adductor.store import models
from adductor.store.models import Athlete, Connection, DecisionRecord, InboxEvent, Outage, Subscription

log = logs.get(__name__)

# When the platform doesn't answer. A look is in no hurry.
RETRY_AFTER = timedelta(minutes=15)
# Before the first questions are answered nothing is read.
UNCONFIRMED_AGAIN_AFTER = timedelta(days=1)
# A list may lag behind by moments; what was read this long ago and is missing now is asked for by itself.
MISSING_IF_READ_BEFORE = timedelta(hours=1)
MOST_MISSING_ASKED = 5
RECONCILE = "reconcile"
_DAY = timedelta(days=1)
# Most people run at one time of the day, and we hear of it when they are back. An hour later it should be in the log.
LOOK_AFTER = _DAY + timedelta(hours=1)
# The least and the most days between two looks: the history that a look brings expires after a week.
LEAST_DAYS, MOST_DAYS = 1, 7
# A usual run has been run and uploaded; what is due after it still is (post_run: three hours).
AFTER_A_USUAL_START = timedelta(hours=2)
_SUGGESTS = frozenset({words.Decision.POST_RUN, words.Decision.REST_DAY})


def tick(installation: Installation, *, until: float | None = None) -> int:
    """Look at due athletes (see `timers.tick`); returns how many."""
    outages.queue_athletes(installation)
    return timers.tick(installation, TIMER, until=until)


def look(installation: Installation, athlete_id: int) -> int:
    """Look at one athlete now, if it is time; returns how many events were recovered. Raises RetryLater and Final."""
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not _should_ask(Consultation(session, installation, athlete, installation.clock.now())):
            return 0
        connection = _reconciled(athlete)
    made = read_log(installation, connection) if connection is not None else 0
    if made:
        log.warning("missed events recovered", athlete=athlete_id, events=made)
    return made


def read_log(installation: Installation, seen: Connection) -> int:
    """List one log and take in what is new; returns how many events that made. Raises RetryLater and Final."""
    listed = activities.list_one(installation, seen, Priority.HISTORY)
    gone = _find_gone(installation, seen, listed)
    with installation.store.write() as session:
        athlete, connection = decisions.lock(session, seen.athlete_id), session.get(Connection, seen.id)
        if athlete is None or connection is None or not athlete.is_connected or not connection.is_usable:
            return 0
        coach = Consultation(session, installation, athlete, installation.clock.now())
        if connection.poll_at is None:
            _looked(coach)
        return _take_in(coach, connection, listed, gone)


def next_look(athlete: Athlete) -> datetime:
    """When to look at this athlete's log, should nothing be heard until then (UTC): a day after the last word or two hours
    after the start of a usual run, then the more rarely the longer the silence lasts.
    """
    heard = max(athlete.connection.connected_at, athlete.last_event_at or athlete.connection.connected_at)
    looked = athlete.reconciled_at
    if looked is not None and looked > heard:
        silent_days = round((looked - heard) / _DAY)
        return looked + timedelta(days=min(max(silent_days, LEAST_DAYS), MOST_DAYS))
    usual = (start + AFTER_A_USUAL_START for start, _ in situations.usual_starts(athlete, heard) if start > heard)
    return min([heard + LOOK_AFTER, *usual])


def _should_ask(coach: Consultation) -> bool:
    """Whether to list this athlete's log now; if not, the next time is set."""
    session, athlete, now = coach.session, coach.athlete, coach.now
    if not athlete.is_connected or _reconciled(athlete) is None:
        athlete.reconcile_at = None
        return False
    if athlete.confirmed_at is None:
        athlete.reconcile_at = now + UNCONFIRMED_AGAIN_AFTER
        return False
    # An athlete who was looked at before the latest outage ended may have lost events in it.
    outage: datetime | None = session.scalar(select(func.max(Outage.ended_at)))
    missed = outage is not None and outage > (athlete.reconciled_at or athlete.connection.connected_at)
    if not missed:
        due = next_look(athlete)
        if due > now:
            athlete.reconcile_at = due
            return False
    best = coach.decide(words.Event(words.EventType.ACTIVITY_UPLOADED), best_case=True)
    if best.decision not in _SUGGESTS and not titles.worth_reading(coach):
        # Nothing could be due whatever was missed: the next decision that matters reads the history by itself.
        activities.note_gap(athlete, athlete.last_event_at or athlete.connection.connected_at)
        _looked(coach)
        return False
    return True


def _reconciled(athlete: Athlete) -> Connection | None:
    """The connection whose events are to be trusted until silence is unusual; others are polled (`adductor.jobs.poll`)."""
    return next((each for each in athlete.connections if each.is_usable and each.poll_at is None), None)


def _find_gone(installation: Installation, connection: Connection, listed: activities.Listed) -> list[str]:
    """Activities that we hold and the platform no longer has."""
    missing = _missing(installation, connection, listed)
    return [each for each in missing if platform_calls.read(installation, connection, each, Priority.HISTORY) is None]


def _missing(installation: Installation, connection: Connection, listed: activities.Listed) -> Sequence[str]:
    """Activities that we hold and the list doesn't: to be read one by one, as a list may leave something out."""
    now = installation.clock.now()
    row = models.LoggedActivity
    with installation.store.read() as session:
        return session.scalars(
            select(row.platform_id)
            .where(
                row.athlete_id == connection.athlete_id,
                row.platform_id.startswith(f"{connection.platform}:"),
                row.start > listed.asked_at - activities.HISTORY + MISSING_IF_READ_BEFORE,
                row.fetched_at < now - MISSING_IF_READ_BEFORE,
                row.deleted_at.is_(None),
                row.platform_id.not_in([activity.id for activity in listed.activities]),
            )
            .order_by(row.start.desc())
            .limit(MOST_MISSING_ASKED)
        ).all()


def _take_in(coach: Consultation, connection: Connection, listed: activities.Listed, gone: list[str]) -> int:
    """Store what one log holds, and make events of what is new, gone or of another kind now; returns how many."""
    session, athlete, now = coach.session, coach.athlete, coach.now
    known = _known(session, athlete, connection, [activity.id for activity in listed.activities])
    changed = _changed(coach, listed) if connection.poll_at is not None else []
    activities.keep_history(coach, listed)
    # An activity from before the athlete connected is history and gets no note.
    since = max(connection.connected_at, athlete.confirmed_at or connection.connected_at)
    found = [
        activity
        for activity in sorted(listed.activities, key=lambda entry: entry.start)
        if activity.complete
        and activity.id not in known
        and activity.sport != UNKNOWN_SPORT
        and activity.athlete_id == connection.external_id
        and titles.end_of(activity) > since
    ]
    events = [_event(session, connection, activity_id, "delete", now) for activity_id in gone]
    # The list has just told all of it: the events carry that, and cost no call.
    events += [_event(session, connection, each.id, "create", titles.end_of(each), carry(each)) for each in found]
    events += [
        _event(session, connection, each.id, "update", now, {**carry(each), "type": each.sport}) for each in changed
    ]
    ids = list(inbox.put(session.connection(), events, now)) if events else []
    session.execute(update(InboxEvent).where(InboxEvent.id.in_(ids)).values(origin=RECONCILE))
    return len(ids)


def _changed(coach: Consultation, listed: activities.Listed) -> list[LoggedActivity]:
    """Activities whose kind or length is another than we hold: no event tells of it."""
    row, by_id = models.LoggedActivity, {activity.id: activity for activity in listed.activities}
    held = select(row).filter_by(athlete_id=coach.athlete.id).where(row.platform_id.in_(by_id))
    return [
        by_id[each.platform_id]
        for each in coach.session.scalars(held)
        if (each.sport, each.moving_s) != (by_id[each.platform_id].sport, by_id[each.platform_id].moving_s)
    ]


def _known(session: Session, athlete: Athlete, connection: Connection, ids: list[str]) -> set[str]:
    events = select(InboxEvent.object_id).where(
        InboxEvent.object_id.in_(ids),
        InboxEvent.object_type == "activity",
        InboxEvent.owner_id == connection.external_id,
    )
    decided = select(DecisionRecord.activity_id).where(
        DecisionRecord.athlete_id == athlete.id, DecisionRecord.activity_id.in_(ids)
    )
    return {*session.scalars(events), *(entry for entry in session.scalars(decided) if entry is not None)}


def _event(
    session: Session,
    connection: Connection,
    activity_id: str,
    aspect: str,
    at: datetime,
    updates: dict[str, Any] | None = None,
) -> WebhookEvent:
    subscription = session.get(Subscription, connection.platform)
    return WebhookEvent(
        platform=connection.platform,
        subscription_id=subscription.subscription_id if subscription is not None else 0,
        object_type="activity",
        object_id=activity_id,
        aspect_type=aspect,
        event_time=at.replace(microsecond=0),
        owner_id=connection.external_id,
        updates=updates or {},
    )


def _looked(coach: Consultation) -> None:
    coach.athlete.reconciled_at = coach.now
    coach.athlete.reconcile_at = max(next_look(coach.athlete), coach.now + timedelta(hours=1))


TIMER = Timer(
    "reconciliation",
    Athlete.reconcile_at,
    look,
    retry_after=RETRY_AFTER,
    final_after=timedelta(days=MOST_DAYS),
    shared_cause=True,  # the share is used up, or the platform is away
)
