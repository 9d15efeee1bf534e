"""How answered sessions move a runner up, and pain, soreness, missed reps and breaks down again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adductor.catalogue import catalogue
from adductor.coaching import after_hold, after_session, after_soreness, decide
from adductor.coaching.normalise import facts
from adductor.coaching.progression import (
    Advance,
    dynamic_copenhagen_allowed,
    exercises_of_stage,
    is_back_for_days,
    is_deload_week,
    jump_lunges_allowed,
    maintenance_offer,
    next_load,
    start_of,
)
from adductor.coaching.routine import Composer, assemble, item_of
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Dose,
    Event,
    EventType,
    ExerciseProgress,
    Intensity,
    Placement,
    PlannedRun,
    Routine,
    Session,
    Situation,
)

LONDON = ZoneInfo("Europe/London")
DAY_ONE = datetime(2026, 3, 2, 18, tzinfo=UTC)
SQUEEZE = "supine_adductor_squeeze"
SIDE_LYING = "side_lying_adduction_top_leg_elevated"
BAND = "standing_resisted_adduction"
FROM_THE_START = "from the start after the pause"
AFTER_RUN = Placement.POST_RUN


def athlete(stage: int = 1, **fields: object) -> Athlete:
    base = Athlete(timezone=LONDON, programme_stage=stage, screening_completed=True)
    starts = tuple(start_of(exercise) for exercise in exercises_of_stage(base, catalogue()))
    return replace(base, **({"progress": starts} | fields))  # type: ignore[arg-type]


def routine_for(who: Athlete, dose: Dose = Dose.FULL, placement: Placement = Placement.REST_DAY) -> Routine:
    return Composer(catalogue(), who, placement, dose).routine()


def routine_with(mine: ExerciseProgress, dose: Dose = Dose.FULL, **less: int) -> Routine:
    """A routine of one exercise at the runner's own dose, or at less."""
    exercise = catalogue().exercises[mine.exercise]
    sets, count = less.get("sets", mine.sets or 1), less.get("count", mine.reps_or_holds or 1)
    return assemble("stage2_post_run", exercise.stage, dose, [item_of(exercise, sets, count, mine.hold_s)])


def after(who: Athlete, routine: Routine | None, day: int = 0, **answer: Any) -> Advance:
    """The change that a session with this answer brings, so many days after the first one."""
    session = Session(DAY_ONE + timedelta(days=day), **{"kind": "strength_full"} | answer)
    return after_session(who, catalogue(), session, routine)


def progress_of(who: Athlete, exercise: str) -> ExerciseProgress:
    return next(progress for progress in who.progress if progress.exercise == exercise)


# --- up -------------------------------------------------------------------------------------------------------------


SQUEEZES = ExerciseProgress(SQUEEZE, sets=2, reps_or_holds=1, hold_s=10)
EASY, GOOD, FULL_EFFORT, HARD, SPENT = ({"rpe_1_10": rpe} for rpe in (5, 7, 8, 9, 10))
HURT, PARTLY = {"pain_during_0_10": 3}, {"completed_pct": 80}
START = {"sets": 2, "reps_or_holds": 10}  # the band's start column
LONG = {"minutes_after_run": 20, "minutes_rest_day": 20}  # room for every dose


def band(reps: int, sets: int = 3, **fields: Any) -> ExerciseProgress:
    return ExerciseProgress(BAND, sets=sets, reps_or_holds=reps, **fields)


def side_lying(holds: int, hold_s: int, **fields: Any) -> ExerciseProgress:
    return ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=holds, hold_s=hold_s, **fields)


def short_lever(holds: int, hold_s: int) -> ExerciseProgress:
    return ExerciseProgress("copenhagen_short_lever_hold", sets=2, reps_or_holds=holds, hold_s=hold_s)


