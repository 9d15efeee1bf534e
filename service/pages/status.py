"""The runner's status for the dashboard: what comes next, the week, the ladder, the weeks on target."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import takewhile

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from adductor import coaching
from adductor.athletes import connections, situations
from adductor.catalogue.models import Catalogue
from adductor.coaching import progression
from adductor.coaching import words as coach_words
from adductor.coaching.constants import (
    BACK_OFF_AFTER_UNANSWERED,
    PRE_RACE_BLOCK_DAYS,
    SESSION_COUNTS_FROM_COMPLETED_PCT,
)
from adductor.coaching.normalise import facts, post_race_block_days
from adductor.coaching.situation import Expected, Placement, PlannedRun, Situation
from adductor.notes import wording
from adductor.store.models import (
    Athlete,
    CheckInRecord,
    DecisionRecord,
    InboxEvent,
    PlannedRunRecord,
    SessionRecord,
    Suggestion,
)
from service.pages.words import PLACEMENTS, WEEKDAYS

DAYS_AHEAD = 14
WEEKS_SHOWN = 12
_STRIP_OFFSETS = range(-3, 4)
# Outcomes of events about something that is long past, gone, or another's.
_NOT_OF_LATE = ("old_activity", "found_too_late", "gone", "deleted", "foreign_activity")
# No race keeps days free for longer after it.
_LONGEST_QUIET = timedelta(days=60)
_SQUEEZE_EVERY = timedelta(days=28)  # once a month
# Streaks are counted this far back.
_STREAK_WEEKS = 104


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
    after_next_run: bool = False  # a run today would bring it

    @property
    def inline(self) -> str:
        """The headline inside a sentence."""
        return self.headline if self.headline.startswith(WEEKDAYS) else self.headline[0].lower() + self.headline[1:]


@dataclass(frozen=True, slots=True)
class Race:
    """The next race, and the days around it on which no routine comes (both ends included; None: it blocks none)."""

    day: date
    name: str
    quiet_from: date | None
    quiet_until: date | None


def what_is_next(catalogue: Catalogue, situation: Situation, expected: Sequence[Expected]) -> Next:
    """The first session that is to be expected, in words. Runs can't always be foreseen: then from when on one would do."""
    today = expected[0].day
    day = _first_session(expected)
    if day is not None and day.placement is not None:
        why = expected[0].reason if day.day != today and expected[0].placement is None else _expected(day)
        return Next(day, _upper(f"{_when(day.day, today)}, {PLACEMENTS[day.placement].lower()}"), _sentence(why))
    if Placement.POST_RUN in situation.athlete.placements_enabled:
        runs = _runs_every_day(situation)
        imagined = replace(situation, plan=(*situation.plan, *runs))
        first = _first_session(coaching.forecast(imagined, catalogue, DAYS_AHEAD))
        if first is not None and first.day <= runs[0].start.date():
            return Next(first, "After your next run", "It comes once you have recorded one.", after_next_run=True)
        if first is not None:
            return Next(first, f"After a run, from {_when(first.day, today)} on", _sentence(expected[0].reason))
    return Next(None, "Nothing in the next two weeks", _sentence(expected[0].reason))


def _expected(day: Expected) -> str:
    return f"Expected {'on a ' if day.placement is Placement.REST_DAY else ''}{day.reason}"


def _first_session(expected: Sequence[Expected]) -> Expected | None:
    return next((day for day in expected if day.placement is not None), None)


def _runs_every_day(situation: Situation) -> list[PlannedRun]:
    """An easy run on each of the days ahead, at the runner's own hour for prompts: when would the first one count?"""
    athlete = situation.athlete
    now = situation.now.astimezone(athlete.timezone)
    days = (now.date() + timedelta(days=offset) for offset in range(DAYS_AHEAD))
    starts = (datetime.combine(day, athlete.rest_day_prompt_local, tzinfo=athlete.timezone) for day in days)
    return [PlannedRun(start, "easy") for start in starts if start > now]


def _when(day: date, today: date) -> str:
    days = (day - today).days
    if days < 2:
        return "tomorrow" if days else "today"
    return coach_words.weekday(day) if days < 7 else coach_words.day_in_words(day)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return wording.sentence(_upper(text.strip()))


def recorded(session: Session, athlete: Athlete, situation: Situation) -> dict[date, list[str]]:
    """Everything recorded that is still held (a week), in words by local day; also what was never read."""
    zone = situation.athlete.timezone
    found: dict[date, list[str]] = defaultdict(list)
    for entry in facts(situation).entries:  # what two logs or two devices hold is told once
        text = f"{_upper(entry.activity.sport.replace('_', ' '))}, {round(entry.activity.moving_min)} min"
        found[entry.day].append(text)
    for day in sorted({at.astimezone(zone).date() for at in _unread(session, athlete, situation)}):
        found[day].append("Recorded; not read, as no routine was due")
    return found


