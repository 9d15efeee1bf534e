"""One note a day: the latest run carries it, and the earlier one carries it again when the later one goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adductor.jobs import rounds
from adductor.platforms.base import LoggedActivity
from tests.support.memory_log import RUN, Log, away, comes_home, event, noted, nth, runs, sweep_for, take
from tests.support.runners import Place

LATER, LAST = nth(1), nth(2)


def _another(
    here: Place, log: Log, athlete_id: int, number: int, *, after: timedelta = timedelta(minutes=40), **values: int
) -> None:
    here.clock.at += after
    runs(here, log, athlete_id, number, **values)
    take(here, event(here, athlete_id, about=number))


def _delete(here: Place, log: Log, athlete_id: int, number: int) -> LoggedActivity:
    here.later(minutes=1)
    gone = log.activities.pop(number)
    take(here, event(here, athlete_id, "delete", about=number))
    rounds.sweep(here.installation)
    return gone


def _assert_stands_in(here: Place, log: Log, athlete_id: int, *expected: int) -> None:
    assert log.with_note() == list(expected)
    for number, activity in log.activities.items():
        assert (activity.private_note == "Mine.") is (number not in expected)
    carried = [row.activity_id for row in here.suggestions(athlete_id) if row.status == "open"]
    assert carried == list(expected)


@pytest.mark.parametrize("after", [timedelta(minutes=1), timedelta(minutes=50)], ids=["second recording", "later run"])
@pytest.mark.parametrize("how", ["deleted", "retyped"])
def test_later_run_that_goes_gives_the_routine_back(here: Place, log: Log, after: timedelta, how: str) -> None:
    athlete_id = noted(here, log)
    _another(here, log, athlete_id, LATER, after=after)
    _assert_stands_in(here, log, athlete_id, LATER)

    if how == "deleted":
        _delete(here, log, athlete_id, LATER)
    else:
        here.later(minutes=1)
        log.edit(LATER, sport="walk")
        take(here, event(here, athlete_id, "update", about=LATER, type="Walk"))

    _assert_stands_in(here, log, athlete_id, RUN)


def test_second_run_deleted_before_its_note_was_written_gives_the_routine_back(here: Place, log: Log) -> None:
    athlete_id = noted(here, log)
    log.fails = {"write": away()["write"]}
    _another(here, log, athlete_id, LATER, after=timedelta(minutes=50))
    log.fails = {}

    _delete(here, log, athlete_id, LATER)
    sweep_for(here, timedelta(minutes=2), every=timedelta(seconds=20))

    _assert_stands_in(here, log, athlete_id, RUN)


@pytest.mark.parametrize(
    ("deleted", "carries"), [((LAST,), LATER), ((LAST, LATER), RUN), ((LATER,), LAST), ((LATER, LAST), RUN)]
)
def test_of_three_runs_the_latest_that_is_left_carries_the_routine(
    here: Place, log: Log, deleted: tuple[int, ...], carries: int
) -> None:
    """Together they are no long run."""
    athlete_id = comes_home(here, log)
    log.edit(RUN, moving_s=1200, elapsed_s=1200)
    take(here, event(here, athlete_id))
    for number in (LATER, LAST):
        _another(here, log, athlete_id, number, moving_s=1200, elapsed_s=1200)
    _assert_stands_in(here, log, athlete_id, LAST)

    for number in deleted:
        _delete(here, log, athlete_id, number)

    _assert_stands_in(here, log, athlete_id, carries)


def test_later_run_restored_takes_the_routine_again(here: Place, log: Log) -> None:
    athlete_id = noted(here, log)
    _another(here, log, athlete_id, LATER, after=timedelta(minutes=50))
    gone = _delete(here, log, athlete_id, LATER)
    here.later(minutes=1)
    log.activities[LATER] = gone

    take(here, event(here, athlete_id, about=LATER))
    sweep_for(here, timedelta(minutes=1), every=timedelta(seconds=20))

    assert len(log.with_note()) == 1


def test_run_after_a_journey_west_takes_the_routine_of_the_local_day_that_is_still_to_come(here: Place) -> None:
    here.later(hours=13)
    runner = here.runner(timezone="Asia/Tokyo")  # where it is the next morning
    here.run_done(runner)
    here.later(hours=6)
    here.change(runner, timezone="America/Los_Angeles")

    here.run_done(runner)

    assert [row.status for row in here.suggestions(runner)] == ["withdrawn", "open"]
