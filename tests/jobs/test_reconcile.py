"""Events that never came: when a runner's log is looked at, what is made of what stands there, and what it may cost."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adductor.jobs import outages, reconcile, rounds
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.store.models import DecisionRecord, Heartbeat, InboxEvent, LoggedActivity, Outage
from tests.support.memory_log import Log, activity
from tests.support.memory_log import here as here
from tests.support.runners import MORNING, Place

DAY = timedelta(days=1)


def _runner(here: Place, log: Log, *, silent: timedelta | None = None, **values: Any) -> int:
    """Connected, with the run of three days ago that every test runner has standing in their log too."""
    heard = {} if silent is None else {"last_event_at": here.now - silent}
    runner = log.with_tokens(**{"reconcile_at": here.now, **heard, **values})
    earlier = here.all(LoggedActivity)[-1]
    log.activities[earlier.platform_id] = activity(here.owner(runner), earlier.platform_id, earlier.start)
    verdict = {"decision": "none", "dose": "none", "rule": "weekly_cap", "reason": "enough", "considered": []}
    decided = {"activity_id": earlier.platform_id, "trigger": "activity_uploaded", "at": earlier.start, "trace_id": "t"}
    with here.installation.store.write() as session:
        session.add(DecisionRecord(athlete_id=runner, **verdict, **decided))
    return runner


def _ran(here: Place, log: Log, runner: int, number: str, *, ended_ago: timedelta, **values: Any) -> str:
    return log.runs(runner, number, ago=ended_ago + timedelta(seconds=2400), **values)


def _reconcile(here: Place) -> None:
    reconcile.tick(here.installation)
    rounds.sweep(here.installation)


def _add_outage(here: Place) -> None:
    with here.installation.store.write() as session:
        session.add(Outage(began_at=here.now - DAY, ended_at=here.now))


# -- whose log is looked at ---------------------------------------------------------------------------------------------


def test_run_that_no_event_told_of_gets_its_note_and_a_late_event_doubles_nothing(here: Place, log: Log) -> None:
    runner = _runner(here, log, silent=6 * DAY)
    run = _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=20))

    _reconcile(here)

    assert log.lists == 1
    note, reads = log.note_of(run), log.reads
    assert note.startswith("Mine.\n\nAdductor routine")
    assert [(row.origin, row.outcome) for row in here.all(InboxEvent, object_id=run)] == [("reconcile", "post_run")]
    here.later(minutes=5)
    here.put(log.event(runner, about=run))
    rounds.sweep(here.installation)

    assert (log.note_of(run), log.reads) == (note, reads)
    assert {row.outcome for row in here.all(InboxEvent, object_id=run)} == {"post_run", "already_decided"}
    assert len(here.suggestions(runner)) == 1


@pytest.mark.parametrize(
    ("values", "looked"),
    [
        ({"hold_since": MORNING - DAY, "hold_reason": "high_pain"}, True),
        ({"last_event_at": MORNING - DAY / 2}, False),
        ({"state": "revoked"}, False),
        ({"confirmed_at": None}, False),
    ],
    ids=["on hold", "heard of lately", "left", "unconfirmed"],
)
def test_athlete_for_whom_nothing_can_be_due_costs_no_call_and_gets_a_new_time(
    here: Place, log: Log, values: dict[str, Any], *, looked: bool
) -> None:
    runner = _runner(here, log, silent=6 * DAY, **values)
    _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=20))

    assert (reconcile.tick(here.installation), reconcile.tick(here.installation)) == (1, 0)

    athlete = here.athlete(runner)
    assert log.lists == log.reads == 0
    assert (athlete.reconciled_at == here.now) is looked
    assert (athlete.history_gap_from is not None) is looked  # the next decision that matters reads it
    assert athlete.reconcile_at is None or athlete.reconcile_at > here.now + DAY / 2


def test_a_usual_run_that_nothing_was_heard_of_is_missed_two_hours_after_it_began(here: Place, log: Log) -> None:
    """It is a Wednesday, nine o'clock; the runner usually runs on Wednesdays at half past seven."""
    runner = _runner(here, log, silent=DAY / 2, usual_runs=[{"weekday": 2, "at": "07:30", "kind": "easy"}])
    run = _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=30))

    reconcile.tick(here.installation)
    assert log.lists == 0
    assert here.athlete(runner).reconcile_at == datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    here.later(minutes=31)
    reconcile.tick(here.installation)
    rounds.sweep(here.installation)

    assert [row.outcome for row in here.all(InboxEvent, object_id=run)] == ["post_run"]


