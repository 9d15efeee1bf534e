"""Handling one event of the inbox.

1. What needs no platform is settled without it: leaving, deletions, edits of titles, activities older than the history.
2. If even an easy run just finished would get a "no" (cap reached, on hold, ...), the "no" is stored and nothing is read.
   Unless the activity may answer an open routine, or hardly any of the rate budget is used: then it is read for the overview.
3. Otherwise the activity is read; first the last 14 days in one call when rows are missing or many events come.
4. Rows, decision, suggestion, deliveries and the end of the event are one transaction.
5. A note that is due at once is written from the same reading: a note costs one read and one write.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from adductor import logs
from adductor.athletes import activities, channels, connections, decisions, platform_calls, schedule, titles, told
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.coaching.constants import QUALIFYING_RUN_MIN_MOVING_MIN, QUALIFYING_SPORTS
from adductor.installation import Installation
from adductor.jobs import deliveries
from adductor.platforms import registry
from adductor.platforms.base import LoggedActivity, Priority, Told, carried, platform_of
from adductor.queue import claims, retry
from adductor.queue.retry import RetryLater
from adductor.queue.worker import Job
from adductor.store.models import Connection, DecisionRecord, Delivery, InboxEvent, Subscription, Suggestion
from adductor.store.models import LoggedActivity as LoggedRow

log = logs.get(__name__)
T = TypeVar("T")

_ANOTHER_RUN_HAS_IT = "Your latest run today carries the routine; one a day is enough."
_NO_LONGER_A_RUN = "The activity is no longer a run."
_DELETED = "The activity was deleted."
_TOO_OLD = "It began more than 14 days ago; nothing is written into older activities."
_EVENT_TYPES = {
    "create": words.EventType.ACTIVITY_UPLOADED,
    "update": words.EventType.ACTIVITY_UPDATED,
    "delete": words.EventType.ACTIVITY_DELETED,
}
# The runner asked for silence, or must answer first: nothing is read meanwhile.
_CALLS_FOR_NOTHING = ("on_hold", "not_cleared")
_SUGGESTS = frozenset({words.Decision.POST_RUN, words.Decision.REST_DAY, words.Decision.WARM_UP})
_OF_THE_DAY = timedelta(hours=36)  # the longest run, and an upload the next morning
# The log where the note should stand tells of the same run within this; then the run goes on without it. Judgement.
OTHER_LOG_WITHIN = timedelta(minutes=5)
# Two logs of one recording agree to the second; of two devices, to a minute or two. Judgement.
SAME_START_WITHIN = timedelta(minutes=5)
# A plan that was read a moment ago is read once for all events of that moment; hints of its change are debounced.
_PLAN_GOOD_FOR = timedelta(minutes=1)
CALENDAR_EVERY = timedelta(minutes=5)
# A calendar that can't be read so often leaves the plan as it was known.
_PLAN_ATTEMPTS = 3
_ITS_ACTIVITY = (LoggedRow.athlete_id == Suggestion.athlete_id) & (LoggedRow.platform_id == Suggestion.activity_id)
_SAME_RUN = "This is the run that has its routine already, from another log."
# More new activities than this in this time are an import: a list call tells 200 of them, where a read tells one. Judgement.
_FLOOD = 5
_FLOOD_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Handled:
    """The outcome of an event, and the deliveries that are due at once."""

    outcome: str
    due: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """The platform must be called; what is known without it."""

    connection: Connection
    gaps: bool  # the last 14 days aren't all here
    flood: bool  # the athlete imports old activities
    listed_at: datetime | None  # the latest list call
    revives: bool  # the activity has a suggestion already
    brought: LoggedActivity | None = None  # the activity as the event carried it: no call is needed for it
    no: words.Verdict | None = None  # stands already: the activity is read if that costs others nothing


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the platform said. ``activity`` is None when it is gone; ``reading`` is one with all fields."""

    activity: LoggedActivity | None
    listed: activities.Listed | None = None
    reading: deliveries.Reading | None = None


