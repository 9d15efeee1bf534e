"""Carry out deliveries: at-least-once, idempotent, read before write.

1. Claim the delivery.
2. Read the activity right before writing, or use what the event's job read a moment ago.
3. Plan (see adductor.notes.plan): merge our block into the text; leave alone what the runner edited or deleted.
4. Re-check the preconditions, write, and plan again from the answer: Strava answers 200 to fields that it ignores.
5. Store what was written.

A worker that is killed between 2 and 5 does no harm: the next attempt finds no block and writes it, or finds ours and ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from adductor import logs, metrics
from adductor.athletes import channels, decisions
from adductor.athletes.channels import CALENDAR, PRIVATE_NOTE
from adductor.athletes.decisions import Consultation
from adductor.installation import Installation
from adductor.jobs import letters, notifications, places
from adductor.jobs.places import CalendarPage, Page
from adductor.notes import block, plan
from adductor.platforms import registry
from adductor.platforms.base import LoggedActivity, PlatformError, Priority, platform_of
from adductor.queue import claims, worker
from adductor.queue.retry import Final, RetryLater
from adductor.queue.worker import Job
from adductor.store import after_commit
from adductor.store.models import Athlete, Connection, DecisionRecord, Delivery, InboxEvent, Suggestion

log = logs.get(__name__)

# There is no ETag: each second between read and write is one in which the runner's own edit would be overwritten.
FRESH_FOR = timedelta(seconds=2)
# The runner answered before the note stood: "do this" would be noise now.
ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Reading:
    """An activity as the platform served it, and when (real time)."""

    activity: LoggedActivity
    read_at: datetime


def claim_due(coach: Consultation, suggestion: Suggestion) -> tuple[Delivery, ...]:
    """Claim the deliveries of a suggestion that can be carried out at once, with the commit of its decision."""
    due = [each for each in suggestion.deliveries if each.state == claims.WAITING and each.due_at <= coach.now]
    for delivery in due:
        claims.take(coach.session, coach.installation, delivery)
    return tuple(due)


def deliver_now(installation: Installation, claimed: Sequence[Delivery], reading: Reading | None = None) -> None:
    """Carry out each claimed delivery once. ``reading``: what the caller has just read for them."""
    job = Job("delivery", Delivery, partial(handle, reading=reading), created_at=_created_at)
    for delivery in claimed:
        worker.run(installation, job, delivery)


def handle(installation: Installation, delivery: Delivery, reading: Reading | None = None) -> None:
    """Carry out a claimed delivery and store its end. Raises RetryLater."""
    problem = None
    try:
        if delivery.channel == channels.MAIL:
            done = plan.Done(letters.send_routine(installation, delivery))
        elif delivery.channel == channels.PUSH:
            done = plan.Done(notifications.send_routine(installation, delivery))
            if done.outcome == notifications.NO_DEVICE:
                _deliver_elsewhere(installation, delivery)
        else:
            done = _carry_out(installation, delivery, reading)
    except Final as final:
        done, problem = plan.Done(final.outcome), final.problem
    if done.standing is not None:
        done = replace(done, standing=installation.links.without_proofs(done.standing))
    log.info(
        "delivery ended", outcome=done.outcome, channel=delivery.channel, attempt=delivery.attempts, problem=problem
    )
    _store(installation, delivery, done, problem)


def _created_at(delivery: Delivery) -> datetime:
    """When its suggestion was made: a retry moves ``due_at``."""
    return delivery.suggestion.created_at


JOB: Job[Delivery] = Job("delivery", Delivery, handle, created_at=_created_at)


# -- one note -----------------------------------------------------------------------------------------------------------


def _carry_out(installation: Installation, delivery: Delivery, reading: Reading | None) -> plan.Done:
    athlete = _check(installation, delivery)
    connection = _connection(athlete, delivery)
    if delivery.activity_id is None and delivery.channel != CALENDAR:
        raise Final("no_activity", "a note needs an activity to stand in")
    page: Page | None = reading.activity if reading is not None else None
    too_old = reading is None or installation.clock.real_now() - reading.read_at > FRESH_FOR
    if page is None or page.id != delivery.activity_id or too_old:
        priority = Priority.FRESH if delivery.attempts <= 1 else Priority.RETRY
        page = places.read(installation, connection, delivery, priority)
        _check(installation, delivery)  # the reading took its time
    known = _known(installation, delivery, athlete, page)
    text = getattr(page, known.field)
    if connection.absent_note_is_empty and plan.disproves_absence(known, text):
        _learn(installation, connection, absent_note_is_empty=False)
    step: plan.Step = plan.plan(known, text)
    if isinstance(page, CalendarPage) and _is_touched(step, known):
        return plan.Done(str(block.Placing.EDITED))
    if isinstance(step, plan.Write | plan.Remove):
        answer = _put(installation, delivery, athlete, step, page)
        step = plan.confirm(known, step, getattr(answer, known.field))
    if isinstance(step, plan.Retry):
        delivery.reads_without_field += step.missing
        _remember_attempt(installation, delivery)
        raise RetryLater(step.problem, wait=step.wait)
    if known.field == PRIVATE_NOTE and step.outcome == plan.WRITTEN:
        if connection.private_note_refused_at is not None:
            _learn(installation, connection, private_note_refused_at=None)
        if step.absent_was_empty and not connection.absent_note_is_empty:
            _learn(installation, connection, absent_note_is_empty=True)
    if step.outcome == plan.NOTE_REFUSED:
        _learn(installation, connection, private_note_refused_at=installation.clock.now(), absent_note_is_empty=False)
        _remember_attempt(installation, delivery)
        _deliver_elsewhere(installation, delivery)
    return step


def _check(installation: Installation, delivery: Delivery) -> Athlete:
    """The athlete now, and the suggestion into the delivery. Raises Final when nothing is to be written any more."""
    with installation.store.read() as session:
        row = session.get(Delivery, delivery.id, options=[joinedload(Delivery.suggestion)])
        athlete = session.get(Athlete, row.suggestion.athlete_id) if row is not None else None
    # Of an athlete who is leaving notes are removed, and none is written.
    if row is None or athlete is None or (athlete.leaving_at is not None and row.desired_state == plan.PRESENT):
        raise Final("disconnected", "the runner is not connected")
    _connection(athlete, row)
    if row.desired_state != delivery.desired_state:
        raise Final("never_written", "it was taken back before it was written")
    if row.desired_state == plan.PRESENT and row.written_text is None and row.suggestion.status in ("done", "declined"):
        raise Final(ANSWERED, "the runner had answered before it was written")
    set_committed_value(delivery, "suggestion", row.suggestion)
    return athlete


def _connection(athlete: Athlete, delivery: Delivery) -> Connection:
    """The connection of the place where the delivery stands or should stand. Raises Final without one that works."""
    found = channels.writer(athlete, CALENDAR)
    if delivery.activity_id is not None:
        found = athlete.connection_at(platform_of(delivery.activity_id))
    if found is None or not found.is_usable:
        raise Final("disconnected", "the runner is not connected")
    return found


def _is_touched(step: plan.Step, known: plan.Known) -> bool:
    """Whether words of the athlete stand in our entry beside our block: then it is theirs."""
    if isinstance(step, plan.Write):
        return step.text != known.identity.block
    return isinstance(step, plan.Remove) and bool(step.text.strip())


def _known(installation: Installation, delivery: Delivery, athlete: Athlete, page: Page) -> plan.Known:
    # An earlier version moved notes that the private note refused; they are still removed from where they stand.
    stood = delivery.written_text is not None or delivery.desired_state == plan.ABSENT
    field = (delivery.placed_in if stood else None) or delivery.channel
    suggestion, text = delivery.suggestion, delivery.block
    if field in (PRIVATE_NOTE, CALENDAR):  # never in a text that others read
        text = decisions.with_private_link(installation, athlete, suggestion, text)
    own, standing = frozenset((suggestion.public_id,)), getattr(page, field) or ""
    others = block.keys_in(standing) - own
    earlier = _texts_of(installation, delivery, others) if others else []
    orphans = _orphans(installation, standing, others) if others else frozenset()
    return plan.Known(
        delivery.desired_state,
        field,
        block.Identity(text, tuple(dict.fromkeys([*delivery.known_texts, *earlier])), own, orphans),
        written=delivery.written_text is not None,
        separated=delivery.separated,
        unconfirmed_writes=delivery.unconfirmed_writes + delivery.crashes,
        reads_without_field=delivery.reads_without_field,
        absent_means_empty=_is_absence_trusted(installation, athlete, page),
    )


def _is_absence_trusted(installation: Installation, athlete: Athlete, page: Page) -> bool:
    """Whether one reading without the private note is enough for this athlete and this answer (see `plan`)."""
    connection = athlete.connection_at(platform_of(page.id))
    if connection is None or not connection.absent_note_is_empty or page.private_note is not None:
        return False
    own_words = select(Delivery.id).where(Delivery.channel == PRIVATE_NOTE, Delivery.separated.is_(True))
    with installation.store.read() as session:
        found = session.scalar(own_words.join(Suggestion).where(Suggestion.athlete_id == athlete.id).limit(1))
    return found is None and page.description is not None


def _texts_of(installation: Installation, delivery: Delivery, keys: frozenset[str]) -> list[str]:
    """The texts of this athlete's other routines with these keys: copied here, or left by an earlier one."""
    suggestion = delivery.suggestion
    elsewhere = or_(Delivery.activity_id.is_(None), Delivery.activity_id != delivery.activity_id)
    with installation.store.read() as session:
        rows = session.scalars(
            select(Delivery.known_texts)
            .join(Suggestion)
            .where(
                Suggestion.athlete_id == suggestion.athlete_id,
                Suggestion.public_id.in_(keys),
                or_(Suggestion.id < suggestion.id, elsewhere),
            )
        )
        return [text for texts in rows for text in texts if block.keys_in(text) & keys]


