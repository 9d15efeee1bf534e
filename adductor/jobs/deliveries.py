"""Delivering: making what stands with the runner what should stand there.

1. Claim the delivery.
2. Read the activity right before writing (or take what was read a moment ago for the decision).
3. Merge our block into the text that is there; leave alone what the runner edited or deleted.
4. Write, and look at the answer: Strava answers 200 to fields that it ignores.
5. Store what was written.

Killed anywhere between 2 and 5, the next try finds either no block, and writes it, or ours, and is done: once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from adductor import logs, metrics
from adductor.athletes import channels, decisions, platform_calls
from adductor.athletes.channels import DESCRIPTION, PRIVATE_NOTE
from adductor.installation import Installation
from adductor.jobs import letters
from adductor.notes import block as note
from adductor.notes import wording
from adductor.notes.block import Placing
from adductor.platforms.base import ErrorKind, LoggedActivity, PlatformError, Priority
from adductor.queue import claims, retry, worker
from adductor.queue.retry import Final, RetryLater
from adductor.queue.worker import Job
from adductor.store import after_commit
from adductor.store.models import Athlete, DecisionRecord, Delivery, InboxEvent, Suggestion

log = logs.get(__name__)

# A read of this age may still be written on: there is no ETag, so every second between read and write is one in which the
# runner's own edit would be overwritten.
FRESH_FOR = timedelta(seconds=2)
# Strava may leave the private note out of an answer: because it is empty, or because it isn't there yet. Only when it is
# left out again this much later is it taken for empty: fields of a new run may fill in later, and nobody says how much.
LOOK_AGAIN_AFTER = timedelta(minutes=1)
# So many readings that don't show the private note (within about an hour) are waited out when a note of ours may stand in
# it. Only these count: tries that failed in another way, or went before, have shown nothing.
_UNSEEN_READS = 6
REMOVED = "removed"
NOTHING_THERE = str(Placing.NOTHING_THERE)
# The runner was faster than the note: "do this" would be noise now.
ANSWERED = "answered"
# A note that would have to wait longer than this for the rate budget (the day's is gone) goes by mail where there is one.
MAIL_INSTEAD_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Reading:
    """An activity with all its fields, and when it was read (real time)."""

    activity: LoggedActivity
    read_at: datetime


@dataclass(slots=True)
class _Ended:
    """How a try ended, to be stored with the delivery."""

    outcome: str
    written: str | None = None  # our block as it stands now
    placed_in: str | None = None
    separated: bool | None = None  # whether a blank line of ours stands before it


def due_ids(session: Session, suggestion: Suggestion, now: datetime) -> tuple[int, ...]:
    """The deliveries of a suggestion that can be tried at once."""
    session.flush()
    rows = select(Delivery.id).where(
        Delivery.suggestion_id == suggestion.id, Delivery.state == "waiting", Delivery.due_at <= now
    )
    return tuple(session.scalars(rows))


def deliver_now(installation: Installation, ids: Sequence[int], reading: Reading | None = None) -> None:
    """Claim these and carry them out. ``reading``: the activity as it was read a moment ago."""
    job = Job("delivery", Delivery, partial(handle, reading=reading), created_at=_created_at)
    while ids and worker.run_one(installation, job, ids=ids):
        pass


def handle(installation: Installation, delivery: Delivery, reading: Reading | None = None) -> None:
    """Carry out a claimed delivery to its end. Raises RetryLater."""
    try:
        ended = _deliver(installation, delivery, reading)
    except RetryLater as later:
        if (
            later.budget
            and later.wait is not None
            and later.wait > MAIL_INSTEAD_AFTER
            and _mail_instead(installation, delivery, later.problem)
        ):
            return
        _before_retry(installation, delivery)
        raise
    except Final as stop:
        log.warning("delivery ended", outcome=stop.outcome, problem=stop.problem)
        _store(installation, delivery, _Ended(stop.outcome), problem=stop.problem)
    else:
        log.info("delivery ended", outcome=ended.outcome, placed_in=ended.placed_in)
        _store(installation, delivery, ended)


def _created_at(delivery: Delivery) -> datetime:
    return delivery.due_at


JOB: Job[Delivery] = Job("delivery", Delivery, handle, created_at=_created_at)


def _deliver(installation: Installation, delivery: Delivery, reading: Reading | None) -> _Ended:
    if delivery.channel == channels.MAIL:
        return _Ended(letters.send_routine(installation, delivery))
    with installation.store.read() as session:
        row = session.get_one(Delivery, delivery.id, options=[joinedload(Delivery.suggestion)])
        suggestion = row.suggestion
        athlete = session.get_one(Athlete, suggestion.athlete_id)
    if not athlete.is_connected:
        return _Ended("disconnected")
    if _answered(row.desired_state, row.written_text, suggestion.status):
        return _Ended(ANSWERED)
    if delivery.activity_id is None:
        raise Final("no_activity", "a note needs an activity to stand in")
    fresh = _fresh(installation, delivery, reading)
    activity = fresh or _read(installation, delivery, suggestion, athlete.connection.id)
    if activity is None:
        return _Ended("gone")
    if delivery.desired_state == "absent":
        return _take_away(installation, delivery, athlete, activity)
    private = wording.with_answer_link(delivery.block, decisions.answer_link(installation, suggestion))
    return _write(installation, delivery, athlete, activity, {PRIVATE_NOTE: private, DESCRIPTION: delivery.block})


def _fresh(installation: Installation, delivery: Delivery, reading: Reading | None) -> LoggedActivity | None:
    if reading is None or reading.activity.id != delivery.activity_id:
        return None
    return reading.activity if installation.clock.real_now() - reading.read_at <= FRESH_FOR else None


def _write(
    installation: Installation,
    delivery: Delivery,
    athlete: Athlete,
    activity: LoggedActivity,
    blocks: Mapping[str, str],
) -> _Ended:
    """``blocks``: our block for each field. What everybody may read carries no link that answers for the runner."""
    field = (
        delivery.placed_in or _stands_in(installation, delivery, activity) or _field(installation, delivery, athlete)
    )
    unsure = delivery.unconfirmed_writes + delivery.crashes
    current = _text_of(installation, delivery, activity, field)
    known = delivery.known_texts
    placed = note.place(current, blocks[field], known=known, was_there=delivery.written_text is not None)
    if placed.placing is Placing.ALREADY_THERE:
        return _Ended("written", note.block_in(current, known), field, _separated(delivery, current, current))
    if placed.placing is not Placing.WRITE:
        return _Ended(str(placed.placing), delivery.written_text, delivery.placed_in, delivery.separated)
    # Kept also when no word comes of this write: by the next look the runner may have put words and a line before it.
    delivery.separated = _separated(delivery, current, placed.text)
    answer = _put(installation, delivery, athlete, activity.id, field, placed.text)
    stands = note.block_in(getattr(answer, field) or "", known)
    if stands is not None:
        return _Ended("written", stands, field, delivery.separated)
    if field == PRIVATE_NOTE:
        # 200 and no change: Strava doesn't take the private note. It was undocumented all along; the description is not.
        _remember_refusal(installation, athlete.id)
        if unsure and delivery.reads_without_field <= _UNSEEN_READS:
            # It isn't shown now, and an earlier write may stand in it: a second one elsewhere would double it.
            raise _unseen(
                installation, delivery, "an earlier write may stand in the private note, which isn't shown now"
            )
        if channels.can_mail(athlete):
            _deliver_elsewhere(installation, delivery, athlete.id)
            return _Ended("note_refused")
        delivery.placed_in = DESCRIPTION
        return _write(installation, delivery, athlete, answer if answer.description is not None else activity, blocks)
    raise RetryLater("Strava answered, but the note isn't there")


def _separated(delivery: Delivery, current: str, text: str) -> bool:
    """Whether the blank line before our block in ``text`` is ours: as it was when the block was put there first."""
    if delivery.separated is not None and note.block_in(current, delivery.known_texts) is not None:
        return delivery.separated
    return note.separated(text, delivery.known_texts)


def _stands_in(installation: Installation, delivery: Delivery, activity: LoggedActivity) -> str | None:
    """Where our block of this delivery stands already: word of a write may have been lost together with its place."""
    if delivery.channel != PRIVATE_NOTE:
        return None
    if note.block_in(activity.private_note or "", delivery.known_texts) is not None:
        return PRIVATE_NOTE
    if note.block_in(activity.description or "", delivery.known_texts) is None:
        return None
    with installation.store.read() as session:
        there_by_right = session.scalar(
            select(Delivery.id).where(Delivery.suggestion_id == delivery.suggestion_id, Delivery.channel == DESCRIPTION)
        )
    return DESCRIPTION if there_by_right is None else None


def _take_away(installation: Installation, delivery: Delivery, athlete: Athlete, activity: LoggedActivity) -> _Ended:
    fields = [delivery.placed_in] if delivery.placed_in else [PRIVATE_NOTE, DESCRIPTION]
    # Also when no word came of its writing.
    may_stand = delivery.written_text is not None or delivery.unconfirmed_writes > 0 or delivery.crashes > 0
    outcome = NOTHING_THERE
    for field in fields:
        known_there = may_stand and field == (delivery.placed_in or delivery.channel)
        shown = getattr(activity, field) is not None
        if known_there and not shown and 1 <= delivery.reads_without_field <= _UNSEEN_READS:
            # Taken for empty too soon, it would show our note again later, and nobody would take it away any more.
            raise _unseen(installation, delivery, "the private note isn't shown now")
        # Left out of the answer is not empty: our note may stand there.
        current = _text_of(installation, delivery, activity, field) if known_there else getattr(activity, field)
        if not current:
            continue
        removed = note.remove(current, known=delivery.known_texts, separated=delivery.separated is not False)
        if removed.placing is Placing.WRITE:
            answer = _put(installation, delivery, athlete, activity.id, field, removed.text)
            if note.block_in(getattr(answer, field) or "", delivery.known_texts) is not None:
                raise RetryLater("Strava answered, but the note is still there")
            outcome = REMOVED
        elif removed.placing is Placing.EDITED:
            outcome = str(Placing.EDITED)
    return _Ended(outcome, None, delivery.placed_in)


def _read(
    installation: Installation, delivery: Delivery, suggestion: Suggestion, athlete_id: int
) -> LoggedActivity | None:
    activity_id = delivery.activity_id
    if activity_id is None:
        return None
    try:
        return platform_calls.call(
            installation,
            athlete_id,
            lambda platform, token: platform.get_activity(token, activity_id, priority=_priority(delivery)),
        )
    except PlatformError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        if installation.clock.now() - suggestion.created_at < retry.NOT_YET_READABLE_FOR:
            raise RetryLater("the activity can't be read now") from error
        return None


def _put(
    installation: Installation, delivery: Delivery, athlete: Athlete, activity_id: int, field: str, text: str
) -> LoggedActivity:
    athlete_id = athlete.id
    _look_again(installation, delivery)
    priority = _priority(delivery)
    if priority is Priority.FRESH and delivery.desired_state == "present" and channels.can_mail(athlete):
        priority = Priority.REPLACEABLE
    delivery.unconfirmed_writes += 1  # kept with the row when no word of the write comes back
    try:
        answer = platform_calls.call(
            installation,
            athlete.connection.id,
            lambda platform, access: platform.update_activity(
                access,
                activity_id,
                priority=priority,
                **({PRIVATE_NOTE: text} if field == PRIVATE_NOTE else {DESCRIPTION: text}),
            ),
        )
    except RetryLater as later:
        if later.budget:
            delivery.unconfirmed_writes -= 1
        raise
    except Final as stop:
        delivery.unconfirmed_writes -= 1
        if stop.outcome == "scope_missing":
            _deliver_elsewhere(installation, delivery, athlete_id, without_write_scope=True)
        raise
    except PlatformError as error:  # NOT_FOUND: it went between the read and the write
        delivery.unconfirmed_writes -= 1
        raise RetryLater(error.message) from error
    if answer.private_note is not None:
        _remember_seen(installation, athlete)
    return answer


def _look_again(installation: Installation, delivery: Delivery) -> None:
    """Re-check preconditions immediately before the write."""
    with installation.store.read() as session:
        row = session.get(Delivery, delivery.id, options=[joinedload(Delivery.suggestion)])
        athlete = None if row is None else session.get(Athlete, row.suggestion.athlete_id)
    if row is None or athlete is None or not athlete.is_connected:
        raise Final("disconnected", "the runner left before it was written")
    if delivery.desired_state == "present" and _answered(row.desired_state, row.written_text, row.suggestion.status):
        raise Final(ANSWERED, "the runner had answered before it was written")
    if row.desired_state != delivery.desired_state:
        raise Final("never_written", "it was taken back before it was written")


def _answered(wanted: str, written_text: str | None, suggestion_status: str) -> bool:
    """Whether a note that doesn't stand yet has been answered elsewhere."""
    return wanted == "present" and written_text is None and suggestion_status in ("done", "declined")