def handle(installation: Installation, event: InboxEvent) -> None:
    """Handle a claimed event to its end. Raises RetryLater and Final."""
    with installation.store.write() as session:
        settled = _settle(session, installation, event)
        if isinstance(settled, Handled):
            _end(session, event, settled.outcome, installation.clock.now())
    reading = None
    if isinstance(settled, _Question):
        answer = _ask(installation, event, settled) if settled.no is None else _ask_spare(installation, event, settled)
        reading = answer.reading
        with installation.store.write() as session:
            settled = _take_in(session, installation, event, settled, answer)
            _end(session, event, settled.outcome, installation.clock.now())
    log.info("event handled", outcome=settled.outcome, aspect=event.aspect_type, attempt=event.attempts)
    deliveries.deliver_now(installation, settled.due, reading)


JOB: Job[InboxEvent] = Job("event", InboxEvent, handle, created_at=lambda event: event.received_at)


# --- without the platform ---------------------------------------------------------------------------------------------


def _settle(session: Session, installation: Installation, event: InboxEvent) -> Handled | _Question:
    _learn_subscription(session, event)
    connection = connections.find(session, event.platform, event.owner_id)
    athlete = None if connection is None else decisions.lock(session, connection.athlete_id)
    if connection is None or athlete is None:
        return Handled("unknown_athlete")
    coach = Consultation(session, installation, athlete, installation.clock.now())
    settled = _settle_for(coach, connection, event)
    if isinstance(settled, Handled):
        athlete.last_event_at = coach.now
    return settled


def _settle_for(coach: Consultation, connection: Connection, event: InboxEvent) -> Handled | _Question:
    session, athlete = coach.session, coach.athlete
    if event.object_type == "athlete":
        return _changed_access(session, connection, event, coach.now)
    if athlete.leaving_at is not None or not connection.is_usable:
        return Handled("not_connected")
    if event.object_type == "wellness":
        told.keep(connection, Told(wellness=event.updates.get("wellness") or {}), coach.today)
        return Handled("kept")
    if event.object_type == "calendar":
        return _calendar_changed(coach, connection)
    if event.aspect_type == "delete":
        return _deleted(coach, event)
    if athlete.confirmed_at is None:
        activities.note_gap(athlete, event.event_time)
        return Handled("not_confirmed")
    return _settle_activity(coach, connection, event)


def _settle_activity(coach: Consultation, connection: Connection, event: InboxEvent) -> Handled | _Question:
    """An activity that is new, or edited: an edit of its title alone is settled, one of its kind must be read."""
    session, athlete = coach.session, coach.athlete
    is_edit, obeyed, brought = event.aspect_type == "update", None, carried(event.updates)
    if "title" in event.updates and (brought is None or _is_new_title(session, event)):
        obeyed = titles.obey(coach, event.updates["title"], event.object_id)
    if brought is not None and _is_superseded(session, event):
        return Handled(obeyed or "nothing_to_do")
    suggestion = coach.find_suggestion(event.object_id)
    flood = not is_edit and _is_flooded(session, event)
    gaps = activities.has_gaps(athlete, coach.now)
    question = _Question(connection, gaps, flood, athlete.history_read_at, suggestion is not None, brought)
    # An edit may be the first event of its activity: its create came late, or never.
    decided = select(DecisionRecord.id).filter_by(athlete_id=athlete.id, activity_id=event.object_id).limit(1)
    known = suggestion is not None or session.scalar(decided) is not None
    if is_edit and known and not _is_another_kind(coach, event, brought):
        return Handled(obeyed or "nothing_to_do")
    if suggestion is not None and suggestion.status != "withdrawn":
        # Only a change of type can withdraw a suggestion, and the new type must be read.
        return question if is_edit else Handled("already_decided")
    if _was_deleted(session, event):
        return Handled("deleted")
    if not is_edit and activities.is_older_than_history(coach, event.object_id, event.event_time):
        return _record_too_old(coach, event)
    age = coach.now - event.received_at
    if age < OTHER_LOG_WITHIN and channels.awaits_other_log(athlete, event.platform):
        raise RetryLater(
            "the same run is awaited from the log where its note should stand", wait=OTHER_LOG_WITHIN - age
        )
    return _foresee(coach, event, question)


