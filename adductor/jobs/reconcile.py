"""Reconciliation: events that were missed are recovered from the log of an athlete who is silent for unusually long.

1. Claim due athletes by the index on their time: the cost follows those due, not all athletes.
2. An athlete who was heard of meanwhile gets a new time. Events set none: they are the hot path.
3. One list call, with the priority of history.
4. A missed activity becomes an event of our own and goes the usual way to a decision and a note. Its natural key follows from
   the activity, so a second look makes no second one; one suggestion an activity makes a late real event harmless. One too
   old for a note is stored and decided without a call.
After an outage every athlete's log is looked at (`adductor.jobs.outages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities, activity_gap, decisions, platform_calls, titles
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.coaching.constants import POST_RUN_WINDOW_H
from adductor.installation import Installation
from adductor.jobs import inbox, outages
from adductor.platforms import registry
from adductor.platforms.base import LoggedActivity, Priority, WebhookEvent
from adductor.queue import timers
from adductor.queue.timers import Timer
from adductor.store import models
from adductor.store.models import Athlete, DecisionRecord, InboxEvent, Outage, Subscription

log = logs.get(__name__)

# When the platform doesn't answer. A look is in no hurry.
RETRY_AFTER = timedelta(minutes=15)
# Before the first questions are answered nothing is read.
UNCONFIRMED_AGAIN_AFTER = timedelta(days=1)
# A list may lag behind by moments; what was read this long ago and is missing now is asked for by itself.
MISSING_IF_READ_BEFORE = timedelta(hours=1)
MOST_MISSING_ASKED = 5
TOO_LATE = "found_too_late"
RECONCILE = "reconcile"
_WINDOW = timedelta(hours=POST_RUN_WINDOW_H)
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
        connection = athlete.connection
    listed = activities.list_history(installation, connection, Priority.HISTORY)
    missing = _missing(installation, athlete_id, listed)
    gone = [each for each in missing if platform_calls.read(installation, connection, each, Priority.HISTORY) is None]
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not athlete.is_connected:
            return 0
        coach = Consultation(session, installation, athlete, installation.clock.now())
        made = _take_in(coach, listed, gone)
        _looked(coach)
    if made:
        log.warning("missed events recovered", athlete=athlete_id, events=made)
    return made


def _should_ask(coach: Consultation) -> bool:
    """Whether to list this athlete's log now; if not, the next time is set."""
    session, athlete, now = coach.session, coach.athlete, coach.now
    if not athlete.is_connected:
        athlete.reconcile_at = None
        return False
    if athlete.confirmed_at is None:
        athlete.reconcile_at = now + UNCONFIRMED_AGAIN_AFTER
        return False
    # An athlete who was looked at before the latest outage ended may have lost events in it.
    outage: datetime | None = session.scalar(select(func.max(Outage.ended_at)))
    missed = outage is not None and outage > (athlete.reconciled_at or athlete.connection.connected_at)
    if not missed:
        due = activity_gap.next_look(coach)
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


def _missing(installation: Installation, athlete_id: int, listed: activities.Listed) -> Sequence[str]:
    """Activities that we hold and the list doesn't: to be read one by one, as a list may leave something out."""
    now = installation.clock.now()
    row = models.LoggedActivity
    with installation.store.read() as session:
        return session.scalars(
            select(row.platform_id)
            .where(
                row.athlete_id == athlete_id,
                row.start > listed.asked_at - activities.HISTORY + MISSING_IF_READ_BEFORE,
                row.fetched_at < now - MISSING_IF_READ_BEFORE,
                row.deleted_at.is_(None),
                row.platform_id.not_in([activity.id for activity in listed.activities]),
            )
            .order_by(row.start.desc())
            .limit(MOST_MISSING_ASKED)
        ).all()


def _take_in(coach: Consultation, listed: activities.Listed, gone: list[str]) -> int:
    session, athlete, now = coach.session, coach.athlete, coach.now
    known = _known(session, athlete, [activity.id for activity in listed.activities])
    activities.keep_history(coach, listed)
    # An activity from before the athlete connected is history and gets no note.
    since = max(athlete.connection.connected_at, athlete.confirmed_at or athlete.connection.connected_at)
    found = [
        activity
        for activity in sorted(listed.activities, key=lambda entry: entry.start)
        if activity.complete
        and activity.id not in known
        and activity.athlete_id == athlete.connection.external_id
        and titles.end_of(activity) > since
    ]
    events = [_event(session, athlete, activity_id, "delete", now) for activity_id in gone]
    events += [
        _event(session, athlete, activity.id, "create", titles.end_of(activity))
        for activity in found
        if _could_be_due(coach, activity)
    ]
    ids = list(inbox.put(session.connection(), events, now)) if events else []
    session.execute(update(InboxEvent).where(InboxEvent.id.in_(ids)).values(origin=RECONCILE))
    return len(ids)


def _could_be_due(coach: Consultation, activity: LoggedActivity) -> bool:
    """Whether a routine may be due for this activity; if not, its title words are obeyed and the "no" is stored."""
    event = words.Event(words.EventType.ACTIVITY_UPLOADED, str(activity.id))
    verdict = coach.decide(event)
    age = coach.now - titles.end_of(activity)
    if age <= _WINDOW and verdict.decision in _SUGGESTS:
        return True
    if age <= titles.MEANS_IT_FOR:
        titles.obey(coach, activity.title, activity.id)
    titles.strength(coach, activity)
    if age > _WINDOW:
        because = f"ended more than {POST_RUN_WINDOW_H} hours before we heard of it"
        label = registry.LABELS[coach.athlete.connection.platform]
        reason = f"{label} did not tell us of this in time: it {because}, and nothing is written into older activities."
        undecided = words.Verdict(verdict.decision, verdict.dose, "", "")
        verdict = decisions.refuse(undecided, TOO_LATE, reason, because)
    coach.record(event, verdict, asked_platform=True)
    return False


def _known(session: Session, athlete: Athlete, ids: list[str]) -> set[str]:
    events = select(InboxEvent.object_id).where(
        InboxEvent.object_id.in_(ids),
        InboxEvent.object_type == "activity",
        InboxEvent.owner_id == athlete.connection.external_id,
    )
    decided = select(DecisionRecord.activity_id).where(
        DecisionRecord.athlete_id == athlete.id, DecisionRecord.activity_id.in_(ids)
    )
    return {*session.scalars(events), *(entry for entry in session.scalars(decided) if entry is not None)}


def _event(session: Session, athlete: Athlete, activity_id: str, aspect: str, at: datetime) -> WebhookEvent:
    subscription = session.get(Subscription, athlete.connection.platform)
    return WebhookEvent(
        platform=athlete.connection.platform,
        subscription_id=subscription.subscription_id if subscription is not None else 0,
        object_type="activity",
        object_id=activity_id,
        aspect_type=aspect,
        event_time=at.replace(microsecond=0),
        owner_id=athlete.connection.external_id,
        updates={},
    )


def _looked(coach: Consultation) -> None:
    coach.athlete.reconciled_at = coach.now
    coach.athlete.reconcile_at = max(activity_gap.next_look(coach), coach.now + timedelta(hours=1))


TIMER = Timer(
    "reconciliation",
    Athlete.reconcile_at,
    look,
    retry_after=RETRY_AFTER,
    final_after=timedelta(days=activity_gap.MOST_DAYS),
    shared_cause=True,  # the share is used up, or the platform is away
)