def _mail_instead(installation: Installation, delivery: Delivery, problem: str) -> bool:
    """The day's rate budget is gone: a mail takes the note's place, where there is an address and no mail yet.

    Only of a note that certainly was never written, so that none comes both ways when the budget is back.
    """
    if delivery.channel not in channels.NOTES or delivery.desired_state != "present":
        return False
    now = installation.clock.now()
    with installation.store.write() as session:
        athlete_id = session.scalar(select(Suggestion.athlete_id).where(Suggestion.id == delivery.suggestion_id))
        athlete = decisions.lock(session, athlete_id) if athlete_id is not None else None
        row = session.get(Delivery, delivery.id, with_for_update=True)
        if athlete is None or row is None or not claims.holds(row, delivery) or row.desired_state != "present":
            return False
        certain = row.written_text is None and not row.crashes and not delivery.unconfirmed_writes
        suggestion = row.suggestion
        mailed = session.scalar(
            select(Delivery.id).where(Delivery.suggestion_id == suggestion.id, Delivery.channel == channels.MAIL)
        )
        if (
            not certain
            or mailed is not None
            or suggestion.status != "open"
            or not channels.can_mail(athlete)
            or not channels.messages_left(session, athlete, now, apart_from=suggestion.id)
            or not letters.could_still_go(athlete, suggestion, now)
        ):
            return False
        session.add(
            Delivery(
                suggestion_id=suggestion.id,
                channel=channels.MAIL,
                block=row.block,
                known_texts=[],
                due_at=now,
                trace_id=row.trace_id,
            )
        )
        claims.finish(session, row, letters.MAILED_INSTEAD, problem)
    log.info("delivery ended", outcome=letters.MAILED_INSTEAD)
    return True