def _foresee(coach: Consultation, event: InboxEvent, question: _Question) -> Handled | _Question:
    """Whether the activity is read: where a routine may be due or answered, or where the call is spare."""
    if coach.athlete.history_read_at is None:
        return question  # not even the time zone is known yet
    verdict = coach.decide(_woken_by(event), best_case=True)
    if verdict.decision in _SUGGESTS or titles.worth_reading(coach):
        return question
    is_spare = question.brought is not None or (
        verdict.decision is words.Decision.NONE
        and verdict.rule not in _CALLS_FOR_NOTHING
        and coach.installation.budget(event.platform).seems_free()
    )
    if is_spare and not question.flood:
        return replace(question, gaps=False, no=verdict)
    return _record_unread(coach, event, verdict)


def _calendar_changed(coach: Consultation, connection: Connection) -> Handled | _Question:
    """A hint that the plan is another: it is read again, and in a row of hints once in some minutes."""
    if coach.athlete.confirmed_at is None:
        return Handled("not_confirmed")
    read_at = connection.told.get("plan_read_at")
    age = coach.now - datetime.fromisoformat(read_at) if read_at is not None else CALENDAR_EVERY
    if age < CALENDAR_EVERY:
        raise RetryLater("the calendar was read a moment ago", wait=CALENDAR_EVERY - age)
    return _Question(connection, gaps=False, flood=False, listed_at=None, revives=False)


def _changed_access(session: Session, connection: Connection, event: InboxEvent, now: datetime) -> Handled:
    if "scopes" in event.updates and connection.connected_at <= event.event_time and connection.is_usable:
        connection.scopes = event.updates["scopes"][:200]
        if not registry.FACTS[event.platform].read_scopes <= set(connection.scopes.split(",")):
            connections.without_reading(connection)
        return Handled("scopes_changed")
    if event.updates.get("authorized") != "false":
        return Handled("nothing_to_do")
    # An athlete who connected again after this event was sent has not left.
    if connection.disconnected_at is None and connection.connected_at <= event.event_time + timedelta(seconds=1):
        connections.disconnect(session, connection, now)
    return Handled("disconnected")


def _deleted(coach: Consultation, event: InboxEvent) -> Handled:
    if _was_restored(coach.session, event):
        return Handled("restored")
    activities.mark_deleted(coach, event.object_id)
    suggestion = coach.find_suggestion(event.object_id)
    if suggestion is None or suggestion.status != "open":
        return Handled("nothing_to_do" if suggestion is None else "already_decided")
    _record(coach, event, decisions.without_routine(coach.decide(_woken_by(event)), _DELETED))
    coach.withdraw(suggestion, _DELETED)
    for delivery in suggestion.deliveries:
        if delivery.state in (claims.WAITING, claims.CLAIMED) and delivery.channel != channels.CALENDAR:
            claims.finish(coach.session, delivery, "gone")  # the note went with the activity
    return Handled("withdrawn", deliveries.claim_due(coach, suggestion) + _restore_earlier(coach, suggestion, event))


