"""Deciding and writing the decision down: the verdict, a due suggestion and its delivery, in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import coaching
from adductor.channels import wording
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.pipeline import situations
from adductor.store.models import Athlete, DecisionRecord, Delivery, Suggestion

# How many random bytes stand in a routine's address: 12 characters, beyond guessing at any rate a server answers.
_PUBLIC_ID_BYTES = 9


def lock(session: Session, athlete_id: int) -> Athlete | None:
    """The runner, held until the end of the transaction: two events of one runner are decided one after the other."""
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
    """Keep the verdict, also a "no". A referral holds the runner's routines until they clear it."""
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
    if verdict.decision is words.Decision.REFER and athlete.hold_since is None:
        athlete.hold_since, athlete.hold_reason = now, verdict.rule
    session.flush()
    return row


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
    """A due routine and its delivery. A withdrawn suggestion for the same activity comes back to life.

    A post-run routine of earlier today that nobody has done yet is taken back: the latest run of the day carries it.
    """
    routine = verdict.routine
    if routine is None:
        raise ValueError(f"a {verdict.decision} verdict carries no routine")
    placement = str(verdict.decision)
    local_date = now.astimezone(situations.zone_of(athlete.timezone)).date()
    earlier = select(Suggestion).where(
        Suggestion.athlete_id == athlete.id,
        Suggestion.local_date == local_date,
        Suggestion.status == "open",
        Suggestion.placement != words.Placement.WARM_UP,
    )
    for replaced in session.scalars(earlier):
        if replaced.activity_id != activity_id:
            withdraw(session, replaced, "A later run today carries the routine.", now=now)

    suggestion = None
    if activity_id is not None:
        suggestion = session.scalar(
            select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.activity_id == activity_id)
        )
    if suggestion is None:
        suggestion = Suggestion(
            public_id=secrets.token_urlsafe(_PUBLIC_ID_BYTES), athlete_id=athlete.id, activity_id=activity_id
        )
        session.add(suggestion)
    suggestion.decision_id = decision.id
    suggestion.local_date = local_date
    suggestion.placement = placement
    suggestion.dose = str(verdict.dose)
    suggestion.routine = asdict(routine)
    suggestion.reason = verdict.reason
    suggestion.created_at = now
    suggestion.status = "open"
    suggestion.withdrawn_because = None
    session.flush()
    _deliver(session, installation, athlete, suggestion, routine, decision.trace_id, now)
    return suggestion


def withdraw(session: Session, suggestion: Suggestion, because: str, *, now: datetime) -> None:
    """The suggestion no longer holds: what was written for it is to go, what wasn't written yet never comes."""
    suggestion.status = "withdrawn"
    suggestion.withdrawn_because = because
    for delivery in suggestion.deliveries:
        if delivery.wanted == "absent":
            continue
        delivery.wanted = "absent"
        if delivery.state == "waiting" and delivery.attempts == 0:
            delivery.state, delivery.outcome = "done", "never_written"
        elif delivery.channel != "mail":
            # Also one that is being written at this moment: its worker puts it back when it sees the change of mind.
            delivery.state, delivery.due_at = "waiting", now
            delivery.lease_until = delivery.lease_holder = None


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


def _deliver(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    suggestion: Suggestion,
    routine: words.Routine,
    trace_id: str,
    now: datetime,
) -> None:
    channel = athlete.channels.get(suggestion.placement, "private_note")
    link = f"{installation.settings.public_url}/routine/{suggestion.public_id}"
    block = wording.note_block(routine, suggestion.reason, link)
    delivery = session.scalar(
        select(Delivery).where(Delivery.suggestion_id == suggestion.id, Delivery.channel == channel)
    )
    if delivery is None:
        delivery = Delivery(suggestion_id=suggestion.id, channel=channel, known_texts=[])
        session.add(delivery)
    delivery.wanted = "present"
    delivery.block = block
    delivery.known_texts = [*(known for known in delivery.known_texts or [] if known != block), block]
    delivery.state = "waiting"
    delivery.outcome = delivery.problem = None
    delivery.due_at = now + timedelta(seconds=installation.settings.note_delay_s)
    delivery.attempts = delivery.crashes = delivery.unseen_reads = 0
    delivery.lease_until = delivery.lease_holder = None
    delivery.trace_id = trace_id
    session.flush()
