"""What is remembered of a runner's log, for less than seven days, and a job that shows it; on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from structlog.testing import capture_logs

from adductor.athletes import activities, connections, personal_data
from adductor.athletes.activities import Listed
from adductor.jobs import leaving, retention, rounds
from adductor.platforms.base import WebhookEvent, id_of, own_id
from adductor.store.models import ClockRun, DecisionRecord, Letter, LoggedActivity, NoCount
from tests.support.memory_log import activity
from tests.support.memory_log import here as here
from tests.support.runners import Place

DAY = timedelta(days=1)
TITLE = {"title": "Along the river with Kim"}


def _comes(here: Place, number: int | str, *, kind: str = "activity", aspect: str = "update", **values: Any) -> None:
    owner, updates = values.get("owner", "4711"), values.get("updates", TITLE)
    here.put(WebhookEvent("strava", 1, kind, id_of("strava", number), aspect, here.now, owner, updates))


def _change_activities(here: Place, number: int, **values: Any) -> None:
    with here.installation.store.write() as session:
        session.execute(update(LoggedActivity).filter_by(id=number).values(**values))


def _oldest(here: Place) -> dict[str, timedelta | None]:
    with here.installation.store.read() as session:
        return {table: at and here.now - at for table, at in retention.oldest(session).items()}


def test_hourly_job_lets_nothing_get_older_than_seven_days(here: Place) -> None:
    oldest, first = timedelta(0), here.now
    for hour in (*range(0, 24 * 6, 12), *range(24 * 6, 24 * 8)):
        here.clock.at = first + timedelta(hours=hour)
        if hour % 12 == 0:
            here.runner()
            newest = here.all(LoggedActivity)[-1].id
            # As the flow keeps them (activities.keep): the time runs from the reading.
            _change_activities(here, newest, fetched_at=here.now, expires_at=here.now + activities.KEEP)
            _comes(here, hour)
            rounds.work(here.installation)
        assert (retention.expire(here.installation), retention.expire(here.installation)) == (True, False)
        oldest = max(oldest, retention.check(here.installation))

    assert timedelta(days=6, hours=20) < oldest < 7 * DAY
    assert min(run.at for run in here.all(ClockRun)) > here.now - 7 * DAY


def test_row_too_old_whatever_its_expiry_fails_the_check(here: Place) -> None:
    here.runner()
    _change_activities(here, 1, fetched_at=here.now - 8 * DAY, expires_at=here.now + DAY)

    with capture_logs() as logged:
        assert retention.check(here.installation) == 8 * DAY
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("retention exceeded", "error")]


@pytest.mark.parametrize(
    ("kind", "updates", "left"),
    [("activity", TITLE, {}), ("athlete", {"authorized": "false"}, {"authorized": "false"})],
    ids=["a title goes", "a departure keeps its word"],
)
def test_event_that_waits_for_a_week_stays(here: Place, kind: str, updates: Any, left: Any) -> None:
    _comes(here, 1, kind=kind, updates=updates)
    here.later(days=7)

    assert retention.expire(here.installation)

    assert [row.updates for row in here.rows()] == [left]
    assert left or _oldest(here)["inbox_events"] is None


def test_letters_that_ended_a_month_ago_go(here: Place) -> None:
    runner = here.runner()
    with here.installation.store.write() as session:
        for days, state in ((31, "done"), (31, "waiting"), (1, "done")):
            at = here.now - days * DAY
            own = {"athlete_id": runner, "kind": "refer", "to": "a@example.org", "trace_id": "x"}
            session.add(Letter(**own, key=f"{days} {state}", created_at=at, state=state, due_at=at))

    retention.expire(here.installation)

    assert sorted(letter.key for letter in here.letters(runner)) == ["1 done", "31 waiting"]


def _noes(here: Place, runner: int, rule: str, *days: int, decision: str = "none") -> None:
    own = {"trigger": "clock_tick", "dose": "none", "reason": "-", "considered": [], "trace_id": "x"}
    with here.installation.store.write() as session:
        for day in days:
            at = here.now - day * DAY
            session.add(DecisionRecord(athlete_id=runner, at=at, decision=decision, rule=rule, **own))


def test_old_no_becomes_a_count_of_its_local_day_and_a_yes_stays(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)  # a day's rows fall into two batches, and a second hour adds to them
    one, two = here.runner(), here.runner(timezone="Pacific/Auckland")  # where the evening is the next day
    here.clock.at = here.now.replace(hour=18)
    _noes(here, one, "spacing", 70, 70, 70, 61, 59)
    _noes(here, one, "weekly_cap", 70)
    _noes(here, two, "spacing", 70)
    _noes(here, one, "post_run", 70, decision="post_run")

    retention.expire(here.installation)
    _noes(here, one, "spacing", 70)
    here.later(hours=1)
    retention.expire(here.installation)

    counted = {(row.athlete_id, f"{row.day:%m-%d}", row.rule): row.count for row in here.all(NoCount)}
    assert counted == {
        (one, "09-09", "spacing"): 4,
        (one, "09-09", "weekly_cap"): 1,
        (one, "09-18", "spacing"): 1,
        (two, "09-10", "spacing"): 1,
    }
    assert [(row.decision, (here.now - row.at).days) for row in here.decisions(one)] == [("none", 59), ("post_run", 70)]
    with here.installation.store.read() as session:
        counts = personal_data.export(session, here.athlete(one))["no_counts"]
    assert {"athlete_id": one, "day": "2026-09-18", "rule": "spacing", "count": 1} in counts
    assert leaving.forget(here.installation, one)
    assert {row.athlete_id for row in here.all(NoCount)} == {two}


@pytest.mark.parametrize("goes_in_h", [3, 24 * 6], ids=["soon", "later"])
def test_deleted_activity_goes_within_a_day_and_its_titles_at_once(here: Place, goes_in_h: int) -> None:
    """Never later than it would have gone anyway."""
    owner = here.owner(here.runner())
    (row,) = here.all(LoggedActivity)
    _change_activities(here, row.id, expires_at=here.now + timedelta(hours=goes_in_h))
    _comes(here, own_id(row.platform_id), owner=owner)
    rounds.work(here.installation)

    _comes(here, own_id(row.platform_id), owner=owner, aspect="delete", updates={})
    rounds.work(here.installation)

    assert [row.updates for row in here.rows()] == [{}, {}]
    (row,) = here.all(LoggedActivity)
    assert (row.deleted_at, row.expires_at) == (here.now, here.now + timedelta(hours=min(goes_in_h, 24)))
    here.later(hours=25)
    retention.expire(here.installation)
    assert here.all(LoggedActivity) == []


def test_athlete_who_leaves_leaves_no_title_no_activity_and_no_name(here: Place) -> None:
    runner = here.runner(name="Robin")
    _comes(here, 1, owner=here.owner(runner))
    _comes(here, 2, owner="1")

    connections.disconnect_now(here.installation, here.athlete(runner).connection)

    assert [row.updates for row in here.rows()] == [{}, TITLE]
    assert here.all(LoggedActivity) == []
    assert here.athlete(runner).name == ""


# -- what is kept ------------------------------------------------------------------------------------------------------


MINUTE = timedelta(minutes=1)


@pytest.fixture
def runner(here: Place) -> int:
    """A runner whose history was never read."""
    athlete_id = here.runner(history_read_at=None)
    with here.installation.store.write() as session:
        session.execute(delete(LoggedActivity))
    return athlete_id


def _run(here: Place, number: int = 1, **values: Any) -> Any:
    values = {"start": here.now - timedelta(hours=1), "timezone": "Europe/Berlin", **values}
    return activity("500", id_of("strava", number), **values)


def _keep(here: Place, runner: int, *runs: Any) -> None:
    with here.asked(runner) as coach:
        for run in runs:
            activities.keep(coach, run, uploaded_at=here.now)


def test_activity_read_twice_is_one_row_without_words_for_less_than_seven_days(here: Place, runner: int) -> None:
    _keep(here, runner, _run(here), _run(here, sport="walk"))

    (row,) = here.all(LoggedActivity)
    assert row.sport == "walk"
    assert 0 < (row.expires_at - row.fetched_at) / DAY < 7
    assert {"title", "private_note", "description"}.isdisjoint(LoggedActivity.__table__.columns.keys())


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
        ({"timezone": "Asia/Tokyo", "manual": True}, "Europe/Berlin"),
    ],
    ids=["later", "imported", "earlier and edited", "in the future", "unknown", "a folder", "virtual", "typed in"],
)
def test_time_zone_comes_from_the_latest_activity(here: Place, runner: int, then: dict[str, Any], zone: str) -> None:
    _keep(here, runner, _run(here, 1))
    assert here.athlete(runner).timezone == "Europe/Berlin"

    start = here.now + then.get("start", -timedelta(minutes=45))
    _keep(here, runner, _run(here, 2, **{**then, "start": start}))

    assert here.athlete(runner).timezone == zone


def test_gap_is_filled_by_one_list_and_opens_before_its_rows_expire(here: Place, runner: int) -> None:
    now = here.now
    with here.asked(runner) as coach:
        assert activities.has_gaps(coach.athlete, now)

        activities.keep_history(coach, Listed([_run(here, 1), _run(here, 2)], now))
        assert not activities.has_gaps(coach.athlete, now + 6 * DAY)
        assert activities.has_gaps(coach.athlete, now + 7 * DAY)

        activities.note_gap(coach.athlete, now)
        assert activities.has_gaps(coach.athlete, now)

    assert len(here.all(LoggedActivity)) == 2


def test_activity_recorded_after_a_slow_list_was_asked_for_is_not_called_old(here: Place, runner: int) -> None:
    asked, kept = here.now, here.later(minutes=5)
    with here.asked(runner) as coach:
        activities.note_gap(coach.athlete, asked + 2 * MINUTE)

        activities.keep_history(coach, Listed([], asked))

        assert not activities.is_older_than_history(coach, "strava:7", asked + MINUTE)
        assert activities.is_older_than_history(coach, "strava:7", asked - 2 * MINUTE)
        assert activities.has_gaps(coach.athlete, kept)
