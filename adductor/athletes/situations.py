"""The coach's situation of an athlete, read from the store."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.coaching import situation as words
from adductor.store import models

# The coach looks at the last 14 days; a day more covers every time zone. Check-ins reach further (pain that persists).
WINDOW = timedelta(days=15)
CHECK_IN_WINDOW = timedelta(days=30)
PLAN_AHEAD = timedelta(days=10)
_PROGRESS_FIELDS = {field.name for field in fields(words.ExerciseProgress)}


def of(
    session: Session,
    athlete: models.Athlete,
    event: words.Event,
    now: datetime,
    *,
    apart_from_activity: int | None = None,
) -> words.Situation:
    """The situation now. ``apart_from_activity``: a suggestion for this activity is what is being decided again."""
    since = now - WINDOW
    zone = zone_of(athlete.timezone)
    spoken_since = max(now - CHECK_IN_WINDOW, athlete.hold_cleared_at or now - CHECK_IN_WINDOW)
    log, check_in, planned, done = (
        models.LoggedActivity,
        models.CheckInRecord,
        models.PlannedRunRecord,
        models.SessionRecord,
    )
    activities = session.scalars(
        select(log).where(log.athlete_id == athlete.id, log.start >= since, log.expires_at > now)
    )
    check_ins = session.scalars(select(check_in).where(check_in.athlete_id == athlete.id, check_in.at >= spoken_since))
    plan = session.scalars(
        select(planned).where(
            planned.athlete_id == athlete.id, planned.start >= since, planned.start < now + PLAN_AHEAD
        )
    )
    sessions = session.scalars(select(done).where(done.athlete_id == athlete.id, done.completed_at >= since))
    return words.Situation(
        athlete=athlete_of(athlete),
        event=event,
        now=now,
        check_ins=tuple(_check_in(row) for row in check_ins),
        plan=(*(_planned(row) for row in plan), *_usual_runs(athlete.usual_runs, zone, now)),
        activities=tuple(_activity(row) for row in activities),
        sessions=(
            *(_session(row) for row in sessions),
            *_unanswered(session, athlete.id, since, now.astimezone(zone).date(), apart_from_activity),
        ),
    )


def best_case(situation: words.Situation) -> words.Situation:
    """The situation with an easy run just finished: if nothing is due even then, the platform needn't be called."""
    run = words.Activity(
        id="best-case",
        sport="run",
        start=situation.now - timedelta(minutes=46),
        moving_min=45,
        elapsed_min=45,
        intensity=words.Intensity.EASY,
        uploaded_at=situation.now,
    )
    return replace(
        situation,
        activities=(*situation.activities, run),
        event=words.Event(words.EventType.ACTIVITY_UPLOADED, run.id),
    )


def best_rest_day(situation: words.Situation) -> words.Situation:
    """The situation with a run two days ago: if nothing is due today even then, the platform needn't be called."""
    run = words.Activity(
        id="best-case",
        sport="run",
        start=situation.now - timedelta(days=2),
        moving_min=30,
        elapsed_min=30,
        intensity=words.Intensity.EASY,
        uploaded_at=situation.now - timedelta(days=2),
    )
    return replace(situation, activities=(*situation.activities, run))


def instant(wall: datetime) -> datetime:
    """A wall time as UTC: comparisons and subtractions within one zone would otherwise ignore its changes of clocks."""
    return wall.astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for one that this machine doesn't know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as "America"
        return ZoneInfo("UTC")


def athlete_of(row: models.Athlete) -> words.Athlete:
    """The runner in the coach's words."""
    zone = zone_of(row.timezone)
    return words.Athlete(
        timezone=zone,
        age=row.age_years,
        target_sessions_per_week=row.target_sessions_per_week,
        programme_stage=row.programme_stage,
        sessions_completed_total=row.sessions_completed_total,
        sessions_at_stage=row.sessions_at_stage,
        screening_completed=row.screening_completed_at is not None,
        clearance_needed=row.clearance_needed,
        hold=words.Hold(row.hold_since, row.hold_reason or "") if row.hold_since else None,
        illness=row.illness,
        paused_until=row.paused_until,
        placements_enabled=frozenset(words.Placement(name) for name in row.placements),
        rest_day_prompt_local=time.fromisoformat(row.rest_day_prompt_local),
        quiet_hours_local=(time.fromisoformat(row.quiet_from_local), time.fromisoformat(row.quiet_until_local)),
        last_completed_session_date=row.last_completed_on,
        programme_started_on=row.programme_started_on,
        stage_since=row.stage_since,
        plyometrics_cleared=row.plyometrics_cleared,
        equipment=None if row.equipment is None else frozenset(row.equipment),
        minutes_available=row.minutes_available,
        progress=tuple(_progress(entry) for entry in row.progress),
    )