def _orphans(installation: Installation, text: str, keys: frozenset[str]) -> frozenset[str]:
    """Of these keys those under our own address that no routine has: a restored backup doesn't know them."""
    ours = {key for key in keys if re.search(rf"{re.escape(installation.settings.public_url)}/\w+/{key}", text)}
    with installation.store.read() as session:
        known = session.scalars(select(Suggestion.public_id).where(Suggestion.public_id.in_(ours)))
        return frozenset(ours - set(known))


def _put(
    installation: Installation, delivery: Delivery, athlete: Athlete, step: plan.Write | plan.Remove, page: Page
) -> Page:
    """Write one field. A write without a clear answer counts as unconfirmed."""
    priority = Priority.FRESH if delivery.attempts <= 1 else Priority.RETRY
    # Stored before the call: a killed worker leaves a write that may have arrived.
    delivery.unconfirmed_writes += 1
    if isinstance(step, plan.Write):
        delivery.separated = step.separated
    _remember_attempt(installation, delivery)
    try:
        return places.write(installation, _connection(athlete, delivery), delivery, step, page, priority)
    except RetryLater as later:
        if later.budget:
            _remember_attempt(installation, delivery, wrote_nothing=True)
        raise
    except Final as stop:
        _remember_attempt(installation, delivery, wrote_nothing=True)
        if stop.outcome == "scope_missing":
            _deliver_elsewhere(installation, delivery, without_write_scope=True)
        raise
    except PlatformError as error:  # NOT_FOUND: deleted between the read and the write
        _remember_attempt(installation, delivery, wrote_nothing=True)
        raise RetryLater(error.message) from error