@pytest.mark.parametrize(
    ("start", "answers", "expected"),
    [
        # A set more after two good sessions, or after one that left three reps.
        (band(10, 2), [FULL_EFFORT], {"sets": 2}),
        (band(10, 2), [FULL_EFFORT] * 2, {"sets": 3, "said": "3 sets from now on"}),
        (band(10, 2), [GOOD], {"sets": 3}),
        (band(10, 2), [{}], {"sets": 2}),
        (band(10, 2), [FULL_EFFORT, HARD, FULL_EFFORT], {"sets": 2}),
        (band(10, 2), [HURT | GOOD], {"sets": 2}),
        (band(10, 2), [{"pain_during_0_10": 2} | GOOD], {"sets": 3}),
        # Then reps grow one by one; twice at the top goes back to the bottom with load, and says so with the next dose.
        (band(10), [FULL_EFFORT], {"reps_or_holds": 11}),
        (band(11), [FULL_EFFORT], {"reps_or_holds": 12}),
        (band(15), [FULL_EFFORT], {"reps_or_holds": 15}),
        (band(15), [FULL_EFFORT] * 2, {"reps_or_holds": 10, "changed": "fewer reps, with a little more load"}),
        # Too easy twice skips a step, too hard twice goes one back; between them lies nothing.
        (band(10), [EASY] * 2, {"reps_or_holds": 13, "said": "3 x 13 from now on, twice too easy"}),
        (band(10), [{"rpe_1_10": 6}] * 2, {"reps_or_holds": 12}),
        (band(10), [EASY, GOOD, EASY], {"reps_or_holds": 13, "easy_in_a_row": 1}),
        (band(10, 2), [EASY] * 2, {"sets": 3, "reps_or_holds": 12}),
        (band(12), [HARD], {"reps_or_holds": 12, "hard_in_a_row": 1}),
        (band(12), [HARD] * 2, {"reps_or_holds": 11, "said": "3 x 11 from now on, twice too hard"}),
        (band(12), [SPENT] * 2, {"reps_or_holds": 11, "changed": "easier where it was too hard"}),
        (band(12), [{"rpe_1_10": 8.5}] * 2, {"reps_or_holds": 12, "hard_in_a_row": 0}),
        (band(12), [HARD, FULL_EFFORT, HARD], {"reps_or_holds": 13}),
        (band(10), [HARD] * 2, {"sets": 2, "reps_or_holds": 10}),
        (band(10, 2), [HARD] * 2, {"use_easier": True}),
        # Holds advance on completion and pain alone: sets, then holds, then seconds with fewer holds.
        (SQUEEZES, [SPENT], {"sets": 2}),
        (SQUEEZES, [SPENT] * 2, {"sets": 3, "said": "3 sets from now on"}),
        (SQUEEZES, [EASY] * 2, {"sets": 3, "hold_s": 10}),
        (SQUEEZES, [{}, HURT, {}], {"sets": 2}),
        (side_lying(3, 5), [{}], {"reps_or_holds": 4, "hold_s": 5}),
        (side_lying(5, 5), [{}], {"reps_or_holds": 3, "hold_s": 10, "said": "holds of 10 s from now on"}),
        (side_lying(5, 10), [{}] * 2, {"reps_or_holds": 5, "hold_s": 10}),
        # A Copenhagen hold grows in seconds before its count, and never doubles.
        (short_lever(3, 5), [{}], {"hold_s": 10, "reps_or_holds": 2, "at_target": False}),  # 15 s become 20 s a set
        (short_lever(2, 10), [{}], {"hold_s": 10, "reps_or_holds": 3, "at_target": False}),
        (short_lever(3, 9), [{}], {"hold_s": 10, "reps_or_holds": 3, "at_target": False}),
        (short_lever(3, 10), [{}], {"hold_s": 20, "reps_or_holds": 2, "at_target": True}),
        (short_lever(3, 20), [{}], {"hold_s": 20, "reps_or_holds": 4, "at_target": True}),
        # The target: the article's sets within its reps.
        (band(10, 2), [FULL_EFFORT], {"at_target": False}),
        (band(10), [FULL_EFFORT], {"at_target": True, "target_doses_done": 1}),
        (band(10), [HURT], {"at_target": False, "target_doses_done": 0}),
        # All of it missed twice makes it easier; a managed session forgets a missed one.
        (band(14), [PARTLY], {"sets": 3, "reps_or_holds": 14}),
        (band(14), [PARTLY] * 2, START | {"said": "easier next time, as you missed part of it twice"}),
        (band(14), [PARTLY, {}, PARTLY], {"missed_in_a_row": 1}),
        # Pain above 3 goes back to the start column at once.
        (band(14), [HURT], {"reps_or_holds": 14, "at_top_in_a_row": 0}),
        (
            band(14),
            [{"pain_during_0_10": 4}],
            START | {"said": "next time, it hurt", "changed": "easier where it hurt"},
        ),
    ],
)
def test_exercise_moves_with_the_answers(
    start: ExerciseProgress, answers: list[dict[str, float]], expected: dict[str, Any]
) -> None:
    who, said = athlete(catalogue().exercises[start.exercise].stage, progress=(start,), **LONG), ""
    for number, fields in enumerate(answers):
        routine = routine_with(progress_of(who, start.exercise))
        step = after(who, routine, number, **fields)
        who, said = step.athlete, " ".join(step.changes)
    assert expected.pop("said", "") in said
    moved = progress_of(who, start.exercise)
    assert {name: getattr(moved, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("start", "less", "minutes", "expected"),
    [
        # No step from much less than the own dose; two sets still count for the reps.
        (band(11), {"sets": 1}, 20, (3, 11)),
        (band(11), {"sets": 2}, 20, (3, 12)),
        (band(11), {"count": 10}, 20, (3, 11)),
        # A step that would not fit is not announced: sets within the longest routine.
        (ExerciseProgress("standing_lateral_slide_lunge", 2, 8), {}, 5, (2, 9)),  # 3 x 8 takes 380 s
        (band(10, 2), {}, 5, (2, 10)),  # 2 x 11 takes 335 s
        (band(10, 2), {}, 10, (3, 10)),
        # Where a load can grow, reps leave room for another exercise: the squeezes, or half of a longer routine.
        (ExerciseProgress("single_leg_deadlift", 3, 7), {}, 10, (3, 8)),  # 410 s
        (ExerciseProgress("single_leg_deadlift", 3, 8), {}, 10, (3, 8)),  # 440 s
        (ExerciseProgress("half_kneeling_slide_hinge", 3, 8), {}, 15, (3, 9)),  # 445 s
        (ExerciseProgress("half_kneeling_slide_hinge", 3, 9), {}, 15, (3, 9)),  # 475 s
        (ExerciseProgress("standing_lateral_slide_lunge", 3, 9), {}, 10, (3, 10)),  # nothing to load
    ],
)
def test_step_stays_within_what_the_minutes_have_room_for(
    start: ExerciseProgress, less: dict[str, int], minutes: int, expected: tuple[int, int]
) -> None:
    stage = catalogue().exercises[start.exercise].stage
    who = athlete(stage, progress=(start,), minutes_after_run=minutes, minutes_rest_day=minutes)
    moved = progress_of(after(who, routine_with(start, **less), **GOOD).athlete, start.exercise)
    assert (moved.sets, moved.reps_or_holds) == expected


@pytest.mark.parametrize(("equipment", "said"), [(frozenset({"chair"}), False), (None, True)])
def test_load_grows_where_there_is_something_to_load_with(equipment: frozenset[str] | None, said: bool) -> None:
    mine = ExerciseProgress("single_leg_deadlift", 3, 10, at_top_in_a_row=1)
    step = after(athlete(4, progress=(mine,), equipment=equipment, **LONG), routine_with(mine), **GOOD)
    assert any("more load (2-10 %), and back to 6" in change for change in step.changes) is said
    assert progress_of(step.athlete, mine.exercise).reps_or_holds == (6 if said else 10)


def test_why_a_dose_is_smaller_waits_for_a_full_routine_that_shows_it() -> None:
    mine = band(10, changed="easier where it hurt")
    light = after(athlete(2, progress=(mine,)), routine_with(mine, Dose.LIGHT)).athlete
    assert progress_of(light, BAND).changed == "easier where it hurt"
    assert progress_of(after(light, routine_with(mine), 3).athlete, BAND).changed is None


def test_session_leaves_its_day_and_its_placement_and_keeps_load_and_own_exercises() -> None:
    mine = band(10, load="green band")
    who = athlete(2, progress=(mine, ExerciseProgress("own_bridge", load="5 kg")), **LONG)
    routine = routine_with(mine)
    own = replace(routine.items[0], exercise="own_bridge", name="Bridge")
    done = after(who, replace(routine, items=(*routine.items, own), placement=AFTER_RUN))
    moved, bridge = progress_of(done.athlete, BAND), progress_of(done.athlete, "own_bridge")
    assert (moved.last_done_on, moved.load, moved.target_done_in) == (DAY_ONE.date(), "green band", (AFTER_RUN,))
    assert bridge == ExerciseProgress("own_bridge", load="5 kg", last_done_on=DAY_ONE.date())
    assert progress_of(after(who, routine, completed_pct=49).athlete, BAND).last_done_on is None


def test_maintenance_takes_no_steps_and_no_deload() -> None:
    who = athlete(2, progress=(band(10),), maintaining=True, programme_started_on=date(2026, 1, 26))
    assert progress_of(after(who, routine_with(band(10)), **GOOD).athlete, BAND).reps_or_holds == 10
    assert not is_deload_week(who, DAY_ONE.date())
    assert is_deload_week(replace(who, maintaining=False), DAY_ONE.date())


@pytest.mark.parametrize(
    ("stage", "sessions", "at_target", "days", "then"),
    [
        *[(1, 2, True, 0, 1), (1, 3, True, 0, 2), (2, 2, True, 0, 2), (2, 3, True, 0, 3)],
        *[(3, 4, True, 0, 3), (3, 5, True, 0, 4), (4, 50, True, 0, 4)],  # there is no fifth stage
        (1, 20, False, 0, 1),  # one exercise is short of its target
        *[(1, 3, True, 34, 2), (1, 3, True, 35, 1), (1, 3, True, 42, 2)],  # not in a deload week
    ],
)
def test_stage_goes_up_after_its_sessions_with_every_exercise_at_its_target(
    stage: int, sessions: int, at_target: bool, days: int, then: int
) -> None:
    first, *rest = (replace(progress, at_target=True) for progress in athlete(stage).progress)
    progress, started = (first if at_target else athlete(stage).progress[0], *rest), DAY_ONE - timedelta(days=days)
    who = athlete(stage, progress=progress, sessions_at_stage=sessions, programme_started_on=started.date())
    step = after(who, routine_with(SQUEEZES))
    assert step.athlete.programme_stage == then
    assert [change for change in step.changes if "Level" in change] == (
        [f"Level {then} from now on: {catalogue().stage(then).name.lower()}."] if then > stage else []
    )
    if then > stage:
        assert (step.athlete.sessions_at_stage, step.athlete.stage_since) == (0, DAY_ONE.date())
        assert progress[0] in step.athlete.progress


@pytest.mark.parametrize(
    ("stage", "fields", "rungs"),
    [
        (1, {}, [SIDE_LYING, SQUEEZE]),
        (2, {}, [BAND]),
        (2, {"equipment": frozenset()}, ["side_lying_adduction_floor"]),
        (2, {"left_out": frozenset({BAND})}, ["side_lying_adduction_floor"]),
        (3, {"equipment": frozenset({"hard_floor"})}, ["half_kneeling_slide_hinge", "standing_lateral_slide_lunge"]),
        (3, {"equipment": frozenset()}, ["side_lunge"]),
        (4, {"equipment": frozenset()}, ["single_leg_deadlift", "bowler_squat", "split_squat_floor"]),
    ],
)
def test_level_asks_for_the_articles_exercises_or_the_nearest(
    stage: int, fields: dict[str, Any], rungs: list[str]
) -> None:
    assert [exercise.id for exercise in exercises_of_stage(athlete(stage, **fields), catalogue())] == rungs


# --- not up ---------------------------------------------------------------------------------------------------------


DELOAD = {"programme_started_on": date(2026, 3, 2) - timedelta(weeks=5)}


@pytest.mark.parametrize(
    ("stage", "fields", "answer", "dose", "counts", "of_stage", "is_step"),
    [
        (2, {}, {}, Dose.FULL, 1, 1, True),
        (2, {}, {"answered": False}, Dose.FULL, 0, 0, False),
        (2, {}, {"kind": "warm_up"}, Dose.FULL, 0, 0, False),
        (2, {}, {"completed_pct": 49}, Dose.FULL, 0, 0, False),
        (2, {}, {"completed_pct": 50}, Dose.FULL, 1, 1, False),
        (2, DELOAD, {}, Dose.FULL, 1, 1, False),
        (2, {}, {}, None, 1, 1, False),  # an unknown routine
        # Above the first stage a light session is none of the stage.
        (2, {}, {"kind": "strength_light"}, Dose.LIGHT, 1, 0, False),
        (1, {}, {"kind": "strength_light"}, Dose.LIGHT, 1, 1, True),
    ],
)
def test_session_counts_for_total_stage_and_progress(
    stage: int, fields: dict[str, object], answer: Any, dose: Dose | None, counts: int, of_stage: int, is_step: bool
) -> None:
    who = athlete(stage, sessions_completed_total=7, progress=(band(10),), **LONG, **fields)
    routine = None if dose is None else routine_with(band(10), dose)
    then = after(who, routine, **answer).athlete
    assert (then.sessions_completed_total, then.sessions_at_stage) == (7 + counts, of_stage)
    assert any(p.at_top_in_a_row or (p.exercise, p.reps_or_holds) == (BAND, 11) for p in then.progress) is is_step


# --- down -----------------------------------------------------------------------------------------------------------


def test_pain_at_the_start_column_puts_the_easier_rung_in_its_place_until_two_good_sessions() -> None:
    start = start_of(catalogue().exercises[BAND])
    who = athlete(2, progress=(start,), placements_enabled=frozenset({AFTER_RUN}))
    hurt = after(who, routine_with(start), completed_pct=30, stopped_for_pain=True).athlete
    assert progress_of(hurt, BAND).use_easier
    stand_in = item_of(catalogue().exercises["side_lying_adduction_floor"], 2, 8, instead_of=BAND)
    assert stand_in in routine_for(hurt, placement=AFTER_RUN).items
    routine = assemble("stage2_post_run", 2, Dose.FULL, [stand_in])
    once = after(hurt, routine, 3).athlete
    assert progress_of(once, BAND).use_easier
    twice = after(once, routine, 6)
    assert replace(progress_of(twice.athlete, BAND), last_done_on=None) == start
    assert any("back, from the start" in change for change in twice.changes)


@pytest.mark.parametrize(
    ("soreness", "sets", "at_top"), [(3, 3, 1), (4, 3, 0), (5, 2, 0)], ids=["unchanged", "counted anew", "easier"]
)
def test_soreness_the_next_day_moves_its_exercises(soreness: int, sets: int, at_top: int) -> None:
    who = athlete(2, progress=(band(14, at_top_in_a_row=1),))
    sore = after_soreness(who, catalogue(), [BAND], soreness)
    moved = progress_of(sore.athlete, BAND)
    assert (moved.sets, moved.at_top_in_a_row, bool(sore.changes)) == (sets, at_top, sets == 2)
    assert moved.changed == ("easier where you were sore" if sets == 2 else None)
    assert after_soreness(who, catalogue(), ["own_bridge"], soreness).athlete.progress == who.progress


def away(stage: int, days: int) -> Athlete:
    """A runner who was strong, and whose last session is so long ago."""
    last = DAY_ONE.date() - timedelta(days=days)
    strong = band(12, at_target=True)
    return athlete(stage, progress=(strong,), sessions_at_stage=9, last_completed_session_date=last)


@pytest.mark.parametrize(("stage", "days", "then"), [(3, 28, 2), (3, 27, 3), (1, 200, 1)])
def test_four_weeks_off_are_one_stage_down_from_the_start_column(stage: int, days: int, then: int) -> None:
    who = away(stage, days)
    step = after(who, routine_for(who, Dose.LIGHT), kind="strength_light")
    assert step.athlete.programme_stage == then
    if then < stage:
        assert step.athlete.sessions_at_stage == 0
        assert progress_of(step.athlete, BAND) == replace(start_of(catalogue().exercises[BAND]), changed=FROM_THE_START)
        assert any("28 days" in change for change in step.changes)


@pytest.mark.parametrize(("stage", "then"), [(3, 2), (1, 1)])
def test_end_of_a_hold_is_one_stage_down_and_no_break_takes_another(stage: int, then: int) -> None:
    back = after_hold(replace(away(stage, 40), hold_lifted_at=DAY_ONE), catalogue(), DAY_ONE.date()).athlete
    assert (back.programme_stage, back.sessions_at_stage, back.programme_started_on) == (then, 0, DAY_ONE.date())
    assert then == 1 or progress_of(back, BAND).changed == FROM_THE_START

    light = after(back, routine_for(back, Dose.LIGHT), 3, kind="strength_light").athlete

    assert (light.programme_stage, light.sessions_at_stage, light.sessions_completed_total) == (then, 0, 1)
    assert {entry.at_top_in_a_row for entry in light.progress} == {0}


# --- deload ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "deload"), [(-55, False), (0, False), (34, False), (35, True), (41, True), (42, False), (77, True)]
)
def test_every_sixth_week_is_a_deload(days: int, deload: bool) -> None:
    started = date(2026, 1, 5)
    today = started + timedelta(days=days)
    assert is_deload_week(athlete(programme_started_on=started), today) is deload
    assert not is_deload_week(athlete(programme_started_on=None), today)


