"""The end of a routine: take the answer, in one transaction, and say what it means in a few words."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from flask import abort, request
from sqlalchemy.orm import Session

from adductor import coaching
from adductor.athletes import answers, decisions, situations
from adductor.athletes.answers import AnswerError, Taken
from adductor.athletes.decisions import Consultation
from adductor.coaching.constants import SESSION_COUNTS_FROM_COMPLETED_PCT, WEEKLY_WINDOW_LOCAL_DAYS
from adductor.coaching.normalise import facts
from adductor.coaching.replies import REPLIES, Said
from adductor.coaching.situation import Dose, Placement, Routine, Situation
from adductor.store.models import Athlete, Suggestion
from service.context import installation
from service.pages import access, status
from service.pages.forms import PAIN, PLACE, Field, optional, read_answer, whole

_STRENGTH = Field("pain", whole(0, 10), "choose how strong the pain was, from 0 to 10", "pain_0_10")
_EFFORT = (
    Field("rpe", optional(whole(1, 10)), "effort must be a number from 1 to 10", "rpe_1_10"),
    Field("completed_pct", optional(whole(0, 100)), "how much was done must be a number from 0 to 100"),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """The words after an answer. ``asks_effort``: a number for the effort would still help the coach."""

    title: str
    words: tuple[str, ...]
    changes: tuple[str, ...]
    referral: str | None
    asks_effort: bool
    repeated: bool


def take(suggestion: Suggestion, said: Said, *, source: str, where: str, routine: Routine | None = None) -> Ending:
    """Take the form's answer for the suggestion's runner; ``routine``: as it was done. Raises AnswerError; 404 if gone."""
    here = installation()
    strength = _STRENGTH if said is Said.PAIN else PAIN
    items = routine.items if routine is not None else ()
    noted = {item.exercise: request.form.get(f"load_{item.exercise}") for item in items}
    loads = {exercise: " ".join(load.split()) for exercise, load in noted.items() if load is not None}
    given = read_answer(strength, PLACE, *_EFFORT, said=said, where=where, loads=loads)
    with here.store.write() as database:
        athlete = decisions.lock(database, suggestion.athlete_id)
        row = database.get(Suggestion, suggestion.id)
        if athlete is None or athlete.leaving_at is not None or row is None:
            abort(404)
        if routine is not None and row.status == "open":
            # The ladder counts what was done; what was written stays with the delivery.
            row.routine = asdict(routine)
        taken = answers.answer(Consultation(database, here, athlete, here.clock.now()), row, given, source=source)
    # After the commit: looking ahead takes time that no other writer should wait for.
    with here.store.read() as database:
        athlete = database.get(Athlete, suggestion.athlete_id) or abort(404)
        referral = _referral(database, athlete, taken)
        words = () if referral else _words(database, athlete, suggestion, given)
    title = "Saved." if given.completed_pct is not None and not _counts(given) else REPLIES[said].thanks
    asks = said is Said.DONE and given.rpe_1_10 is None and suggestion.placement != Placement.WARM_UP
    return Ending(title, words, taken.changes, referral, asks, taken.repeated)


def day_to_train(athlete_id: int) -> str:
    """The answer to the question of the check-in, from what the coach expects of today."""
    with installation().store.read() as database:
        athlete = database.get(Athlete, athlete_id) or abort(404)
        _, coming = _ahead(database, athlete)
    day, today = coming.expected, access.today_of(athlete)
    if day is None or (day.day != today and not coming.after_next_run):
        return f"Is today a day to train? Not today. {coming.why}"
    word = "Yes, gently" if day.dose is Dose.LIGHT else "Yes"
    return f"Is today a day to train? {word}. Next: {coming.inline}."


def _ahead(database: Session, athlete: Athlete) -> tuple[Situation, status.Next]:
    here = installation()
    situation = situations.looking_ahead(database, athlete, here.clock.now())
    expected = coaching.forecast(situation, here.catalogue, status.DAYS_AHEAD)
    return situation, status.what_is_next(here.catalogue, situation, expected)


def _words(database: Session, athlete: Athlete, suggestion: Suggestion, given: answers.Answer) -> tuple[str, ...]:
    situation, coming = _ahead(database, athlete)
    upcoming = f"Next: {coming.inline}." if coming.expected is not None else coming.why
    if given.said is Said.NOT_TODAY or suggestion.placement == Placement.WARM_UP:
        return (upcoming,)
    if not _counts(given):
        return ("Less than half does not count as a session.", upcoming)
    target = athlete.target_sessions_per_week
    done = sum(session.done for session in facts(situation).in_window)
    weeks = status.on_target_in_a_row(status.weeks(database, athlete, situation.now), target)
    streak = (f"{weeks} weeks in a row.",) if weeks > 1 else ()
    return (f"{done} of {target} in {WEEKLY_WINDOW_LOCAL_DAYS} days.", upcoming, *streak)


def _counts(given: answers.Answer) -> bool:
    pct = given.completed_pct
    if pct is None:
        pct = answers.STOPPED_COMPLETED_PCT if given.said is Said.PAIN else 100
    return pct >= SESSION_COUNTS_FROM_COMPLETED_PCT


def _referral(database: Session, athlete: Athlete, taken: Taken) -> str | None:
    """The coach's referral if this answer led to it, also when the same answer comes a second time."""
    if taken.decision is not None:
        return taken.decision.reason if taken.decision.decision == "refer" else None
    return status.latest_referral(database, athlete) if taken.repeated and athlete.hold_since is not None else None


def said_in_form(usual: Said | None = None) -> Said:
    """The answer of the form: pain where the runner stopped for it, its button's, or the usual one. Raises AnswerError."""
    if request.form.get("stopped") == "1":
        return Said.PAIN
    text = request.form.get("said") or usual or ""
    if text not in list(Said):
        raise AnswerError("choose one of the answers")
    return Said(text)
