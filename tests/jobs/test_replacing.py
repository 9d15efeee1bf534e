"""One note a day: the latest run carries it, and the earlier one carries it again when the later one goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adductor.jobs import rounds
from adductor.notes import block
from adductor.platforms.base import LoggedActivity
from tests.support.memory_log import AWAY, EACH_LOG, RUN, Log, nth
from tests.support.runners import Place

LATER, LAST = nth(1), nth(2)


def _another(
    here: Place, log: Log, athlete_id: int, number: str, *, after: timedelta = timedelta(minutes=40), **values: int
) -> None:
    here.clock.at += after
    log.runs(athlete_id, number, **values)
    here.take(log.event(athlete_id, about=number))


def _delete(here: Place, log: Log, athlete_id: int, number: str) -> LoggedActivity:
    here.later(minutes=1)
    gone = log.activities.pop(number)
    here.take(log.event(athlete_id, "delete", about=number))
    rounds.sweep(here.installation)
    return gone


def _assert_stands_in(here: Place, log: Log, athlete_id: int, *expected: str) -> None:
    assert [number for number in log.activities if block.SIGNATURE in log.note_of(number)] == list(expected)
    assert {log.note_of(number) for number in log.activities if number not in expected} <= {log.bare}
    assert [row.activity_id for row in here.suggestions(athlete_id) if row.status == "open"] == list(expected)


@EACH_LOG
@pytest.mark.parametrize("after", [timedelta(minutes=1), timedelta(minutes=50)], ids=["second recording", "later run"])
@pytest.mark.parametrize("how", ["deleted", "retyped"])
def test_later_run_takes_the_routine_gives_it_back_when_it_goes_and_takes_it_again(
    here: Place, log: Log, after: timedelta, how: str
) -> None:
    athlete_id, later = log.noted(), log.nth(1)
    _another(here, log, athlete_id, later, after=after)
    _assert_stands_in(here, log, athlete_id, later)

    if how == "deleted":
        gone = _delete(here, log, athlete_id, later)
    else:
        log.retype(athlete_id, "walk", about=later, after_s=60)
    _assert_stands_in(here, log, athlete_id, log.run)

    here.later(minutes=1)
    if how == "deleted":
        log.activities[later] = gone
        here.take(log.event(athlete_id, about=later))
    else:
        log.retype(athlete_id, "run", about=later)
    here.sweep_for(timedelta(minutes=1), every=timedelta(seconds=20))
    assert len(log.with_note()) == 1


def test_second_run_deleted_before_its_note_was_written_gives_the_routine_back(here: Place, log: Log) -> None:
    athlete_id = log.noted()
    log.fails = {"write": AWAY["write"]}
    _another(here, log, athlete_id, LATER, after=timedelta(minutes=50))
    log.fails = {}

    _delete(here, log, athlete_id, LATER)
    here.sweep_for(timedelta(minutes=2), every=timedelta(seconds=20))

    _assert_stands_in(here, log, athlete_id, RUN)


@pytest.mark.parametrize(
    ("deleted", "carries"), [((LAST,), LATER), ((LAST, LATER), RUN), ((LATER,), LAST), ((LATER, LAST), RUN)]
)
def test_of_three_runs_the_latest_that_is_left_carries_the_routine(
    here: Place, log: Log, deleted: tuple[str, ...], carries: str
) -> None:
    """Together they are no long run."""
    athlete_id = log.comes_home()
    log.edit(RUN, moving_s=1200, elapsed_s=1200)
    here.take(log.event(athlete_id))
    for number in (LATER, LAST):
        _another(here, log, athlete_id, number, moving_s=1200, elapsed_s=1200)
    _assert_stands_in(here, log, athlete_id, LAST)

    for number in deleted:
        _delete(here, log, athlete_id, number)

    _assert_stands_in(here, log, athlete_id, carries)


def test_run_after_a_journey_west_takes_the_routine_of_the_local_day_that_is_still_to_come(here: Place) -> None:
    here.later(hours=13)
    runner = here.runner(timezone="Asia/Tokyo")  # where it is the next morning
    here.run_done(runner)
    here.later(hours=6)
    here.change(runner, timezone="America/Los_Angeles")

    here.run_done(runner)

    assert [row.status for row in here.suggestions(runner)] == ["withdrawn", "open"]