@pytest.mark.parametrize(("days", "begins_anew"), [(20, False), (21, True), (27, True)])
def test_three_weeks_off_begin_the_weeks_anew_and_no_compounds_come_for_a_fortnight(
    days: int, begins_anew: bool
) -> None:
    who = replace(away(4, days), programme_started_on=date(2025, 6, 1))
    back = after(who, None, kind="strength_light").athlete
    assert (back.programme_stage, back.programme_started_on == DAY_ONE.date()) == (4, begins_anew)
    fortnight = [is_back_for_days(back, DAY_ONE.date() + timedelta(days=n), 14) for n in (0, 13, 14)]
    assert fortnight == [begins_anew, begins_anew, False]


@pytest.mark.parametrize(("days", "comes"), [(13, False), (14, True)])
def test_compounds_come_again_a_fortnight_after_the_way_back_began(days: int, comes: bool) -> None:
    verdict = decide(evening({"programme_started_on": NOW.date() - timedelta(days=days)}), catalogue())
    assert verdict.routine is not None
    assert ("compound" in {catalogue().exercises[item.exercise].category for item in verdict.routine.items}) is comes


# --- load and maintenance -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "rpe", "line"),
    [
        ("12 kg", 7, "try 14 kg or the next band"),
        *(("12 kg", rpe, "the same again") for rpe in (7.5, 8)),
        ("12 kg", 8.5, "take a little less"),
        *(
            (f"{load} kg", 6, f"try {more} kg or the next band")
            for load, more in (("2,5", 3), ("5.5", 7), (8, 9), (9, 10), (10, 12), (20, 22))
        ),
        ("20 kg bell", 6, "try 22 kg bell or the next band"),
        ("green band", 6, "try the next band or weight"),
    ],
)
def test_next_load_follows_from_the_last_effort(load: str, rpe: float, line: str) -> None:
    last = ExerciseProgress(BAND, load=load, last_rpe_1_10=rpe)
    assert next_load(last) == f"Last time {load} at RPE {rpe:g}: {line}."
    assert next_load(replace(last, load=None)) is next_load(replace(last, last_rpe_1_10=None)) is None