def strip(
    session: Session,
    athlete: Athlete,
    situation: Situation,
    expected: Sequence[Expected],
    recorded: Mapping[date, Sequence[str]],
) -> dict[date, list[tuple[str, str]]]:
    """Three days back, today, three days ahead; each with its marks as (kind, words): run, done, open or expected."""
    zone = situation.athlete.timezone
    today = situation.now.astimezone(zone).date()
    days = [today + timedelta(days=offset) for offset in _STRIP_OFFSETS]
    marks = [(day, "run", text) for day, texts in recorded.items() for text in texts]
    for one in situation.sessions:
        if one.answered:
            counts = one.completed_pct >= SESSION_COUNTS_FROM_COMPLETED_PCT
            said = "Routine done" if counts else "Less than half of the routine"
            marks.append((one.completed_at.astimezone(zone).date(), "done" if counts else "part", said))
    waiting = session.scalars(
        select(Suggestion.local_date).where(
            Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date >= days[0]
        )
    )
    marks += [(day, "open", "Routine waiting") for day in waiting]
    taken = {day for day, kind, _ in marks if kind != "run"}
    marks += [
        (day.day, "expected", f"Routine planned, {PLACEMENTS[day.placement].lower()}")
        for day in expected
        if day.placement is not None and day.day not in taken
    ]
    return {day: [(kind, text) for at, kind, text in marks if at == day] for day in days}


def _unread(session: Session, athlete: Athlete, situation: Situation) -> list[datetime]:
    """When activities were uploaded of which only the event is known."""
    event, known = InboxEvent, {activity.id for activity in situation.activities}
    rows = session.execute(
        select(event.object_id, event.aspect_type, event.event_time).where(
            connections.events_of(*athlete.connections),
            event.object_type == "activity",
            event.aspect_type.in_(("create", "delete")),
            or_(event.outcome.is_(None), event.outcome.not_in(_NOT_OF_LATE)),
        )
    ).all()
    latest = {object_id: (aspect, at) for object_id, aspect, at in sorted(rows, key=lambda row: row.event_time)}
    return [at for number, (aspect, at) in latest.items() if aspect == "create" and number not in known]


def rungs(catalogue: Catalogue, athlete: Athlete) -> list[tuple[str, bool]]:
    """The exercises of the runner's stage by name, and whether each is at its target."""
    mine = situations.athlete_of(athlete)
    reached = {progress.exercise for progress in mine.progress if progress.at_target}
    return [(exercise.name, exercise.id in reached) for exercise in progression.exercises_of_stage(mine, catalogue)]


def decided(athlete: Athlete, *, routines_only: bool = False) -> Select[DecisionRecord, Suggestion]:
    """The decisions, newest first, each with its suggestion or None."""
    wanted = select(DecisionRecord, Suggestion).where(DecisionRecord.athlete_id == athlete.id)
    of_decision = Suggestion.decision_id == DecisionRecord.id
    return wanted.join(Suggestion, of_decision, isouter=not routines_only).order_by(DecisionRecord.id.desc())


def next_race(session: Session, athlete: Athlete, today: date) -> Race | None:
    """The first planned race whose day or quiet days are not over. One without a priority counts as the most important."""
    row = PlannedRunRecord
    since = datetime.combine(today, time(), tzinfo=UTC) - _LONGEST_QUIET
    wanted = select(row).where(row.athlete_id == athlete.id, row.kind == "race", row.start > since).order_by(row.start)
    races = (_race(race, situations.zone_of(athlete.timezone)) for race in session.scalars(wanted))
    return next((race for race in races if (race.quiet_until or race.day) >= today), None)


def _race(row: PlannedRunRecord, zone: tzinfo) -> Race:
    day = row.start.astimezone(zone).date()
    before = PRE_RACE_BLOCK_DAYS.get(row.priority or "A")
    if before is None:
        return Race(day, row.name, None, None)
    after = post_race_block_days(row.distance_km, row.planned_min)
    return Race(day, row.name, day - timedelta(days=before), day + timedelta(days=after))


def maintenance(session: Session, athlete: Athlete, now: datetime) -> str | None:
    """Why the runner may choose once a week, or twice a week again."""
    row = PlannedRunRecord
    mine = select(row).where(row.athlete_id == athlete.id, row.kind == "race", row.start >= now)
    races = [PlannedRun(race.start, race.kind, race.priority) for race in session.scalars(mine)]
    return progression.maintenance_offer(situations.athlete_of(athlete), races, situations.local_day(athlete, now))


def squeeze_is_due(session: Session, athlete: Athlete, now: datetime) -> bool:
    """Whether the monthly squeeze may be asked for: after the first session, and not while anything is stopped."""
    if athlete.hold_since is not None or athlete.clearance_needed or athlete.last_completed_on is None:
        return False
    row = CheckInRecord
    lately = select(row.id).where(row.athlete_id == athlete.id, row.at > now - _SQUEEZE_EVERY)
    return session.scalar(lately.where(row.squeeze_pain_0_10.is_not(None)).limit(1)) is None


def latest_silent(session: Session, situation: Situation, athlete: Athlete) -> str | None:
    """The public id of the latest suggestion, where so many were met with silence that they come rarely now."""
    if situation.athlete.unanswered_in_a_row < BACK_OFF_AFTER_UNANSWERED:
        return None
    latest = select(Suggestion.public_id).where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open")
    return session.scalar(latest.order_by(Suggestion.created_at.desc()).limit(1))


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
    return [Week(monday, counts[monday]) for monday in (first + timedelta(weeks=n) for n in range(_STREAK_WEEKS))]


def on_target_in_a_row(weeks_so_far: Sequence[Week], target: int) -> int:
    """How many weeks in a row reached the target. A week that still runs counts when it has, and breaks nothing."""
    *past, current = weeks_so_far
    reached = takewhile(lambda week: week.sessions >= target, reversed(past))
    return len(list(reached)) + (current.sessions >= target)
