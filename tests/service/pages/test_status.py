"""What comes next, in words, whenever one looks; and weeks in a row."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from adductor import coaching
from service.pages import status
from service.pages.status import Week
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

MONDAY = date(2026, 11, 16)


def _weeks(*sessions: int) -> list[Week]:
    """The last one is this week."""
    first = MONDAY - timedelta(weeks=len(sessions) - 1)
    return [Week(first + timedelta(weeks=index), count) for index, count in enumerate(sessions)]


def _next(here: Place, runner: int) -> status.Next:
    with here.installation.store.read() as session:
        situation = status.situation_now(session, here.athlete(runner), here.now)
    catalogue = here.installation.catalogue
    expected = coaching.forecast(situation, catalogue, status.DAYS_AHEAD)
    return status.what_is_next(catalogue, situation, expected)


@pytest.mark.parametrize(
    ("sessions", "target", "in_a_row"),
    [
        ((0, 0, 0), 2, 0),
        ((2, 2, 2), 2, 3),
        ((2, 2, 1), 2, 2),  # this week still runs: it breaks nothing
        ((2, 1, 2), 2, 1),
        ((2, 1, 0), 2, 0),
        ((1, 3, 1), 1, 3),
    ],
)
def test_a_week_that_still_runs_counts_when_it_has_and_breaks_nothing(
    sessions: tuple[int, ...], target: int, in_a_row: int
) -> None:
    assert status.on_target_in_a_row(_weeks(*sessions), target) == in_a_row


@pytest.mark.parametrize("hour", [0, 4, 9, 17, 20, 23])
def test_without_a_plan_the_next_run_is_named_at_any_hour(
    visitor: Visitor, here: Place, runner: int, hour: int
) -> None:
    here.change(runner, placements=["post_run"])
    here.later(hours=hour - here.now.hour)
    if hour < 9:
        here.later(days=1)

    assert _next(here, runner).headline == "After your next run"


def test_after_a_session_a_run_counts_again_only_after_the_rest(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, placements=["post_run"])
    suggestion = visitor.suggested(runner)
    visitor.post(f"/suggestions/{suggestion.public_id}/answer", said="done")

    page = visitor.get("/home").text

    assert "After a run, from Friday on" in page


def test_a_rest_day_that_reaches_nobody_is_not_announced(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, placements=["rest_day"], channels={"rest_day": "mail"}, email_confirmed_at=None)
    assert _next(here, runner).headline == "Nothing in the next two weeks"

    here.change(runner, channels={"rest_day": "pages"})

    assert _next(here, runner).headline.endswith(", on a rest day")


def test_a_usual_run_is_what_comes_next(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, placements=["post_run"], usual_runs=[{"weekday": 3, "at": "18:00", "kind": "easy"}])

    assert _next(here, runner).headline == "Tomorrow, after a run"