ON_TOP = {"target_sessions_per_week": 2, "stage_since": date(2026, 1, 5)}  # eight weeks before the first day


@pytest.mark.parametrize(
    ("stage", "fields", "race_in_days", "offered"),
    [
        (4, ON_TOP, None, "8 weeks on the last level"),
        (4, ON_TOP | {"stage_since": date(2026, 1, 6)}, None, None),
        (4, ON_TOP | {"stage_since": None}, None, None),
        (4, ON_TOP | {"target_sessions_per_week": 1}, None, None),
        (3, ON_TOP, None, None),
        (4, ON_TOP | {"stage_since": None}, 42, "A-race is near"),
        (4, ON_TOP | {"stage_since": None}, 43, None),
        (4, ON_TOP | {"stage_since": None}, -1, None),
        (4, ON_TOP | {"maintaining": True}, None, "build again"),
        (4, ON_TOP | {"maintaining": True}, 0, None),
    ],
)
def test_maintenance_is_offered_after_building_and_before_a_race_and_building_after_it(
    stage: int, fields: dict[str, Any], race_in_days: int | None, offered: str | None
) -> None:
    races = [] if race_in_days is None else [PlannedRun(DAY_ONE + timedelta(days=race_in_days), "race", "A")]
    races.append(PlannedRun(DAY_ONE + timedelta(days=3), "race", "B"))
    said = maintenance_offer(athlete(stage, **fields), races, DAY_ONE.date())
    assert (said is None) is (offered is None)
    assert (offered or "") in (said or "")


