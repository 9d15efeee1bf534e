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
from adductor.coaching.progression import exercises_of_stage, is_deload_week, jump_lunges_allowed, start_of
from adductor.coaching.routine import Wish, build
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
AFTER_RUN = Placement.POST_RUN


def athlete(stage: int = 1, **fields: object) -> Athlete:
    base = Athlete(timezone=LONDON, programme_stage=stage, screening_completed=True)
    starts = tuple(start_of(exercise) for exercise in exercises_of_stage(base, catalogue()))
    return replace(base, **({"progress": starts} | fields))  # type: ignore[arg-type]


def routine_for(who: Athlete, dose: Dose = Dose.FULL, placement: Placement = Placement.REST_DAY) -> Routine:
    wish = Wish(who.programme_stage, placement, dose, turn=who.sessions_at_stage, progress=who.progress)
    return build(catalogue(), wish)


def session(number: int = 0, **fields: object) -> Session:
    fields = {"kind": "strength_full"} | fields
    return Session(DAY_ONE + timedelta(days=3 * number), **fields)  # type: ignore[arg-type]


def progress_of(who: Athlete, exercise: str) -> ExerciseProgress:
    return next(progress for progress in who.progress if progress.exercise == exercise)


# --- up -------------------------------------------------------------------------------------------------------------


def test_exercises_begin_in_the_start_column_and_not_at_the_articles_dose() -> None:
    assert start_of(catalogue().exercises[BAND]) == ExerciseProgress(BAND, sets=2, reps_or_holds=10)
    assert start_of(catalogue().exercises[SQUEEZE]) == ExerciseProgress(SQUEEZE, sets=1, reps_or_holds=1, hold_s=10)


SQUEEZES = ExerciseProgress(SQUEEZE, sets=1, reps_or_holds=1, hold_s=10)
HARD, HURT, PARTLY = {"rpe_1_10": 9}, {"pain_during_0_10": 3}, {"completed_pct": 80}
SPENT = {"rpe_1_10": 10}


def band(reps: int, **fields: Any) -> ExerciseProgress:
    return ExerciseProgress(BAND, sets=3, reps_or_holds=reps, **fields)


