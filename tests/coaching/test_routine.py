"""Which exercises, how many and how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adductor.catalogue import catalogue
from adductor.coaching import swaps
from adductor.coaching.progression import minutes_for, one_thing
from adductor.coaching.routine import Composer, all_five, direct_work, item_of
from adductor.coaching.situation import Athlete, Dose, ExerciseProgress, OwnExercise, Placement, Routine

KNOWN = catalogue()
HOME, TODAY = ZoneInfo("UTC"), date(2026, 11, 20)
HOUSEHOLD = ("chair", "ball", "long_band", "hard_floor", "step", "slider", "dumbbell")  # what the settings ask about
AFTER_RUN, REST_DAY, WARM_UP = Placement.POST_RUN, Placement.REST_DAY, Placement.WARM_UP
SQUEEZE, SIDE_LYING = "supine_adductor_squeeze", "side_lying_adduction_top_leg_elevated"
FLOOR_LIFT, BAND = "side_lying_adduction_floor", "standing_resisted_adduction"
HINGE, SLIDE_LUNGE, SIDE_LUNGE = "half_kneeling_slide_hinge", "standing_lateral_slide_lunge", "side_lunge"
SHORT_LEVER, OTHER_PAN = "copenhagen_short_lever_hold", "side_lying_abduction_other_pan"
DEADLIFT, SPLIT_SQUAT, JUMP = "single_leg_deadlift", "elevated_split_squat", "jump_lunges"
BOWLER, STEP_UP = "bowler_squat", "cross_over_step_up"
LIFT, LONG_LEVER = "copenhagen_dynamic_long_lever", "copenhagen_long_lever_hold"
KNEES_TOGETHER = "copenhagen_knees_together_hold"
NOTHING = frozenset[str]()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def did(exercise: str, days_ago: int, *dose: int, **more: Any) -> ExerciseProgress:
    return ExerciseProgress(exercise, *dose, last_done_on=ago(days_ago), **more)


def routine(stage: int, placement: Placement, dose: Dose = Dose.FULL, /, **fields: Any) -> Routine:
    """A routine; a field that the composer doesn't know is one of its athlete."""
    own = {"today": TODAY} | {name: fields.pop(name) for name in [*fields] if name in Composer.__dataclass_fields__}
    who = Athlete(HOME, programme_stage=stage, **fields)
    return Composer(KNOWN, who, placement, dose, **own).routine()


def ids(of: Routine) -> list[str]:
    return [item.exercise for item in of.items]


def doses(of: Routine) -> dict[str, tuple[int, int]]:
    return {item.exercise: (item.sets, item.count) for item in of.items}


# --- light ones, warm-ups, and on request ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_light_and_warm_up_are_the_same_at_every_stage_and_pain_leaves_only_squeezes(stage: int) -> None:
    strong = (did(SQUEEZE, 3, 3), did(SIDE_LYING, 3, 3, 5, hold_s=10), did(FLOOR_LIFT, 3, 3, 15))
    light = routine(stage, REST_DAY, Dose.LIGHT)
    assert light == routine(stage, AFTER_RUN, Dose.LIGHT, progress=strong, one_set_less=True, half_the_sets=True)
    assert (light.id, doses(light)) == ("stage1_light", {SQUEEZE: (2, 1), SIDE_LYING: (1, 3)})
    assert (light.seconds, light.minutes) == (140 + 72, 4)
    assert ids(routine(stage, REST_DAY, Dose.LIGHT, squeezes_only=True)) == [SQUEEZE]
    chosen = routine(stage, WARM_UP, Dose.ACTIVATION, progress=strong)
    assert (chosen.id, chosen.minutes) == ("warm_up_activation", 3)
    assert doses(chosen) == {SQUEEZE: (1, 1), FLOOR_LIFT: (1, 8)}


@pytest.mark.parametrize(("minutes", "sets"), [(5, [2, 1]), (3, [2]), (2, [2]), (1, [1])])
def test_light_routine_keeps_within_the_minutes(minutes: int, sets: list[int]) -> None:
    assert [item.sets for item in routine(1, AFTER_RUN, Dose.LIGHT, minutes_available=minutes).items] == sets


