"""Handling one event of the inbox.

1. What doesn't need the platform is settled without it: leaving, deletions, edits of titles.
2. If even an easy run just finished would get a "no" (cap reached, on hold, ...), nobody is asked: the "no" is kept. Unless
   the activity may answer a routine that is open, or end a pause.
3. Otherwise the activity is read; first all of the last 14 days in one call when our rows have gaps.
4. Rows, decision, suggestion and delivery are written in one transaction, together with the end of the event.
5. A note that is due at once is written from what was just read, so a note costs one read and one write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from adductor import counts, logs
from adductor.athletes import activities, connection, decisions, platform_calls, titles
from adductor.coaching import situation as words
from adductor.coaching.constants import QUALIFYING_RUN_MIN_MOVING_MIN, QUALIFYING_SPORTS
from adductor.installation import Installation
from adductor.jobs import deliveries
from adductor.platforms.base import ErrorKind, LoggedActivity, PlatformError, Priority
from adductor.queue import claims, retry
from adductor.store.models import Athlete, DecisionRecord, InboxEvent, Subscription, Suggestion
from adductor.store.models import LoggedActivity as LoggedRow

log = logs.get(__name__)

_ANOTHER_RUN_HAS_IT = "Your latest run today carries the routine; one a day is enough."
_SUGGESTS = frozenset({words.Decision.POST_RUN, words.Decision.REST_DAY, words.Decision.WARM_UP})
_OF_THE_DAY = timedelta(hours=36)  # the longest run, and an upload the next morning

# Built once: each is asked for every event, and building a statement costs more than the database's answer to it.
_ATHLETE = (
    select(Athlete)
    .where(Athlete.platform == bindparam("platform"), Athlete.platform_athlete_id == bindparam("owner_id"))
    .with_for_update()
)
_athletes = Athlete.__table__
_KNOWN = select(_athletes.c.platform_athlete_id).where(
    _athletes.c.platform == bindparam("platform"),
    _athletes.c.platform_athlete_id.in_(bindparam("owners", expanding=True)),
)
_log = LoggedRow.__table__
_BEGAN = select(_log.c.start).where(
    _log.c.athlete_id == bindparam("athlete_id"), _log.c.platform_id == bindparam("platform_id")
)
_SUGGESTION = select(Suggestion).where(
    Suggestion.athlete_id == bindparam("athlete_id"), Suggestion.activity_id == bindparam("activity_id")
)
_subscription, _inbox = Subscription.__table__, InboxEvent.__table__
_SUBSCRIPTION = select(_subscription.c.subscription_id, _subscription.c.created_at).where(
    _subscription.c.platform == bindparam("platform")
)
_DELETED = select(_inbox.c.id).where(
    _inbox.c.platform == bindparam("platform"),
    _inbox.c.object_type == "activity",
    _inbox.c.object_id == bindparam("object_id"),
    _inbox.c.aspect_type == "delete",
    _inbox.c.event_time >= bindparam("since"),
)
_ENDED = (
    update(_inbox)  # type: ignore[arg-type]
    .where(
        _inbox.c.id == bindparam("event_id"),
        _inbox.c.state == "claimed",
        _inbox.c.lease_holder == bindparam("holder"),
        _inbox.c.lease_until == bindparam("until"),  # as `claims.holds`
    )
    .values(
        state="done",
        outcome=bindparam("with_outcome"),
        problem=None,
        lease_until=None,
        lease_holder=None,
        handled_at=bindparam("now"),
    )
)
_MINE = select(InboxEvent).where(InboxEvent.id == bindparam("event_id")).with_for_update()


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of an event: a word for the record, and the deliveries to write right away."""

    outcome: str
    due: tuple[int, ...] = ()  # further deliveries
    seen: deliveries.Seen | None = None


@dataclass(frozen=True, slots=True)
class _Asking:
    """The platform must be asked. What the look without it has shown."""

    athlete_id: int
    gaps: bool  # the last 14 days aren't all here
    revives: bool  # a suggestion for this activity is there already


