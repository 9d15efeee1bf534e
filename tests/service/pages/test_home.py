"""Home: its states, the pause, the end of a hold, the check-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adductor.store.models import SessionRecord
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def _session(here: Place, runner: int, days_ago: int, **values: Any) -> None:
    with here.installation.store.write() as session:
        session.add(
            SessionRecord(
                athlete_id=runner,
                completed_at=here.now - timedelta(days=days_ago),
                **{"kind": "strength_full", "completed_pct": 100, "source": "page", **values},
            )
        )


def test_a_routine_of_today_comes_first(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)

    page = visitor.get("/home").text

    assert f'href="/routine/{suggestion.public_id}"' in page
    assert "Open the routine" in page


def test_a_hold_comes_before_everything(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)
    here.change(runner, hold_since=here.now, hold_reason="high_pain", paused_until=here.now.date() + timedelta(days=3))

    page = visitor.get("/home").text

    assert "Routines are stopped" in page
    assert "Open the routine" not in page


def test_what_comes_next_is_the_coachs_own_forecast(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    visitor.post(f"/suggestions/{suggestion.public_id}/answer", said="done")

    assert "Friday, on a rest day" in visitor.get("/home").text


def test_weeks_in_a_row_are_counted_by_weeks_and_not_by_days(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)
    for days_ago in (5, 8, 13, 15, 20, 27):  # two in each of the last two weeks, one in each of the two before
        _session(here, runner, days_ago)

    assert "2 weeks on target in a row" in visitor.get("/home").text


def test_warm_ups_and_broken_off_sessions_are_no_sessions_of_the_week(
    visitor: Visitor, here: Place, runner: int
) -> None:
    for days_ago in (5, 8):
        _session(here, runner, days_ago, kind="warm_up")
        _session(here, runner, days_ago, completed_pct=30)

    page = visitor.get("/home").text
    assert "Weeks on target</h2>" in page
    assert "in a row" not in page


def test_the_chart_has_an_alternative_in_words(visitor: Visitor, here: Place, runner: int) -> None:
    _session(here, runner, 1)

    assert "0 of 12 weeks with 2 sessions or more; this week 1 so far." in visitor.get("/home").text


@pytest.mark.parametrize(("weeks", "days"), [("1", 7), ("2", 14), ("4", 28)])
def test_pause_lasts_as_its_button_says_or_until_it_is_ended(
    visitor: Visitor, here: Place, runner: int, weeks: str, days: int
) -> None:
    visitor.post("/pause", weeks=weeks)

    assert here.athlete(runner).paused_until == here.now.date() + timedelta(days=days)
    assert "Paused" in visitor.get("/home").text

    visitor.post("/pause", end="1")

    assert here.athlete(runner).paused_until is None


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01", "2026-11-18", "2029-01-01"])
def test_a_pause_without_a_sensible_end_is_refused(visitor: Visitor, here: Place, runner: int, until: str) -> None:
    page = visitor.http.post("/pause", data={"csrf_token": visitor.token(), "until": until}, follow_redirects=True).text

    assert "Pause until: choose a day" in page
    assert here.athlete(runner).paused_until is None


def test_a_hold_ends_only_with_the_tick(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, hold_since=here.now, hold_reason="high_pain")

    visitor.post("/hold/clear")
    assert here.athlete(runner).hold_since is not None
    visitor.post("/hold/clear", sorted="yes")

    assert here.athlete(runner).hold_since is None


def test_strong_pain_in_a_check_in_holds_the_routines(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)

    answer = visitor.post("/check-in", pain="8")

    assert answer.headers["Location"] == "/home"
    assert here.athlete(runner).hold_since is not None
    assert here.suggestion(runner).status == "withdrawn"
