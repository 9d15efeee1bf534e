"""The catalogue that ships, and what is said about one that is wrong."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml

from adductor.catalogue import catalogue
from adductor.catalogue.models import Catalogue, Exercise, Pool, RoutinePlan
from adductor.coaching import constants as k
from adductor.documents import DocumentError, validate
from tests.documents.changing import changed

DOCUMENT = yaml.load(
    files("adductor.catalogue").joinpath("catalogue.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
# The article's items with its own words; the first really is printed with "Abduction".
ARTICLE = {
    "Side Lying Abduction (Top Leg Elevated)": "3 sets x 3, 5-second holds",
    "Supine Isometric Adductor Squeeze (Supine + Legs Extended, Supine Feet Flat, Supine Hip Flexion)": (
        "3 sets x 10s hold of each"
    ),
    "Standing Resisted Adduction": "3 sets x 10-15 ea.",
    "1/2 Kneeling + Loaded Adduction Slideboard Hinge": "3 sets x 8-12 ea.",
    "Standing Lateral Slideboard Lunge": "3 sets x 8-12 ea.",
    "Single Leg Deadlift": "(If you can maintain good balance, add using a dumbbell or kettlebell)",
    "Bowler Squat": None,
    "Cross-Over Step Up": None,
    "Elevated Split Squat": None,
    "Jump Lunges": None,
}


def test_every_item_of_the_article_is_there_in_its_own_words() -> None:
    known = catalogue().exercises.values()
    assert {e.article_name: e.article_prescription for e in known if e.in_article} == ARTICLE


# --- the rules between keys -----------------------------------------------------------------------------------------


def test_ids_and_numbers_exist_once_and_every_exercise_has_a_way_to_appear() -> None:
    """In a routine or a pool; as the easier or the nearest of one that is there; or by a rule of its own."""
    known = catalogue()
    assert [stage.number for stage in known.stages] == [1, 2, 3, 4]
    assert len(known.exercise_list) == len(known.exercises)
    assert len(known.routine_list) == len(known.routines)
    assert len(known.citation_list) == len(known.citations)
    met = {id_ for pool in known.pools for id_ in pool.exercises} | {"jump_lunges", "side_lying_abduction_other_pan"}
    met |= {line.exercise for routine in known.routine_list for line in routine.lines}
    there = [known.exercises[id_] for id_ in met]
    near = {id_ for e in there for id_ in (*e.easier, e.replaced_without_equipment_by)}
    assert known.exercises.keys() - met - near == set()
    placements = {(stage.number, placement) for stage in known.stages for placement in ("post_run", "rest_day")}
    assert placements == {(pool.stage, placement) for pool in known.pools for placement in pool.use_for}


@pytest.mark.parametrize("exercise", catalogue().exercise_list, ids=lambda exercise: exercise.id)
def test_exercise_refers_to_what_exists_and_its_durations_follow_from_its_dose(exercise: Exercise) -> None:
    known, dose = catalogue(), exercise.dose
    other = exercise.replaced_without_equipment_by
    steps, hold_s = dose.hold_steps_s, dose.hold_s
    assert exercise.stage <= len(known.stages)
    assert not steps or (hold_s is not None and (steps[0], steps[-1]) == (hold_s.min, hold_s.max))
    assert list(steps) == sorted(steps)
    assert exercise.after is None or exercise.after.hold_s in known.exercises[exercise.after.exercise].dose.steps_s
    assert {*exercise.easier, *exercise.harder} <= known.exercises.keys()
    assert other is None or other in known.exercises or "none" in exercise.equipment.needs.any_of
    assert set(exercise.sources) <= known.citations.keys()
    assert exercise.article_name is not None or not exercise.in_article
    assert (exercise.tempo is None) == (dose.reps is None)
    assert len(exercise.positions) == (dose.positions if dose.positions > 1 else 0)
    assert exercise.estimated_seconds == {
        "start": exercise.seconds(dose.sets.start, dose.first_count, dose.hold_s.default if dose.hold_s else None),
        "typical_target": exercise.seconds(dose.sets.target, dose.count.default),
        "max": exercise.seconds(dose.sets.max, dose.count.max),
    }


@pytest.mark.parametrize("routine", catalogue().routine_list, ids=lambda routine: routine.id)
def test_routine_keeps_to_its_stage_and_the_doses_and_its_duration_follows(routine: RoutinePlan) -> None:
    known = catalogue()
    assert routine.stage <= len(known.stages)
    for line in routine.lines:
        exercise = known.exercises[line.exercise]
        assert exercise.stage <= routine.stage
        assert line.sets <= exercise.dose.sets.max
        assert exercise.dose.count.clamp(line.count) == line.count
    seconds = [known.exercises[line.exercise].seconds(line.sets, line.count) for line in routine.lines]
    assert routine.seconds == sum(seconds)


@pytest.mark.parametrize("pool", catalogue().pools, ids=lambda pool: pool.id)
def test_pool_holds_exercises_of_its_stage_whole_ladders_and_enough_direct_work(pool: Pool) -> None:
    known = [catalogue().exercises[id_] for id_ in pool.exercises]
    assert len(set(pool.exercises)) == len(known)
    assert all(exercise.stage <= pool.stage and not exercise.plyometric for exercise in known)
    assert {e.after.exercise for e in known if e.after is not None} <= {*pool.exercises}
    assert sum(exercise.is_direct for exercise in known) >= 2
    assert {catalogue().pool(pool.stage, placement) for placement in pool.use_for} == {pool}


def test_room_beside_an_exercise_is_that_of_the_squeezes_at_the_articles_dose() -> None:
    assert catalogue().exercises["supine_adductor_squeeze"].estimated_seconds["typical_target"] == k.SQUEEZE_S


# --- one that is damaged --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("exercises/3/dose/sets/max", 2, "exercises[3].dose.sets: the max of 2 is below the target of 3"),
        ("exercises/2/dose/reps/default", 9, "exercises[2].dose.reps: the default of 9 is below the min of 10"),
        ("pools/1/exercises", [], "pools[1].exercises: needs 1 or more items"),
        ("meta/version", float("nan"), "meta.version: must be text, not the number nan"),
        ("exercises/0/colour", "red", "exercises[0].colour: unknown key; known here: id, name"),
        ("exercises/2/dose/type", "holds", "exercises[2].dose: of type holds needs between_holds_s"),
        ("meta/title", KeyError, "meta.title: must be given"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place(path: str, value: Any, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        validate(Catalogue, changed(DOCUMENT, path, value))
    assert any(found.startswith(problem) for found in caught.value.problems), caught.value.problems
