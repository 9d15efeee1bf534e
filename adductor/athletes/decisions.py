"""Decisions as rows: the verdict, a due suggestion and its deliveries, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adductor import coaching, metrics
from adductor.athletes import channels, situations
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.notes import wording
from adductor.queue import claims
from adductor.store import after_commit
from adductor.store.models import Athlete, DecisionRecord, Delivery, Letter, Suggestion

# How many random bytes stand in a routine's address: 12 characters, beyond guessing at any rate a server answers.
_PUBLIC_ID_BYTES = 9

# Why a suggestion was withdrawn; of these the first can be undone.
REPLACED = "A later routine today took its place."


def lock(session: Session, athlete_id: int) -> Athlete | None:
    """The athlete, locked until the end of the transaction: two events of one athlete are decided one after the other."""
    return session.scalar(select(Athlete).where(Athlete.id == athlete_id).with_for_update())


def record(
    session: Session,
    athlete: Athlete,
    verdict: words.Verdict,
    *,
    trigger: words.EventType,
    now: datetime,
    trace_id: str,
    event_id: int | None = None,
    activity_id: int | None = None,
    asked_platform: bool = True,
) -> DecisionRecord:
    """Store the verdict, also a "no". A referral holds the athlete's routines and withdraws open ones."""
    if event_id is not None:
        # An event is decided again when it is replayed or reopened, and SQLite may reuse an id: the last decision has it.
        session.execute(
            update(DecisionRecord).where(DecisionRecord.event_id == event_id).values(event_id=None),
            execution_options={"synchronize_session": False},
        )
    row = DecisionRecord(
        athlete_id=athlete.id,
        event_id=event_id,
        activity_id=activity_id,
        trigger=str(trigger),
        at=now,
        decision=str(verdict.decision),
        dose=str(verdict.dose),
        rule=verdict.rule,
        reason=verdict.reason,
        considered=[asdict(considered) for considered in verdict.considered],
        asked_platform=asked_platform,
        trace_id=trace_id,
    )
    session.add(row)
    after_commit(session, metrics.DECISIONS.labels(row.decision, row.rule).inc)
    if verdict.decision is words.Decision.REFER:
        if athlete.hold_since is None:
            athlete.hold_since, athlete.hold_reason = now, verdict.rule
            _write_referral(session, athlete, verdict, trace_id, now)
        withdraw_open(session, athlete, "You told us about pain; your routines are paused.", now=now)
    return row


def refuse(verdict: words.Verdict, rule: str, reason: str, because: str) -> words.Verdict:
    """The verdict as a "no" of a rule that the coach doesn't know; what it has considered stays."""
    return replace(
        verdict,
        decision=words.Decision.NONE,
        dose=words.Dose.NONE,
        rule=rule,
        reason=reason,
        routine=None,
        considered=(*verdict.considered, words.Considered(rule, True, because)),
    )


def suggest(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    verdict: words.Verdict,
    decision: DecisionRecord,
    *,
    now: datetime,
    activity_id: int | None,
) -> Suggestion:
    """A due routine and its deliveries. A withdrawn suggestion for the same activity comes back to life.

    An open routine of earlier today is withdrawn: the latest run of the day carries it.
    """
    routine = verdict.routine
    if routine is None:
        raise ValueError(f"a {verdict.decision} verdict carries no routine")
    placement = str(verdict.decision)
    local_date = now.astimezone(situations.zone_of(athlete.timezone)).date()
    session.flush()
    suggestion = find_suggestion(session, athlete, activity_id) if activity_id is not None else None
    if placement != words.Placement.WARM_UP:  # which loads nothing and replaces nothing
        for earlier in _open_today(session, athlete, local_date):
            if earlier is not suggestion:
                withdraw(session, earlier, REPLACED, now=now)
    if suggestion is None:
        suggestion = Suggestion(
            public_id=secrets.token_urlsafe(_PUBLIC_ID_BYTES), athlete_id=athlete.id, activity_id=activity_id
        )
    suggestion.decision = decision
    suggestion.local_date = local_date
    suggestion.placement = placement
    suggestion.dose = str(verdict.dose)
    suggestion.routine = asdict(routine)
    suggestion.reason = verdict.reason
    suggestion.created_at = now
    suggestion.status = "open"
    suggestion.withdrawn_because = None
    session.add(suggestion)
    session.flush()
    deliver(session, installation, athlete, suggestion, decision.trace_id, now)
    return suggestion


def find_suggestion(session: Session, athlete: Athlete, activity_id: int) -> Suggestion | None:
    """The suggestion for an activity; there is one at most."""
    return session.scalar(
        select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.activity_id == activity_id)
    )


def _open_today(session: Session, athlete: Athlete, local_date: date) -> Sequence[Suggestion]:
    return session.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id,
            Suggestion.local_date == local_date,
            Suggestion.status == "open",
            Suggestion.placement != words.Placement.WARM_UP,
        )
    ).all()