@pytest.mark.parametrize(
    ("start", "answers", "expected"),
    [
        # Two good sessions in a row add a set; effort 9 or pain 3 starts the count anew, effort 8 and pain 2 do not.
        (SQUEEZES, [{}], {"sets": 1}),
        (SQUEEZES, [{}, {}], {"sets": 2, "said": "2 sets from now on"}),
        (SQUEEZES, [{}, HARD, {}], {"sets": 1}),
        (SQUEEZES, [{}, HARD, {}, {}], {"sets": 2}),
        (SQUEEZES, [{}, HURT, {}], {"sets": 1}),
        (SQUEEZES, [{}, HURT, {}, {}], {"sets": 2}),
        (SQUEEZES, [{"rpe_1_10": 8}] * 2, {"sets": 2}),
        (SQUEEZES, [{"pain_during_0_10": 2}] * 2, {"sets": 2}),
        # Then reps grow one by one, hold seconds by five; twice at the top goes back to the bottom with load.
        (band(10), [{}], {"reps_or_holds": 11}),
        (band(15), [{}], {"reps_or_holds": 15}),
        (band(15), [{}, {}], {"reps_or_holds": 10, "said": "a little more load"}),
        (ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=5, hold_s=5), [{}], {"hold_s": 10}),
        (ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=5, hold_s=5), [{}, {}], {"hold_s": 10}),
        # The target: the article's sets and the usual reps.
        (band(11), [{}], {"at_target": False}),
        (band(12), [{}], {"at_target": True}),
        # Reps missed in two sessions make it easier; effort 9 isn't missed; a managed session forgets a missed one.
        (band(14), [PARTLY], {"sets": 3, "reps_or_holds": 14}),
        (
            band(14),
            [PARTLY] * 2,
            {"sets": 2, "reps_or_holds": 10, "said": "easier next time, as you missed part of it twice"},
        ),
        (band(14), [SPENT], {"sets": 3, "reps_or_holds": 14}),
        (band(14), [SPENT] * 2, {"sets": 2, "reps_or_holds": 10}),
        (SQUEEZES, [HARD], {"missed_in_a_row": 0}),
        (SQUEEZES, [PARTLY, {}, PARTLY], {"missed_in_a_row": 1}),
        # Pain above 3 goes back to the start column at once.
        (band(14), [HURT], {"reps_or_holds": 14}),
        (band(14), [{"pain_during_0_10": 4}], {"sets": 2, "reps_or_holds": 10, "said": "easier next time, it hurt"}),
    ],
)
def test_exercise_moves_with_the_answers(
    start: ExerciseProgress, answers: list[dict[str, float]], expected: dict[str, Any]
) -> None:
    who, said = athlete(catalogue().exercises[start.exercise].stage, progress=(start,)), ""
    for number, fields in enumerate(answers):
        step = after_session(who, catalogue(), session(number, **fields), routine_for(who))
        # The same routine again: rotation is not tested here.
        who, said = replace(step.athlete, sessions_at_stage=0), " ".join(step.changes)
    assert expected.pop("said", "") in said
    moved = progress_of(who, start.exercise)
    assert {name: getattr(moved, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("stage", "sessions", "at_target", "then"),
    [
        *[(1, 2, True, 1), (1, 3, True, 2), (2, 2, True, 2), (2, 3, True, 3), (3, 4, True, 3), (3, 5, True, 4)],
        *[(1, 20, False, 1), (4, 50, True, 4)],  # one exercise is short of its target; there is no fifth stage
    ],
)
def test_stage_goes_up_after_its_sessions_with_every_exercise_at_its_target(
    stage: int, sessions: int, at_target: bool, then: int
) -> None:
    first, *rest = (replace(progress, at_target=True) for progress in athlete(stage).progress)
    progress = (first if at_target else athlete(stage).progress[0], *rest)
    who = athlete(stage, progress=progress, sessions_at_stage=sessions)
    step = after_session(who, catalogue(), session(0), routine_for(who))
    assert step.athlete.programme_stage == then
    assert [change for change in step.changes if "Level" in change] == (
        [f"Level {then} from now on: {catalogue().stage(then).name.lower()}."] if then > stage else []
    )
    if then > stage:
        assert (step.athlete.sessions_at_stage, step.athlete.stage_since) == (0, DAY_ONE.date())
        new = exercises_of_stage(step.athlete, catalogue())
        assert [progress_of(step.athlete, exercise.id) for exercise in new] == [start_of(exercise) for exercise in new]


def test_a_runner_who_answers_climbs_the_whole_ladder_in_less_than_a_year() -> None:
    who, stages = athlete(), []
    for number in range(104):
        who = after_session(who, catalogue(), session(number), routine_for(who)).athlete
        stages.append(who.programme_stage)
    assert stages == sorted(stages)
    assert (stages[3], stages[-1]) == (1, 4)


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
    who = athlete(stage, sessions_completed_total=7, progress=(band(10),), **fields)
    routine = None if dose is None else routine_for(who, dose)
    then = after_session(who, catalogue(), session(0, **answer), routine).athlete
    assert (then.sessions_completed_total, then.sessions_at_stage) == (7 + counts, of_stage)
    assert any(p.at_top_in_a_row or (p.exercise, p.reps_or_holds) == (BAND, 11) for p in then.progress) is is_step


# --- down -----------------------------------------------------------------------------------------------------------


def test_pain_at_the_start_column_puts_the_easier_rung_in_its_place_until_two_good_sessions() -> None:
    who = athlete(2, progress=(start_of(catalogue().exercises[BAND]),), placements_enabled=frozenset({AFTER_RUN}))

    def once(**answer: object) -> list[str | None]:
        nonlocal who
        routine = routine_for(replace(who, sessions_at_stage=0), placement=AFTER_RUN)
        who = after_session(who, catalogue(), session(0, **answer), routine).athlete
        return [item.substituted_for for item in routine.items]

    assert BAND not in once(completed_pct=30, stopped_for_pain=True)
    assert progress_of(who, BAND).use_easier
    assert BAND in once()
    assert progress_of(who, BAND).use_easier
    assert BAND in once()
    assert progress_of(who, BAND) == start_of(catalogue().exercises[BAND])


SHORT_LEVER, TOGETHER = "copenhagen_short_lever_hold", "copenhagen_knees_together_hold"
LONG_LEVER = "copenhagen_long_lever_hold"


@pytest.mark.parametrize(
    ("hold_s", "count", "then", "at_target"),
    [
        (5, 3, (10, 3), False),
        (10, 3, (20, 3), True),
        (19, 3, (20, 3), True),
        (20, 3, (20, 4), True),
        (9, 3, (10, 3), False),
    ],
)
def test_copenhagen_hold_grows_in_seconds_before_its_count(
    hold_s: int, count: int, then: tuple[int, int], at_target: bool
) -> None:
    mine = ExerciseProgress(SHORT_LEVER, sets=2, reps_or_holds=count, hold_s=hold_s)
    who = athlete(2, progress=(mine,), sessions_at_stage=1)
    routine = routine_for(who)
    assert SHORT_LEVER in [item.exercise for item in routine.items]
    moved = progress_of(after_session(who, catalogue(), session(0), routine).athlete, SHORT_LEVER)
    assert ((moved.hold_s, moved.reps_or_holds), moved.at_target) == (then, at_target)
    assert start_of(catalogue().exercises[SHORT_LEVER]).hold_s == 5


def test_other_holds_grow_by_five_seconds_after_the_most_of_them() -> None:
    mine = ExerciseProgress(LONG_LEVER, sets=2, reps_or_holds=4, hold_s=10, last_rpe_1_10=7)
    who = athlete(3, progress=(mine,), sessions_at_stage=1)
    moved = progress_of(after_session(who, catalogue(), session(0), routine_for(who)).athlete, LONG_LEVER)
    assert (moved.hold_s, moved.reps_or_holds) == (15, 4)


@pytest.mark.parametrize(
    ("held", "comes"),
    [
        ({}, SHORT_LEVER),
        ({SHORT_LEVER: 9}, SHORT_LEVER),
        ({SHORT_LEVER: 10}, TOGETHER),
        ({SHORT_LEVER: 20, TOGETHER: 19}, TOGETHER),
        ({SHORT_LEVER: 20, TOGETHER: 20}, LONG_LEVER),
    ],
)
def test_long_lever_comes_after_twenty_seconds_with_the_knees_together(held: dict[str, int], comes: str) -> None:
    progress = [ExerciseProgress(BAND), *(ExerciseProgress(id_, hold_s=hold_s) for id_, hold_s in held.items())]
    who = athlete(3, progress=tuple(progress), sessions_at_stage=1)
    assert routine_for(who).items[-1].exercise == comes
    assert (LONG_LEVER in [exercise.id for exercise in exercises_of_stage(who, catalogue())]) is (comes == LONG_LEVER)
    # A runner who did it before keeps it.
    done_before = replace(who, progress=(*progress, ExerciseProgress(LONG_LEVER, last_rpe_1_10=7)))
    assert routine_for(done_before).items[-1].exercise == LONG_LEVER


@pytest.mark.parametrize(
    ("soreness", "sets", "at_top"), [(3, 3, 1), (4, 3, 0), (5, 2, 0)], ids=["unchanged", "counted anew", "easier"]
)
def test_soreness_the_next_day_moves_its_exercises(soreness: int, sets: int, at_top: int) -> None:
    who = athlete(2, progress=(band(14, at_top_in_a_row=1),))
    sore = after_soreness(who, catalogue(), [BAND], soreness)
    moved = progress_of(sore.athlete, BAND)
    assert (moved.sets, moved.at_top_in_a_row, bool(sore.changes)) == (sets, at_top, sets == 2)


@pytest.mark.parametrize(("stage", "days", "then"), [(3, 28, 2), (3, 27, 3), (1, 200, 1)])
def test_four_weeks_off_are_one_stage_down_from_the_start_column(stage: int, days: int, then: int) -> None:
    last = DAY_ONE.date() - timedelta(days=days)
    strong = ExerciseProgress(BAND, sets=3, reps_or_holds=12, at_target=True)
    who = athlete(stage, progress=(strong,), sessions_at_stage=9, last_completed_session_date=last)
    step = after_session(who, catalogue(), session(0, kind="strength_light"), routine_for(who, Dose.LIGHT))
    assert step.athlete.programme_stage == then
    if then < stage:
        assert step.athlete.sessions_at_stage == 0
        assert progress_of(step.athlete, BAND) == start_of(catalogue().exercises[BAND])
        assert any("28 days" in change for change in step.changes)


@pytest.mark.parametrize(("stage", "then"), [(3, 2), (1, 1)])
def test_end_of_a_hold_is_one_stage_down_from_the_start_column_and_no_break_takes_another(
    stage: int, then: int
) -> None:
    last = DAY_ONE.date() - timedelta(days=40)
    strong = ExerciseProgress(BAND, sets=3, reps_or_holds=12, at_target=True)
    who = athlete(stage, progress=(strong,), sessions_at_stage=9, last_completed_session_date=last)
    back = after_hold(replace(who, hold_lifted_at=DAY_ONE), catalogue(), DAY_ONE.date()).athlete
    assert (back.programme_stage, back.sessions_at_stage, back.programme_started_on) == (then, 0, DAY_ONE.date())
    if then == 2:
        assert progress_of(back, BAND) == start_of(catalogue().exercises[BAND])

    light = after_session(back, catalogue(), session(1, kind="strength_light"), routine_for(back, Dose.LIGHT)).athlete

    assert (light.programme_stage, light.sessions_at_stage, light.sessions_completed_total) == (then, 0, 1)
    assert {entry.at_top_in_a_row for entry in light.progress} == {0}


# --- deload ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "deload"), [(-55, False), (0, False), (34, False), (35, True), (41, True), (42, False), (77, True)]
)
def test_every_sixth_week_is_a_deload(days: int, deload: bool) -> None:
    started = date(2026, 1, 5)
    assert is_deload_week(started, started + timedelta(days=days)) is deload
    assert not is_deload_week(None, started + timedelta(days=days))


