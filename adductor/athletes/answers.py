"""Answers and check-ins: done, too easy, too hard, not today, pain; how it is; that it is sorted.

Pages, mails, titles and the guided routine all end here. The same answer twice changes nothing; another one replaces it, and
the ladder goes back to where it stood before the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

from sqlalchemy import select

from adductor import coaching, logs
from adductor.athletes import decisions, offers, situations
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.coaching.constants import RED_FLAGS
from adductor.coaching.replies import REPLIES, Said, StillUseful
from adductor.store.models import Athlete, CheckInRecord, DecisionRecord, SessionRecord, Suggestion

log = logs.get(__name__)

# "It hurt" without saying how far the session went: it doesn't count as one.
STOPPED_COMPLETED_PCT = 30
LONGEST_LOAD = 60

# A pause without an end would be for ever if forgotten; `#adductor-resume` or the pages end it sooner. Judgement.
PAUSE_DAYS = 28

# The column of a check-in for each place.
PAIN_COLUMNS = {"hip_groin": "hip_groin_pain_0_10", "knee": "knee_pain_0_10", "elsewhere": "other_pain_0_10"}

# Where the athlete stands: named alike in the row and in the coach's words, and the rest.
_LADDER_OF_BOTH = (
    "programme_stage",
    "stage_since",
    "sessions_completed_total",
    "sessions_at_stage",
    "programme_started_on",
)
_LADDER = (*_LADDER_OF_BOTH, "last_completed_on", "progress")


class AnswerError(ValueError):
    """The answer can't be taken; the message says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Pain and effort where the runner gave them; ``where`` is their own short word for the ``place``.

    ``loads``: with which weight or band an exercise was done, in the runner's words; an empty one forgets the last.
    """

    said: Said
    pain_0_10: int | None = None
    rpe_1_10: int | None = None
    completed_pct: int | None = None
    red_flags: frozenset[str] = frozenset()
    where: str = ""
    place: str = "hip_groin"
    loads: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("pain", self.pain_0_10, 0, 10),
            ("effort", self.rpe_1_10, 1, 10),
            ("how much was done", self.completed_pct, 0, 100),
        ):
            if value is not None and not low <= value <= high:
                raise AnswerError(f"{what} must be between {low} and {high}")
        if self.place not in PAIN_COLUMNS:
            raise AnswerError(f"where it hurts must be one of {', '.join(PAIN_COLUMNS)}")
        if any(len(load) > LONGEST_LOAD or not load.isprintable() for load in self.loads.values()):
            raise AnswerError(f"the band or weight must be at most {LONGEST_LOAD} letters on one line")
        unknown = self.red_flags - set(RED_FLAGS)
        if unknown:
            raise AnswerError(f"unknown red flag: {sorted(unknown)[0]}")
        if self.said is Said.PAIN and self.pain_0_10 is None:
            raise AnswerError("how strong the pain was, from 0 to 10, is missing")


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer led to: what changed on the ladder, in words, and the coach's word if there was pain."""

    changes: tuple[str, ...] = ()
    decision: DecisionRecord | None = None
    repeated: bool = False


def answer(coach: Consultation, suggestion: Suggestion, given: Answer, *, source: str) -> Taken:
    """Take the runner's answer to a suggestion, also to a withdrawn one: the athlete may have done it nevertheless."""
    stored = {
        **asdict(given),
        "said": str(given.said),
        "red_flags": sorted(given.red_flags),
        "where": given.where[:120],
    }
    suggestion.asks_about_activity = None
    repeated = suggestion.answer == stored and suggestion.status != "open"
    over = suggestion.status == "withdrawn" and suggestion.local_date != coach.today
    if repeated or (over and given.said is Said.NOT_TODAY):
        return Taken(repeated=True)
    _undo(coach, suggestion)
    suggestion.answer = stored
    suggestion.answered_at = coach.now
    if given.said is Said.NOT_TODAY:
        suggestion.status = "declined"
        decisions.reconsider(coach)  # it holds for the day: also for the routine that took this one's place
        log.info("answered", said=str(given.said), source=source)
        return Taken()
    suggestion.status = "done"
    changes = _session_done(coach, suggestion, given, source)
    _lift_hold_after_green_days(coach)
    decision = None
    if given.said is Said.PAIN or given.red_flags or (given.pain_0_10 or 0) > 0:
        told = {PAIN_COLUMNS[given.place]: given.pain_0_10}
        record = CheckInRecord(**told, red_flags=sorted(given.red_flags))
        decision = check_in(coach, record)
    log.info("answered", said=str(given.said), source=source, changes=len(changes))
    return Taken(changes, decision)


def check_in(coach: Consultation, record: CheckInRecord) -> DecisionRecord:
    """Store a check-in and the coach's decision on it: a referral holds the routines at once, green days may lift a hold."""
    record.athlete_id = coach.athlete.id
    record.at = coach.now
    coach.session.add(record)
    if record.adductor_soreness_0_10 is not None:
        _sore(coach, record.adductor_soreness_0_10)
    coach.session.flush()
    event = words.Event(words.EventType.CHECK_IN)
    _lift_hold_after_green_days(coach)
    verdict = decisions.without_routine(coach.decide(event), "It is saved; a check-in brings no routine by itself.")
    decision = coach.record(event, verdict)
    decisions.reconsider(coach)
    return decision


def _lift_hold_after_green_days(coach: Consultation) -> None:
    """Pain numbers on enough days, told at check-ins or with sessions, end a hold that a pain number began."""
    if coach.athlete.hold_since is None:
        return
    situation = situations.of(coach.session, coach.athlete, words.Event(words.EventType.CHECK_IN), coach.now)
    if coaching.hold_is_over(situation):
        clear_hold(coach)
        coach.session.flush()


