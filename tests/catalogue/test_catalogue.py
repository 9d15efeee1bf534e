"""The catalogue that ships, and what is said about one that is wrong."""

from __future__ import annotations

import copy
from importlib.resources import files
from typing import Any

import pytest
import yaml

from adductor.catalogue import catalogue, load, parse
from adductor.documents import DocumentError

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
    "Single Leg Deadlift": 'none given; "(If you can maintain good balance, add using a dumbbell or kettlebell)"',
    "Bowler Squat": "none given",
    "Cross-Over Step Up": "none given",
    "Elevated Split Squat": "none given",
    "Jump Lunges": "none given",
}


def test_every_item_of_the_article_is_there_in_its_own_words() -> None:
    known = catalogue().exercises.values()
    assert {e.article_name: e.article_prescription for e in known if e.in_article} == ARTICLE


def test_exercises_routines_and_citations_are_complete() -> None:
    known = catalogue()
    assert (len(known.exercises), len(known.citations)) == (18, 34)
    base = [routine for routine in known.routines.values() if routine.variation_of is None]
    assert (len(base), len(known.routines)) == (10, 16)
    assert known.meta.article_timing[1] == "At the end of running to strengthen them after the task is done"
    assert "using a towel or sock while standing on tile/hardwood" in known.meta.article_substitution
    lunge = known.exercises["standing_lateral_slide_lunge"]
    assert {"towel_on_hard_floor", "sock_on_hard_floor"} <= lunge.equipment.needs.any_of
    assert {r.id for r in known.routines.values() if len(r.lines) > 3} == {"all_isolation"}  # that one on request


def test_the_printed_abduction_carries_its_note_and_our_readings() -> None:
    first = catalogue().exercises["side_lying_adduction_top_leg_elevated"].interpretation
    assert first is not None
    assert "The source article prints 'Abduction'" in first.show_user
    assert [reading["likelihood"] for reading in first.readings] == [0.5, 0.4, 0.1]


def test_durations_follow_from_the_doses() -> None:
    known = catalogue().exercises
    assert known["standing_resisted_adduction"].seconds(3, 12) == 40 + 3 * (2 * 60 + 15) + 2 * 45
    assert known["supine_adductor_squeeze"].seconds(3, 1) == 30 + 3 * 40 + 2 * 30
    assert known["supine_adductor_squeeze"].seconds(1, 1, hold_s=5) == 30 + 3 * 5 + 2 * 5
    assert catalogue().routines["all_isolation"].minutes == 34


def test_it_is_read_once_and_can_not_be_changed() -> None:
    known = catalogue()
    assert catalogue() is known
    with pytest.raises(TypeError):
        known.exercises["x"] = known.exercises["jump_lunges"]  # type: ignore[index]
    with pytest.raises(KeyError):
        known.stage(5)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The catalogue's document with one value replaced, or removed for `KeyError`."""
    document: dict[str, Any] = copy.deepcopy(DOCUMENT)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    target: Any = document
    for part in way:
        target = target[part]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("exercises/3/dose/sets/max", 2, "exercises[3].dose.sets: the max of 2 is below the target of 3"),
        ("exercises/3/dose/sets/target", 1, "exercises[3].dose.sets: the target of 1 is below the start of 2"),
        ("exercises/2/dose/reps/default", 9, "exercises[2].dose.reps: the default of 9 is below the min of 10"),
        ("exercises/2/dose/reps/max", "15", "exercises[2].dose.reps.max: must be a whole number, not the text '15'"),
        ("exercises/2/dose/setup_s", 10**400, "exercises[2].dose.setup_s: 1000"),
        ("routines/1/estimated_minutes", float("nan"), "routines[1].estimated_minutes: nan is not a finite number"),
        ("exercises/2/dose/setup_s", 41, "exercises[2].estimated_seconds.start: 315 does not follow from the dose (316)"),
        ("exercises/2/dose/type", "steps", "exercises[2].dose.type: must be one of reps, holds, not the text 'steps'"),
        ("exercises/2/tempo_s", None, "exercises[2].tempo_s: must be given for reps, and only for reps"),
        ("exercises/0/name", "", "exercises[0].name: must be text, not empty text"),
        ("exercises/0/colour", "red", "exercises[0].colour: unknown key; known here: id, name"),
        ("exercises/0/cues", [], "exercises[0].cues: needs at least 1 item"),
        ("exercises/0/cues/1", 7, "exercises[0].cues[1]: must be text, not the number 7"),
        ("exercises/0/category", "magic", "exercises[0].category: must be one of isometric"),
        ("exercises/0/article_name", None, "exercises[0].article_name: must be the article's wording"),
        ("exercises/0/stage", 9, "exercises[0].stage: there is no stage 9"),
        ("exercises/0/easier/0", "nap", "exercises[0].easier: there is no exercise 'nap'"),
        ("exercises/0/sources/0", "Nobody1900", "exercises[0].sources: there is no citation 'Nobody1900'"),
        ("exercises/2/dose/type", "holds", "exercises[2].dose: of type holds needs between_holds_s"),
        ("exercises/1/dose/reps", {"min": 1, "default": 1, "max": 1}, "exercises[1].dose: of type holds needs"),
        ("exercises/1/positions", KeyError, "exercises[1].positions: 0 are described but the dose says 3"),
        ("exercises/1/id", "jump_lunges", "exercises[9].id: 'jump_lunges' is there twice"),
        ("exercises/2/equipment/substitutes/3", "no band: nothing", "exercises[2].equipment.substitutes: there is no"),
        ("routines/1/items/0/exercise", "nap", "routines[1].items[0].exercise: there is no exercise 'nap'"),
        ("routines/1/items/0/sets", 4, "routines[1].items[0].sets: 4 is above 3"),
        ("routines/1/items/1/reps_or_holds", 9, "routines[1].items[1].reps_or_holds: 9 is not within 3-5"),
        ("routines/1/items/1/sets", 2, "routines[1].estimated_seconds: 252 does not follow from the items (334)"),
        ("routines/1/estimated_minutes", 4.5, "routines[1].estimated_minutes: 4.5 is not 252 seconds (4.2)"),
        ("routines/1/use_for/0", "bedtime", "routines[1].use_for[0]: must be one of warm_up"),
        ("routines/3/stage", 1, "routines[3].items[1].exercise: standing_resisted_adduction is of stage 2"),
        ("routines/10/variation_of", "nothing", "routines[10].variation_of: there is no routine 'nothing' to vary"),
        ("stages/0/stage", 2, "stages: must be numbered 1, 2, 3"),
        ("citations/0/id", "Haroy2019", "citations[1].id: 'Haroy2019' is there twice"),
        ("citations/0/ref", None, "citations[0].ref: must be text, not nothing"),
        ("meta/title", KeyError, "meta.title: must be given"),
        ("duration_formula", [], "duration_formula: must be a mapping, not a list"),
        ("exercises", KeyError, "exercises: must be given"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place(path: str, value: Any, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(changed(path, value))
    assert any(found.startswith(problem) for found in caught.value.problems), caught.value.problems


def test_all_wrong_exercises_are_named_at_once() -> None:
    document = copy.deepcopy(DOCUMENT)
    for index in (0, 4, 8):
        document["exercises"][index]["per_side"] = "maybe"

    with pytest.raises(DocumentError) as caught:
        parse(document)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("meta: [", "line 2, column 1: not readable as YAML"),
        ("a: 1\n---\nb: 2", "(document): holds 2 documents, and a catalogue is one"),
        ("", "(document): must be a mapping, not nothing"),
        ("[]", "(document): must be a mapping"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(text)
    assert caught.value.problems[0].startswith(problem)
