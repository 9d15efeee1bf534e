"""The runner's status for the dashboard: what comes next, the week, the ladder, the weeks on target."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import coaching
from adductor.athletes import channels, situations
from adductor.coaching import words as coach_words
from adductor.coaching.constants import SESSION_COUNTS_FROM_COMPLETED_PCT
from adductor.coaching.progression import exercises_of_stage
from adductor.coaching.situation import Event, EventType, Expected, Placement, PlannedRun, Situation
from adductor.installation import Installation
from adductor.store.models import Athlete, DecisionRecord, LoggedActivity, SessionRecord, Suggestion
from service.pages.words import PLACEMENTS

DAYS_AHEAD = 14
WEEKS_SHOWN = 12
_DAYS_BACK_IN_STRIP = 3
_STRIP_DAYS = 7
# Streaks are counted this far back.
_STREAK_WEEKS = 104


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the strip. ``marks`` are (kind, words): run, done, open or expected."""

    day: date
    is_today: bool
    marks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Week:
    """One week from Monday, with the sessions that counted."""

    monday: date
    sessions: int


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next: a day with a session, or None with the reason."""

    expected: Expected | None
    headline: str
    why: str


def situation_now(session: Session, athlete: Athlete, now: datetime) -> Situation:
    """The runner as the coach sees them now, with only the placements whose delivery channels work.

    A rest-day routine without a channel is never made, so it must not be announced either.
    """
    situation = situations.of(session, athlete, Event(EventType.CLOCK_TICK), now)
    enabled = situation.athlete.placements_enabled
    reached = frozenset(placement for placement in enabled if channels.reaches(athlete, placement))
    return replace(situation, athlete=replace(situation.athlete, placements_enabled=reached))


def ahead(installation: Installation, situation: Situation, days: int = DAYS_AHEAD) -> tuple[Expected, ...]:
    """The days ahead, today first."""
    return coaching.forecast(situation, installation.catalogue, days)


def what_is_next(installation: Installation, situation: Situation, expected: Sequence[Expected]) -> Next:
    """The first session that is to be expected, in words. Runs can't always be foreseen: then from when on one would do."""
    today = expected[0].day
    for day in expected:
        if day.placement is not None:
            place = PLACEMENTS[day.placement].lower()
            why = expected[0].reason if day.day != today and expected[0].placement is None else f"Expected {day.reason}"
            return Next(day, f"{_upper(_when(day.day, today))}, {place}", _sentence(why))
    if Placement.POST_RUN in situation.athlete.placements_enabled:
        runs = _runs_every_day(situation)
        imagined = ahead(installation, replace(situation, plan=(*situation.plan, *runs)))
        first = next((day for day in imagined if day.placement is not None), None)
        if first is not None:
            soon = first.day <= runs[0].start.date()
            headline = "After your next run" if soon else f"After a run, from {_when(first.day, today)} on"
            return Next(first, headline, "When you have recorded one." if soon else _sentence(expected[0].reason))
    return Next(None, "Nothing in the next two weeks", _sentence(expected[0].reason))


def _runs_every_day(situation: Situation) -> list[PlannedRun]:
    """An easy run on each of the days ahead, at the runner's own hour for prompts: when would the first one count?"""
    athlete = situation.athlete
    now = situation.now.astimezone(athlete.timezone)
    starts = (
        datetime.combine(now.date() + timedelta(days=offset), athlete.rest_day_prompt_local, tzinfo=athlete.timezone)
        for offset in range(DAYS_AHEAD)
    )
    return [PlannedRun(start, "easy") for start in starts if start > now]


