"""`adductor decide` and `adductor catalogue`, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from service.cli.catalogue import catalogue
from service.cli.decide import decide
from tests.coaching.cases import ATHLETE, all_cases, more_cases

PLAIN = more_cases()[0].document


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(decide, list(args), input=stdin)


def written(folder: Path, text: str) -> str:
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_decide_json_has_exactly_the_promised_keys(tmp_path: Path) -> None:
    result = run(written(tmp_path, yaml.safe_dump(PLAIN)), "--json")

    assert result.exit_code == 0
    answer: dict[str, Any] = json.loads(result.stdout)
    assert list(answer) == ["decision", "dose", "rule", "reason", "considered", "routine"]
    assert (answer["decision"], answer["dose"], answer["rule"]) == ("post_run", "full", "post_run")
    assert answer["considered"][0] == {"rule": "red_flag", "stopped": False, "because": "no warning signs reported"}
    assert answer["considered"][-1]["stopped"] is True
    squeeze = {
        "exercise": "supine_adductor_squeeze",
        "sets": 2,
        "holds": 1,
        "hold_s": 10,
        "per_side": False,
        "positions": 3,
    }
    adduction = {"exercise": "standing_resisted_adduction", "sets": 2, "reps": 10, "per_side": True}
    assert answer["routine"] == {"id": "stage2_post_run", "minutes": 8, "items": [adduction, squeeze]}


def test_decide_json_without_a_dose_or_with_a_substitute(tmp_path: Path) -> None:
    ill = PLAIN | {"athlete": ATHLETE | {"illness": True}}
    answer = json.loads(run(written(tmp_path, json.dumps(ill)), "--json").stdout)
    assert (answer["decision"], answer["dose"], answer["routine"]) == ("none", "none", None)

    bare = PLAIN | {"athlete": ATHLETE | {"equipment": []}}
    items = json.loads(run("-", "--json", stdin=json.dumps(bare)).stdout)["routine"]["items"]
    assert items[0]["substituted_for"] == "standing_resisted_adduction"

    own = {"id": "own_bridge", "name": "Bridge", "sets": 2, "reps": 10}
    mine = PLAIN | {"athlete": ATHLETE | {"less_steady_side": "left", "own_exercises": [own]}}
    items = json.loads(run("-", "--json", stdin=json.dumps(mine)).stdout)["routine"]["items"]
    assert (items[0]["extra_set_side"], items[-1]["name"]) == ("left", "Bridge")


def test_words_name_decision_reason_routine_and_every_rule() -> None:
    shown = run("-", stdin=yaml.safe_dump(PLAIN)).stdout
    assert shown.startswith("post_run, full (rule post_run)\nWhy: easy run done, 5 days since the last one, 1 of 2")
    assert "  1. Standing band adduction: 2 x 10 each side\n" in shown
    assert "  2. Squeeze, three positions: 2 x 10 s each\n" in shown
    assert "weekly_cap" in shown
    assert "went on: 1 of 2 in the last 7 days" in shown
    assert shown.endswith("decided: easy run done, 1 of 2 in the last 7 days\n")


def test_several_documents_give_one_line_of_json_each_in_their_order() -> None:
    cases = all_cases()
    text = yaml.safe_dump_all([case.document for case in cases])
    lines = run("-", "--json", stdin=text).stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    assert [(a["decision"], a["dose"], a["rule"]) for a in answers] == [case.expected for case in cases]


def test_a_wrong_scenario_is_one_line_a_problem_and_exit_1(tmp_path: Path) -> None:
    wrong = PLAIN | {"now": "2026-11-17T07:55:00", "mood": "fine"}
    result = run(written(tmp_path, yaml.safe_dump(wrong)), "--json")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["mood", "now"]
    assert all(line.startswith("adductor decide: ") for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    ("written", "code", "problem"),
    [
        (b"", 1, "adductor decide: {file} holds no scenario\n"),
        (b"a: [", 1, "adductor decide: line 2, column 1: not readable as YAML"),
        (b"- 1", 1, "adductor decide: (document): must be a mapping, not a list\n"),
        (
            "\n".join(json.dumps(one) for one in (PLAIN, PLAIN | {"now": "soon"})).encode(),
            1,
            "adductor decide: scenario 2: now: must be a time",
        ),
        (b"\xff\xfe\x00", 1, "adductor decide: {file} can't be read"),
        (None, 2, "Usage: "),
    ],
)
def test_decide_what_is_no_scenario_is_said(tmp_path: Path, written: bytes | None, code: int, problem: str) -> None:
    file = tmp_path / "x.yaml"
    if written is not None:
        file.write_bytes(written)

    result = run(str(file))

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(problem.format(file=file))


def test_catalogue_in_words_shows_doses_the_articles_own_and_routines() -> None:
    shown = CliRunner().invoke(catalogue, []).stdout
    assert 'article: "Side Lying Abduction (Top Leg Elevated)", 3 sets x 3, 5-second holds' in shown
    assert "stage1_light: level 1, post run, rest day, 4 min" in shown


def test_catalogue_as_json_is_complete() -> None:
    whole = json.loads(CliRunner().invoke(catalogue, ["--json"]).stdout)
    assert len(whole["exercises"]) == 20
    assert whole["exercises"][0]["dose"]["sets"] == {"start": 1, "target": 3, "max": 3}
    assert whole["routines"][2]["lines"][2] == {"exercise": "standing_resisted_adduction", "sets": 3, "count": 12}
    assert whole["pools"][0]["id"] == "stage1_standard"
    assert {citation["id"] for citation in whole["citations"]} >= {"article", "Haroy2019"}


def test_deciding_loads_no_database_no_queue_and_no_platform() -> None:
    heavy = "{'sqlalchemy', 'celery', 'stravalib', 'flask'}"
    code = f"import sys, service.cli.decide; print(sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