# -- another channel ----------------------------------------------------------------------------------------------------


def _deliver_elsewhere(installation: Installation, delivery: Delivery, *, without_write_scope: bool = False) -> None:
    """Deliver the suggestion by the channels that work now that this one doesn't."""
    with installation.store.write() as session:
        athlete_id = session.scalar(select(Suggestion.athlete_id).where(Suggestion.id == delivery.suggestion_id))
        athlete = decisions.lock(session, athlete_id) if athlete_id is not None else None
        if athlete is None:
            return
        if without_write_scope:
            refused = session.get_one(Connection, _connection(athlete, delivery).id)
            withdrawn = registry.FACTS[refused.platform].scopes.get(delivery.channel)
            refused.scopes = ",".join(scope for scope in refused.scopes.split(",") if scope != withdrawn)
        suggestion = session.get(Suggestion, delivery.suggestion_id)
        if suggestion is not None and suggestion.status == "open":
            coach = Consultation(session, installation, athlete, installation.clock.now())
            coach.deliver(suggestion, delivery.trace_id)


# -- what is stored -----------------------------------------------------------------------------------------------------


def _learn(installation: Installation, connection: Connection, **columns: Any) -> None:
    """Store what a reading or an answer says about the private notes of this connection."""
    with installation.store.write() as session:
        session.execute(update(Connection).where(Connection.id == connection.id).values(**columns))