def test_the_longer_the_silence_the_rarer_the_look(here: Place, log: Log) -> None:
    _runner(here, log, silent=5 * DAY)
    looks = []
    for _ in range(4 * 40):
        before = log.lists
        reconcile.tick(here.installation)
        if log.lists > before:
            looks.append(here.now)
        here.later(hours=6)

    gaps = [round((later - earlier) / DAY) for earlier, later in itertools.pairwise(looks)]
    assert gaps == sorted(gaps)
    assert max(gaps) == reconcile.MOST_DAYS
    assert len(looks) <= 40 / reconcile.MOST_DAYS + 3


# -- what is made of it -------------------------------------------------------------------------------------------------


def test_event_that_is_here_already_is_not_recovered(here: Place, log: Log) -> None:
    runner = _runner(here, log)
    run = _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=20))
    here.put(log.event(runner, about=run))
    here.change(runner, last_event_at=here.now - 6 * DAY)

    reconcile.tick(here.installation)

    assert [row.origin for row in here.all(InboxEvent, object_id=run)] == ["webhook"]


def test_run_too_old_is_decided_and_never_written_to(here: Place, log: Log) -> None:
    runner = _runner(here, log, silent=6 * DAY)
    old = _ran(here, log, runner, "strava:77", ended_ago=timedelta(hours=5))
    older = _ran(here, log, runner, "strava:78", ended_ago=2 * DAY)

    _reconcile(here)

    assert {log.note_of(run) for run in (old, older)} == {"Mine."}
    assert {row.activity_id: row.decision for row in here.decisions(runner)[1:]} == {older: "none", old: "none"}
    assert log.reads == 0


def test_run_from_before_the_runner_came_back_is_not_touched(here: Place, log: Log) -> None:
    runner = _runner(here, log)
    run = _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=20))
    here.change(runner, connected_at=here.now - timedelta(minutes=10), last_event_at=None)
    _add_outage(here)

    _reconcile(here)

    assert log.lists == 1
    assert here.all(InboxEvent, object_id=run) == []
    assert log.note_of(run) == "Mine."


def test_deletion_that_no_event_told_of_takes_the_row_and_the_routine(here: Place, log: Log) -> None:
    runner = _runner(here, log, silent=6 * DAY)
    run = _ran(here, log, runner, "strava:77", ended_ago=timedelta(minutes=20))
    _reconcile(here)
    del log.activities[run]

    here.later(days=6)
    _add_outage(here)
    here.change(runner, reconcile_at=here.now)
    _reconcile(here)

    assert {row.aspect_type for row in here.all(InboxEvent, object_id=run)} == {"create", "delete"}
    assert here.suggestion(runner).withdrawn_because == "The activity was deleted."


def test_a_spent_share_puts_everybody_off_to_the_next_window_and_keeps_their_order(here: Place, log: Log) -> None:
    runners = [_runner(here, log, silent=6 * DAY) for _ in range(3)]
    until = here.now + timedelta(minutes=12)
    log.fails = {"list": PlatformError(ErrorKind.RATE_LIMITED, "the share is used up", retry_at=until)}

    assert reconcile.tick(here.installation) == 0
    assert reconcile.tick(here.installation) == 0

    assert log.lists == 1  # the first refusal speaks for all
    assert {here.athlete(runner).reconcile_at for runner in runners} == {until}
    here.later(minutes=13)
    log.fails = {}
    assert reconcile.tick(here.installation) == 3


# -- outages ------------------------------------------------------------------------------------------------------------


def test_gap_of_hours_is_an_outage_a_short_one_or_a_clock_set_back_is_none(here: Place) -> None:
    assert outages.web_is_alive(here.installation) is None
    for gap in (timedelta(seconds=80), -timedelta(hours=1)):
        here.clock.at += gap
        assert outages.web_is_alive(here.installation) is None

    here.later(hours=3)
    outage = outages.web_is_alive(here.installation)

    assert outage is not None
    assert (outage.began_at, outage.ended_at) == (here.now - timedelta(hours=3), here.now)
    assert outages.web_is_alive(here.installation) is None


def test_after_an_outage_everybody_is_looked_at_once_in_order(
    here: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "QUEUE", 2)
    at = here.now + 3 * DAY
    runners = [_runner(here, log, silent=timedelta(hours=5), reconcile_at=at) for _ in range(5)]
    for runner in runners:
        _ran(here, log, runner, f"strava:{7_000 + runner}", ended_ago=timedelta(minutes=20))
    outages.web_is_alive(here.installation)
    here.later(hours=2)
    for runner in runners:
        _ran(here, log, runner, f"strava:{7_000 + runner}", ended_ago=timedelta(minutes=20))
    outages.web_is_alive(here.installation)

    while reconcile.tick(here.installation):
        pass
    while rounds.sweep(here.installation):
        pass

    assert [athlete for kind, athlete in log.calls if kind == "list"] == [str(runner) for runner in sorted(runners)]
    assert [len(here.suggestions(runner)) for runner in runners] == [1] * 5
    (outage,) = here.all(Outage)
    assert outage.done_at is not None
    assert here.all(Heartbeat, part="web")