def _field(installation: Installation, delivery: Delivery, athlete: Athlete) -> str:
    if delivery.channel == PRIVATE_NOTE and channels.note_refused(athlete, installation.clock.now()):
        return DESCRIPTION
    return delivery.channel


def _text_of(installation: Installation, delivery: Delivery, activity: LoggedActivity, field: str) -> str:
    """What stands there now. An absent private note is unknown, and unknown is not empty until it was absent twice."""
    text: str | None = getattr(activity, field)
    if text is not None:
        return text
    if field == PRIVATE_NOTE and delivery.reads_without_field >= 1:
        return ""
    problem = f"Strava left the {field.replace('_', ' ')} out of its answer"
    raise _unseen(installation, delivery, problem, wait=LOOK_AGAIN_AFTER)


def _unseen(
    installation: Installation, delivery: Delivery, problem: str, *, wait: timedelta | None = None
) -> RetryLater:
    """One more reading that didn't show what it should have."""
    with installation.store.write() as session:
        row = session.get(Delivery, delivery.id)
        if row is not None:
            row.reads_without_field += 1
    return RetryLater(problem, wait=wait)


def _priority(delivery: Delivery) -> Priority:
    return Priority.FRESH if delivery.attempts <= 1 else Priority.RETRY


def _remember_seen(installation: Installation, athlete: Athlete) -> None:
    """Strava serves this runner's private note: known already, nearly always, and then not written again."""
    if athlete.connection.private_note_refused_at is None:
        return
    with installation.store.write() as session:
        row = session.get(Athlete, athlete.id)
        if row is not None:
            row.connection.private_note_refused_at = None