def test_all_five_come_at_the_articles_dose_on_request_from_the_slides_on() -> None:
    made = all_five(KNOWN, Athlete(HOME, programme_stage=3))
    assert made is not None
    assert doses(made) == {SIDE_LYING: (3, 3), SQUEEZE: (3, 1), BAND: (3, 12), HINGE: (3, 10), SLIDE_LUNGE: (3, 10)}
    assert made.minutes == 32  # 33 with the pauses between exercises, which the player counts as set-up
    assert all_five(KNOWN, Athlete(HOME, programme_stage=2)) is None
    bare = all_five(KNOWN, Athlete(HOME, programme_stage=4, equipment=NOTHING, left_out=frozenset({SIDE_LYING})))
    assert bare is not None
    assert ids(bare) == [FLOOR_LIFT, SQUEEZE, SIDE_LUNGE]


# --- what comes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "first"),
    [
        ((), BAND),  # nothing done yet: the pool's order
        ((did(BAND, 7), did(SQUEEZE, 4), did(SHORT_LEVER, 7), did(SIDE_LYING, 4)), BAND),
        ((did(BAND, 7), did(SQUEEZE, 4), did(SHORT_LEVER, 8), did(SIDE_LYING, 4)), SHORT_LEVER),
        ((did(BAND, 7), did(SQUEEZE, 8), did(SHORT_LEVER, 7), did(SIDE_LYING, 4)), SQUEEZE),
    ],
)
def test_what_was_done_longest_ago_comes_first(progress: tuple[ExerciseProgress, ...], first: str) -> None:
    assert ids(routine(2, AFTER_RUN, progress=progress, sessions_at_stage=1))[0] == first


def test_first_routine_of_a_stage_shows_what_is_new() -> None:
    old = tuple(did(id_, 30) for id_ in (BAND, SQUEEZE, SHORT_LEVER, SIDE_LYING))
    assert ids(routine(3, AFTER_RUN, progress=old, stage_since=ago(3)))[0] == SLIDE_LUNGE
    # From then on the new ones are as old as the stage.
    assert ids(routine(3, AFTER_RUN, progress=old, stage_since=ago(3), sessions_at_stage=1))[0] == BAND


def test_articles_dose_comes_in_the_other_placement_as_soon_as_it_is_reached() -> None:
    mine = (did(BAND, 7), did(SHORT_LEVER, 8), did(SIDE_LYING, 3, 3, 3, target_done_in=(REST_DAY,)), did(SQUEEZE, 3))
    assert ids(routine(2, AFTER_RUN, progress=mine, sessions_at_stage=1))[0] == SIDE_LYING
    assert ids(routine(2, REST_DAY, progress=mine, sessions_at_stage=1))[0] == SHORT_LEVER
    fewer = (*mine[:2], did(SIDE_LYING, 3, 2, 3), mine[3])
    assert ids(routine(2, AFTER_RUN, progress=fewer, sessions_at_stage=1))[0] == SHORT_LEVER
    # In an easier week it would not be the article's dose.
    assert ids(routine(2, AFTER_RUN, progress=mine, sessions_at_stage=1, half_the_sets=True))[0] == SHORT_LEVER


@pytest.mark.parametrize(
    ("stage", "placement", "fields", "comes", "instead_of"),
    [
        (2, AFTER_RUN, {}, BAND, None),  # never asked: everything is there
        (2, AFTER_RUN, {"equipment": frozenset({"chair"})}, FLOOR_LIFT, BAND),
        (2, AFTER_RUN, {"left_out": frozenset({BAND})}, FLOOR_LIFT, BAND),
        (2, AFTER_RUN, {"progress": (ExerciseProgress(BAND, use_easier=True),)}, FLOOR_LIFT, BAND),
        (3, AFTER_RUN, {"equipment": frozenset({"hard_floor"})}, SLIDE_LUNGE, None),
        (3, AFTER_RUN, {"equipment": frozenset({"carpet"})}, SLIDE_LUNGE, None),
        (3, AFTER_RUN, {"equipment": NOTHING}, SIDE_LUNGE, SLIDE_LUNGE),
        (4, REST_DAY, {"equipment": frozenset({"slider"})}, "split_squat_floor", SPLIT_SQUAT),
    ],
)
def test_nearest_that_can_be_done_stands_in(
    stage: int, placement: Placement, fields: dict[str, Any], comes: str, instead_of: str | None
) -> None:
    items = routine(stage, placement, **fields).items
    assert (comes, instead_of) in [(item.exercise, item.substituted_for) for item in items]


def test_last_rung_stays_small_where_all_is_too_much() -> None:
    hurt = tuple(ExerciseProgress(exercise.id, use_easier=True) for exercise in KNOWN.exercise_list)
    assert doses(routine(1, REST_DAY, progress=hurt)) == {SQUEEZE: (1, 1)}