def handle(installation: Installation, event: InboxEvent) -> None:
    """Handle a claimed event to its end, or give it back with a due time. Never raises for what an event can cause."""
    with structlog.contextvars.bound_contextvars(trace=event.trace_id, event_id=event.id):
        try:
            handled = _handle(installation, event)
        except platform_calls.LaterError as later:
            _put_back(installation, event, later.wait, later.problem)
        except platform_calls.StopError as stop:
            _finish(installation, event, Handled(stop.outcome), stop.problem)
        except Exception as error:  # an event that we can't handle must not keep the others waiting
            log.exception("event failed")
            _put_back(installation, event, retry.after(event.attempts), f"{type(error).__name__}: {error}"[:500])
        else:
            log.info("event handled", outcome=handled.outcome, aspect=event.aspect_type)
            if handled.seen is not None or handled.due:
                deliveries.run(installation, handled.due, seen=handled.seen)


def end_those_of_strangers(installation: Installation, claimed: Sequence[InboxEvent]) -> list[InboxEvent]:
    """End the events of people who aren't runners of ours, all in one transaction; returns the others.

    After somebody left, and whenever another application's events or a flood come in, there are many: a synced commit for
    each would keep webhooks of runners waiting.
    """
    known: set[tuple[str, int]] = set()
    strangers: dict[str, list[InboxEvent]] = {}
    # All that can be found out before is: while we write, no webhook is stored.
    with installation.store.read() as session:
        for platform in {event.platform for event in claimed}:
            owners = sorted({event.owner_id for event in claimed if event.platform == platform})
            found = session.execute(_KNOWN, {"platform": platform, "owners": owners}).scalars()
            known.update((platform, owner) for owner in found)
            subscription = _subscription_of(session, platform)
            for event in claimed:
                if event.platform == platform and (platform, event.owner_id) not in known:
                    ours = _under(subscription, event)
                    strangers.setdefault("unknown_athlete" if ours else "foreign_subscription", []).append(event)
    if strangers:
        now = installation.clock.now()
        with installation.store.write(can_be_redone=True) as session:
            for outcome, events in strangers.items():
                _end(session, events, outcome, now)
        for outcome, events in strangers.items():
            for event in events:
                log.info(
                    "event handled", outcome=outcome, aspect=event.aspect_type, trace=event.trace_id, event_id=event.id
                )
    return [event for event in claimed if (event.platform, event.owner_id) in known]


def _handle(installation: Installation, event: InboxEvent) -> Handled:
    with installation.store.write() as session:
        settled = _without_asking(session, installation, event)
        if isinstance(settled, Handled):
            _end(session, [event], settled.outcome, installation.clock.now())
            return settled
    return _asking(installation, event, settled)


def _without_asking(session: Session, installation: Installation, event: InboxEvent) -> Handled | _Asking:
    now = installation.clock.now()
    if not _ours(session, event):
        return Handled("foreign_subscription")
    athlete = session.scalar(_ATHLETE, {"platform": event.platform, "owner_id": event.owner_id})
    if athlete is None:
        return Handled("unknown_athlete")
    settled = _settled(session, installation, athlete, event, now)
    if isinstance(settled, Handled):
        # Otherwise it is noted with the decision: a look that changes nothing has nothing to sync to the disk.
        athlete.last_event_at = now
    return settled


