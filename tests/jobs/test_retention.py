"""No row of Strava's is held for longer than seven days, and a job shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from adductor.athletes import activities, connections
from adductor.jobs import inbox, retention, rounds
from adductor.platforms.base import WebhookEvent
from adductor.store.models import Heartbeat, InboxEvent, LoggedActivity
from tests.support.runners import Place, place

DAY = timedelta(days=1)


@pytest.fixture
def here(tmp_path: Path, database_url: str) -> Iterator[Place]:
    with place(tmp_path, ADDUCTOR_DATABASE_URL=database_url) as made:
        yield made


def _comes(here: Place, number: int, **values: Any) -> None:
    event = WebhookEvent(
        **{
            "platform": "strava",
            "subscription_id": 1,
            "object_type": "activity",
            "object_id": number,
            "aspect_type": "update",
            "event_time": here.now,
            "owner_id": 4711,
            "updates": {"title": "Along the river with Kim"},
            **values,
        }
    )
    with here.installation.store.write() as session:
        connection = session.connection()
        inbox.put(connection, [event], here.now)


def _oldest(here: Place) -> retention.Ages:
    with here.installation.store.read() as session:
        return retention.oldest(session, here.now)


def _titles(here: Place) -> list[Any]:
    with here.installation.store.read() as session:
        return [row.updates for row in session.scalars(select(InboxEvent).order_by(InboxEvent.id))]


def _activities(here: Place) -> list[LoggedActivity]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(LoggedActivity)))


def test_with_the_hourly_job_nothing_ever_gets_older_than_seven_days(here: Place) -> None:
    oldest = timedelta(0)
    number = 0
    for hour in range(24 * 10):
        if hour % 12 == 0:
            number += 1
            runner = here.runner()
            with here.installation.store.write() as session:
                # As the flow keeps them (activities.keep): the time runs from the reading.
                session.execute(
                    update(LoggedActivity)
                    .where(LoggedActivity.athlete_id == runner)
                    .values(fetched_at=here.now, expires_at=here.now + activities.KEEP)
                )
            _comes(here, number)
            rounds.work(here.installation)
        retention.expire(here.installation)
        oldest = max(oldest, retention.check(here.installation).oldest)
        here.later(hours=1)

    assert timedelta(days=6, hours=20) < oldest < 7 * DAY
    with here.installation.store.read() as session:
        stored = session.get_one(Heartbeat, retention.PART)
        assert str(stored.note) == "activities 155.0 h, events 155.0 h"


def test_a_row_that_is_too_old_fails_loudly(here: Place) -> None:
    here.runner()
    with here.installation.store.write() as session:
        # Whatever went wrong with its expiry: the age goes by when it was read.
        session.execute(update(LoggedActivity).values(fetched_at=here.now - 8 * DAY, expires_at=here.now + DAY))

    with pytest.raises(retention.TooOldError, match="held for 7 days"):
        retention.check(here.installation)
    assert _oldest(here).activities == 8 * DAY


def test_an_event_that_still_waits_loses_its_title_and_not_itself(here: Place) -> None:
    _comes(here, 1)
    here.later(days=7)

    assert retention.expire(here.installation)

    assert _titles(here) == [{}]
    assert _oldest(here).oldest == timedelta(0)


def test_a_departure_that_still_waits_keeps_its_word(here: Place) -> None:
    _comes(here, 4711, object_type="athlete", updates={"authorized": "false"})
    here.later(days=7)

    retention.expire(here.installation)

    assert _titles(here) == [{"authorized": "false"}]


def test_a_deleted_activity_goes_within_a_day_and_its_titles_at_once(here: Place) -> None:
    runner = here.runner()
    owner = here.owner(runner)
    (row,) = _activities(here)
    _comes(here, row.platform_id, owner_id=owner)
    rounds.work(here.installation)

    _comes(here, row.platform_id, owner_id=owner, aspect_type="delete", updates={})
    rounds.work(here.installation)
    titles = _titles(here)
    here.later(hours=25)
    retention.expire(here.installation)

    assert titles == [{}, {}]
    assert _activities(here) == []


def test_deleting_an_old_activity_does_not_keep_it_longer(here: Place) -> None:
    runner = here.runner()
    (row,) = _activities(here)
    goes_at = here.now + timedelta(hours=3)
    with here.installation.store.write() as session:
        session.execute(update(LoggedActivity).values(expires_at=goes_at))

    owner = here.owner(runner)
    _comes(here, row.platform_id, owner_id=owner, aspect_type="delete", updates={})
    rounds.work(here.installation)

    assert [row.expires_at for row in _activities(here)] == [goes_at]


def test_whoever_leaves_leaves_no_title_no_activity_and_no_name(here: Place) -> None:
    runner = here.runner(name="Robin")
    _comes(here, 1, owner_id=here.owner(runner))
    _comes(here, 2, owner_id=1)

    connections.disconnect_now(here.installation, runner, because="revoked")

    assert _titles(here) == [{}, {"title": "Along the river with Kim"}]
    assert _activities(here) == []
    assert here.athlete(runner).name == ""