@pytest.mark.parametrize(
    ("held", "near_a_race", "rung"),
    [
        ([], False, SHORT_LEVER),
        ([9], False, SHORT_LEVER),
        ([10], False, KNEES_TOGETHER),
        ([20, 19], False, KNEES_TOGETHER),
        ([20, 20], False, LONG_LEVER),
        ([20, 20, 14], False, LONG_LEVER),
        ([20, 20, 15], False, LIFT),
        ([20, 20, 15], True, LONG_LEVER),
    ],
)
def test_one_rung_of_the_copenhagen_ladder_comes_the_hardest_open_one(
    held: list[int], near_a_race: bool, rung: str
) -> None:
    ladder = (SHORT_LEVER, KNEES_TOGETHER, LONG_LEVER)
    progress = tuple(ExerciseProgress(id_, hold_s=hold_s) for id_, hold_s in zip(ladder, held, strict=False))
    others = {id_: TODAY for id_ in KNOWN.pool(4, AFTER_RUN).exercises if not id_.startswith("copenhagen")}
    made = routine(4, AFTER_RUN, progress=progress, came_on=others, dynamic_copenhagen=not near_a_race)
    assert ids(made)[0] == rung


def test_no_compounds_where_the_wish_says_so_and_in_the_shortest_routines() -> None:
    compounds = {exercise.id for exercise in KNOWN.exercise_list if exercise.category == "compound"}
    assert compounds & {*ids(routine(4, REST_DAY))}
    assert not compounds & {*ids(routine(4, REST_DAY, compounds=False))}
    assert not compounds & {*ids(routine(4, REST_DAY, minutes_rest_day=5))}


def test_jump_lunges_take_turns_with_the_split_squat_and_begin_with_one_set_of_four() -> None:
    squats = did(SPLIT_SQUAT, 4, 3, 8)
    others = tuple(did(id_, 2) for id_ in KNOWN.pool(4, REST_DAY).exercises if id_ != SPLIT_SQUAT)
    first = routine(4, REST_DAY, progress=(*others, squats), jump_lunges=True)
    assert doses(first)[JUMP] == (1, 4)
    assert SPLIT_SQUAT not in ids(first)
    later = routine(4, REST_DAY, progress=(*others, squats, did(JUMP, 3)), jump_lunges=True)
    assert SPLIT_SQUAT in ids(later)
    assert JUMP not in ids(later)
    assert JUMP not in ids(routine(4, REST_DAY, progress=(*others, squats)))


# --- both pans ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "comes"), [(6, False), (7, True), (None, True)])
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_outer_hip_comes_on_one_rest_day_a_week(stage: int, days: int | None, comes: bool) -> None:
    came_on = {} if days is None else {OTHER_PAN: ago(days)}
    made = routine(stage, REST_DAY, came_on=came_on)
    assert (OTHER_PAN in ids(made)) is comes
    assert OTHER_PAN not in ids(routine(stage, AFTER_RUN, came_on=came_on))
    if comes:
        assert "author" in (made.items[ids(made).index(OTHER_PAN)].advice or "")


@pytest.mark.parametrize(
    ("side", "fields", "extra"),
    [
        (None, {}, None),
        ("left", {}, "left"),
        ("right", {}, "right"),
        ("left", {"half_the_sets": True}, None),
        ("left", {"one_set_less": True}, None),
        ("left", {"minutes_after_run": 5}, None),  # no room
    ],
)
def test_less_steady_side_gets_one_set_more_of_the_first_direct_exercise(
    side: str | None, fields: dict[str, Any], extra: str | None
) -> None:
    made = routine(2, AFTER_RUN, less_steady_side=side, **fields)
    assert (made.items[0].exercise, made.items[0].extra_set_side) == (BAND, extra)
    assert [item.extra_set_side for item in made.items[1:]] == [None] * (len(made.items) - 1)
    if extra is not None:
        assert made.items[0].seconds == 315 + 10 * 5 + 45  # 2 x 10 each side, then ten slow reps after a rest