def _restore_earlier(coach: Consultation, gone: Suggestion, event: InboxEvent) -> tuple[Delivery, ...]:
    """The run that carried the routine is no run any more: an earlier one of the day that it replaced carries it again."""
    coach.session.flush()
    earlier = coach.session.scalar(
        select(Suggestion)
        .join(LoggedRow, _ITS_ACTIVITY)
        .where(
            Suggestion.athlete_id == coach.athlete.id,
            Suggestion.id != gone.id,
            Suggestion.local_date == gone.local_date,
            Suggestion.status == "withdrawn",
            Suggestion.withdrawn_because == decisions.REPLACED,
            LoggedRow.deleted_at.is_(None),
        )
        .order_by(LoggedRow.start.desc())
        .limit(1)
    )
    carries = earlier.activity_id if earlier is not None else _other_copy(coach, gone.activity_id)
    if carries is None:
        return ()
    woken_by = words.Event(words.EventType.ACTIVITY_UPDATED, carries)
    verdict = coach.decide(woken_by)
    decision = coach.record(woken_by, verdict, trace_id=event.trace_id)
    if verdict.decision not in _SUGGESTS:
        return ()
    return deliveries.claim_due(coach, coach.suggest(verdict, decision, carries))


# --- with the platform ------------------------------------------------------------------------------------------------


def _ask(installation: Installation, event: InboxEvent, question: _Question) -> _Answer:
    """Read the activity, and the calendars for the plan around it."""
    is_activity, now = event.object_type == "activity", installation.clock.now()
    answer = _ask_for_activity(installation, event, question) if is_activity else _Answer(None)
    if answer.activity is not None and now - answer.activity.start > _OF_THE_DAY:
        return answer  # too old for a routine
    since = now - _PLAN_GOOD_FOR if is_activity else datetime.fromisoformat(event.updates["at"])
    try:
        activities.read_plan(installation, question.connection.athlete_id, _priority(event, question), since=since)
    except RetryLater:
        if event.attempts < _PLAN_ATTEMPTS:
            raise
        log.warning("plan not read", athlete=question.connection.athlete_id)
    return answer


def _priority(event: InboxEvent, question: _Question) -> Priority:
    priority = Priority.FRESH if event.attempts <= 1 else Priority.RETRY
    if event.origin == "reconcile" or question.flood:
        priority = Priority.HISTORY  # an import, or a recovered event, doesn't hold up a fresh run
    return priority


def _ask_for_activity(installation: Installation, event: InboxEvent, question: _Question) -> _Answer:
    priority, listed = _priority(event, question), None
    if question.flood and question.brought is None:
        _wait_for_list(installation, event, question)
    if question.gaps or (question.flood and question.brought is None):
        listed = activities.list_history(installation, question.connection, priority)
    entries = listed.activities if listed is not None else ()
    entry = next((entry for entry in entries if entry.id == event.object_id), None) or question.brought
    if entry is not None and entry.complete and not (question.revives and question.brought is None):
        return _Answer(entry, listed)
    if question.flood and entry is None and listed is not None and listed.is_whole:
        return _Answer(None, listed)
    activity = platform_calls.read(installation, question.connection, event.object_id, priority)
    if activity is None:
        if installation.clock.now() - event.event_time < retry.NOT_YET_READABLE_FOR:
            raise RetryLater("the activity can't be read yet")
        return _Answer(None, listed)
    if not (activity.complete and activity.athlete_id):
        raise RetryLater("the activity's details are not all there yet")
    return _Answer(activity, listed, deliveries.Reading(activity, installation.clock.real_now()))


def _ask_spare(installation: Installation, event: InboxEvent, question: _Question) -> _Answer:
    """Read the activity by one call that is not tried again: without an answer its "no" stands."""
    if question.brought is not None:
        return _Answer(question.brought)
    try:
        activity = platform_calls.read(installation, question.connection, event.object_id, Priority.SPARE)
    except RetryLater:
        return _Answer(None)
    complete = activity is not None and activity.complete and activity.athlete_id
    return _Answer(activity if complete else None)


def _wait_for_list(installation: Installation, event: InboxEvent, question: _Question) -> None:
    """In a flood: wait until a list call is certain to hold the activity, and list once a minute at most."""
    latest = max(event.event_time, question.listed_at or event.event_time)
    age = installation.clock.now() - latest
    if age < activities.LISTED_WITHIN:
        wait = activities.LISTED_WITHIN - max(age, timedelta(0))
        raise RetryLater("many activities come in; one list call will tell them all", wait=wait)


