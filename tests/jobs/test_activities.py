"""What is remembered of a runner's log, and no longer than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adductor.athletes import activities
from adductor.installation import Installation
from adductor.jobs import retention
from adductor.platforms.base import LoggedActivity
from adductor.store import models
from tests.support.athletes import new_athlete
from tests.support.memory_log import activity
from tests.support.runners import place

DAY = timedelta(days=1)


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Iterator[Installation]:
    with place(tmp_path, ADDUCTOR_DATABASE_URL=database_url) as made:
        now = made.now
        with made.installation.store.write() as session:
            session.add(new_athlete(external_id=7, connected_at=now))
        yield made.installation


def _run(installation: Installation, number: int = 1, **values: object) -> LoggedActivity:
    start = installation.clock.now() - timedelta(hours=1)
    return activity(7, number, **{"start": start, "timezone": "Europe/Berlin", **values})  # type: ignore[arg-type]


def _keep(installation: Installation, *runs: LoggedActivity) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        athlete = session.scalars(select(models.Athlete)).one()
        for run in runs:
            activities.keep(session, athlete, run, uploaded_at=now, now=now)


def _rows(installation: Installation) -> list[models.LoggedActivity]:
    with installation.store.read() as session:
        return list(session.scalars(select(models.LoggedActivity).order_by(models.LoggedActivity.platform_id)))


def _athlete(installation: Installation) -> models.Athlete:
    with installation.store.read() as session:
        return session.scalars(select(models.Athlete)).one()


def test_an_activity_is_kept_for_seven_days_and_without_its_words(installation: Installation) -> None:
    _keep(installation, _run(installation))

    (row,) = _rows(installation)
    assert 0 < (row.expires_at - row.fetched_at) / DAY < 7
    assert {"title", "private_note", "description"}.isdisjoint(models.LoggedActivity.__table__.columns.keys())


def test_reading_it_again_renews_the_same_row(installation: Installation) -> None:
    _keep(installation, _run(installation), _run(installation, sport="walk"))

    assert [row.sport for row in _rows(installation)] == ["walk"]


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
def test_time_zone_comes_from_the_latest_activity(installation: Installation, then: dict[str, Any], zone: str) -> None:
    _keep(installation, _run(installation, 1))
    assert _athlete(installation).timezone == "Europe/Berlin"

    start = installation.clock.now() + then.get("start", -timedelta(minutes=45))
    _keep(installation, _run(installation, 2, **{**then, "start": start}))

    assert _athlete(installation).timezone == zone


def test_what_has_been_kept_long_enough_goes_and_only_once_an_hour_does_anybody_look(
    installation: Installation,
) -> None:
    _keep(installation, _run(installation, 1), _run(installation, 2))
    with installation.store.write() as session:
        first = session.scalars(select(models.LoggedActivity).where(models.LoggedActivity.platform_id == 1)).one()
        first.expires_at = installation.clock.now()

    retention.expire(installation)
    retention.expire(installation)

    assert [row.platform_id for row in _rows(installation)] == [2]
    with installation.store.read() as session:
        assert len(session.scalars(select(models.ClockRun)).all()) == 1


def test_our_own_traces_of_work_go_too(installation: Installation) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        session.add(models.ClockRun(task="expire", period=now - 8 * DAY, at=now - 8 * DAY))
        for age, state in ((31, "done"), (31, "waiting"), (1, "done")):
            session.add(
                models.Letter(
                    athlete_id=1, kind="refer", key=f"{age} {state}", to="a@example.org", created_at=now - age * DAY,
                    state=state, due_at=now, trace_id="x",
                )
            )  # fmt: skip

    retention.expire(installation)

    with installation.store.read() as session:
        assert session.scalars(select(models.Letter.key).order_by(models.Letter.key)).all() == ["1 done", "31 waiting"]
        assert [row.at for row in session.scalars(select(models.ClockRun))] != [now - 8 * DAY]


def test_a_deleted_activity_is_marked_and_goes_within_two_days(installation: Installation) -> None:
    _keep(installation, _run(installation))
    now = installation.clock.now()
    with installation.store.write() as session:
        activities.mark_deleted(session, session.scalars(select(models.Athlete)).one(), 1, now)

    (row,) = _rows(installation)
    assert row.deleted_at == now
    assert row.expires_at - now <= 2 * DAY


def test_gaps_are_noted_and_filled_by_one_list(installation: Installation) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        athlete = session.scalars(select(models.Athlete)).one()
        assert activities.has_gaps(athlete, now)

        listed = activities.Listed([_run(installation, 1), _run(installation, 2)], now - activities.HISTORY, now)
        activities.keep_history(session, athlete, listed, now)
        assert not activities.has_gaps(athlete, now)

        activities.note_gap(athlete, now)
        assert activities.has_gaps(athlete, now)

    assert len(_rows(installation)) == 2


def test_the_history_is_read_again_before_its_rows_expire(installation: Installation) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        athlete = session.scalars(select(models.Athlete)).one()
        activities.keep_history(session, athlete, activities.Listed([], now - activities.HISTORY, now), now)

        assert not activities.has_gaps(athlete, now + 6 * DAY)
        assert activities.has_gaps(athlete, now + 7 * DAY)


def test_activity_recorded_after_a_slow_list_was_asked_for_is_not_called_old(installation: Installation) -> None:
    asked = installation.clock.now()
    kept = asked + timedelta(minutes=5)
    with installation.store.write() as session:
        athlete = session.scalars(select(models.Athlete)).one()
        activities.note_gap(athlete, asked + timedelta(minutes=2))

        activities.keep_history(session, athlete, activities.Listed([], asked - activities.HISTORY, asked), kept)

        assert not activities.is_older_than_history(athlete, session, 7, asked + timedelta(minutes=1))
        assert activities.is_older_than_history(athlete, session, 7, asked - timedelta(minutes=2))
        assert activities.has_gaps(athlete, kept)