# --- how much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "fields", "dose"),
    [
        ((), {}, (2, 10)),  # unknown progress is the start column
        ((did(BAND, 9, 3, 11),), {}, (3, 11)),
        ((did(BAND, 9, 3, 11),), {"one_set_less": True}, (2, 11)),
        ((did(BAND, 9, 3, 11),), {"half_the_sets": True}, (2, 11)),
        ((did(BAND, 9, 2, 11),), {"half_the_sets": True}, (1, 11)),
        ((did(BAND, 9, 3, 11),), {"one_set_less": True, "half_the_sets": True}, (2, 11)),
        ((did(BAND, 9, 3, 20),), {}, (3, 15)),  # within the catalogue's range
        ((did(BAND, 9, 1, 3),), {}, (2, 10)),
    ],
)
def test_dose_is_the_runners_own_less_after_a_gap_and_in_a_deload(
    progress: tuple[ExerciseProgress, ...], fields: dict[str, Any], dose: tuple[int, int]
) -> None:
    others = dict.fromkeys((SQUEEZE, SIDE_LYING, SHORT_LEVER), TODAY)
    assert doses(routine(2, AFTER_RUN, progress=progress, came_on=others, **fields))[BAND] == dose


@pytest.mark.parametrize(
    ("chosen", "placement", "minutes"),
    [
        ({}, AFTER_RUN, 10),
        ({}, REST_DAY, 15),
        ({"minutes_after_run": 20, "minutes_rest_day": 5}, AFTER_RUN, 20),
        ({"minutes_after_run": 20, "minutes_rest_day": 5}, REST_DAY, 5),
        ({"minutes_after_run": 20, "minutes_available": 12}, AFTER_RUN, 12),
        ({"minutes_available": 40}, AFTER_RUN, 10),
    ],
)
def test_minutes_are_the_runners_within_the_older_bound(
    chosen: dict[str, int], placement: Placement, minutes: int
) -> None:
    assert minutes_for(Athlete(HOME, **chosen), placement) == minutes  # type: ignore[arg-type]


LUNGES = did(SLIDE_LUNGE, 20, 3, 8)  # 380 s


@pytest.mark.parametrize(
    ("minutes", "lunges", "others", "expected"),
    [
        # 380 s and the squeezes of 210 s are 590 s: within 629 s, which are shown as 10 minutes.
        (10, LUNGES, (did(SQUEEZE, 9, 3),), [SLIDE_LUNGE, SQUEEZE]),
        # A third exercise only in a longer routine.
        (10, did(SLIDE_LUNGE, 20), (did(SQUEEZE, 9, 2), did(SHORT_LEVER, 8)), [SLIDE_LUNGE, SQUEEZE]),
        (15, did(SLIDE_LUNGE, 20), (did(SQUEEZE, 9, 2), did(SHORT_LEVER, 8)), [SLIDE_LUNGE, SQUEEZE, SHORT_LEVER]),
        # 440 s and 210 s are 650 s: too long. What is younger and shorter fits.
        (10, did(SLIDE_LUNGE, 20, 3, 10), (did(SQUEEZE, 9, 3), did(SHORT_LEVER, 8)), [SLIDE_LUNGE, SHORT_LEVER]),
    ],
)
def test_what_fits_whole_is_added_oldest_first(
    minutes: int, lunges: ExerciseProgress, others: tuple[ExerciseProgress, ...], expected: list[str]
) -> None:
    rest = dict.fromkeys(KNOWN.pool(3, AFTER_RUN).exercises, TODAY)
    for one in (lunges, *others):
        rest.pop(one.exercise, None)
    made = routine(3, AFTER_RUN, progress=(lunges, *others), came_on=rest, minutes_after_run=minutes)
    assert ids(made) == expected
    assert made.remark is None


@pytest.mark.parametrize(
    ("reps", "squeezes", "remark"), [(6, 3, None), (8, 3, None), (9, 2, "shortened to fit your 10 minutes")]
)
def test_compound_leaves_room_for_enough_direct_work_or_says_what_is_shortened(
    reps: int, squeezes: int, remark: str | None
) -> None:
    others = KNOWN.exercises.keys() - {DEADLIFT, SQUEEZE}
    mine = (did(DEADLIFT, 20, 3, reps), did(SQUEEZE, 19, 3, target_done_in=(AFTER_RUN,)))
    made = routine(4, AFTER_RUN, progress=mine, left_out=others)
    assert (doses(made), made.remark) == ({DEADLIFT: (3, reps), SQUEEZE: (squeezes, 1)}, remark)