def _take_in(
    session: Session, installation: Installation, event: InboxEvent, question: _Question, answer: _Answer
) -> Handled:
    athlete = decisions.lock(session, question.connection.athlete_id)
    if athlete is None:
        return Handled("not_connected")
    coach = Consultation(session, installation, athlete, installation.clock.now())
    athlete.last_event_at = coach.now
    current = athlete.connection_at(event.platform)
    if not athlete.is_connected or current is None or not current.is_usable:
        return Handled("not_connected")
    if event.object_type == "calendar":
        schedule.reschedule(athlete, coach.now)
        return Handled("kept")
    activity = answer.activity
    if activity is None and question.no is not None:
        return _record_unread(coach, event, question.no)
    if activity is not None and activity.athlete_id != event.owner_id:
        return Handled("foreign_activity")
    if answer.listed is not None:
        activities.keep_history(coach, answer.listed)
    if activity is None:
        if question.flood and activities.is_older_than_history(coach, event.object_id, event.event_time):
            return _record_too_old(coach, event)
        return Handled("gone")
    if _was_deleted(session, event):
        return Handled("deleted")  # while it was read: its data would be kept for days
    activities.keep(coach, activity, uploaded_at=min(event.event_time, coach.now))
    # What stands in the title of an old activity was meant then.
    is_new = event.aspect_type == "create" and coach.now - titles.end_of(activity) <= titles.MEANS_IT_FOR
    if is_new:
        titles.obey(coach, activity.title, activity.id, titles.BEFORE)
    titles.strength(coach, activity)
    handled = _decide(coach, event, activity)
    if is_new:
        titles.obey(coach, activity.title, activity.id, titles.AFTERWARDS)
    return handled


def _decide(coach: Consultation, event: InboxEvent, activity: LoggedActivity) -> Handled:
    suggestion = coach.find_suggestion(activity.id)
    if suggestion is not None and suggestion.status != "withdrawn":
        if suggestion.status == "open" and not _is_a_run(activity):
            coach.withdraw(suggestion, _NO_LONGER_A_RUN)
            due = deliveries.claim_due(coach, suggestion)
            return Handled("withdrawn", due + _restore_earlier(coach, suggestion, event))
        return Handled("already_decided")
    twin = _twin(coach, activity)
    if twin is not None and (suggestion is None or twin.id != suggestion.id):
        verdict = decisions.refuse(
            coach.decide(_woken_by(event)), "another_run_has_it", _SAME_RUN, "the same run, from another log"
        )
        _record(coach, event, verdict, asked_platform=True)
        return Handled(_outcome(verdict), _moved_here(coach, event, twin) if suggestion is None else ())
    verdict = coach.decide(_woken_by(event))
    # The coach follows the athlete's latest run. That may be another than the activity that made us look: a ride came
    # after it, or events came in another order. The routine stands with that run, and only once.
    stands_in = verdict.details.get("activity_id", activity.id)
    if stands_in != activity.id and _is_a_run(activity) and not _began_after(coach, stands_in, activity):
        # One run recorded twice, or two that overlap, count as one; the recording that came last carries it.
        stands_in = activity.id
    # Of a run in both logs the suggestion has either id: it moves to the log that carries the note.
    copies = () if stands_in == activity.id else (stands_in, _other_copy(coach, stands_in))
    theirs = [coach.find_suggestion(each) for each in copies if each is not None]
    if any(each is not None and each.status != "withdrawn" for each in theirs):  # a withdrawn one comes back
        verdict = decisions.refuse(verdict, "another_run_has_it", _ANOTHER_RUN_HAS_IT, "a later run of today has it")
    decision = _record(coach, event, verdict, asked_platform=True)
    if verdict.decision not in _SUGGESTS:
        return Handled(_outcome(verdict))
    # A rest-day routine that an edit of something old has led to is about today, and has no place in that activity.
    about = stands_in if stands_in != activity.id or coach.now - activity.start < _OF_THE_DAY else None
    suggestion = coach.suggest(verdict, decision, about)
    log.info("routine due", decision=str(verdict.decision), dose=str(verdict.dose), rule=verdict.rule)
    return Handled(str(verdict.decision), deliveries.claim_due(coach, suggestion))