def _remember_refusal(installation: Installation, athlete_id: int) -> None:
    with installation.store.write() as session:
        athlete = session.get(Athlete, athlete_id)
        if athlete is not None:
            athlete.connection.private_note_refused_at = installation.clock.now()


def _deliver_elsewhere(
    installation: Installation, delivery: Delivery, athlete_id: int, *, without_write_scope: bool = False
) -> None:
    """This way turned out to be closed: the suggestion takes another, by what is known of the runner now."""
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            return
        if without_write_scope:
            # The runner took the permission to write back, or never gave it; the pages say so.
            connection = athlete.connection
            connection.scopes = ",".join(
                scope for scope in connection.scopes.split(",") if scope != channels.WRITE_SCOPE
            )
        suggestion = session.get(Suggestion, delivery.suggestion_id)
        if suggestion is not None and suggestion.status == "open":
            decisions.deliver(session, installation, athlete, suggestion, delivery.trace_id, installation.clock.now())


def _store(
    installation: Installation,
    delivery: Delivery,
    ended: _Ended,
    problem: str | None = None,
) -> None:
    """Store the end, unless the desired state changed meanwhile: then the row waits again."""
    with installation.store.write() as session:
        row = session.get(Delivery, delivery.id, with_for_update=True)
        if row is None:
            return
        if ended.written is not None:
            if row.written_at is None:
                _count_wait(session, row, installation.clock.now())
            _keep_written(row, ended, installation.clock.now())
        held = claims.holds(row, delivery)
        if not held and ended.written is not None and row.channel in channels.NOTES and row.state != "waiting":
            # Whoever took it meanwhile read the activity before our text stood there. Look again at what stands now.
            row.state, row.due_at = "waiting", installation.clock.now()
            row.lease_until = row.lease_owner = None
        # What was mailed stays mailed, whatever is wanted by now.
        if held and (row.desired_state == delivery.desired_state or row.channel == channels.MAIL):
            claims.finish(session, row, ended.outcome, problem)
            if _we_took_it_away(delivery, ended):
                row.written_text = row.separated = None  # so it may come back
            if row.channel == channels.MAIL and ended.outcome in (letters.SENT, letters.MAYBE_SENT):
                row.written_at = row.written_at or installation.clock.now()
        elif held:
            # Claimed between another's look at the row and their change of mind: what they want now is done next.
            if _we_took_it_away(delivery, ended):
                row.written_text = row.separated = None
            row.state, row.due_at = "waiting", installation.clock.now()
            row.lease_until = row.lease_owner = None