@pytest.mark.parametrize(
    ("more", "expected"), [([], {HINGE: (3, 8), SQUEEZE: (3, 1)}), ([STEP_UP], {HINGE: (2, 8), DEADLIFT: (2, 8)})]
)
def test_with_more_exercises_than_sessions_the_two_oldest_come_together(
    more: list[str], expected: dict[str, tuple[int, int]]
) -> None:
    six = [SLIDE_LUNGE, HINGE, DEADLIFT, BOWLER, SPLIT_SQUAT, SQUEEZE, *more]
    settled = {"target_done_in": (AFTER_RUN,)}
    mine = (did(HINGE, 20, 3, 8, **settled), did(DEADLIFT, 19, 3, 8), did(SQUEEZE, 9, 3, **settled))
    rest = {id_: TODAY for id_ in six if id_ not in (HINGE, DEADLIFT, SQUEEZE)}
    made = routine(4, AFTER_RUN, progress=mine, came_on=rest, left_out=KNOWN.exercises.keys() - {*six})
    assert doses(made) == expected
    assert (made.remark is None) is (not more)


@pytest.mark.parametrize(("minutes", "dose"), [(10, (3, 15)), (8, (3, 11)), (5, (2, 10))])
def test_one_that_is_too_long_has_fewer_reps_before_fewer_sets(minutes: int, dose: tuple[int, int]) -> None:
    made = routine(2, AFTER_RUN, progress=(did(BAND, 20, 3, 15),), minutes_available=minutes)
    assert doses(made) == {BAND: dose}
    assert (made.remark is None) is (minutes == 10)


@pytest.mark.parametrize(
    ("reduced", "own", "sets"),
    [({"half_the_sets": True}, 3, 2), ({"half_the_sets": True}, 2, 2), ({"one_set_less": True}, 3, 2), ({}, 2, 2)],
)
def test_easier_session_keeps_as_many_sets_as_enough_direct_work_takes(
    reduced: dict[str, bool], own: int, sets: int
) -> None:
    alone = KNOWN.exercises.keys() - {SQUEEZE}
    made = routine(1, AFTER_RUN, progress=(did(SQUEEZE, 9, own),), left_out=alone, **reduced)
    assert doses(made) == {SQUEEZE: (sets, 1)}
    both = (did(DEADLIFT, 9), did(SQUEEZE, 9, own))
    beside = routine(4, AFTER_RUN, progress=both, left_out=alone - {DEADLIFT}, **reduced)
    assert doses(beside)[SQUEEZE] == (sets, 1)


def test_without_a_chair_the_top_foot_is_on_the_floor() -> None:
    said = [routine(1, AFTER_RUN, equipment=has).items[1].advice for has in (NOTHING, frozenset({"chair"}), None)]
    assert [advice is not None for advice in said] == [True, False, False]


@pytest.mark.parametrize(
    ("exercise", "sets", "count", "hold_s", "work"),
    [
        *[(SIDE_LUNGE, 2, 8, None, 16 / 16), (SIDE_LUNGE, 1, 15, None, 15 / 16)],
        *[(SHORT_LEVER, 2, 3, 10, 60 / 60), (SHORT_LEVER, 1, 5, 11, 55 / 60), (SHORT_LEVER, 1, 3, 20, 60 / 60)],
        (SQUEEZE, 2, 1, None, 60 / 60),  # in each position
        *[(DEADLIFT, 3, 10, None, 0), (OTHER_PAN, 3, 10, None, 0)],
    ],
)
def test_sixteen_reps_or_sixty_seconds_are_enough_direct_work(
    exercise: str, sets: int, count: int, hold_s: int | None, work: float
) -> None:
    assert direct_work(KNOWN, [item_of(KNOWN.exercises[exercise], sets, count, hold_s)]) == work


def test_what_made_the_next_dose_smaller_is_said_with_it() -> None:
    eased = did(BAND, 9, 2, 10, changed="easier where it hurt")
    others = dict.fromkeys((SQUEEZE, SIDE_LYING, SHORT_LEVER), TODAY)
    assert routine(2, AFTER_RUN, progress=(eased,), came_on=others).remark == "easier where it hurt"
    halved = routine(2, AFTER_RUN, progress=(eased,), came_on=others, half_the_sets=True)
    assert halved.remark == "half the sets, every sixth week is an easier one; easier where it hurt"
    assert routine(2, AFTER_RUN, one_set_less=True).remark == "one set less after the gap"


# --- the runner's own -----------------------------------------------------------------------------------------------

CALVES = OwnExercise("own_calf_raise", "Calf raise", sets=2, reps=12, per_side=True)


