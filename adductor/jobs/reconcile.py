"""Missed events: the log of whoever has been silent for unusually long is listed, and of everybody after an outage.

1. Claim runners whose time for a look has come, by the index on it: the cost follows those due, not all runners.
2. Somebody who was heard of meanwhile is only given a new time: events themselves set none, they are the hot path.
3. One list call, with the priority of history: it may use half of a quarter's budget and two fifths of a day's.
4. What no event told us about becomes an event of our own making, and goes the usual way to a decision and a note. Its
   natural key follows from the activity, so a second look makes no second one; and since there is one suggestion for an
   activity, a late real event doubles nothing. What is too old for a note is kept and decided without a call.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities, activity_gap, decisions, platform_calls, titles
from adductor.coaching import situation as words
from adductor.coaching.constants import POST_RUN_WINDOW_H
from adductor.installation import Installation
from adductor.jobs import inbox, outages
from adductor.platforms.base import ErrorKind, LoggedActivity, PlatformError, Priority, WebhookEvent
from adductor.store import models
from adductor.store.models import Athlete, DecisionRecord, InboxEvent, Subscription

log = logs.get(__name__)

BATCH = 20
# Taken by a process that ends, a runner is looked at again after this.
CLAIMED_FOR = timedelta(minutes=10)
# When Strava doesn't answer: nobody waits for this, so it isn't asked often.
AGAIN_AFTER = timedelta(minutes=15)
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
    """Look at the runners whose time has come, as far as time (by `time.monotonic`) and budget go. Returns how many."""
    outages.line_up(installation)
    ids = _claim(installation)
    for looked_at, athlete_id in enumerate(ids):
        if until is not None and time.monotonic() >= until:
            _again(installation, ids[looked_at:], timedelta(0))
            return looked_at
        try:
            look(installation, athlete_id)
        except platform_calls.LaterError as later:
            # What stopped this one stops the others: the share is used up, or Strava is away.
            wait = later.wait if later.budget else max(later.wait, AGAIN_AFTER)
            log.info("looking for missed events waits", runners=len(ids) - looked_at, problem=later.problem)
            _again(installation, ids[looked_at:], wait)
            return looked_at
        except platform_calls.StopError as stop:
            log.warning("log can't be listed", athlete=athlete_id, outcome=stop.outcome, problem=stop.problem)
            _again(installation, [athlete_id], timedelta(days=activity_gap.MOST_DAYS))
        except Exception:  # one runner must not keep the others waiting
            log.exception("looking for missed events failed", athlete=athlete_id)
            _again(installation, [athlete_id], AGAIN_AFTER)
    return len(ids)


def look(installation: Installation, athlete_id: int) -> int:
    """Look at one runner now, if it is time. Returns how many events were made. Raises LaterError and StopError."""
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not _should_ask(session, installation, athlete):
            return 0
    since = installation.clock.now() - activities.HISTORY
    listed = platform_calls.call(
        installation,
        athlete_id,
        1,
        lambda token: installation.strava.list_activities(token, after=since, priority=Priority.HISTORY),
    )
    gone = _gone(installation, athlete_id, since, listed)
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or athlete.status != "connected":
            return 0
        now = installation.clock.now()
        made = _take_in(session, installation, athlete, listed, gone, now)
        _looked(session, athlete, now)
    if made:
        log.warning("events that never came were made up for", athlete=athlete_id, events=made)
    return made


def _should_ask(session: Session, installation: Installation, athlete: Athlete) -> bool:
    """Whether to list this runner's log now; if not, the next time is set."""
    now = installation.clock.now()
    if athlete.status != "connected":
        athlete.reconcile_at = None
        return False
    if athlete.confirmed_at is None:
        athlete.reconcile_at = now + UNCONFIRMED_AGAIN_AFTER
        return False
    outage = outages.last_ended(session)
    missed = outage is not None and outage > (athlete.reconciled_at or athlete.connected_at)
    if not missed:
        due = activity_gap.next_look(athlete, activity_gap.usual_gap_days(session, athlete, now), now)
        if due > now:
            athlete.reconcile_at = due
            return False
    best = decisions.decide(
        session, installation, athlete, words.Event(words.EventType.ACTIVITY_UPLOADED), now, best_case=True
    )
    if best.decision not in _SUGGESTS and not titles.worth_reading(session, athlete, now):
        # Nothing could be due whatever was missed: the next decision that matters reads the history by itself.
        activities.note_gap(athlete, athlete.last_event_at or athlete.connected_at)
        _looked(session, athlete, now)
        return False
    return True


def _gone(installation: Installation, athlete_id: int, since: datetime, listed: list[LoggedActivity]) -> list[int]:
    """Activities that we hold and the log doesn't: asked for one by one, as a list may leave something out."""
    now = installation.clock.now()
    row = models.LoggedActivity
    with installation.store.read() as session:
        missing = session.scalars(
            select(row.platform_id)
            .where(
                row.athlete_id == athlete_id,
                row.start > since + MISSING_IF_READ_BEFORE,
                row.fetched_at < now - MISSING_IF_READ_BEFORE,
                row.deleted_at.is_(None),
                row.platform_id.not_in([activity.id for activity in listed]),
            )
            .order_by(row.start.desc())
            .limit(MOST_MISSING_ASKED)
        ).all()
    return [activity_id for activity_id in missing if _is_gone(installation, athlete_id, activity_id)]


