"""Text to plain values: what is read, what is refused and how, also in hostile files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from adductor.documents import DocumentError, documents
from adductor.documents.problems import MOST_PROBLEMS
from adductor.documents.reader import MAX_REPEATED
from adductor.scenario import parse
from tests.documents.changing import MINIMAL

LAUGHS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
)


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as caught:
        list(map(parse, documents(text)))
    return caught.value.problems


ONE_YAML, ONE_JSON = yaml.safe_dump(MINIMAL), json.dumps(MINIMAL)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("# nothing\n", []),
        ("{a: 1, b: -2.5, c: 1e3, d: true, e: ~}", [{"a": 1, "b": -2.5, "c": 1000.0, "d": True, "e": None}]),
        ("{f: '1', g: yes, h: 0x10, i: 007}", [{"f": "1", "g": "yes", "h": "0x10", "i": "007"}]),
        # Neither number nor time.
        ("{a: 17:30, b: 2026-11-20T17:30:00}", [{"a": "17:30", "b": "2026-11-20T17:30:00"}]),
        ("a: &x [1, 2]\nb: *x\n", [{"a": [1, 2], "b": [1, 2]}]),
        ("plan: [&run {kind: easy}, *run, *run]", [{"plan": [{"kind": "easy"}] * 3}]),
        ("a: |\n  x\n  ---\n  y\nb: --- z\n", [{"a": "x\n---\ny\n", "b": "--- z"}]),
        ('\ufeff{"a": 1}', [{"a": 1}]),
        (ONE_YAML + "---\n", [MINIMAL]),
        ("...\n---\n".join([ONE_YAML] * 5), [MINIMAL] * 5),
        (ONE_JSON * 5, [MINIMAL] * 5),
        (json.dumps(MINIMAL, indent=2), [MINIMAL]),
        (yaml.safe_dump(MINIMAL, default_flow_style=True), [MINIMAL]),
    ],
)
def test_documents_are_read_as_they_look(text: str, values: list[Any]) -> None:
    assert list(documents(text)) == values


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1,\nb: 2", "line 3, column 1: not readable as YAML"),
        ("a: 1\na: 2", "line 2, column 1: not readable as YAML: a: is there twice"),
        ('{"a": 1, "a": 2}', "a: is there twice"),
        (json.dumps(dict.fromkeys(map(str, range(40_000)), 1))[:-1] + ', "39999": 1}', "39999: is there twice"),
        ('{"a": NaN}', "(document): NaN is not a number"),
        ("a: !!python/object:os.system {}", "line 1, column 4: not readable as YAML: tags like"),
        ("a: *gone", "line 1, column 4: not readable as YAML: no anchor 'gone'"),
        ("&a [*a]", "line 1, column 5: not readable as YAML: no anchor 'a'"),
        ("[a]: 1", "line 1, column 1: not readable as YAML: a key must be a word"),
        ("a: \x00", "(document): not readable"),
        ("athlete: \ud800", "(document): not readable: half a surrogate pair is no character"),
        ('{"\\ud800": 1}', "(document): half a surrogate pair is no character"),
        (LAUGHS, f"line 6, column 8: not readable as YAML: aliases stand for more than {MAX_REPEATED} values"),
        (f'{{"a": {"9" * 5_000}}}', "(document): holds a number with thousands of digits"),
    ],
)
def test_unreadable_text_is_refused_with_its_place(text: str, problem: str) -> None:
    (found,) = problems_of(text)
    assert found.startswith(problem)


DEEP_JSON = ('{"a":' * 50_000, '{"a":' + "[" * 50_000)
DEEP_YAML = ("[" * 100_000, "{a: " * 50_000, "- " * 20_000, "? " * 20_000, "[" * 30 + "]" * 30)


@pytest.mark.parametrize("text", [*DEEP_JSON, *DEEP_YAML])
def test_endless_nesting_is_refused(text: str) -> None:
    # JSON's reader, ours of YAML (which is asked after the deeper JSON reader of Python 3.14), or libyaml's.
    too_deep = r"nested too deep|nested more than 20 deep|exceeded maximum nesting depth"
    with pytest.raises(DocumentError, match=too_deep):
        list(documents(text))


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("9" * 400, f"{'9' * 37}... is too large"),
        ("1e999", "inf is not a finite number"),
        ("1e308", "1e+308 is above 10080"),
    ],
)
def test_numbers_too_large_for_anything_are_refused(number: str, problem: str) -> None:
    run = f'{{"id": 1, "sport": "run", "start": "2026-11-17T07:00:00Z", "moving_min": {number}}}'
    for text in (f'{ONE_JSON[:-1]}, "activities": [{run}]}}', f"{ONE_YAML}activities: [{run}]"):
        assert problems_of(text) == (f"activities[0].moving_min: {problem}",)


def test_of_many_problems_the_first_are_named() -> None:
    items = ", ".join(["&a {at: 1, mood: 2}", *["*a"] * 5_000])
    problems = problems_of(f"check_ins: [{items}]")
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == f"(document): and more; these are the first {MOST_PROBLEMS}"
    assert "check_ins[0].at: must be a time like 2026-11-17T07:50:00+00:00, not the number 1" in problems


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        *[("", "''"), (" ", "' '"), (": 1", "': 1'"), ("shoe", "shoe"), ("a\nb", r"'a\nb'"), ("\u202eb", r"'\u202eb'")],
        *[("a\x1b[2Jb", r"'a\x1b[2Jb'"), ("k" * 500, f"'{'k' * 37}...'")],
    ],
)
def test_key_that_could_be_overlooked_is_quoted_in_one_short_line(key: str, shown: str) -> None:
    written = json.dumps(key)
    unknown = problems_of(json.dumps({**MINIMAL, key: 1}))
    wrong = problems_of(json.dumps({**MINIMAL, "now": key}))
    twice = problems_of(f"{{{written}: 1, {written}: 2}}")
    assert unknown[0].startswith(f"{shown}: unknown key")
    assert twice == (f"{shown}: is there twice",)
    for problem in (*unknown, *wrong):
        assert problem.isprintable()
        assert len(problem) < 400