def _progress(entry: dict[str, Any]) -> words.ExerciseProgress:
    return words.ExerciseProgress(**{name: value for name, value in entry.items() if name in _PROGRESS_FIELDS})


def _activity(row: models.LoggedActivity) -> words.Activity:
    return words.Activity(
        id=str(row.platform_id),
        sport=row.sport,
        start=row.start,
        moving_min=row.moving_s / 60,
        elapsed_min=row.elapsed_s / 60,
        distance_km=row.distance_m / 1000,
        elevation_gain_m=row.elevation_gain_m,
        intensity=words.Intensity(row.intensity),
        source="manual" if row.manual else "device",
        uploaded_at=row.uploaded_at,
        deleted_at=row.deleted_at,
        time_unreliable=row.time_unreliable,
        body_part=row.body_part,
        is_adductor_session=row.is_adductor_session,
    )


def _check_in(row: models.CheckInRecord) -> words.CheckIn:
    return words.CheckIn(
        at=row.at,
        hip_groin_pain_0_10=row.hip_groin_pain_0_10,
        squeeze_pain_0_10=row.squeeze_pain_0_10,
        other_pain_0_10=row.other_pain_0_10,
        adductor_soreness_0_10=row.adductor_soreness_0_10,
        feeling_1_5=row.feeling_1_5,
        red_flags=frozenset(row.red_flags),
    )


def _planned(row: models.PlannedRunRecord) -> words.PlannedRun:
    return words.PlannedRun(
        start=row.start,
        kind=row.kind,
        priority=row.priority,
        distance_km=row.distance_km,
        planned_min=row.planned_min,
    )


def _usual_runs(usual: list[Any], zone: ZoneInfo, now: datetime) -> list[words.PlannedRun]:
    """The weekly habit, laid out over the coming days in local wall time (so it keeps its hour across DST)."""
    today = now.astimezone(zone).date()
    runs = []
    for ahead in range(PLAN_AHEAD.days):
        day: date = today + timedelta(days=ahead)
        for run in usual:
            if run["weekday"] == day.weekday():
                start = datetime.combine(day, time.fromisoformat(run["at"]), tzinfo=zone)
                runs.append(words.PlannedRun(start=start, kind=run.get("kind", "easy"), usual=True))
    return runs


def _session(row: models.SessionRecord) -> words.Session:
    routine = row.routine or {}
    return words.Session(
        completed_at=row.completed_at,
        kind=row.kind,
        completed_pct=row.completed_pct,
        rpe_1_10=row.rpe_1_10,
        pain_during_0_10=row.pain_during_0_10,
        stopped_for_pain=row.stopped_for_pain,
        routine_id=routine.get("id"),
        exercises=tuple(item["exercise"] for item in routine.get("items", [])),
    )


def _unanswered(
    session: Session, athlete_id: int, since: datetime, today: date, apart_from_activity: int | None
) -> list[words.Session]:
    """Unanswered suggestions of earlier days: they may have been done, so they count for load.

    One of today may still be done, or be replaced by a later run's.
    """
    row = models.Suggestion
    rows = session.scalars(
        select(row).where(
            row.athlete_id == athlete_id, row.status == "open", row.created_at >= since, row.local_date < today
        )
    )
    kinds = {"full": "strength_full", "light": "strength_light", "activation": "warm_up"}
    return [
        words.Session(
            completed_at=suggestion.created_at,
            kind=kinds.get(suggestion.dose, "strength_full"),
            answered=False,
            routine_id=suggestion.routine.get("id"),
            exercises=tuple(item["exercise"] for item in suggestion.routine.get("items", [])),
        )
        for suggestion in rows
        if suggestion.activity_id is None or suggestion.activity_id != apart_from_activity
    ]