def _is_gone(installation: Installation, athlete_id: int, activity_id: int) -> bool:
    try:
        platform_calls.call(
            installation,
            athlete_id,
            1,
            lambda token: installation.strava.get_activity(token, activity_id, priority=Priority.HISTORY),
        )
    except PlatformError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return True
    return False


def _take_in(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    listed: list[LoggedActivity],
    gone: list[int],
    now: datetime,
) -> int:
    heard_of = _heard_of(session, athlete, [activity.id for activity in listed])
    activities.keep_history(session, athlete, listed, now)
    # What was run before the runner came to us (or came back) is history and nothing else.
    since = max(athlete.connected_at, athlete.confirmed_at or athlete.connected_at)
    found = [
        activity
        for activity in sorted(listed, key=lambda entry: entry.start)
        if activity.complete
        and activity.id not in heard_of
        and activity.athlete_id == athlete.platform_athlete_id
        and _end_of(activity) > since
    ]
    events = [_event(session, athlete, activity_id, "delete", now) for activity_id in gone]
    events += [
        _event(session, athlete, activity.id, "create", _end_of(activity))
        for activity in found
        if _could_be_due(session, installation, athlete, activity, now)
    ]
    ids = list(inbox.put(session.connection(), events, now)) if events else []
    session.execute(update(InboxEvent).where(InboxEvent.id.in_(ids)).values(origin=RECONCILE))
    return len(ids)


def _could_be_due(
    session: Session, installation: Installation, athlete: Athlete, activity: LoggedActivity, now: datetime
) -> bool:
    """Whether a routine may be due for this activity; if not, what it says is taken in and the "no" is kept."""
    event = words.Event(words.EventType.ACTIVITY_UPLOADED, str(activity.id))
    verdict = decisions.decide(session, installation, athlete, event, now)
    old = now - _end_of(activity) > _WINDOW
    if not old and verdict.decision in _SUGGESTS:
        return True
    if now - _end_of(activity) <= titles.MEANS_IT_FOR:
        titles.obey(session, installation, athlete, activity.title, activity.id, now=now)
    titles.strength(session, installation, athlete, activity, now=now)
    decisions.record(
        session,
        athlete,
        _too_late(verdict) if old else verdict,
        trigger=event.type,
        now=now,
        trace_id=secrets.token_hex(8),
        activity_id=activity.id,
    )
    return False


def _too_late(verdict: words.Verdict) -> words.Verdict:
    because = f"ended more than {POST_RUN_WINDOW_H} hours before we heard of it"
    return replace(
        verdict,
        decision=words.Decision.NONE,
        dose=words.Dose.NONE,
        rule=TOO_LATE,
        reason=f"Strava did not tell us of this in time: it {because}, and nothing is written into older activities.",
        routine=None,
        considered=(words.Considered(TOO_LATE, True, because),),
    )


def _heard_of(session: Session, athlete: Athlete, ids: list[int]) -> set[int]:
    events = select(InboxEvent.object_id).where(
        InboxEvent.object_id.in_(ids),
        InboxEvent.object_type == "activity",
        InboxEvent.owner_id == athlete.platform_athlete_id,
    )
    decided = select(DecisionRecord.activity_id).where(
        DecisionRecord.athlete_id == athlete.id, DecisionRecord.activity_id.in_(ids)
    )
    return {*session.scalars(events), *(entry for entry in session.scalars(decided) if entry is not None)}


def _event(session: Session, athlete: Athlete, activity_id: int, aspect: str, at: datetime) -> WebhookEvent:
    subscription = session.get(Subscription, athlete.platform)
    return WebhookEvent(
        platform=athlete.platform,
        subscription_id=subscription.subscription_id if subscription is not None else 0,
        object_type="activity",
        object_id=activity_id,
        aspect_type=aspect,
        event_time=at.replace(microsecond=0),
        owner_id=athlete.platform_athlete_id,
        updates={},
    )


def _end_of(activity: LoggedActivity) -> datetime:
    return activity.start + timedelta(seconds=max(activity.elapsed_s, activity.moving_s))


def _looked(session: Session, athlete: Athlete, now: datetime) -> None:
    athlete.reconciled_at = now
    due = activity_gap.next_look(athlete, activity_gap.usual_gap_days(session, athlete, now), now)
    athlete.reconcile_at = max(due, now + timedelta(hours=1))


def _claim(installation: Installation) -> list[int]:
    now = installation.clock.now()
    wanted = (
        select(Athlete.id).where(Athlete.reconcile_at <= now).order_by(Athlete.reconcile_at, Athlete.id).limit(BATCH)
    )
    with installation.store.read() as session:
        if session.scalar(wanted.limit(1)) is None:
            return []  # nearly every time: no write lock for nothing
    if not installation.store.is_sqlite:
        wanted = wanted.with_for_update(skip_locked=True)
    with installation.store.write() as session:
        claimed = session.scalars(
            update(Athlete)
            .where(Athlete.id.in_(wanted.scalar_subquery() if installation.store.is_sqlite else wanted))
            .values(reconcile_at=now + CLAIMED_FOR)
            .returning(Athlete.id),
            execution_options={"synchronize_session": False},
        )
        return sorted(claimed)


def _again(installation: Installation, ids: list[int], wait: timedelta) -> None:
    with installation.store.write() as session:
        session.execute(
            update(Athlete)
            .where(Athlete.id.in_(ids), Athlete.status == "connected")
            .values(reconcile_at=installation.clock.now() + wait)
        )