# --- small questions --------------------------------------------------------------------------------------------------


def _learn_subscription(session: Session, event: InboxEvent) -> None:
    """Learn the id of the subscription. Every event is ours: it came to the secret address, where others are refused.

    The id changes when the subscription is made anew past this database, which may be a restored backup.
    """
    known = session.get(Subscription, event.platform)
    # An event from before the known subscription may arrive late under the id of its predecessor.
    if known is not None and event.subscription_id != known.subscription_id and event.event_time > known.created_at:
        log.warning("subscription id changed", before=known.subscription_id, now=event.subscription_id)
        known.subscription_id, known.created_at = event.subscription_id, event.event_time


def _is_flooded(session: Session, event: InboxEvent) -> bool:
    """Whether the athlete imports: many new activities within minutes."""
    theirs = {"platform": event.platform, "owner_id": event.owner_id, "origin": "webhook"}
    recent = (
        select(func.count(InboxEvent.id))
        .filter_by(**theirs, object_type="activity", aspect_type="create")
        .where(InboxEvent.received_at >= event.received_at - _FLOOD_WITHIN)
    )
    return (session.scalar(recent) or 0) > _FLOOD


def _was_deleted(session: Session, event: InboxEvent) -> bool:
    """Events come in any order: a delete may have overtaken its create."""
    others = _events_of_the_same(event, InboxEvent.id).filter_by(aspect_type="delete")
    return session.scalar(others.where(InboxEvent.event_time >= event.event_time).limit(1)) is not None


def _was_restored(session: Session, event: InboxEvent) -> bool:
    """A deletion can be undone, which is a new create event; that one may have overtaken the delete."""
    others = _events_of_the_same(event, InboxEvent.id).filter_by(aspect_type="create", origin="webhook")
    return session.scalar(others.where(InboxEvent.event_time > event.event_time).limit(1)) is not None


def _is_superseded(session: Session, event: InboxEvent) -> bool:
    """Events come in any order, and are retried: a later one tells the activity as it is now."""
    others = _events_of_the_same(event, InboxEvent.id).where(InboxEvent.aspect_type != "delete")
    same_moment = (InboxEvent.event_time == event.event_time) & (InboxEvent.id > event.id)
    later = others.where((InboxEvent.event_time > event.event_time) | same_moment)
    return session.scalar(later.limit(1)) is not None


def _events_of_the_same(event: InboxEvent, column: InstrumentedAttribute[T]) -> Select[T]:
    return select(column).filter_by(platform=event.platform, object_type="activity", object_id=event.object_id)


def _began_after(coach: Consultation, other: str, activity: LoggedActivity) -> bool:
    """Whether the athlete's other activity began after this one."""
    began = coach.session.scalar(select(LoggedRow.start).filter_by(athlete_id=coach.athlete.id, platform_id=other))
    return began is not None and began > activity.start


def _is_new_title(session: Session, event: InboxEvent) -> bool:
    """Whether a whole activity brought another title than the latest event before it: only an edit is to be obeyed."""
    earlier = _events_of_the_same(event, InboxEvent.updates).where(InboxEvent.event_time < event.event_time)
    for updates in session.scalars(earlier.order_by(InboxEvent.event_time.desc())):
        before = carried(updates)
        if before is not None:
            return before.title != str(event.updates["title"])
    return False


def _is_another_kind(coach: Consultation, event: InboxEvent, brought: LoggedActivity | None) -> bool:
    """Whether an edit changed the kind or the length of an activity, which is decided then; else what it brought is kept."""
    if brought is None or "type" in event.updates:
        return "type" in event.updates
    row = select(LoggedRow).filter_by(athlete_id=coach.athlete.id, platform_id=brought.id)
    before = coach.session.scalar(row)
    if before is None or before.deleted_at is not None:
        return False
    if (before.sport, before.moving_s) != (brought.sport, brought.moving_s):
        return True  # kept with its decision: a retry must see the change again
    activities.keep(coach, brought, uploaded_at=before.uploaded_at)
    return False