def _remember_attempt(installation: Installation, delivery: Delivery, *, wrote_nothing: bool = False) -> None:
    """Store what an attempt without an end has shown: also when the claim is lost, its write may stand in the activity.

    ``wrote_nothing``: its call certainly didn't arrive.
    """
    delivery.unconfirmed_writes -= wrote_nothing
    with installation.store.write() as session:
        row = session.get(Delivery, delivery.id, with_for_update=True)
        if row is None:
            return
        if row.desired_state == delivery.desired_state:
            row.reads_without_field = delivery.reads_without_field
            if delivery.desired_state == plan.PRESENT:
                row.separated = delivery.separated
        elif delivery.desired_state == plan.ABSENT:
            row.written_text = None  # it may just have been removed: its absence is no word of the runner's
        choose = min if wrote_nothing else max
        row.unconfirmed_writes = choose(row.unconfirmed_writes, delivery.unconfirmed_writes)


def _store(installation: Installation, delivery: Delivery, done: plan.Done, problem: str | None = None) -> None:
    """Store the end, unless the desired state has changed or the claim is lost: then the row waits with what is known now."""
    now = installation.clock.now()
    # The answer to an earlier removal was lost: our block may be gone by our own hand.
    removing = delivery.desired_state == plan.ABSENT and bool(delivery.unconfirmed_writes or delivery.crashes)
    vanished = removing and done.outcome == plan.NOTHING_THERE
    with installation.store.write() as session:
        row = session.get(Delivery, delivery.id, with_for_update=True)
        if row is None:
            return
        held = claims.holds(row, delivery)
        if done.standing is not None:
            _store_written(session, row, done, delivery.activity_id, now)
        elif held and (done.outcome == plan.REMOVED or vanished):
            row.written_text = row.separated = None  # so that it may come back
            row.unconfirmed_writes = 0
        if held and (row.desired_state == delivery.desired_state or row.channel in channels.MESSAGES):
            claims.finish(session, row, done.outcome, problem)
            if done.outcome in (letters.SENT, letters.MAYBE_SENT, letters.PUSHED):
                row.written_at = row.written_at or now
        elif held or (done.standing is not None and row.state != "waiting"):
            # The desired state changed, or another worker re-claimed the row and holds a stale read. Requeue it.
            row.state, row.due_at = "waiting", now
            row.lease_until = row.lease_owner = None


def _store_written(session: Session, row: Delivery, done: plan.Done, entry_id: str | None, now: datetime) -> None:
    """Our block stands. Observe how long the first writing took, from its event on (a rest-day routine has none)."""
    if row.written_at is None:
        came_at = session.scalar(
            select(InboxEvent.received_at)
            .join(DecisionRecord, DecisionRecord.event_id == InboxEvent.id)
            .join(Suggestion, Suggestion.decision_id == DecisionRecord.id)
            .where(Suggestion.id == row.suggestion_id)
        )
        if came_at is not None:
            waited_s = (now - came_at).total_seconds()
            after_commit(session, lambda: metrics.NOTE_SECONDS.observe(waited_s))
        row.written_at = now
    if row.written_text is None:
        row.placed_in = row.channel
    if row.channel == CALENDAR:
        row.activity_id = entry_id
    row.written_text, row.separated = done.standing, done.separated
    row.known_texts = list(dict.fromkeys([*row.known_texts, done.standing]))
    row.unconfirmed_writes = 0