# --- jump lunges ----------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
SPLIT_SQUAT = ExerciseProgress("elevated_split_squat", sets=3, reps_or_holds=8, last_rpe_1_10=7, last_pain_0_10=1)


JUMPER = Athlete(
    timezone=LONDON,
    programme_stage=4,
    screening_completed=True,
    sessions_completed_total=60,
    stage_since=date(2026, 10, 23),
    plyometrics_cleared=True,
    progress=(SPLIT_SQUAT,),
    rest_day_prompt_local=time(17, 30),
)


def evening(athlete: dict[str, object] | None = None, **fields: object) -> Situation:
    base = Situation(
        athlete=replace(JUMPER, **athlete or {}),  # type: ignore[arg-type]
        event=Event(EventType.CLOCK_TICK),
        now=NOW,
        activities=(ran(2),),
        sessions=(Session(NOW - timedelta(days=3), "strength_full"),),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def ran(days_ago: int, minutes: float = 40, **fields: Any) -> Activity:
    return Activity("r", "run", NOW - timedelta(days=days_ago), minutes, **fields)


def squats(**fields: Any) -> dict[str, object]:
    return {"progress": (replace(SPLIT_SQUAT, **fields),)}


def race_in(hours: int) -> dict[str, object]:
    return {"plan": (PlannedRun(NOW + timedelta(hours=hours), "race", "C"),)}


HARD_RUN, RACED = {"intensity": Intensity.HARD}, {"distance_km": 5, "intensity": Intensity.RACE}
LONG_AGO, LONGER_AGO = ({"last_completed_session_date": NOW.date() - timedelta(days=days)} for days in (20, 21))


@pytest.mark.parametrize(
    ("who", "fields", "allowed"),
    [
        ({}, {}, True),
        ({"programme_stage": 3}, {}, False),
        ({"plyometrics_cleared": False}, {}, False),
        ({"stage_since": None}, {}, False),
        ({"stage_since": date(2026, 10, 24)}, {}, False),  # 27 days at the stage
        ({"progress": ()}, {}, False),
        (squats(sets=2), {}, False),
        (squats(reps_or_holds=7), {}, False),
        (squats(last_rpe_1_10=8), {}, False),
        (squats(last_rpe_1_10=None), {}, False),
        (squats(last_pain_0_10=2), {}, False),
        # Away from races, tired legs, pain and breaks.
        ({}, {"check_ins": (CheckIn(NOW, hip_groin_pain_0_10=1),)}, True),
        ({}, {"check_ins": (CheckIn(NOW, hip_groin_pain_0_10=2),)}, False),
        ({}, race_in(hours=72), False),
        ({}, race_in(hours=73), True),
        ({}, {"activities": (ran(3, 20, **RACED),)}, False),
        ({}, {"activities": (ran(4, 20, **RACED),)}, True),
        ({}, {"activities": (ran(1, **HARD_RUN),)}, False),
        ({}, {"activities": (ran(2, **HARD_RUN),)}, True),
        ({}, {"activities": (ran(1, 90),)}, False),
        ({}, {"activities": (ran(1, 89),)}, True),
        ({}, {"activities": (ran(1, elevation_gain_m=600),)}, False),
        ({}, {"sessions": ()}, False),
        (LONG_AGO, {"sessions": ()}, True),
        (LONGER_AGO, {"sessions": ()}, False),
    ],
)
def test_jump_lunges_need_everything_known_and_good(
    who: dict[str, object], fields: dict[str, object], allowed: bool
) -> None:
    assert jump_lunges_allowed(facts(evening(who, **fields))) is allowed


@pytest.mark.parametrize(("hours", "decision", "jump"), [(48, "rest_day", True), (1, "post_run", False)])
def test_jump_lunges_come_on_a_rest_day_and_not_after_a_run(hours: int, decision: str, jump: bool) -> None:
    run = Activity("r", "run", NOW - timedelta(hours=hours), 45, intensity=Intensity.EASY)
    verdict = decide(evening(activities=(run,)), catalogue())
    assert verdict.decision == decision
    assert verdict.routine is not None
    assert ("jump_lunges" in [item.exercise for item in verdict.routine.items]) is jump