# --- jump lunges ----------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
SPLIT_SQUAT = ExerciseProgress(
    "elevated_split_squat", sets=3, reps_or_holds=8, last_rpe_1_10=7, last_pain_0_10=1, target_doses_done=2
)


JUMPER = athlete(
    4,
    sessions_completed_total=60,
    stage_since=date(2026, 10, 23),
    plyometrics_cleared=True,
    progress=(SPLIT_SQUAT,),
    rest_day_prompt_local=time(17, 30),
)


def evening(who: dict[str, Any] | None = None, **fields: Any) -> Situation:
    done = Session(NOW - timedelta(days=3), "strength_full")
    fields = {"activities": (ran(2),), "sessions": (done,)} | fields
    return Situation(replace(JUMPER, **who or {}), Event(EventType.CLOCK_TICK), NOW, **fields)


def ran(days_ago: int, minutes: float = 40, **fields: Any) -> Activity:
    return Activity("r", "run", NOW - timedelta(days=days_ago), minutes, **fields)


def squats(**fields: Any) -> dict[str, object]:
    return {"progress": (replace(SPLIT_SQUAT, **fields),)}


def last_session(days: int) -> dict[str, object]:
    return {"last_completed_session_date": NOW.date() - timedelta(days=days)}


RACED = {"distance_km": 5, "intensity": Intensity.RACE}


