"""The coach's situation of an athlete, read from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, ScalarResult, select
from sqlalchemy.orm import Session

from adductor.athletes import channels, offers, told
from adductor.coaching import situation as words
from adductor.coaching.constants import (
    AFTER_HOLD_LIGHT_SESSIONS,
    QUALIFYING_RUN_MIN_MOVING_MIN,
    SESSION_COUNTS_FROM_COMPLETED_PCT,
)
from adductor.store import models
from adductor.store.models import Athlete, CheckInRecord, LoggedActivity, PlannedRunRecord, SessionRecord

T = TypeVar("T")

# The kind of the session that a routine of each dose makes.
SESSION_KINDS = {"full": "strength_full", "light": "strength_light", "activation": "warm_up"}
# The coach looks at the last 14 days; a day more covers every time zone. Check-ins reach further (pain that persists).
WINDOW = timedelta(days=15)
CHECK_IN_WINDOW = timedelta(days=30)
PLAN_AHEAD = timedelta(days=15)
PLAN_BEHIND = timedelta(days=30)  # the longest race keeps 14 days free, and the session after them is light
# Every full hour that a clock on earth may be off (the names have their signs the wrong way round).
_ZONES = tuple(ZoneInfo(f"Etc/GMT{hours:+d}") for hours in range(-14, 13))
_PROGRESS_FIELDS = {field.name for field in fields(words.ExerciseProgress)}


def of(
    session: Session, athlete: Athlete, event: words.Event, now: datetime, *, ahead: bool = False
) -> words.Situation:
    """The situation now, without an earlier suggestion for the event's activity: it is what is being decided again.

    ``ahead``: for a forecast, to which today's open suggestion is already what it will be tomorrow: load, offer, silence.
    """
    since = now - WINDOW
    spoken_since = max(now - CHECK_IN_WINDOW, athlete.hold_cleared_at or now - CHECK_IN_WINDOW)
    log, check_in, planned, done = LoggedActivity, CheckInRecord, PlannedRunRecord, SessionRecord

    def rows(table: type[T], *where: ColumnElement[bool]) -> ScalarResult[T]:
        return session.scalars(select(table).filter_by(athlete_id=athlete.id).where(*where))

    today = local_day(athlete, now) + timedelta(days=1 if ahead else 0)
    return words.Situation(
        athlete=replace(
            athlete_of(athlete),
            declined_on=_declined_on(session, athlete, now),
            **offers.fields_of(session, athlete, today, now),
            illness=told.is_ill(athlete, today),
            paused_until=told.paused_until(athlete, today),
            kept_light_because=told.hint(athlete, today),
        ),
        event=event,
        now=now,
        check_ins=tuple(
            _same_fields(words.CheckIn, row, red_flags=frozenset(row.red_flags))
            for row in rows(check_in, check_in.at >= spoken_since)
        ),
        plan=(
            *told.planned(athlete, zone_of(athlete.timezone)),
            *(
                _same_fields(words.PlannedRun, row)
                for row in rows(planned, planned.start >= now - PLAN_BEHIND, planned.start < now + PLAN_AHEAD)
            ),
            *(
                words.PlannedRun(start, run.get("kind", "easy"), run.get("priority"), usual=True)
                for start, run in usual_starts(athlete, now)
            ),
        ),
        activities=tuple(_activity(row) for row in rows(log, log.start >= since, log.expires_at > now)),
        sessions=(
            *(session_of(row) for row in rows(done, done.completed_at >= since)),
            *_first_since_hold(session, athlete, since),
            *_unanswered(session, athlete, today, since, now, event.activity_id),
        ),
    )


def looking_ahead(session: Session, athlete: Athlete, now: datetime) -> words.Situation:
    """The runner as a forecast sees them now, with only the placements whose delivery channels work.

    A rest-day routine without a channel is never made, so it must not be announced either.
    """
    situation = of(session, athlete, words.Event(words.EventType.CLOCK_TICK), now, ahead=True)
    enabled = situation.athlete.placements_enabled
    reached = frozenset(placement for placement in enabled if channels.reaches(athlete, placement))
    return replace(situation, athlete=replace(situation.athlete, placements_enabled=reached))


def best_cases(situation: words.Situation) -> Iterator[words.Situation]:
    """Situations that bound what the platform may tell: if none of them gets a routine, the true one gets none either.

    An event tells an id. The activity may be a run of any length, or no run; it may be a second recording of one that is
    known, or change the time zone, and with it the day. So the log is empty but for a short run (for a rest day two days
    ago), quiet hours don't count, and every zone is tried: the athlete's first. No slot yields: what to is not known.
    """
    athlete, now = replace(situation.athlete, slots=(), pages_only=frozenset(), raced_on=None), situation.now
    event, run = words.Event(words.EventType.ACTIVITY_UPLOADED, "best-case"), _shortest_run(now)
    if situation.event.type is words.EventType.CLOCK_TICK or words.Placement.POST_RUN not in athlete.placements_enabled:
        event, run = words.Event(words.EventType.CLOCK_TICK), _shortest_run(now - timedelta(days=2))
    for zone in (athlete.timezone, *_ZONES):
        today, is_home = now.astimezone(zone).date(), zone is athlete.timezone
        yield replace(
            situation,
            event=event,
            athlete=replace(athlete, timezone=zone, quiet_hours_local=(time.min, time.min)),
            activities=(run,),
            # A race of the past may be in the log as a shorter one; usual runs keep their hour in another zone.
            plan=tuple(
                planned
                for planned in situation.plan
                if planned.start.astimezone(zone).date() >= today and (is_home or not planned.usual)
            ),
        )


def _shortest_run(start: datetime) -> words.Activity:
    """As short as a run may be, and hard: it may be the C-race that is awaited today. One that begins now counts as ended."""
    minutes = QUALIFYING_RUN_MIN_MOVING_MIN
    return words.Activity("best-case", "run", start, minutes, intensity=words.Intensity.HARD, uploaded_at=start)


def instant(wall: datetime) -> datetime:
    """A wall time as UTC: comparisons and subtractions within one zone would otherwise ignore its changes of clocks."""
    return wall.astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for one that this machine doesn't know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as "America"
        return ZoneInfo("UTC")


def local_day(athlete: Athlete, now: datetime) -> date:
    """The athlete's local date."""
    return now.astimezone(zone_of(athlete.timezone)).date()


