"""After a change of settings, plan or health: whether the suggestions announced for today still hold."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import decisions, schedule, situations
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.store.models import Athlete, Suggestion


def reconsider(session: Session, installation: Installation, athlete: Athlete, *, now: datetime) -> None:
    """Withdraw what the coach would no longer suggest (not because its moment has passed), and reschedule the athlete.

    ``athlete`` must be locked.
    """
    session.flush()
    today = now.astimezone(situations.zone_of(athlete.timezone)).date()
    rows = session.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date == today
        )
    ).all()
    for suggestion in rows:
        event = _event_of(suggestion)
        verdict = decisions.decide(session, installation, athlete, event, now)
        if verdict.decision is words.Decision.NONE and verdict.rule not in ("no_trigger", "warm_up"):
            decisions.record(
                session,
                athlete,
                verdict,
                trigger=event.type,
                now=now,
                trace_id=secrets.token_hex(8),
                activity_id=suggestion.activity_id,
                asked_platform=False,
            )
            decisions.withdraw(session, suggestion, verdict.reason, now=now)
        elif str(verdict.dose) != suggestion.dose and str(verdict.decision) == suggestion.placement:
            _with_another_dose(session, installation, athlete, suggestion, verdict, event, now)
    schedule.reschedule(athlete, now)


def _event_of(suggestion: Suggestion) -> words.Event:
    if suggestion.activity_id is not None:
        return words.Event(words.EventType.ACTIVITY_UPDATED, str(suggestion.activity_id))
    if suggestion.placement == words.Placement.WARM_UP:
        return words.Event(words.EventType.RUN_STARTING_SOON)
    return words.Event(words.EventType.CLOCK_TICK)


def _with_another_dose(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    suggestion: Suggestion,
    verdict: words.Verdict,
    event: words.Event,
    now: datetime,
) -> None:
    """Replace the routine of an activity by one of another dose; a mail that was sent can't be changed."""
    if suggestion.activity_id is None:
        return
    decision = decisions.record(
        session,
        athlete,
        verdict,
        trigger=event.type,
        now=now,
        trace_id=secrets.token_hex(8),
        activity_id=suggestion.activity_id,
        asked_platform=False,
    )
    decisions.suggest(session, installation, athlete, verdict, decision, now=now, activity_id=suggestion.activity_id)