@pytest.mark.parametrize(
    ("who", "fields", "allowed"),
    [
        ({}, {}, True),
        ({"programme_stage": 3}, {}, False),
        ({"plyometrics_cleared": False}, {}, False),
        *(({"stage_since": since}, {}, False) for since in (None, date(2026, 10, 24))),  # 27 days at the stage
        ({"progress": ()}, {}, False),
        (squats(target_doses_done=1), {}, False),
        (squats(target_doses_done=3, sets=2), {}, True),  # done is done
        (squats(exercise="split_squat_floor"), {}, True),
        *(
            (squats(**worse), {}, False)
            for worse in ({"last_rpe_1_10": 8}, {"last_rpe_1_10": None}, {"last_pain_0_10": 2})
        ),
        # Away from races, tired legs, pain and breaks.
        *(({}, {"check_ins": (CheckIn(NOW, hip_groin_pain_0_10=pain),)}, pain == 1) for pain in (1, 2)),
        *(({}, {"plan": (PlannedRun(NOW + timedelta(hours=hours), "race", "C"),)}, hours == 73) for hours in (72, 73)),
        *(({}, {"activities": (ran(days, 20, **RACED),)}, days == 4) for days in (3, 4)),
        *(({}, {"activities": (ran(days, intensity=Intensity.HARD),)}, days == 2) for days in (1, 2)),
        *(({}, {"activities": (ran(1, minutes),)}, minutes == 89) for minutes in (89, 90)),
        ({}, {"activities": (ran(1, elevation_gain_m=600),)}, False),
        ({}, {"sessions": ()}, False),
        *((last_session(days), {"sessions": ()}, days == 20) for days in (20, 21)),
    ],
)
def test_jump_lunges_need_everything_known_and_good(
    who: dict[str, object], fields: dict[str, object], allowed: bool
) -> None:
    assert jump_lunges_allowed(facts(evening(who, **fields))) is allowed


