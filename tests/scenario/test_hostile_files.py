"""Files that nobody means well with: the named error at once, whatever stands in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adductor import catalogue
from adductor.catalogue.models import CatalogueError
from adductor.scenario import ScenarioError, documents, parse
from adductor.scenario.shapes import MOST_PROBLEMS
from adductor.scenario.yaml_documents import MAX_REPEATED

MINIMAL: dict[str, Any] = {
    "athlete": {"timezone": "UTC"},
    "event": {"type": "clock_tick"},
    "now": "2026-11-17T07:55:00+00:00",
}


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        _read(text)
    return caught.value.problems


def _read(text: str) -> None:
    for document in documents(text):
        parse(document)


def run(moving_min: str) -> str:
    activity = f'{{"id": 1, "sport": "run", "start": "2026-11-17T07:00:00Z", "moving_min": {moving_min}}}'
    return json.dumps(MINIMAL)[:-1] + f', "activities": [{activity}]}}'


@pytest.mark.parametrize("text", ['{"a":' * 50_000, '{"a":' + "[" * 50_000])
def test_json_that_nests_without_end_is_refused(text: str) -> None:
    assert problems_of(text) == ("(document): nested too deep to be a scenario",)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 20_000, "? " * 20_000])
def test_yaml_that_nests_without_end_is_refused(text: str) -> None:
    assert "nested more than 20 deep" in problems_of(text)[0]


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert problems_of(run("9" * 5_000)) == ("(document): holds a number with thousands of digits",)


@pytest.mark.parametrize(
    ("number", "shown"), [("9" * 400, "9" * 37 + "..."), ("1e999", "inf"), ("-1e999", "-inf"), ("1e308", "1e+308")]
)
def test_a_number_too_large_for_anything_is_out_of_range(number: str, shown: str) -> None:
    assert problems_of(run(number)) == (f"activities[0].moving_min: {shown} is not within 0 to 10080",)


def test_half_a_surrogate_pair_is_refused_wherever_it_stands() -> None:
    assert problems_of("athlete: \ud800") == ("(document): not readable: half a surrogate pair is no character",)
    assert problems_of('{"athlete": {"timezone": "\\ud800"}, "event": {"type": "\\ud800"}, "now": "\\ud800"}')


def test_aliases_that_stand_for_millions_are_refused_before_they_cost_anything() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]

    assert f"aliases stand for more than {MAX_REPEATED} values" in problems_of("\n".join(lines))[0]


def test_aliases_that_spare_writing_are_welcome() -> None:
    (document,) = documents("plan: [&run {start: x, kind: easy}, *run, *run]\nmore: [*run]")

    assert document == {"plan": [{"start": "x", "kind": "easy"}] * 3, "more": [{"start": "x", "kind": "easy"}]}


def test_of_many_problems_the_first_are_named() -> None:
    items = ", ".join(["&a {at: 1, mood: 2}", *["*a"] * 5_000])
    problems = problems_of(f"check_ins: [{items}]")

    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == f"(document): and more; these are the first {MOST_PROBLEMS}"
    assert problems[0].startswith("check_ins[0].at: ")


@pytest.mark.parametrize(("key", "shown"), [("", "''"), (" ", "' '"), (": 1", "': 1'"), ("shoe", "shoe")])
def test_a_key_that_could_be_overlooked_is_quoted(key: str, shown: str) -> None:
    assert problems_of(json.dumps({**MINIMAL, key: 1}))[0].startswith(f"{shown}: unknown key")


@pytest.mark.parametrize("key", ["a\nb", "a\x1b[2Jb", "\u202eb", "k" * 500])
def test_a_problem_is_one_line_whatever_the_key(key: str) -> None:
    for text in (json.dumps({**MINIMAL, key: 1}), f"{json.dumps(key)}: 1\n{json.dumps(key)}: 2"):
        problems = problems_of(text)
        assert all(problem.isprintable() and len(problem) < 400 for problem in problems), problems


def test_a_key_that_is_there_twice_is_found_in_a_large_object() -> None:
    keys = ", ".join(f'"k{number}": 1' for number in range(40_000))

    assert problems_of(f'{{{keys}, "k39999": 1}}') == ("k39999: is there twice",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, "nested more than 20 deep"),
        ("{a: " * 50_000, "nested more than 20 deep"),
        ("a: \ud800", "half a surrogate pair"),
        ("a: 1\n---\nb: 2", "holds 2 documents"),
        ("a: !!timestamp x", "tags like"),
        ("meta: 2026-13-45 25:61:61", "lacks"),
        ("&a [*a]", "no anchor 'a'"),
        ("a: 1\na: 2", "a: is there twice"),
    ],
)
def test_a_catalogue_that_is_none_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(CatalogueError, match=problem):
        catalogue.load(text)
