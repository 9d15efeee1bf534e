"""Random but possible lives of runners, for the property tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Event,
    EventType,
    ExerciseProgress,
    Hold,
    Intensity,
    OwnExercise,
    Placement,
    PlannedRun,
    Session,
    Situation,
    SlotRecord,
)

ZONES = [ZoneInfo(name) for name in ("Europe/London", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC")]
EQUIPMENT = ("ball", "chair", "bench", "long_band", "mini_band", "slider", "hard_floor", "carpet", "step", "sofa")
# Around a year of any date: both changes of the clocks are in it.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001 - given its zone here
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)
NONE = st.none()
OWN = OwnExercise("own_bridge", "Bridge", sets=2, holds=3, hold_s=20)
SELDOM = st.sampled_from([False] * 9 + [True])
SCORES = NONE | st.integers(0, 10)
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
DATES = NONE | st.dates(date(2025, 1, 1), date(2027, 1, 1))
MINUTES = NONE | st.sampled_from([5, 10, 15, 20])
IDS = sorted(catalogue().exercises)
SLOTS = st.builds(
    SlotRecord, st.integers(0, 6), st.sampled_from(Placement), st.integers(0, 9), st.integers(0, 3), st.integers(0, 20)
)
# Any state of an exercise, stored ones from before its numbers changed among them.
PROGRESS = st.builds(
    ExerciseProgress,
    st.sampled_from(IDS),
    sets=NONE | st.integers(1, 4),
    reps_or_holds=NONE | st.integers(1, 20),
    hold_s=NONE | st.integers(1, 30),
    use_easier=SELDOM,
    last_done_on=DATES,
    last_rpe_1_10=NONE | st.integers(1, 10),
)
CLEARED = st.builds(
    Athlete,
    timezone=st.sampled_from(ZONES),
    screening_completed=st.just(True),
    target_sessions_per_week=st.integers(1, 2),
    programme_stage=st.integers(1, 4),
    sessions_completed_total=st.integers(0, 40),
    sessions_at_stage=st.integers(0, 12),
    rest_day_prompt_local=CLOCKS,
    quiet_hours_local=st.tuples(CLOCKS, CLOCKS),
    last_run_date_before_window=DATES,
    slots=st.lists(SLOTS, max_size=6).map(tuple),
    unanswered_in_a_row=st.integers(0, 5),
    last_suggested_on=DATES,
    pages_only=st.frozensets(st.sampled_from([Placement.POST_RUN, Placement.REST_DAY])),
    raced_on=DATES,
    race_free_days=NONE | st.integers(0, 14),
    programme_started_on=DATES,
    equipment=NONE | st.frozensets(st.sampled_from(EQUIPMENT)),
    minutes_available=NONE | st.integers(1, 40),
    minutes_after_run=MINUTES,
    minutes_rest_day=MINUTES,
    left_out=st.frozensets(st.sampled_from(IDS), max_size=4),
    own_exercises=st.sampled_from([(), (), (OWN,)]),
    less_steady_side=st.sampled_from([None, "left", "right"]),
    progress=st.lists(PROGRESS, max_size=8, unique_by=lambda one: one.exercise).map(tuple),
)
ATHLETES = st.builds(
    replace,
    CLEARED,
    screening_completed=st.sampled_from([True, True, True, False, None]),
    hold=SELDOM.flatmap(lambda held: st.builds(Hold, MOMENTS, st.just("pain")) if held else NONE),
    illness=SELDOM,
    placements_enabled=st.frozensets(st.sampled_from(Placement), min_size=1),
)


def before(now: datetime, *, days: int) -> st.SearchStrategy[datetime]:
    return st.integers(0, days * 1440).map(lambda minutes: now - timedelta(minutes=minutes))


def activities(now: datetime) -> st.SearchStrategy[Activity]:
    moments = before(now, days=14)
    return st.builds(
        Activity,
        id=st.sampled_from(["a0", "a1", "a2", "a3", "a4", "a5"]),
        sport=st.sampled_from(["run", "run", "run", "trail_run", "walk", "hike", "ride", "strength", "swim"]),
        start=moments,
        moving_min=st.integers(1, 240),
        elapsed_min=NONE | st.integers(1, 300),
        distance_km=NONE | st.floats(0, 60),
        elevation_gain_m=NONE | st.integers(0, 1500),
        intensity=st.sampled_from(Intensity),
        source=st.sampled_from(["device", "device", "manual"]),
        uploaded_at=NONE | moments.map(lambda at: at + timedelta(hours=1)),
        deleted_at=SELDOM.map(lambda deleted: now - timedelta(minutes=5) if deleted else None),
        time_unreliable=SELDOM,
        body_part=st.sampled_from([None, "upper", "lower", "full", "core"]),
        is_adductor_session=SELDOM,
    )


def sessions(now: datetime) -> st.SearchStrategy[Session]:
    return st.builds(
        Session,
        completed_at=before(now, days=14),
        kind=st.sampled_from(["strength_full", "strength_light", "warm_up"]),
        completed_pct=st.sampled_from([0, 30, 49, 50, 100]),
        answered=st.booleans(),
        reached=st.booleans(),
        pain_during_0_10=SCORES,
        stopped_for_pain=SELDOM,
    )


def check_ins(now: datetime, *, red_flags: bool = True) -> st.SearchStrategy[CheckIn]:
    flags = st.sampled_from(sorted(k.RED_FLAGS)).map(lambda flag: frozenset({flag}))
    scores = {f"{name}_0_10": SCORES for name in ("hip_groin_pain", "squeeze_pain", "other_pain", "adductor_soreness")}
    flagged = SELDOM.flatmap(lambda drawn: flags if red_flags and drawn else st.just(frozenset()))
    return st.builds(CheckIn, at=before(now, days=21), **scores, red_flags=flagged)


def planned_runs(now: datetime) -> st.SearchStrategy[PlannedRun]:
    return st.builds(
        PlannedRun,
        start=st.integers(-3 * 1440, 10 * 1440).map(lambda minutes: now + timedelta(minutes=minutes)),
        kind=st.sampled_from(["easy", "rest", "long", "tempo", "intervals", "race", "ride"]),
        priority=st.sampled_from([None, "A", "B", "C"]),
        distance_km=NONE | st.floats(1, 60),
        planned_min=NONE | st.integers(10, 200),
    )


def just_ended(now: datetime) -> st.SearchStrategy[Activity]:
    """A run that just ended, or nearly nothing would ever be due."""
    starts = st.integers(10, 250).map(lambda minutes: now - timedelta(minutes=minutes))
    intensities = st.sampled_from([Intensity.EASY, Intensity.HARD, Intensity.MODERATE])
    climb = st.integers(0, 900)
    return st.builds(
        Activity, st.just("just"), st.just("run"), starts, st.integers(10, 100),
        intensity=intensities, elevation_gain_m=climb,
    )  # fmt: skip


@st.composite
def due_situations(draw: st.DrawFn) -> Situation:
    """A situation in which a session is due: the end of a run, or the evening of a rest day."""
    now, midnight = draw(MOMENTS), time(0)
    athlete = replace(
        draw(CLEARED),
        quiet_hours_local=(midnight, midnight),
        rest_day_prompt_local=midnight,
        slots=(),
        unanswered_in_a_row=0,
        pages_only=frozenset(),
        raced_on=None,
    )
    run = replace(draw(just_ended(now)), start=now - timedelta(days=draw(st.integers(0, 5)), minutes=70))
    done = Session(now - timedelta(days=draw(st.integers(3, 14))), "strength_full")
    return Situation(
        athlete=athlete,
        event=Event(EventType.CLOCK_TICK),
        now=now,
        activities=(replace(run, moving_min=min(run.moving_min, 60)),),
        sessions=(done,) if draw(st.booleans()) else (),
        check_ins=(CheckIn(now - timedelta(hours=2), hip_groin_pain_0_10=draw(NONE | st.integers(0, 5))),),
    )


@st.composite
def situations(draw: st.DrawFn, *, cleared: bool = False) -> Situation:
    """A situation; ``cleared`` leaves out holds, illness and switched-off placements, so that yes comes more often."""
    now = draw(MOMENTS)
    logged = draw(st.lists(activities(now), max_size=6, unique_by=lambda activity: activity.id))
    return Situation(
        athlete=draw(CLEARED if cleared else ATHLETES),
        event=Event(draw(st.sampled_from(EventType)), draw(st.sampled_from([None, "just", "a0", "gone"]))),
        now=now,
        check_ins=tuple(draw(st.lists(check_ins(now), max_size=1 if cleared else 3))),
        plan=tuple(draw(st.lists(planned_runs(now), max_size=2))),
        activities=(*logged, *draw(st.lists(just_ended(now), max_size=1))),
        sessions=tuple(draw(st.lists(sessions(now), max_size=3))),
    )