def _twin(coach: Consultation, activity: LoggedActivity) -> Suggestion | None:
    """The suggestion that the same run got under the id of another platform."""
    if not _is_a_run(activity):
        return None
    theirs = select(Suggestion).join(LoggedRow, _ITS_ACTIVITY).where(Suggestion.athlete_id == coach.athlete.id)
    standing = theirs.where(Suggestion.status != "withdrawn", *_same_run_elsewhere(activity.start, activity.id))
    return coach.session.scalar(standing.limit(1))


def _moved_here(coach: Consultation, event: InboxEvent, twin: Suggestion) -> tuple[Delivery, ...]:
    """The log where the note should stand tells of the run too late: an open routine that stands nowhere yet goes there."""
    placed = any(each.channel != channels.PAGES for each in twin.deliveries)
    awaited = channels.awaits_other_log(coach.athlete, platform_of(twin.activity_id or ""))
    if placed or not awaited or twin.status != "open":
        return ()
    twin.activity_id = event.object_id
    coach.deliver(twin, event.trace_id)
    return deliveries.claim_due(coach, twin)


def _other_copy(coach: Consultation, activity_id: str | None) -> str | None:
    """The same recording in another log, where it still stands."""
    rows = select(LoggedRow).filter_by(athlete_id=coach.athlete.id)
    gone = coach.session.scalar(rows.filter_by(platform_id=activity_id))
    if gone is None:
        return None
    found = coach.session.scalar(rows.where(*_same_run_elsewhere(gone.start, gone.platform_id)).limit(1))
    return found.platform_id if found is not None else None


def _same_run_elsewhere(start: datetime, activity_id: str) -> tuple[ColumnElement[bool], ...]:
    near = LoggedRow.start.between(start - SAME_START_WITHIN, start + SAME_START_WITHIN)
    return near, ~LoggedRow.platform_id.startswith(f"{platform_of(activity_id)}:"), LoggedRow.deleted_at.is_(None)


def _is_a_run(activity: LoggedActivity) -> bool:
    return activity.sport in QUALIFYING_SPORTS and activity.moving_s >= QUALIFYING_RUN_MIN_MOVING_MIN * 60


def _woken_by(event: InboxEvent) -> words.Event:
    return words.Event(_EVENT_TYPES[event.aspect_type], event.object_id)


def _record(
    coach: Consultation, event: InboxEvent, verdict: words.Verdict, *, asked_platform: bool = False
) -> DecisionRecord:
    return coach.record(
        _woken_by(event), verdict, trace_id=event.trace_id, event_id=event.id, asked_platform=asked_platform
    )


def _record_too_old(coach: Consultation, event: InboxEvent) -> Handled:
    undecided = words.Verdict(words.Decision.NONE, words.Dose.NONE, "", "")
    verdict = decisions.refuse(undecided, "old_activity", _TOO_OLD, "not among the activities of the last 14 days")
    _record(coach, event, verdict)
    return Handled(_outcome(verdict))


def _record_unread(coach: Consultation, event: InboxEvent, verdict: words.Verdict) -> Handled:
    activities.note_gap(coach.athlete, event.event_time)
    _record(coach, event, verdict)
    return Handled(_outcome(verdict))


def _outcome(verdict: words.Verdict) -> str:
    return verdict.rule if verdict.decision is words.Decision.NONE else str(verdict.decision)


def _end(session: Session, event: InboxEvent, outcome: str, now: datetime) -> None:
    """End the event in the transaction of its consequences, unless it was reopened with new contents meanwhile."""
    row = claims.reload(session, event)
    if row is not None:
        claims.finish(session, row, outcome)
        row.handled_at = now