@pytest.mark.parametrize(("hours", "decision", "jump"), [(48, "rest_day", True), (1, "post_run", False)])
def test_jump_lunges_come_on_a_rest_day_and_not_after_a_run(hours: int, decision: str, jump: bool) -> None:
    run = Activity("r", "run", NOW - timedelta(hours=hours), 45, intensity=Intensity.EASY)
    pool = catalogue().pool(4, decision).exercises
    done = [ExerciseProgress(id_, last_done_on=date(2026, 11, 10)) for id_ in pool if id_ != SPLIT_SQUAT.exercise]
    who = {"progress": (*done, replace(SPLIT_SQUAT, last_done_on=date(2026, 11, 9)))}
    verdict = decide(evening(who, activities=(run,)), catalogue())
    assert verdict.decision == decision
    assert verdict.routine is not None
    assert ("jump_lunges" in [item.exercise for item in verdict.routine.items]) is jump


@pytest.mark.parametrize(
    ("hours", "kind", "allowed"),
    [(72, "key", False), (73, "key", True), (72, "race", False), (73, "race", True), (24, "easy", True)],
)
def test_copenhagen_lift_stays_away_from_races_and_key_sessions(hours: int, kind: str, allowed: bool) -> None:
    plan = (PlannedRun(NOW + timedelta(hours=hours), kind, "C" if kind == "race" else None),)
    assert dynamic_copenhagen_allowed(facts(evening(plan=plan))) is allowed
