"""Lately and Review by day, the next race, progress as charts and as CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from adductor.coaching.replies import Said
from adductor.store.models import DecisionRecord, PlannedRunRecord
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def _no(here: Place, runner: int, days_ago: int, reason: str) -> None:
    usual = {"trigger": "clock_tick", "decision": "none", "dose": "none", "rule": "weekly_cap", "considered": []}
    with here.installation.store.write() as session:
        at = here.now - timedelta(days=days_ago)
        session.add(DecisionRecord(athlete_id=runner, at=at, reason=reason, trace_id="t", **usual))


def _days(page: str) -> list[str]:
    """The days that are listed, each as its text."""
    listed = page[page.index('<ol class="log') :].split("</ol>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in re.split(r"<li\b", listed)[1:]]


def test_equal_days_fold_and_a_run_or_another_reason_keeps_them_apart(
    visitor: Visitor, here: Place, runner: int
) -> None:
    for days_ago, reason in ((6, "Enough."), (5, "Enough."), (4, "Enough."), (3, "Enough."), (1, "Too soon.")):
        _no(here, runner, days_ago, reason)

    home, review = _days(visitor.get("/home").text), _days(visitor.get("/suggestions").text)

    assert "Too soon." in home[0]
    assert "Sunday 15 November Run, 40 min No routine. Enough." in home[1]
    assert "Thursday 12 to Saturday 14 November" in home[2]
    assert [day.count("Enough.") for day in review] == [0, 1]  # without the runs all four are equal


def test_routines_only_leaves_the_rest_out(visitor: Visitor, here: Place, runner: int) -> None:
    _no(here, runner, 2, "Enough.")
    visitor.suggested(runner)

    for path in ("/home", "/suggestions"):
        assert "Enough." in visitor.get(path).text
        page = visitor.get(f"{path}?only=routines").text
        assert len(_days(page)) == 1
        assert "Routine after the run" in page
        assert "Enough." not in page


@pytest.mark.parametrize(
    ("days", "race", "said"),
    [
        (24, {"priority": "A", "distance_km": 21.1, "name": "City run"}, "Quiet days begin on Wednesday 9 December"),
        (24, {"priority": "A", "distance_km": 21.1, "name": "City run"}, "City run: Saturday 12 December, in 3 weeks."),
        (1, {"priority": "B", "distance_km": 10}, "Race: Thursday 19 November, tomorrow."),
        (1, {"priority": "B", "distance_km": 10}, "quiet days began on Tuesday 17 November"),
        (10, {"priority": "C", "distance_km": 5}, "routines go on around it"),
        (-1, {"priority": "A", "distance_km": 42}, "routines come back after"),
        (-40, {"priority": "A", "distance_km": 42}, None),
    ],
)
def test_next_race_and_its_quiet_days_stand_on_home(
    visitor: Visitor, here: Place, runner: int, days: int, race: dict[str, Any], said: str | None
) -> None:
    with here.installation.store.write() as session:
        session.add(PlannedRunRecord(athlete_id=runner, start=here.now + timedelta(days=days), kind="race", **race))

    page = " ".join(re.sub(r"<[^>]+>", "", visitor.get("/home").text).split())

    assert (said in page) if said else ("quiet days" not in page.lower())


def test_progress_shows_each_exercise_in_curves_words_and_csv(visitor: Visitor, here: Place, runner: int) -> None:
    assert "Nothing yet" in visitor.get("/progress").text
    for _ in range(2):
        here.run_done(runner)
        here.answer(runner, Said.DONE, pain_0_10=1)
        here.later(days=4)
    routines = [suggestion.routine["items"] for suggestion in here.suggestions(runner)]

    loaded = {"exercise": routines[0][0]["exercise"], "load": "green band"}
    here.change(runner, progress=[loaded])

    page = visitor.get("/progress").text
    rows = list(csv.DictReader(io.StringIO(visitor.get("/progress.csv").text)))

    assert page.count('role="img"') == 2 + len({item["exercise"] for items in routines for item in items})
    assert page.count("Latest load: green band.") == 1
    assert f"<td>{routines[0][0]['sets']} x " in page
    assert "Highest 1 of 10; latest 1 of 10, on 22 November." in page
    assert [(row["day"], row["pain_0_10"]) for row in rows][:: len(routines[0])] == [
        ("2026-11-18", "1"),
        ("2026-11-22", "1"),
    ]
    assert [(row["exercise"], row["sets"]) for row in rows] == [
        (item["exercise"], str(item["sets"])) for items in routines for item in items
    ]