def _we_took_it_away(delivery: Delivery, ended: _Ended) -> bool:
    """Whether the note is gone by our hand, or may be: word of an earlier try to take it away was lost."""
    if ended.outcome == NOTHING_THERE and delivery.desired_state == "absent":
        return bool(delivery.unconfirmed_writes or delivery.crashes)
    return ended.outcome == REMOVED


def _count_wait(session: Session, row: Delivery, now: datetime) -> None:
    """Count the time from the event to the first writing."""
    came_at = session.scalar(
        select(InboxEvent.received_at)
        .join(DecisionRecord, DecisionRecord.event_id == InboxEvent.id)
        .join(Suggestion, Suggestion.decision_id == DecisionRecord.id)
        .where(Suggestion.id == row.suggestion_id)
    )
    if came_at is not None:  # a rest-day routine has no event
        after_commit(session, lambda: metrics.NOTE_SECONDS.observe((now - came_at).total_seconds()))


def _keep_written(row: Delivery, ended: _Ended, now: datetime) -> None:
    row.written_text = ended.written
    row.placed_in = ended.placed_in
    row.separated = ended.separated
    row.written_at = row.written_at or now
    known: list[Any] = row.known_texts
    if ended.written not in known:
        row.known_texts = [*known, ended.written]


def _before_retry(installation: Installation, delivery: Delivery) -> None:
    """Store what this attempt did, for the next one."""
    with installation.store.write() as session:
        row = session.get(Delivery, delivery.id, with_for_update=True)
        if row is None:
            return
        if not claims.holds(row, delivery):
            if row.channel in channels.NOTES and row.desired_state == "absent" and delivery.desired_state == "present":
                # Withdrawn while it was written: the removal must know that it may stand there.
                row.unconfirmed_writes = max(row.unconfirmed_writes, delivery.unconfirmed_writes)
            return
        row.placed_in = delivery.placed_in
        if delivery.desired_state == "absent" and row.desired_state == "present":
            row.written_text = None
        if row.channel in channels.NOTES:
            row.unconfirmed_writes = delivery.unconfirmed_writes
            if delivery.desired_state == "present":
                row.separated = delivery.separated
