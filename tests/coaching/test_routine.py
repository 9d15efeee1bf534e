"""Which exercises, how many and how long."""

from __future__ import annotations

import pytest

from adductor.catalogue import catalogue
from adductor.coaching.routine import Wish, build
from adductor.coaching.situation import Dose, ExerciseProgress, Placement, Routine

AFTER_RUN, REST_DAY, WARM_UP = Placement.POST_RUN, Placement.REST_DAY, Placement.WARM_UP


def routine(stage: int, placement: Placement, dose: Dose = Dose.FULL, **fields: object) -> Routine:
    return build(catalogue(), Wish(stage=stage, placement=placement, dose=dose, **fields))  # type: ignore[arg-type]


def ids(of: Routine) -> list[str]:
    return [item.exercise for item in of.items]


@pytest.mark.parametrize(("stage", "minutes"), [(1, (9, 9)), (2, (8, 14)), (3, (10, 17)), (4, (10, 15))])
def test_each_stage_and_placement_has_its_routine(stage: int, minutes: tuple[int, int]) -> None:
    chosen = [routine(stage, placement) for placement in (AFTER_RUN, REST_DAY)]
    names = ("standard", "standard") if stage == 1 else ("post_run", "rest_day")
    assert [one.id for one in chosen] == [f"stage{stage}_{name}" for name in names]
    assert tuple(one.minutes for one in chosen) == minutes
    for one in chosen:
        lines = catalogue().routines[one.id].lines
        assert [(i.exercise, i.sets, i.count) for i in one.items] == [(x.exercise, x.sets, x.count) for x in lines]


BAND, SIDE_LYING = "standing_resisted_adduction", "side_lying_adduction_top_leg_elevated"
STRONG = (
    ExerciseProgress(BAND, sets=3, reps_or_holds=15),
    ExerciseProgress(SIDE_LYING, sets=3, reps_or_holds=5, hold_s=10),
    ExerciseProgress("side_lying_adduction_floor", sets=3, reps_or_holds=15),
)


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_light_and_warm_up_are_the_same_at_every_stage_and_pain_leaves_only_squeezes(stage: int) -> None:
    light = routine(stage, REST_DAY, Dose.LIGHT)
    assert light == routine(stage, AFTER_RUN, Dose.LIGHT, one_set_less=True, half_the_sets=True)
    assert (light.id, routine(stage, REST_DAY, Dose.LIGHT, progress=STRONG).seconds) == ("stage1_light", 252)
    assert ids(routine(stage, REST_DAY, Dose.LIGHT, squeezes_only=True)) == ["supine_adductor_squeeze"]
    chosen = routine(stage, WARM_UP, Dose.ACTIVATION, progress=STRONG)
    assert (chosen.id, chosen.seconds, chosen.minutes) == ("warm_up_activation", 185, 4)


def test_sessions_of_a_stage_alternate_and_come_round_again() -> None:
    turns = [ids(routine(4, REST_DAY, turn=turn)) for turn in range(4)]
    assert turns[:2] == turns[2:]
    assert turns[0] != turns[1]
    assert {"single_leg_deadlift", "cross_over_step_up"} <= set(turns[1])


@pytest.mark.parametrize(
    ("stage", "placement", "exercise", "dose", "seconds"),
    [
        (2, AFTER_RUN, BAND, (2, 15, None), 40 + 2 * (2 * 75 + 15) + 45),
        (2, REST_DAY, BAND, (3, 15, None), 40 + 3 * (2 * 75 + 15) + 2 * 45),
        (1, REST_DAY, SIDE_LYING, (3, 5, 10), 20 + 3 * (2 * 62 + 10) + 2 * 30),
    ],
)
def test_progress_sets_the_dose_within_what_the_routine_allows(
    stage: int, placement: Placement, exercise: str, dose: tuple[int, int, int | None], seconds: int
) -> None:
    item = next(item for item in routine(stage, placement, progress=STRONG).items if item.exercise == exercise)
    assert (item.sets, item.count, item.hold_s) == dose
    assert item.seconds == seconds


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
def test_an_empty_room_still_has_a_routine(stage: int, placement: Placement) -> None:
    for turn in (0, 1):
        items = routine(stage, placement, turn=turn, equipment=frozenset()).items
        assert items
        assert all(catalogue().exercises[item.exercise].can_be_done_with(frozenset()) for item in items)


def test_too_much_for_now_is_replaced_and_the_last_rung_stays_small() -> None:
    hurt = tuple(ExerciseProgress(exercise.id, use_easier=True) for exercise in catalogue().exercises.values())
    assert BAND not in ids(routine(2, REST_DAY, progress=tuple(one for one in hurt if one.exercise == BAND)))
    items = routine(1, REST_DAY, progress=hurt).items
    assert [(item.exercise, item.sets) for item in items] == [("supine_adductor_squeeze", 1)]


# --- time and rest --------------------------------------------------------------------------------------------------


def test_sets_go_before_exercises_and_enough_time_changes_nothing() -> None:
    assert [item.sets for item in routine(3, REST_DAY, minutes_available=10).items] == [1, 1, 1]
    assert routine(3, REST_DAY, minutes_available=17) == routine(3, REST_DAY)
    assert routine(3, REST_DAY, minutes_available=16) != routine(3, REST_DAY)


@pytest.mark.parametrize(
    ("fewer", "sets"),
    [
        ({}, [3, 3]),
        ({"one_set_less": True}, [2, 2]),
        ({"half_the_sets": True}, [1, 1]),
        ({"one_set_less": True, "half_the_sets": True}, [1, 1]),
    ],
)
def test_a_gap_takes_one_set_and_a_deload_half_of_them(fewer: dict[str, object], sets: list[int]) -> None:
    assert [item.sets for item in routine(2, REST_DAY, **fewer).items] == sets


def test_substitutes_are_the_nearest_and_need_nothing_more() -> None:
    def instead(stage: int, placement: Placement, has: set[str], turn: int = 0) -> dict[str, str | None]:
        made = routine(stage, placement, equipment=frozenset(has), turn=turn)
        return {item.substituted_for or item.exercise: item.exercise for item in made.items}

    assert instead(3, AFTER_RUN, set(), turn=1)["standing_lateral_slide_lunge"] == "side_lunge"
    assert instead(3, AFTER_RUN, {"hard_floor"})["standing_lateral_slide_lunge"] == "standing_lateral_slide_lunge"
    assert instead(4, REST_DAY, {"hard_floor"}, turn=1)["cross_over_step_up"] == "split_squat_floor"
    assert instead(4, REST_DAY, {"hard_floor", "step"}, turn=1)["cross_over_step_up"] == "cross_over_step_up"
    assert instead(4, REST_DAY, {"hard_floor"})["elevated_split_squat"] == "split_squat_floor"
