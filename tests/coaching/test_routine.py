"""Which exercises, how many and how long."""

from __future__ import annotations

import math

import pytest

from adductor.catalogue import catalogue
from adductor.coaching.routine import Wish, build
from adductor.coaching.situation import Dose, ExerciseProgress, Placement, Routine

AFTER_RUN, REST_DAY, WARM_UP = Placement.POST_RUN, Placement.REST_DAY, Placement.WARM_UP


def routine(stage: int, placement: Placement, dose: Dose = Dose.FULL, **fields: object) -> Routine:
    return build(catalogue(), Wish(stage=stage, placement=placement, dose=dose, **fields))  # type: ignore[arg-type]


def ids(of: Routine) -> list[str]:
    return [item.exercise for item in of.items]


@pytest.mark.parametrize(
    ("stage", "placement", "id_", "minutes"),
    [
        (1, AFTER_RUN, "stage1_standard", 9),
        (1, REST_DAY, "stage1_standard", 9),
        (2, AFTER_RUN, "stage2_post_run", 8),
        (2, REST_DAY, "stage2_rest_day", 14),
        (3, AFTER_RUN, "stage3_post_run", 10),
        (3, REST_DAY, "stage3_rest_day", 17),
        (4, AFTER_RUN, "stage4_post_run", 10),
        (4, REST_DAY, "stage4_rest_day", 15),
    ],
)
def test_each_stage_and_placement_has_its_routine(stage: int, placement: Placement, id_: str, minutes: int) -> None:
    chosen = routine(stage, placement)
    plan = catalogue().routines[id_]

    assert (chosen.id, chosen.minutes) == (id_, minutes)
    assert chosen.seconds == plan.seconds
    assert chosen.minutes == math.ceil(chosen.seconds / 60)
    assert [(item.exercise, item.sets, item.reps or item.holds) for item in chosen.items] == [
        (line.exercise, line.sets, line.count) for line in plan.lines
    ]


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_light_is_the_same_at_every_stage_and_pain_leaves_only_squeezes(stage: int) -> None:
    assert routine(stage, AFTER_RUN, Dose.LIGHT).id == "stage1_light"
    assert ids(routine(stage, REST_DAY, Dose.LIGHT, squeezes_only=True)) == ["supine_adductor_squeeze"]
    light = routine(stage, REST_DAY, Dose.LIGHT)
    assert routine(stage, REST_DAY, Dose.LIGHT, one_set_less=True, half_the_sets=True) == light
    strong = (ExerciseProgress("side_lying_adduction_top_leg_elevated", sets=3, reps_or_holds=5, hold_s=10),)
    assert routine(stage, REST_DAY, Dose.LIGHT, progress=strong).seconds == 252


def test_warm_up_is_the_activation_whatever_the_progress() -> None:
    strong = (ExerciseProgress("side_lying_adduction_floor", sets=3, reps_or_holds=15),)
    chosen = routine(4, WARM_UP, Dose.ACTIVATION, progress=strong)
    assert (chosen.id, chosen.seconds, chosen.minutes) == ("warm_up_activation", 185, 4)


def test_sessions_of_a_stage_alternate_and_come_round_again() -> None:
    turns = [routine(4, REST_DAY, turn=turn) for turn in range(4)]
    assert ids(turns[0]) != ids(turns[1])
    assert ids(turns[0]) == ids(turns[2])
    assert ids(turns[1]) == ids(turns[3])
    assert {"single_leg_deadlift", "cross_over_step_up"} <= set(ids(turns[1]))


def test_progress_sets_the_dose_within_what_the_routine_allows() -> None:
    mine = (ExerciseProgress("standing_resisted_adduction", sets=3, reps_or_holds=15),)
    after_run = next(i for i in routine(2, AFTER_RUN, progress=mine).items if i.exercise.startswith("standing"))
    rest_day = next(i for i in routine(2, REST_DAY, progress=mine).items if i.exercise.startswith("standing"))
    assert (after_run.sets, after_run.reps) == (2, 15)
    assert (rest_day.sets, rest_day.reps) == (3, 15)


def test_hold_seconds_of_the_runner_are_used() -> None:
    mine = (ExerciseProgress("side_lying_adduction_top_leg_elevated", sets=3, reps_or_holds=3, hold_s=10),)
    item = routine(1, REST_DAY, progress=mine).items[1]
    assert item.hold_s == 10
    assert item.seconds == 20 + 3 * (2 * 36 + 10) + 2 * 30


# --- equipment ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "placement", "equipment", "exercise", "instead_of"),
    [
        (2, AFTER_RUN, None, "standing_resisted_adduction", None),  # never asked: the catalogue's routine
        (2, AFTER_RUN, {"chair"}, "side_lying_adduction_top_leg_elevated", "standing_resisted_adduction"),
        (4, REST_DAY, {"slider"}, "split_squat_floor", "elevated_split_squat"),
        (3, AFTER_RUN, {"hard_floor"}, "standing_lateral_slide_lunge", None),
        (3, AFTER_RUN, {"carpet"}, "standing_lateral_slide_lunge", None),
    ],
)
def test_equipment_chooses_the_exercise(
    stage: int, placement: Placement, equipment: set[str] | None, exercise: str, instead_of: str | None
) -> None:
    items = routine(stage, placement, equipment=None if equipment is None else frozenset(equipment)).items
    assert (exercise, instead_of) in [(item.exercise, item.substituted_for) for item in items]


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
@pytest.mark.parametrize("placement", [AFTER_RUN, REST_DAY])
@pytest.mark.parametrize("turn", [0, 1])
def test_an_empty_room_still_has_a_routine(stage: int, placement: Placement, turn: int) -> None:
    items = routine(stage, placement, turn=turn, equipment=frozenset()).items
    assert len({item.exercise for item in items}) == len(items) >= 1
    assert all(catalogue().exercises[i.exercise].can_be_done_with(frozenset()) for i in items)


def test_too_much_for_now_is_replaced_even_when_everything_is_there() -> None:
    hurt = (ExerciseProgress("standing_resisted_adduction", sets=2, reps_or_holds=10, use_easier=True),)
    assert "standing_resisted_adduction" not in ids(routine(2, REST_DAY, progress=hurt))


def test_the_last_rung_has_no_easier_one_and_stays_small() -> None:
    both = tuple(ExerciseProgress(exercise.id, use_easier=True) for exercise in catalogue().exercises.values())
    items = routine(1, REST_DAY, progress=both).items
    assert [(item.exercise, item.sets) for item in items] == [("supine_adductor_squeeze", 1)]


# --- time and rest --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", range(2, 20))
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_it_fits_the_time_there_is(minutes: int, stage: int) -> None:
    chosen = routine(stage, REST_DAY, minutes_available=minutes)
    assert chosen.minutes <= minutes or (len(chosen.items) == 1 and chosen.items[0].sets == 1)


def test_sets_go_before_exercises_and_enough_time_changes_nothing() -> None:
    assert [item.sets for item in routine(3, REST_DAY, minutes_available=10).items] == [1, 1, 1]
    assert routine(3, REST_DAY, minutes_available=17) == routine(3, REST_DAY)
    assert routine(3, REST_DAY, minutes_available=16) != routine(3, REST_DAY)


def test_a_gap_takes_one_set_and_a_deload_half_of_them() -> None:
    def sets(**fields: object) -> list[int]:
        return [item.sets for item in routine(2, REST_DAY, **fields).items]

    assert sets() == [3, 3]
    assert sets(one_set_less=True) == [2, 2]
    assert sets(half_the_sets=True) == [1, 1]
    assert sets(one_set_less=True, half_the_sets=True) == [1, 1]