def _settled(
    session: Session, installation: Installation, athlete: Athlete, event: InboxEvent, now: datetime
) -> Handled | _Asking:
    if event.object_type == "athlete":
        if event.updates.get("authorized") == "false":
            # An athlete who connected again after this event was sent has not left.
            if athlete.disconnected_at is None and athlete.connected_at <= event.event_time + timedelta(seconds=1):
                connection.disconnect(session, athlete, because="revoked", now=now)
            return Handled("disconnected")
        return Handled("nothing_to_do")
    if athlete.status != "connected":
        return Handled("not_connected")
    if event.aspect_type == "delete":
        if _restored_since(session, event):
            return Handled("restored")
        return _deleted(session, installation, athlete, event, now)
    if athlete.confirmed_at is None:
        activities.note_gap(athlete, event.event_time)
        return Handled("not_confirmed")
    obeyed = None
    if "title" in event.updates:
        obeyed = titles.obey(session, installation, athlete, event.updates["title"], event.object_id, now=now)
    suggestion = _suggestion_for(session, athlete, event.object_id)
    asking = _Asking(athlete.id, activities.has_gaps(athlete, now), suggestion is not None)
    if event.aspect_type == "update" and "type" not in event.updates:
        seen = session.scalar(
            select(DecisionRecord.id).where(
                DecisionRecord.athlete_id == athlete.id, DecisionRecord.activity_id == event.object_id
            )
        )
        if suggestion is not None or seen is not None:
            return Handled(obeyed or "nothing_to_do")
        # Otherwise this edit is the first that we hear of the activity: its create came late, or never.
    if suggestion is not None and suggestion.status != "withdrawn":
        # Only a change of type can take a suggestion back, and what it is now must be read.
        return asking if event.aspect_type == "update" else Handled("already_decided")
    if _deleted_since(session, event):
        return Handled("deleted")
    if athlete.history_read_at is None:
        # Nothing of theirs was read yet, so even their time zone isn't known: its night is not Greenwich's.
        return asking
    verdict = decisions.decide(session, installation, athlete, _woken_by(event), now, best_case=True)
    if verdict.decision in _SUGGESTS or titles.worth_reading(session, athlete, now):
        return asking
    decisions.record(
        session,
        athlete,
        verdict,
        trigger=_woken_by(event).type,
        now=now,
        trace_id=event.trace_id,
        event_id=event.id,
        activity_id=event.object_id,
        asked_platform=False,
    )
    activities.note_gap(athlete, event.event_time)
    return Handled(verdict.rule if verdict.decision is words.Decision.NONE else str(verdict.decision))


def _asking(installation: Installation, event: InboxEvent, asking: _Asking) -> Handled:
    athlete_id, gaps = asking.athlete_id, asking.gaps
    priority = Priority.FRESH if event.attempts <= 1 else Priority.RETRY
    if event.origin == "reconcile":
        priority = Priority.HISTORY  # what nobody told us about doesn't hold up what somebody did
    listed: list[LoggedActivity] = []
    if gaps:
        since = installation.clock.now() - activities.HISTORY
        listed = platform_calls.call(
            installation,
            athlete_id,
            event.attempts,
            lambda token: installation.strava.list_activities(token, after=since, priority=priority),
        )
    activity = next((entry for entry in listed if entry.id == event.object_id and entry.complete), None)
    fresh: LoggedActivity | None = None
    if activity is None or asking.revives:
        activity = fresh = _read(installation, event, athlete_id, priority)
    read_at = installation.clock.real_now()
    if activity is not None and not activity.complete:
        raise _not_yet(installation, event, "the activity's details are not all there yet")

    now = installation.clock.now()
    with installation.store.write() as session:
        locked = decisions.lock(session, athlete_id)
        if locked is None or locked.status != "connected":
            handled = Handled("not_connected")
        elif activity is None:
            handled = Handled("gone")
        elif activity.athlete_id != event.owner_id:
            handled = Handled("foreign_activity")
        elif _deleted_since(session, event):
            handled = Handled("deleted")  # while it was read: what we hold of it would be kept for days
        else:
            activities.keep(session, locked, activity, uploaded_at=min(event.event_time, now), now=now)
            if gaps:
                activities.keep_history(session, locked, listed, now)
            if event.aspect_type == "create":
                titles.obey(session, installation, locked, activity.title, activity.id, now=now)
            titles.strength(session, installation, locked, activity, now=now)
            handled = _decide(session, installation, locked, event, activity, now)
        if locked is not None:
            locked.last_event_at = now
        _end(session, [event], handled.outcome, now)
    seen = handled.seen and replace(handled.seen, activity=fresh, read_at=read_at)
    return replace(handled, seen=seen)


