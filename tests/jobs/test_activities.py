"""What is remembered of a runner's log, and no longer than allowed; on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adductor.athletes import activities
from adductor.athletes.activities import HISTORY, Listed
from adductor.platforms.base import LoggedActivity
from adductor.store import models
from tests.support.memory_log import activity
from tests.support.memory_log import here as here
from tests.support.runners import Place

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def runner(here: Place) -> int:
    """A runner whose history was never read."""
    athlete_id = here.runner(history_read_at=None)
    with here.installation.store.write() as session:
        session.delete(session.scalars(select(models.LoggedActivity)).one())
    return athlete_id


def _run(here: Place, number: int = 1, **values: Any) -> LoggedActivity:
    return activity(500, number, **{"start": here.now - timedelta(hours=1), "timezone": "Europe/Berlin", **values})


def _keep(here: Place, runner: int, *runs: LoggedActivity) -> None:
    with here.installation.store.write() as session:
        for run in runs:
            activities.keep(here.coach(session, runner), run, uploaded_at=here.now)


def _rows(here: Place) -> list[models.LoggedActivity]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(models.LoggedActivity).order_by(models.LoggedActivity.platform_id)))


def test_activity_read_twice_is_one_row_without_words_for_less_than_seven_days(here: Place, runner: int) -> None:
    _keep(here, runner, _run(here), _run(here, sport="walk"))

    (row,) = _rows(here)
    assert row.sport == "walk"
    assert 0 < (row.expires_at - row.fetched_at) / DAY < 7
    assert {"title", "private_note", "description"}.isdisjoint(models.LoggedActivity.__table__.columns.keys())


@pytest.mark.parametrize(
    ("then", "zone"),
    [
        ({"timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
        ({"timezone": "Asia/Tokyo", "start": -timedelta(days=900)}, "Europe/Berlin"),
        ({"timezone": "Asia/Tokyo", "start": -timedelta(hours=2)}, "Europe/Berlin"),
        ({"timezone": "Asia/Tokyo", "start": timedelta(hours=9)}, "Europe/Berlin"),
        ({"timezone": "Nowhere/Special"}, "Europe/Berlin"),
        ({"timezone": "America"}, "Europe/Berlin"),
        ({"timezone": None, "sport": "virtual_run"}, "Europe/Berlin"),
    ],
    ids=["later", "imported", "earlier and edited", "in the future", "unknown", "a folder", "virtual"],
)
def test_time_zone_comes_from_the_latest_activity(here: Place, runner: int, then: dict[str, Any], zone: str) -> None:
    _keep(here, runner, _run(here, 1))
    assert here.athlete(runner).timezone == "Europe/Berlin"

    start = here.now + then.get("start", -timedelta(minutes=45))
    _keep(here, runner, _run(here, 2, **{**then, "start": start}))

    assert here.athlete(runner).timezone == zone


def test_gap_is_filled_by_one_list_and_opens_before_its_rows_expire(here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        coach, now = here.coach(session, runner), here.now
        assert activities.has_gaps(coach.athlete, now)

        activities.keep_history(coach, Listed([_run(here, 1), _run(here, 2)], now - HISTORY, now))
        assert not activities.has_gaps(coach.athlete, now + 6 * DAY)
        assert activities.has_gaps(coach.athlete, now + 7 * DAY)

        activities.note_gap(coach.athlete, now)
        assert activities.has_gaps(coach.athlete, now)

    assert len(_rows(here)) == 2


def test_activity_recorded_after_a_slow_list_was_asked_for_is_not_called_old(here: Place, runner: int) -> None:
    asked, kept = here.now, here.later(minutes=5)
    with here.installation.store.write() as session:
        coach = here.coach(session, runner)
        activities.note_gap(coach.athlete, asked + 2 * MINUTE)

        activities.keep_history(coach, Listed([], asked - HISTORY, asked))

        assert not activities.is_older_than_history(coach, 7, asked + MINUTE)
        assert activities.is_older_than_history(coach, 7, asked - 2 * MINUTE)
        assert activities.has_gaps(coach.athlete, kept)
