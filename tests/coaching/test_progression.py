"""How answered sessions move a runner up, and pain, soreness, missed reps and breaks down again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adductor.catalogue import catalogue
from adductor.coaching import after_session, after_soreness, decide
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


def athlete(stage: int = 1, **fields: object) -> Athlete:
    base = Athlete(timezone=LONDON, programme_stage=stage, screening_completed=True)
    starts = tuple(start_of(exercise) for exercise in exercises_of_stage(base, catalogue()))
    return replace(base, **({"progress": starts} | fields))  # type: ignore[arg-type]


def routine_for(who: Athlete, dose: Dose = Dose.FULL, placement: Placement = Placement.REST_DAY) -> Routine:
    return build(
        catalogue(),
        Wish(
            stage=who.programme_stage, placement=placement, dose=dose, turn=who.sessions_at_stage, progress=who.progress
        ),
    )


def session(number: int = 0, **fields: object) -> Session:
    fields = {"kind": "strength_full"} | fields
    return Session(DAY_ONE + timedelta(days=3 * number), **fields)  # type: ignore[arg-type]


def progress_of(who: Athlete, exercise: str) -> ExerciseProgress:
    return next(progress for progress in who.progress if progress.exercise == exercise)


def after(who: Athlete, *sessions: Session, dose: Dose = Dose.FULL) -> Athlete:
    for done in sessions:
        who = after_session(who, catalogue(), done, routine_for(who, dose)).athlete
    return who


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
        (SQUEEZES, [{}, {}], {"sets": 2}),
        (SQUEEZES, [{}, HARD, {}], {"sets": 1}),
        (SQUEEZES, [{}, HARD, {}, {}], {"sets": 2}),
        (SQUEEZES, [{}, HURT, {}], {"sets": 1}),
        (SQUEEZES, [{}, HURT, {}, {}], {"sets": 2}),
        (SQUEEZES, [{"rpe_1_10": 8}] * 2, {"sets": 2}),
        (SQUEEZES, [{"pain_during_0_10": 2}] * 2, {"sets": 2}),
        # Then reps grow one by one, hold seconds by five; twice at the top goes back to the bottom with load.
        (band(10), [{}], {"reps_or_holds": 11}),
        (band(15), [{}], {"reps_or_holds": 15}),
        (band(15), [{}, {}], {"reps_or_holds": 10}),
        (ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=5, hold_s=5), [{}], {"hold_s": 10}),
        (ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=5, hold_s=5), [{}, {}], {"hold_s": 10}),
        # The target: the article's sets and the usual reps.
        (band(11), [{}], {"at_target": False}),
        (band(12), [{}], {"at_target": True}),
        # Reps missed in two sessions make it easier; effort 9 isn't missed; a managed session forgets a missed one.
        (band(14), [PARTLY], {"sets": 3, "reps_or_holds": 14}),
        (band(14), [PARTLY] * 2, {"sets": 2, "reps_or_holds": 10}),
        (band(14), [SPENT], {"sets": 3, "reps_or_holds": 14}),
        (band(14), [SPENT] * 2, {"sets": 2, "reps_or_holds": 10}),
        (SQUEEZES, [HARD], {"missed_in_a_row": 0}),
        (SQUEEZES, [PARTLY, {}, PARTLY], {"missed_in_a_row": 1}),
        # Pain above 3 goes back to the start column at once.
        (band(14), [HURT], {"reps_or_holds": 14}),
        (band(14), [{"pain_during_0_10": 4}], {"sets": 2, "reps_or_holds": 10}),
    ],
)
def test_exercise_moves_with_the_answers(
    start: ExerciseProgress, answers: list[dict[str, float]], expected: dict[str, object]
) -> None:
    who = athlete(catalogue().exercises[start.exercise].stage, progress=(start,))
    for number, fields in enumerate(answers):
        # The same routine again: rotation is not tested here.
        who = replace(after(who, session(number, **fields)), sessions_at_stage=0)
    moved = progress_of(who, start.exercise)
    assert {name: getattr(moved, name) for name in expected} == expected


def test_the_second_session_at_the_top_asks_for_load() -> None:
    who = athlete(2, progress=(band(15, at_top_in_a_row=1),))
    assert any("load" in change for change in after_session(who, catalogue(), session(), routine_for(who)).changes)


def test_stage_goes_up_when_the_minimum_is_reached_and_every_exercise_is_at_its_target() -> None:
    ready = tuple(replace(progress, at_target=True) for progress in athlete().progress)
    who = after(athlete(progress=ready, sessions_at_stage=2), session(0))
    assert who.programme_stage == 1
    step = after_session(who, catalogue(), session(1), routine_for(who))
    assert step.athlete.programme_stage == 2
    assert step.athlete.sessions_at_stage == 0
    assert step.athlete.stage_since == date(2026, 3, 5)
    assert progress_of(step.athlete, BAND) == start_of(catalogue().exercises[BAND])
    assert any("Level 2" in change for change in step.changes)


@pytest.mark.parametrize(
    ("stage", "sessions", "at_target", "then"),
    [
        *[(1, 2, True, 1), (1, 3, True, 2), (2, 2, True, 2), (2, 3, True, 3), (3, 4, True, 3), (3, 5, True, 4)],
        *[(1, 20, False, 1), (4, 50, True, 4)],  # one exercise is short of its target; there is no fifth stage
    ],
)
def test_minimum_sessions_of_each_stage(stage: int, sessions: int, at_target: bool, then: int) -> None:
    first, *rest = (replace(progress, at_target=True) for progress in athlete(stage).progress)
    progress = (first if at_target else athlete(stage).progress[0], *rest)
    assert after(athlete(stage, progress=progress, sessions_at_stage=sessions), session(0)).programme_stage == then


def test_a_runner_who_answers_climbs_the_whole_ladder_in_less_than_a_year() -> None:
    who = athlete()
    stages = []
    for number in range(104):
        who = after(who, session(number))
        stages.append(who.programme_stage)
    assert stages == sorted(stages)
    assert stages[3] == 1
    assert stages[-1] == 4


# --- not up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"answered": False}, {"kind": "warm_up"}])
def test_silence_and_warm_ups_change_nothing(fields: dict[str, object]) -> None:
    who = athlete(sessions_completed_total=7)
    assert after(who, session(0, **fields)) == who


@pytest.mark.parametrize(("percent", "total"), [(49, 0), (50, 1)])
def test_half_of_a_session_counts(percent: int, total: int) -> None:
    assert after(athlete(), session(0, completed_pct=percent)).sessions_completed_total == total


def test_light_sessions_above_the_first_stage_count_but_are_no_step() -> None:
    who = athlete(2)
    light = after(who, session(0, kind="strength_light"), session(1, kind="strength_light"), dose=Dose.LIGHT)
    assert light.sessions_completed_total == 2
    assert light.sessions_at_stage == 0
    assert progress_of(light, BAND) == progress_of(who, BAND)


def test_light_sessions_of_the_first_stage_are_sessions_of_it() -> None:
    assert after(athlete(), session(0, kind="strength_light"), dose=Dose.LIGHT).sessions_at_stage == 1


def test_a_deload_week_is_no_step() -> None:
    started = date(2026, 3, 2) - timedelta(weeks=5)
    who = athlete(2, programme_started_on=started, progress=(band(10),))
    assert progress_of(after(who, session(0)), BAND).reps_or_holds == 10


def test_an_unknown_routine_moves_the_totals_only() -> None:
    who = athlete()
    done = after_session(who, catalogue(), session(0), None).athlete
    assert done.sessions_completed_total == 1
    assert done.progress == who.progress


# --- down -----------------------------------------------------------------------------------------------------------


def test_pain_above_3_goes_back_to_the_start_column_and_says_so() -> None:
    who = athlete(2, progress=(band(14, at_top_in_a_row=1),))
    step = after_session(who, catalogue(), session(0, pain_during_0_10=4), routine_for(who))
    assert progress_of(step.athlete, BAND) == replace(start_of(catalogue().exercises[BAND]), last_pain_0_10=4)
    assert any("it hurt" in change for change in step.changes)


def test_pain_at_the_start_column_puts_the_easier_rung_in_its_place() -> None:
    who = after(athlete(2), session(0, completed_pct=30, stopped_for_pain=True))
    assert progress_of(who, BAND).use_easier
    items = routine_for(who, placement=Placement.POST_RUN).items
    assert BAND not in [item.exercise for item in items]
    assert BAND in [item.substituted_for for item in items]


def test_two_good_sessions_of_the_easier_rung_bring_the_exercise_back() -> None:
    hurt = ExerciseProgress(BAND, sets=2, reps_or_holds=10, use_easier=True)
    who = athlete(2, progress=(hurt,), placements_enabled=frozenset({Placement.POST_RUN}))

    def once(who: Athlete, number: int) -> Athlete:
        routine = build(catalogue(), Wish(stage=2, placement=Placement.POST_RUN, dose=Dose.FULL, progress=who.progress))
        return after_session(who, catalogue(), session(number), routine).athlete

    who = once(who, 0)
    assert progress_of(who, BAND).use_easier
    who = once(who, 1)
    assert not progress_of(who, BAND).use_easier


@pytest.mark.parametrize(
    ("soreness", "sets", "at_top"), [(3, 3, 1), (4, 3, 0), (5, 2, 0)], ids=["unchanged", "counted anew", "easier"]
)
def test_soreness_the_next_day_moves_its_exercises(soreness: int, sets: int, at_top: int) -> None:
    who = athlete(2, progress=(band(14, at_top_in_a_row=1),))
    sore = after_soreness(who, catalogue(), [BAND], soreness)
    moved = progress_of(sore.athlete, BAND)
    assert (moved.sets, moved.at_top_in_a_row, bool(sore.changes)) == (sets, at_top, sets == 2)


def test_four_weeks_off_are_one_stage_down_from_the_start_column() -> None:
    last = DAY_ONE.date() - timedelta(days=28)
    strong = ExerciseProgress("half_kneeling_slide_hinge", sets=3, reps_or_holds=12, at_target=True)
    who = athlete(3, progress=(strong,), sessions_at_stage=9, last_completed_session_date=last)
    step = after_session(who, catalogue(), session(0, kind="strength_light"), routine_for(who, Dose.LIGHT))
    assert step.athlete.programme_stage == 2
    assert step.athlete.sessions_at_stage == 0
    assert progress_of(step.athlete, BAND) == start_of(catalogue().exercises[BAND])
    assert any("28 days" in change for change in step.changes)


def test_27_days_off_keep_the_stage_and_the_first_stage_is_the_lowest() -> None:
    last = DAY_ONE.date() - timedelta(days=27)
    assert after(athlete(3, last_completed_session_date=last), session(0)).programme_stage == 3
    long_ago = DAY_ONE.date() - timedelta(days=200)
    assert after(athlete(1, last_completed_session_date=long_ago), session(0)).programme_stage == 1


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


def jumper(**fields: object) -> Athlete:
    base = Athlete(
        timezone=LONDON,
        programme_stage=4,
        screening_completed=True,
        sessions_completed_total=60,
        stage_since=date(2026, 10, 23),
        plyometrics_cleared=True,
        progress=(SPLIT_SQUAT,),
        rest_day_prompt_local=time(17, 30),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def raced(days_ago: int) -> Activity:
    return Activity("r", "run", NOW - timedelta(days=days_ago), 20, distance_km=5, intensity=Intensity.RACE)


def evening(who: Athlete, **fields: object) -> Situation:
    base = Situation(
        athlete=who,
        event=Event(EventType.CLOCK_TICK),
        now=NOW,
        activities=(Activity("r", "run", NOW - timedelta(days=2), 45, intensity=Intensity.EASY),),
        sessions=(Session(NOW - timedelta(days=3), "strength_full"),),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def jumps(situation: Situation) -> bool:
    return jump_lunges_allowed(facts(situation))


def test_jump_lunges_come_on_a_rest_day_once_everything_is_known_and_good() -> None:
    situation = evening(jumper())
    assert jumps(situation)
    routine = decide(situation, catalogue()).routine
    assert routine is not None
    assert "jump_lunges" in [item.exercise for item in routine.items]


@pytest.mark.parametrize(
    "who",
    [
        jumper(programme_stage=3),
        jumper(plyometrics_cleared=False),
        jumper(stage_since=None),
        jumper(stage_since=date(2026, 10, 24)),
        jumper(progress=()),
        jumper(progress=(replace(SPLIT_SQUAT, sets=2),)),
        jumper(progress=(replace(SPLIT_SQUAT, reps_or_holds=7),)),
        jumper(progress=(replace(SPLIT_SQUAT, last_rpe_1_10=8),)),
        jumper(progress=(replace(SPLIT_SQUAT, last_rpe_1_10=None),)),
        jumper(progress=(replace(SPLIT_SQUAT, last_pain_0_10=2),)),
    ],
    ids=[
        "stage 3", "not cleared", "stage since unknown", "27 days at the stage", "no split squats", "two sets",
        "7 reps", "effort 8", "effort unknown", "pain 2",
    ],
)  # fmt: skip
def test_gate_of_the_jump_lunges_stays_shut(who: Athlete) -> None:
    assert not jumps(evening(who))


@pytest.mark.parametrize(
    ("fields", "open_"),
    [
        ({"check_ins": (CheckIn(NOW, hip_groin_pain_0_10=1),)}, True),
        ({"check_ins": (CheckIn(NOW, hip_groin_pain_0_10=2),)}, False),
        ({"plan": (PlannedRun(NOW + timedelta(hours=72), "race", "C"),)}, False),
        ({"plan": (PlannedRun(NOW + timedelta(hours=73), "race", "C"),)}, True),
        ({"activities": (raced(days_ago=3),)}, False),
        ({"activities": (raced(days_ago=4),)}, True),
        ({"activities": (Activity("r", "run", NOW - timedelta(days=1), 40, intensity=Intensity.HARD),)}, False),
        ({"activities": (Activity("r", "run", NOW - timedelta(days=1), 90),)}, False),
        ({"activities": (Activity("r", "run", NOW - timedelta(days=1), 89),)}, True),
        ({"activities": (Activity("r", "run", NOW - timedelta(days=1), 40, elevation_gain_m=600),)}, False),
        ({"activities": (Activity("r", "run", NOW - timedelta(days=2), 40, intensity=Intensity.HARD),)}, True),
        ({"sessions": ()}, False),
        ({"sessions": (), "athlete": jumper(last_completed_session_date=NOW.date() - timedelta(days=20))}, True),
        ({"sessions": (), "athlete": jumper(last_completed_session_date=NOW.date() - timedelta(days=21))}, False),
    ],
    ids=[
        "pain 1", "pain 2", "race in 72 h", "race in 73 h", "raced 3 days ago", "raced 4 days ago", "hard yesterday",
        "long yesterday", "89 minutes yesterday", "hilly yesterday", "hard two days ago", "back after a while",
        "20 days without a session", "21 days without a session",
    ],
)  # fmt: skip
def test_jump_lunges_keep_away_from_races_tired_legs_and_pain(fields: dict[str, object], open_: bool) -> None:
    assert jumps(replace(evening(jumper()), **fields)) is open_  # type: ignore[arg-type]


def test_no_jump_lunges_after_a_run() -> None:
    run = Activity("r", "run", NOW - timedelta(hours=1), 45, intensity=Intensity.EASY)
    verdict = decide(evening(jumper(), activities=(run,)), catalogue())
    assert verdict.decision == "post_run"
    assert verdict.routine is not None
    assert "jump_lunges" not in [item.exercise for item in verdict.routine.items]