def usual_starts(athlete: Athlete, now: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """The usual runs of today and the coming days, each with its start; they keep their hour across changes of clocks."""
    zone, today = zone_of(athlete.timezone), local_day(athlete, now)
    days = [today + timedelta(days=ahead) for ahead in range(PLAN_AHEAD.days)]
    return [
        (instant(datetime.combine(day, time.fromisoformat(run["at"]), tzinfo=zone)), run)
        for day in days
        for run in athlete.usual_runs
        if run["weekday"] == day.weekday()
    ]


def athlete_of(row: Athlete) -> words.Athlete:
    """The runner in the coach's words."""
    return _same_fields(
        words.Athlete,
        row,
        timezone=zone_of(row.timezone),
        age=row.age_years,
        screening_completed=row.screening_completed_at is not None,
        hold=words.Hold(row.hold_since, row.hold_reason or "") if row.hold_since else None,
        placements_enabled=frozenset(words.Placement(name) for name in row.placements),
        rest_day_prompt_local=time.fromisoformat(row.rest_day_prompt_local),
        quiet_hours_local=(time.fromisoformat(row.quiet_from_local), time.fromisoformat(row.quiet_until_local)),
        hold_lifted_at=row.hold_cleared_at,
        last_completed_session_date=row.last_completed_on,
        equipment=None if row.equipment is None else frozenset(row.equipment),
        left_out=frozenset(row.left_out),
        own_exercises=tuple(_own_exercise(entry) for entry in row.own_exercises),
        progress=tuple(_progress(entry) for entry in row.progress),
    )


def _own_exercise(stored: dict[str, Any]) -> words.OwnExercise:
    return words.OwnExercise(**stored | {"placements": frozenset(map(words.Placement, stored["placements"]))})


def _progress(stored: dict[str, Any]) -> words.ExerciseProgress:
    known = {name: value for name, value in stored.items() if name in _PROGRESS_FIELDS}
    done_on = known.get("last_done_on")
    return words.ExerciseProgress(**known | {"last_done_on": date.fromisoformat(done_on) if done_on else None})


def progress_in_json(progress: words.ExerciseProgress) -> dict[str, Any]:
    """An exercise's progress as its row keeps it: JSON knows no dates."""
    done_on = progress.last_done_on
    return asdict(progress) | {"last_done_on": done_on.isoformat() if done_on else None}


def _activity(row: LoggedActivity) -> words.Activity:
    return _same_fields(
        words.Activity,
        row,
        id=row.platform_id,
        moving_min=row.moving_s / 60,
        elapsed_min=row.elapsed_s / 60,
        distance_km=row.distance_m / 1000,
        intensity=words.Intensity(row.intensity),
        source="manual" if row.manual else "device",
    )


def _same_fields(kind: Callable[..., T], row: models.Base, **others: Any) -> T:
    """The coach's value of a row: columns go into the fields of the same name, ``others`` are worked out."""
    names = (each.name for each in fields(cast(Any, kind)))
    return kind(**{**{name: getattr(row, name) for name in names if hasattr(row, name)}, **others})


def session_of(row: SessionRecord) -> words.Session:
    """A routine that was done in the coach's words."""
    return _same_fields(words.Session, row, **_content(row.routine or {}))


def _content(routine: dict[str, Any]) -> dict[str, Any]:
    """What the coach looks at in a stored routine."""
    exercises = tuple(item["exercise"] for item in routine.get("items", []))
    return {"routine_id": routine.get("id"), "exercises": exercises}


def _declined_on(session: Session, athlete: Athlete, now: datetime) -> date | None:
    """Today, if the athlete said "not today" to a routine of today. A warm-up is no session, so it doesn't count."""
    row, today = models.Suggestion, local_day(athlete, now)
    declined = select(row.local_date).where(row.athlete_id == athlete.id, row.created_at >= now - timedelta(days=2))
    said = (row.status == "declined", row.local_date == today, row.placement != words.Placement.WARM_UP)
    return session.scalar(declined.where(*said).limit(1))


def _first_since_hold(session: Session, athlete: Athlete, since: datetime) -> list[words.Session]:
    """The first sessions after the latest hold that lie before ``since``: the light ones of the way back."""
    cleared, row = athlete.hold_cleared_at, SessionRecord
    if cleared is None or cleared >= since:
        return []
    rows = session.scalars(
        select(row)
        .where(
            row.athlete_id == athlete.id,
            row.completed_at > cleared,
            row.completed_at < since,
            row.kind != "warm_up",
            row.completed_pct >= SESSION_COUNTS_FROM_COMPLETED_PCT,
        )
        .order_by(row.completed_at)
        .limit(AFTER_HOLD_LIGHT_SESSIONS)
    )
    return [session_of(done) for done in rows]


def _unanswered(
    session: Session, athlete: Athlete, today: date, since: datetime, now: datetime, decided_again: str | None
) -> list[words.Session]:
    """Unanswered suggestions of days before ``today`` that reached the runner: they may have been done, so they load."""
    row = models.Suggestion
    rows = session.scalars(
        select(row).where(
            *offers.earlier(athlete, today, now),
            row.status == "open",
            row.created_at >= since,
            offers.has_reached(),
        )
    )
    return [
        words.Session(
            completed_at=suggestion.created_at,
            kind=SESSION_KINDS[suggestion.dose],
            answered=False,
            **_content(suggestion.routine),
        )
        for suggestion in rows
        if suggestion.activity_id is None or suggestion.activity_id != decided_again
    ]
