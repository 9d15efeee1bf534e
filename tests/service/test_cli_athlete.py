"""`adductor athlete export` and `forget`, as an operator uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import athlete as command
from service.cli.athlete import athlete
from tests.support.runners import Place, place


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place(tmp_path, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="secret") as made:
        monkeypatch.setattr(command, "opened", lambda _: nullcontext(made.installation))
        yield made


def test_the_export_is_json_about_this_athlete(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.run_done(here.runner())

    answer = CliRunner().invoke(athlete, ["export", str(runner)])

    whole = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert whole["athlete"]["id"] == runner
    assert {row["athlete_id"] for row in whole["suggestions"]} == {runner}


def test_forgetting_leaves_the_others_alone(here: Place) -> None:
    runner, other = here.runner(), here.runner()
    here.run_done(runner)
    here.run_done(other)

    answer = CliRunner().invoke(athlete, ["forget", str(runner), "--yes"])

    assert answer.exit_code == 0, answer.output
    assert f"Athlete {runner} is deleted." in answer.output
    assert here.suggestions(runner) == []
    assert len(here.suggestions(other)) == 1


def test_a_no_to_the_question_deletes_nothing(here: Place) -> None:
    runner = here.runner()

    answer = CliRunner().invoke(athlete, ["forget", str(runner)], input="n\n")

    assert answer.exit_code == 1
    assert here.athlete(runner).connection.state == "connected"


@pytest.mark.parametrize("arguments", [["export", "4711"], ["forget", "4711", "--yes"]])
def test_an_unknown_athlete_is_an_error_in_one_line(here: Place, arguments: list[str]) -> None:
    answer = CliRunner().invoke(athlete, arguments)

    assert answer.exit_code == 1
    assert "there is no athlete 4711" in answer.output
    assert "Traceback" not in answer.output
