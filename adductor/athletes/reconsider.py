"""After a change of settings, plan or health: whether the suggestions announced for today still hold."""

from __future__ import annotations

from adductor.athletes import decisions, schedule
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.store.models import Suggestion

_NO_REASON_TO_WITHDRAW = ("no_trigger", "warm_up", "back_off", "week_plan")


def reconsider(coach: Consultation) -> None:
    """Withdraw what the coach would no longer suggest, and reschedule the athlete.

    Not because its moment has passed, or another day looks better now: what was told stands.
    """
    coach.session.flush()
    announced = decisions.open_suggestions(coach.athlete).where(Suggestion.local_date == coach.today)
    for suggestion in coach.session.scalars(announced).all():
        event, activity_id = _event_of(suggestion), suggestion.activity_id
        verdict = coach.decide(event)
        if verdict.decision is words.Decision.NONE and verdict.rule not in _NO_REASON_TO_WITHDRAW:
            coach.record(event, verdict)
            coach.withdraw(suggestion, verdict.reason)
        elif (
            activity_id is not None  # a mail that was sent can't be changed
            and str(verdict.dose) != suggestion.dose
            and str(verdict.decision) == suggestion.placement
        ):
            coach.suggest(verdict, coach.record(event, verdict), activity_id)
    schedule.reschedule(coach.athlete, coach.now)


def _event_of(suggestion: Suggestion) -> words.Event:
    if suggestion.activity_id is not None:
        return words.Event(words.EventType.ACTIVITY_UPDATED, suggestion.activity_id)
    if suggestion.placement == words.Placement.WARM_UP:
        return words.Event(words.EventType.RUN_STARTING_SOON)
    return words.Event(words.EventType.CLOCK_TICK)