def _when(day: date, today: date) -> str:
    days = (day - today).days
    if days < 2:
        return "tomorrow" if days else "today"
    return coach_words.weekday(day) if days < 7 else coach_words.day_in_words(day)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def strip(session: Session, athlete: Athlete, expected: Sequence[Expected], now: datetime) -> list[Day]:
    """Three days back, today, three days ahead: runs, routines, what is planned."""
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    first = today - timedelta(days=_DAYS_BACK_IN_STRIP)
    since = now - timedelta(days=_DAYS_BACK_IN_STRIP + 2)
    marks: defaultdict[date, list[tuple[str, str]]] = defaultdict(list)
    runs = session.scalars(
        select(LoggedActivity).where(
            LoggedActivity.athlete_id == athlete.id,
            LoggedActivity.start >= since,
            LoggedActivity.deleted_at.is_(None),
            LoggedActivity.expires_at > now,
        )
    )
    for run in sorted(runs, key=lambda run: run.start):
        words = f"{run.sport.replace('_', ' ').capitalize()}, {round(run.moving_s / 60)} min"
        marks[run.start.astimezone(zone).date()].append(("run", words))
    done = session.scalars(
        select(SessionRecord).where(SessionRecord.athlete_id == athlete.id, SessionRecord.completed_at >= since)
    )
    for one in done:
        marks[one.completed_at.astimezone(zone).date()].append(("done", "Routine done"))
    waiting = session.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date >= first
        )
    )
    for suggestion in waiting:
        marks[suggestion.local_date].append(("open", "Routine waiting"))
    for day in expected:
        if day.placement is not None and not any(kind in ("open", "done") for kind, _ in marks[day.day]):
            marks[day.day].append(("expected", f"Routine planned, {PLACEMENTS[day.placement].lower()}"))
    days = (first + timedelta(days=offset) for offset in range(_STRIP_DAYS))
    return [Day(day, day == today, tuple(marks[day])) for day in days]


def rungs(installation: Installation, athlete: Athlete) -> list[tuple[str, bool]]:
    """The exercises of the runner's stage by name, and whether each is at its target."""
    mine = situations.athlete_of(athlete)
    reached = {progress.exercise for progress in mine.progress if progress.at_target}
    return [(exercise.name, exercise.id in reached) for exercise in exercises_of_stage(mine, installation.catalogue)]


def latest_referral(session: Session, athlete: Athlete) -> str | None:
    """The reason of the coach's last referral."""
    return session.scalar(
        select(DecisionRecord.reason)
        .where(DecisionRecord.athlete_id == athlete.id, DecisionRecord.decision == "refer")
        .order_by(DecisionRecord.id.desc())
        .limit(1)
    )


def weeks(session: Session, athlete: Athlete, now: datetime) -> list[Week]:
    """The weeks from the first session that is remembered (at most two years), oldest first, this week last.

    Warm-ups don't count, nor what was broken off before half of it.
    """
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    this_monday = today - timedelta(days=today.weekday())
    first = this_monday - timedelta(weeks=_STREAK_WEEKS - 1)
    rows = session.scalars(
        select(SessionRecord.completed_at).where(
            SessionRecord.athlete_id == athlete.id,
            SessionRecord.kind != "warm_up",
            SessionRecord.completed_pct >= SESSION_COUNTS_FROM_COMPLETED_PCT,
            SessionRecord.completed_at >= now - timedelta(weeks=_STREAK_WEEKS),
        )
    )
    days = [completed_at.astimezone(zone).date() for completed_at in rows]
    counts = Counter(day - timedelta(days=day.weekday()) for day in days)
    mondays = (first + timedelta(weeks=index) for index in range(_STREAK_WEEKS))
    return [Week(monday, counts[monday]) for monday in mondays]


def on_target_in_a_row(weeks_so_far: Sequence[Week], target: int) -> int:
    """How many weeks in a row reached the target. A week that still runs counts when it has, and breaks nothing."""
    *past, current = weeks_so_far
    streak = 1 if current.sessions >= target else 0
    for week in reversed(past):
        if week.sessions < target:
            break
        streak += 1
    return streak


def _sentence(text: str) -> str:
    text = _upper(text.strip())
    return text if text.endswith((".", "?")) else f"{text}."