def clear_hold(coach: Consultation) -> None:
    """A professional's word or green days: routines may come again, one level lower, and old pain no longer counts."""
    athlete = coach.athlete
    if athlete.hold_since is not None:
        back = coaching.after_hold(situations.athlete_of(athlete), coach.installation.catalogue, coach.today)
        _stand(athlete, back.athlete)
    athlete.hold_since = None
    athlete.hold_reason = None
    athlete.hold_cleared_at = coach.now
    athlete.clearance_needed = False
    # It is a word on how it is, too: a session that ended in pain is no longer one that nothing was heard about.
    coach.session.add(CheckInRecord(athlete_id=athlete.id, at=coach.now, red_flags=[]))


def pause(coach: Consultation, until: date | None) -> None:
    """No routines before that local day; None ends the pause. What is announced for today and not done is taken back.

    The caller works out anew when the clock should look (`schedule.reschedule`).
    """
    coach.athlete.paused_until = until
    if until is not None:
        coach.withdraw_open("You asked for a break.", since=coach.today)


def still_useful(coach: Consultation, suggestion: Suggestion, said: StillUseful) -> str:
    """Take the reply to whether routines are still useful: it ends the silence. Returns what follows from it, in words.

    Where one a week is the most already, "less often" leaves the fortnightly rhythm of silence as it is.
    """
    athlete = coach.athlete
    if said is StillUseful.LESS and athlete.target_sessions_per_week == 1 and suggestion.opened_at is None:
        return "One routine in two weeks at most, until you answer or open one."
    offers.open_now(coach.session, suggestion.public_id, coach.now)
    then = "Good. Routines come as before."
    if said is StillUseful.PAUSE:
        until = coach.today + timedelta(days=PAUSE_DAYS)
        pause(coach, until)
        then = f"Paused until {until:%A %-d %B}; your pages end it sooner."
    elif said is StillUseful.LESS:
        athlete.target_sessions_per_week = 1
        then = "At most one routine in seven days from now on."
    decisions.reconsider(coach)
    log.info("usefulness told", athlete=athlete.id, said=str(said))
    return then


def _session_done(coach: Consultation, suggestion: Suggestion, given: Answer, source: str) -> tuple[str, ...]:
    athlete, hurt = coach.athlete, given.said is Said.PAIN
    effort = REPLIES[given.said].rpe_1_10
    pct = given.completed_pct if given.completed_pct is not None else (STOPPED_COMPLETED_PCT if hurt else 100)
    done = SessionRecord(
        athlete_id=athlete.id,
        suggestion_id=suggestion.id,
        # Answered days later, it was still done on the day that it was for.
        completed_at=coach.now if coach.today == suggestion.local_date else suggestion.created_at,
        kind=situations.SESSION_KINDS[suggestion.dose],
        completed_pct=pct,
        rpe_1_10=given.rpe_1_10 if given.rpe_1_10 is not None else effort,
        pain_during_0_10=given.pain_0_10,
        pain_place=given.place,
        stopped_for_pain=hurt and pct < 100,
        routine=suggestion.routine,
        source=source,
    )
    coach.session.add(done)
    before = {name: getattr(athlete, name) for name in _LADDER}
    suggestion.before_answer = {
        name: value.isoformat() if isinstance(value, date) else value for name, value in before.items()
    }
    advance = coaching.after_session(
        situations.athlete_of(athlete),
        coach.installation.catalogue,
        situations.session_of(done),
        decisions.routine_of(suggestion),
    )
    _stand(athlete, advance.athlete)
    loads = {exercise: load or None for exercise, load in given.loads.items()}
    athlete.progress = [
        {**entry, "load": loads.get(entry["exercise"], entry.get("load"))} for entry in athlete.progress
    ]
    coach.session.flush()
    return advance.changes


def _undo(coach: Consultation, suggestion: Suggestion) -> None:
    """Take an earlier answer back. The ladder returns only where nothing was answered after it."""
    session, athlete = coach.session, coach.athlete
    done = session.scalar(select(SessionRecord).where(SessionRecord.suggestion_id == suggestion.id))
    if done is None:
        return
    later = session.scalar(
        select(SessionRecord.id).where(
            SessionRecord.athlete_id == athlete.id, SessionRecord.id > done.id, SessionRecord.kind != "warm_up"
        )
    )
    if later is None and suggestion.before_answer is not None:
        for name in _LADDER:
            value = suggestion.before_answer[name]
            setattr(athlete, name, date.fromisoformat(value) if name.endswith(("_on", "_since")) and value else value)
    session.delete(done)
    session.flush()


def _sore(coach: Consultation, soreness_0_10: int) -> None:
    """Soreness speaks of the last routine."""
    athlete = coach.athlete
    done = select(SessionRecord).where(SessionRecord.athlete_id == athlete.id, SessionRecord.routine.is_not(None))
    last = coach.session.scalar(done.order_by(SessionRecord.completed_at.desc()))
    if last is not None and last.routine:
        exercises = [item["exercise"] for item in last.routine["items"]]
        catalogue = coach.installation.catalogue
        advance = coaching.after_soreness(situations.athlete_of(athlete), catalogue, exercises, soreness_0_10)
        _stand(athlete, advance.athlete)


def _stand(row: Athlete, athlete: words.Athlete) -> None:
    row.last_completed_on = athlete.last_completed_session_date
    row.progress = [situations.progress_in_json(progress) for progress in athlete.progress]
    for name in _LADDER_OF_BOTH:
        setattr(row, name, getattr(athlete, name))