def withdraw(session: Session, suggestion: Suggestion, because: str, *, now: datetime | None = None) -> None:
    """The suggestion no longer holds: a written note is removed, an unwritten one never comes.

    ``now`` makes the removal due at once, also for a delivery that waits for a retry.
    """
    suggestion.status = "withdrawn"
    suggestion.withdrawn_because = because
    for delivery in suggestion.deliveries:
        if delivery.desired_state == "absent":
            continue
        delivery.desired_state = "absent"
        if delivery.channel == channels.PAGES:
            continue
        untouched = delivery.attempts == 0 and delivery.written_text is None
        if delivery.state == "waiting" and (untouched or delivery.channel == channels.MAIL):
            claims.finish(session, delivery, "never_written")
        elif delivery.channel != channels.MAIL:
            # Also a delivery that is being written at this moment: its worker finds that its claim is gone.
            delivery.state, delivery.due_at = "waiting", now or delivery.due_at
            delivery.lease_until = delivery.lease_owner = None
            delivery.reads_without_field = 0
            if delivery.written_text is not None:
                delivery.unconfirmed_writes = 0  # from here on those of the removal


def withdraw_open(session: Session, athlete: Athlete, because: str, *, now: datetime | None = None) -> int:
    """Withdraw every open suggestion; returns how many."""
    rows = session.scalars(select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open"))
    count = 0
    for suggestion in rows:
        withdraw(session, suggestion, because, now=now)
        count += 1
    return count


def routine_of(suggestion: Suggestion) -> words.Routine:
    """The stored routine as the coach made it."""
    return routine_from(suggestion.routine)


def routine_from(stored: dict[str, Any]) -> words.Routine:
    items = tuple(words.RoutineItem(**item) for item in stored["items"])
    return words.Routine(**{**stored, "dose": words.Dose(stored["dose"]), "items": items})


def decide(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    event: words.Event,
    now: datetime,
    *,
    best_case: bool = False,
) -> words.Verdict:
    """Ask the coach about this runner now."""
    activity_id = int(event.activity_id) if event.activity_id is not None else None
    situation = situations.of(session, athlete, event, now, apart_from_activity=activity_id)
    if best_case:
        situation = situations.best_case(situation)
    return coaching.decide(situation, installation.catalogue)


def deliver(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    suggestion: Suggestion,
    trace_id: str,
    now: datetime,
) -> None:
    """One delivery for each channel that reaches the athlete; a channel used for this suggestion before is used again."""
    routine = routine_of(suggestion)
    block = wording.note_block(routine, suggestion.reason, installation.links.routine(suggestion.public_id))
    placement = words.Placement(suggestion.placement)
    delay = timedelta(seconds=installation.settings.note_delay_s if suggestion.activity_id is not None else 0)
    for way in channels.delivery_channels(session, athlete, placement, activity_id=suggestion.activity_id, now=now):
        delivery = next((known for known in suggestion.deliveries if known.channel == way.channel), None)
        if delivery is None:
            delivery = Delivery(channel=way.channel, known_texts=[], unconfirmed_writes=0)
            suggestion.deliveries.append(delivery)
        under_way = delivery.state == "claimed" or delivery.unconfirmed_writes or delivery.crashes
        if delivery.desired_state == "absent" and delivery.state != "done" and under_way:
            delivery.written_text = (
                None  # a removal of ours may just have worked: its absence is no word of the athlete's
            )
        delivery.desired_state = "present"
        if way.channel == channels.MAIL and delivery.state == "claimed":
            continue  # it is being sent at this moment; a second worker would send it twice
        delivery.block = block
        delivery.trace_id = trace_id
        delivery.due_at = now + delay
        delivery.activity_id = way.activity_id
        if way.channel in channels.NOTES and way.activity_id is not None:
            earlier = [*(delivery.known_texts or []), *_blocks_in(session, athlete, way.activity_id)]
            private = wording.with_answer_link(block, answer_link(installation, suggestion))
            delivery.known_texts = list(dict.fromkeys([*earlier, block, private]))
        if way.channel == channels.PAGES:
            delivery.state, delivery.outcome = "done", "on_the_pages"
        elif way.channel == channels.MAIL and delivery.written_at is not None:
            delivery.state, delivery.outcome = "done", "sent"  # a mail can't be taken back, and isn't sent twice
        elif way.channel == channels.MAIL and not channels.messages_left(
            session, athlete, now, apart_from=suggestion.id
        ):
            delivery.state, delivery.outcome = "done", "enough_messages"
        else:
            delivery.state, delivery.outcome = "waiting", None
        delivery.problem = None
        # Not its unconfirmed writes: copies that may have gone out have gone out.
        delivery.attempts = delivery.crashes = delivery.reads_without_field = 0
        delivery.lease_until = delivery.lease_owner = None
        if delivery.state == "done" and delivery.outcome != "sent":  # that was counted when it was sent
            claims.count(session, delivery)


def answer_link(installation: Installation, suggestion: Suggestion) -> str:
    """The runner's way to answer, without an answer chosen. The same for as long as the suggestion stands."""
    return installation.links.answer(suggestion.public_id, None, suggestion.created_at)


def _blocks_in(session: Session, athlete: Athlete, activity_id: int) -> list[str]:
    """Every block of ours that may stand in this activity: a new one takes the place of an older one."""
    rows = session.scalars(
        select(Delivery.known_texts)
        .join(Suggestion)
        .where(Suggestion.athlete_id == athlete.id, Delivery.activity_id == activity_id)
    )
    return [text for known in rows for text in known]


def _write_referral(session: Session, athlete: Athlete, verdict: words.Verdict, trace_id: str, now: datetime) -> None:
    """The coach's word by mail too, once for each hold."""
    if not channels.can_mail(athlete) or athlete.email is None:
        return
    session.add(
        Letter(
            athlete_id=athlete.id,
            kind="refer",
            key=secrets.token_hex(8),
            to=athlete.email,
            words=verdict.reason,
            created_at=now,
            due_at=now,
            trace_id=trace_id,
        )
    )