def _decide(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    event: InboxEvent,
    activity: LoggedActivity,
    now: datetime,
) -> Handled:
    suggestion = _suggestion_for(session, athlete, activity.id)
    if suggestion is not None and suggestion.status in ("open", "done", "declined"):
        if suggestion.status == "open" and not _still_a_run(activity):
            decisions.withdraw(session, suggestion, "The activity is no longer a run.", now=now)
            return Handled("withdrawn", deliveries.waiting_now(session, suggestion, now))
        return Handled("already_decided")
    woken_by = _woken_by(event)
    verdict = decisions.decide(session, installation, athlete, woken_by, now)
    # The coach follows the runner's latest run. That may be another than the activity that made us look: a ride came
    # after it, or events came in another order. The routine stands with that run, and only once.
    stands_in = int(verdict.details.get("activity_id", activity.id))
    if stands_in != activity.id and _still_a_run(activity) and not _began_after(session, athlete, stands_in, activity):
        # One run recorded twice, or two that overlap, count as one; the recording that came last carries it.
        stands_in = activity.id
    theirs = _suggestion_for(session, athlete, stands_in) if stands_in != activity.id else None
    if theirs is not None and theirs.status != "withdrawn":  # what was taken back comes to life, as with its own event
        verdict = replace(
            verdict, decision=words.Decision.NONE, dose=words.Dose.NONE, routine=None, reason=_ANOTHER_RUN_HAS_IT
        )
    decision = decisions.record(
        session,
        athlete,
        verdict,
        trigger=woken_by.type,
        now=now,
        trace_id=event.trace_id,
        event_id=event.id,
        activity_id=activity.id,
    )
    if verdict.decision not in _SUGGESTS:
        return Handled(verdict.rule if verdict.decision is words.Decision.NONE else str(verdict.decision))
    # A rest-day routine that an edit of something old has led to is about today, and has no place in that activity.
    about = stands_in if stands_in != activity.id or now - activity.start < _OF_THE_DAY else None
    suggestion = decisions.suggest(session, installation, athlete, verdict, decision, now=now, activity_id=about)
    log.info("routine due", decision=str(verdict.decision), dose=str(verdict.dose), rule=verdict.rule)
    note, others = deliveries.due_now(suggestion, now)
    if note is not None:
        # Claimed here, with the decision: nobody else can be faster, and the claim costs no transaction of its own.
        claims.take(installation, note)
    seen = deliveries.Seen(athlete, suggestion, note, others, came_at=event.received_at)
    return Handled(str(verdict.decision), seen=seen)


def _read(installation: Installation, event: InboxEvent, athlete_id: int, priority: Priority) -> LoggedActivity | None:
    """The activity now; None when it is gone for good."""
    try:
        return platform_calls.call(
            installation,
            athlete_id,
            event.attempts,
            lambda token: installation.strava.get_activity(token, event.object_id, priority=priority),
        )
    except PlatformError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        if installation.clock.now() - event.event_time < retry.NOT_YET_READABLE_FOR:
            raise _not_yet(installation, event, "the activity can't be read yet") from error
        return None


def _not_yet(installation: Installation, event: InboxEvent, problem: str) -> platform_calls.LaterError:
    return platform_calls.LaterError(retry.after(event.attempts), problem)


def _deleted(
    session: Session, installation: Installation, athlete: Athlete, event: InboxEvent, now: datetime
) -> Handled:
    activities.mark_deleted(session, athlete, event.object_id, now)
    suggestion = _suggestion_for(session, athlete, event.object_id)
    if suggestion is None or suggestion.status != "open":
        return Handled("nothing_to_do" if suggestion is None else "already_decided")
    verdict = decisions.decide(session, installation, athlete, _woken_by(event), now)
    decisions.record(
        session,
        athlete,
        verdict,
        trigger=words.EventType.ACTIVITY_DELETED,
        now=now,
        trace_id=event.trace_id,
        event_id=event.id,
        activity_id=event.object_id,
        asked_platform=False,
    )
    decisions.withdraw(session, suggestion, "The activity was deleted.", now=now)
    for delivery in suggestion.deliveries:
        if delivery.state in ("waiting", "claimed"):
            claims.finish(delivery, "gone")  # the note went with the activity
    return Handled("withdrawn")


