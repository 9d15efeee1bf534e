"""Random but possible lives of runners, for the property tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
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
EQUIPMENT = (
    "ball", "pillow", "chair", "bench", "long_band", "mini_band", "slider", "hard_floor", "carpet", "step", "sofa",
)  # fmt: skip
# Around a year of any date: both changes of the clocks are in it.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001 - given its zone here
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)
NONE = st.none()
OWN = OwnExercise("own_bridge", "Bridge", sets=2, holds=3, hold_s=20)
SELDOM = st.sampled_from([False] * 9 + [True])
SCORES = NONE | st.integers(0, 10)
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
SLOTS = st.builds(
    SlotRecord, st.integers(0, 6), st.sampled_from(Placement), st.integers(0, 9), st.integers(0, 3), st.integers(0, 20)
)
DATES = NONE | st.dates(date(2025, 1, 1), date(2027, 1, 1))
T = TypeVar("T")


def before(now: datetime, *, days: int) -> st.SearchStrategy[datetime]:
    return st.integers(0, days * 1440).map(lambda minutes: now - timedelta(minutes=minutes))


@st.composite
def athletes(draw: st.DrawFn, *, cleared: bool = False) -> Athlete:
    held = not cleared and draw(SELDOM)
    return Athlete(
        timezone=draw(st.sampled_from(ZONES)),
        age=draw(NONE | st.integers(18, 90)),
        target_sessions_per_week=draw(st.integers(1, 2)),
        programme_stage=draw(st.integers(1, 4)),
        sessions_completed_total=draw(st.integers(0, 40)),
        sessions_at_stage=draw(st.integers(0, 12)),
        screening_completed=True if cleared else draw(st.sampled_from([True, True, True, False, None])),
        hold=Hold(draw(MOMENTS), "pain") if held else None,
        illness=not cleared and draw(SELDOM),
        placements_enabled=frozenset(Placement)
        if cleared
        else draw(st.frozensets(st.sampled_from(Placement), min_size=1)),
        rest_day_prompt_local=draw(CLOCKS),
        quiet_hours_local=draw(st.tuples(CLOCKS, CLOCKS)),
        last_run_date_before_window=draw(DATES),
        slots=tuple(draw(st.lists(SLOTS, max_size=6))),
        unanswered_in_a_row=draw(st.integers(0, 5)),
        last_suggested_on=draw(DATES),
        pages_only=draw(st.frozensets(st.sampled_from([Placement.POST_RUN, Placement.REST_DAY]))),
        raced_on=draw(DATES),
        race_free_days=draw(NONE | st.integers(0, 14)),
        programme_started_on=draw(DATES),
        equipment=draw(NONE | st.frozensets(st.sampled_from(EQUIPMENT))),
        minutes_available=draw(NONE | st.integers(1, 40)),
        minutes_after_run=draw(NONE | st.sampled_from([5, 10, 15, 20])),
        minutes_rest_day=draw(NONE | st.sampled_from([5, 10, 15, 20])),
        left_out=draw(st.frozensets(st.sampled_from(sorted(catalogue().exercises)), max_size=4)),
        own_exercises=draw(st.sampled_from([(), (), (OWN,)])),
        less_steady_side=draw(st.sampled_from([None, "left", "right"])),
        progress=tuple(draw(st.lists(progress(), max_size=8, unique_by=lambda one: one.exercise))),
    )


@st.composite
def progress(draw: st.DrawFn) -> ExerciseProgress:
    """Any state of an exercise, stored ones from before its numbers changed among them."""
    return ExerciseProgress(
        draw(st.sampled_from(sorted(catalogue().exercises))),
        sets=draw(NONE | st.integers(1, 4)),
        reps_or_holds=draw(NONE | st.integers(1, 20)),
        hold_s=draw(NONE | st.integers(1, 30)),
        use_easier=draw(SELDOM),
        last_done_on=draw(DATES),
        last_rpe_1_10=draw(NONE | st.integers(1, 10)),
    )


@st.composite
def activities(draw: st.DrawFn, now: datetime, index: int) -> Activity:
    start, moving = draw(before(now, days=14)), draw(st.integers(1, 240))
    uploaded = start + timedelta(minutes=moving + draw(st.integers(0, 3000)))
    return Activity(
        id=f"a{index}",
        sport=draw(st.sampled_from(["run", "run", "run", "trail_run", "walk", "hike", "ride", "strength", "swim"])),
        start=start,
        moving_min=moving,
        elapsed_min=draw(NONE | st.integers(moving, moving + 60)),
        distance_km=draw(NONE | st.floats(0, 60)),
        elevation_gain_m=draw(NONE | st.integers(0, 1500)),
        intensity=draw(st.sampled_from(Intensity)),
        source=draw(st.sampled_from(["device", "device", "manual"])),
        uploaded_at=draw(st.sampled_from([None, uploaded])),
        deleted_at=now - timedelta(minutes=5) if draw(SELDOM) else None,
        time_unreliable=draw(SELDOM),
        body_part=draw(st.sampled_from([None, "upper", "lower", "full", "core"])),
        is_adductor_session=draw(SELDOM),
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
    scores = {
        f"{place}_0_10": SCORES for place in ("hip_groin_pain", "squeeze_pain", "other_pain", "adductor_soreness")
    }
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


@st.composite
def due_situations(draw: st.DrawFn) -> Situation:
    """A situation in which a session is due: the end of a run, or the evening of a rest day."""
    now, midnight = draw(MOMENTS), time(0)
    athlete = replace(
        draw(athletes(cleared=True)),
        quiet_hours_local=(midnight, midnight),
        rest_day_prompt_local=midnight,
        slots=(),
        unanswered_in_a_row=0,
        pages_only=frozenset(),
        raced_on=None,
    )
    start = now - timedelta(days=draw(st.integers(0, 5)), minutes=70)
    intensity = draw(st.sampled_from(Intensity).filter(lambda intensity: intensity is not Intensity.RACE))
    run = Activity("just", "run", start, draw(st.integers(10, 60)), intensity=intensity)
    done = Session(now - timedelta(days=draw(st.integers(3, 14))), "strength_full")
    pain = CheckIn(now - timedelta(hours=2), hip_groin_pain_0_10=draw(NONE | st.integers(0, 5)))
    return Situation(
        athlete=athlete,
        event=Event(EventType.CLOCK_TICK),
        now=now,
        activities=(replace(run, elevation_gain_m=draw(st.integers(0, 900))),),
        sessions=(done,) if draw(st.booleans()) else (),
        check_ins=(pain,),
    )


@st.composite
def situations(draw: st.DrawFn, *, cleared: bool = False) -> Situation:
    """A situation; ``cleared`` leaves out holds, illness and switched-off placements, so that yes comes more often."""

    def some(strategy: st.SearchStrategy[T], most: int) -> tuple[T, ...]:
        return tuple(draw(st.lists(strategy, max_size=most)))

    now = draw(MOMENTS)
    logged = tuple(draw(activities(now, index)) for index in range(draw(st.integers(0, 6))))
    if draw(st.booleans()):
        # A run that just ended, or nearly nothing would ever be due.
        moving = draw(st.integers(10, 100))
        start = now - timedelta(minutes=moving + draw(st.integers(0, 150)))
        intensity = draw(st.sampled_from([Intensity.EASY, Intensity.HARD, Intensity.MODERATE]))
        logged = (*logged, Activity("just", "run", start, moving, intensity=intensity))
    return Situation(
        athlete=draw(athletes(cleared=cleared)),
        event=Event(draw(st.sampled_from(EventType)), draw(st.sampled_from([None, "just", "a0", "gone"]))),
        now=now,
        check_ins=some(check_ins(now), 1 if cleared else 3),
        plan=some(planned_runs(now), 2),
        activities=logged,
        sessions=some(sessions(now), 3),
    )