@pytest.mark.parametrize(
    ("own", "fields", "last", "remark"),
    [
        (CALVES, {}, "own_calf_raise", "your own exercise in place of Squeeze, three positions"),
        (CALVES, {"minutes_after_run": 5}, BAND, "your own exercise has no room in 5 minutes"),
        (CALVES, {"left_out": frozenset({"own_calf_raise"})}, SQUEEZE, None),
        (replace(CALVES, placements=frozenset({REST_DAY})), {}, SQUEEZE, None),
    ],
)
def test_own_exercise_comes_where_it_belongs_and_what_yields_is_said_without_its_name(
    own: OwnExercise, fields: dict[str, Any], last: str, remark: str | None
) -> None:
    made = routine(2, AFTER_RUN, own_exercises=(own,), **fields)
    assert (ids(made)[-1], made.remark) == (last, remark)
    assert [item.name for item in made.items if item.exercise == own.id] == ["Calf raise"] * (last == own.id)
    assert made.minutes <= minutes_for(Athlete(HOME, **{k: v for k, v in fields.items() if "minutes" in k}), AFTER_RUN)


def test_own_exercises_take_turns_and_take_as_long_as_the_player_counts() -> None:
    holds = OwnExercise("own_bridge", "Bridge", sets=3, holds=2, hold_s=20)
    made = routine(2, AFTER_RUN, own_exercises=(CALVES, holds), progress=(did("own_calf_raise", 3),))
    item = made.items[-1]
    assert (item.exercise, item.holds, item.hold_s, item.seconds) == ("own_bridge", 2, 20, 10 + 3 * 45 + 2 * 45)
    assert routine(2, AFTER_RUN, own_exercises=(CALVES,)).items[-1].seconds == 10 + 2 * (2 * 12 * 4 + 5) + 45


@pytest.mark.parametrize(
    ("equipment", "thing", "opens"),
    [
        (None, None, 0),
        (frozenset(HOUSEHOLD), None, 0),
        (NOTHING, "hard_floor", 2),
        (frozenset({"hard_floor"}), "chair", 1),
        (frozenset({"hard_floor", "chair", "step"}), "long_band", 1),
    ],
)
def test_one_thing_opens_the_most_of_the_article(
    equipment: frozenset[str] | None, thing: str | None, opens: int
) -> None:
    found = one_thing(KNOWN, Athlete(HOME, equipment=equipment), HOUSEHOLD)
    assert (None if found is None else found.thing, 0 if found is None else len(found.exercises)) == (thing, opens)


# --- other exercises in place ---------------------------------------------------------------------------------------

ROUTINES = [
    routine(stage, placement, dose, came_on=came_on)
    for stage in (1, 2, 3, 4)
    for placement in (AFTER_RUN, REST_DAY)
    for dose in (Dose.FULL, Dose.LIGHT, Dose.ACTIVATION)
    for came_on in ({}, dict.fromkeys(KNOWN.pool(stage, placement).exercises[:4], TODAY))
]


@pytest.mark.parametrize("given", ROUTINES, ids=lambda given: f"{given.id}-{given.dose}")
def test_no_swap_leads_above_the_dose_and_the_routine_stays_whole(given: Routine) -> None:
    assert swaps.swap(KNOWN, given, 0, given.items[0].exercise) is given
    for index, item in enumerate(given.items):
        for found in swaps.alternatives(KNOWN, given, index):
            exercise = KNOWN.exercises[found.item.exercise]
            assert exercise.stage <= max(given.stage, KNOWN.exercises[item.exercise].stage)
            assert not exercise.plyometric
            assert found.item.sets <= item.sets
            assert found.item.exercise not in {other.exercise for other in given.items}
            assert found.way is not swaps.Way.WITHOUT_EQUIPMENT or exercise.can_be_done_with(frozenset())
            assert found.way is not swaps.Way.HARDER or given.dose is Dose.FULL
            made = swaps.swap(KNOWN, given, index, found.item.exercise)
            assert len(made.items) == len(given.items)
            assert made.items[index].substituted_for is not None
            assert made.seconds == sum(i.seconds for i in made.items)
            assert abs(made.seconds - 60 * made.minutes) <= 30
            assert (made.remark, made.placement) == (given.remark, given.placement)


def test_what_needs_a_band_has_something_without() -> None:
    given = routine(2, AFTER_RUN)
    place = ids(given).index(BAND)
    ways = [found.way for found in swaps.alternatives(KNOWN, given, place)]
    assert swaps.Way.WITHOUT_EQUIPMENT in ways
    own = replace(given.items[place], exercise="own_bridge", name="Bridge")
    assert swaps.alternatives(KNOWN, replace(given, items=(own,)), 0) == ()