def _ours(session: Session, event: InboxEvent) -> bool:
    return _under(_subscription_of(session, event.platform), event)


def _subscription_of(session: Session, platform: str) -> tuple[int, datetime] | None:
    """The id and the birth of the subscription that we know of."""
    known = session.execute(_SUBSCRIPTION, {"platform": platform}).first()
    return None if known is None else (known.subscription_id, known.created_at)


def _under(known: tuple[int, datetime] | None, event: InboxEvent) -> bool:
    # What came under an earlier subscription of ours, before there was this one, was answered 200 and is handled.
    return known is None or event.subscription_id == known[0] or event.received_at < known[1]


def _deleted_since(session: Session, event: InboxEvent) -> bool:
    """Events come in any order: a delete may have overtaken its create."""
    about = {"platform": event.platform, "object_id": event.object_id, "since": event.event_time}
    return session.execute(_DELETED, about).first() is not None


def _suggestion_for(session: Session, athlete: Athlete, activity_id: int) -> Suggestion | None:
    return session.scalar(_SUGGESTION, {"athlete_id": athlete.id, "activity_id": activity_id})


def _began_after(session: Session, athlete: Athlete, other: int, activity: LoggedActivity) -> bool:
    """Whether the runner's other activity began after this one."""
    began = session.execute(_BEGAN, {"athlete_id": athlete.id, "platform_id": other}).scalar()
    return began is not None and began > activity.start


def _still_a_run(activity: LoggedActivity) -> bool:
    return activity.sport in QUALIFYING_SPORTS and activity.moving_s >= QUALIFYING_RUN_MIN_MOVING_MIN * 60


def _restored_since(session: Session, event: InboxEvent) -> bool:
    """A deletion can be undone, which is a new create event; that one may have overtaken the delete."""
    return (
        session.scalar(
            select(InboxEvent.id).where(
                InboxEvent.platform == event.platform,
                InboxEvent.object_type == "activity",
                InboxEvent.object_id == event.object_id,
                InboxEvent.aspect_type == "create",
                InboxEvent.event_time > event.event_time,
                InboxEvent.origin == "webhook",
            )
        )
        is not None
    )


def _woken_by(event: InboxEvent) -> words.Event:
    types = {
        "create": words.EventType.ACTIVITY_UPLOADED,
        "update": words.EventType.ACTIVITY_UPDATED,
        "delete": words.EventType.ACTIVITY_DELETED,
    }
    return words.Event(types[event.aspect_type], str(event.object_id))


def _end(session: Session, events: Sequence[InboxEvent], outcome: str, now: datetime) -> None:
    """Finish the events in the transaction of their consequences, unless they were reopened with new contents meanwhile."""
    ended = session.execute(
        _ENDED,
        [
            {
                "event_id": event.id,
                "holder": event.lease_holder,
                "until": event.lease_until,
                "with_outcome": outcome,
                "now": now,
            }
            for event in events
        ],
    )
    for _ in range(ended.rowcount):  # type: ignore[attr-defined]
        counts.with_commit(session, counts.EVENTS, outcome)


def _finish(installation: Installation, event: InboxEvent, handled: Handled, problem: str) -> None:
    log.warning("event ended", outcome=handled.outcome, problem=problem)
    with installation.store.write() as session:
        row = session.scalar(_MINE, {"event_id": event.id})
        if row is not None and claims.holds(row, event):
            claims.finish(row, handled.outcome, problem)
            row.handled_at = installation.clock.now()


def _put_back(installation: Installation, event: InboxEvent, wait: timedelta, problem: str) -> None:
    log.warning("event waits", wait_s=round(wait.total_seconds(), 1), problem=problem)
    with installation.store.write() as session:
        row = session.scalar(_MINE, {"event_id": event.id})
        if row is None or not claims.holds(row, event):
            return
        if installation.clock.now() - row.received_at > retry.GIVE_UP_AFTER:
            claims.park(row, f"gave up after {retry.GIVE_UP_AFTER}: {problem}")
        else:
            claims.put_back(row, installation, wait=wait, problem=problem)
