"""Calls that are not made, or wait: an import costs few, an event of which nothing can come none, a spent budget delays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from adductor.athletes import activities, channels
from adductor.coaching.replies import Said
from adductor.jobs import rounds
from adductor.notes import block
from adductor.platforms.base import Caller, ErrorKind, PlatformError, Priority, id_of, own_id
from adductor.platforms.budget import WindowBudget
from tests.platforms.conftest import make_budget, usage
from tests.support.memory_log import Log
from tests.support.runners import MORNING, Place

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FIRST = 100_000
FRESH = id_of("strava", 7)


def _numbered(first: int, end: int) -> list[str]:
    return [id_of("strava", FIRST + number) for number in range(first, end)]


def _import(here: Place, log: Log, athlete_id: int, *numbers: str) -> None:
    """Old runs are uploaded now: their create events come at once."""
    for number in numbers:
        log.runs(athlete_id, number, ago=(20 + int(own_id(number)) % 300) * DAY)
    here.put(*(log.event(athlete_id, about=number) for number in numbers))


def test_import_of_200_costs_few_calls_and_another_athletes_fresh_run_goes_first(here: Place, log: Log) -> None:
    importer, other = log.with_tokens(), log.with_tokens()
    numbers = _numbered(0, 200)
    for begun in range(0, 200, 50):
        _import(here, log, importer, *numbers[begun : begun + 50])
        rounds.sweep(here.installation)
        if begun == 50:
            here.take(log.event(other, about=log.runs(other, FRESH)))
            assert block.SIGNATURE in log.note_of(FRESH)
            assert sum(row.state == "waiting" for row in here.rows()) >= 50, "the import is under way"
        here.clock.at += MINUTE

    here.sweep_for(10 * MINUTE, every=MINUTE)

    assert {row.state for row in here.rows()} == {"done"}
    calls = [kind for kind, athlete in log.calls if athlete == str(importer)]
    assert len(calls) <= 12
    assert "write" not in calls
    told = {decision.activity_id: decision for decision in here.decisions(importer)}
    assert set(numbers) <= set(told)
    assert {told[number].rule for number in numbers[6:]} == {"old_activity"}
    assert all("more than 14 days ago" in told[number].reason for number in numbers[6:])


def test_fresh_run_inside_an_import_gets_its_routine(here: Place, log: Log) -> None:
    athlete_id = log.with_tokens()
    _import(here, log, athlete_id, *_numbered(0, 20))
    here.put(log.event(athlete_id, about=log.runs(athlete_id, FRESH)))
    _import(here, log, athlete_id, *_numbered(20, 40))

    here.sweep_for(4 * MINUTE, every=timedelta(seconds=20))

    assert log.with_note() == [FRESH]
    assert {row.outcome for row in here.rows()} == {"old_activity", "post_run"}


def test_incomplete_entry_of_the_list_is_not_called_old(here: Place, log: Log) -> None:
    athlete_id = log.with_tokens()
    log.runs(athlete_id, FRESH, complete=False)
    here.put(log.event(athlete_id, about=FRESH))
    _import(here, log, athlete_id, *_numbered(0, 20))

    here.sweep_for(3 * MINUTE, every=timedelta(seconds=20))
    assert FRESH not in {decision.activity_id for decision in here.decisions(athlete_id)}
    log.edit(FRESH, complete=True)
    here.sweep_for(10 * MINUTE, every=timedelta(seconds=30))

    assert log.with_note() == [FRESH]
    assert {row.state for row in here.rows()} == {"done"}


def test_fresh_run_that_a_full_list_leaves_out_is_read(here: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list call tells the oldest 200 of a fortnight."""
    monkeypatch.setattr(activities, "MOST_LISTED", 10)
    athlete_id = log.with_tokens()
    for number in _numbered(0, 12):
        here.put(log.event(athlete_id, about=log.runs(athlete_id, number, ago=5 * DAY, sport="walk")))
    here.put(log.event(athlete_id, about=log.runs(athlete_id, FRESH)))

    here.sweep_for(20 * MINUTE, every=MINUTE)

    assert log.with_note() == [FRESH]
    assert "gone" not in {row.outcome for row in here.rows()}


def test_single_old_activity_after_the_history_was_listed_costs_no_call(here: Place, log: Log) -> None:
    athlete_id = log.with_tokens(history_covers_until=here.now + MINUTE)

    _import(here, log, athlete_id, *_numbered(0, 1))
    rounds.sweep(here.installation)

    assert log.calls == []
    assert [row.outcome for row in here.rows()] == ["old_activity"]


@pytest.mark.parametrize(("used", "reads"), [(0, 1), (12, 0)], ids=["budget nearly free", "in use"])
def test_run_that_brings_no_routine_is_read_while_the_budget_is_nearly_free(
    here: Place, log: Log, used: int, reads: int
) -> None:
    athlete_id = log.with_tokens()
    here.run_done(athlete_id)
    here.answer(athlete_id, Said.DONE)
    here.later(hours=2)
    for _ in range(used):
        here.installation.budget("strava").take(Priority.FRESH)

    here.take(log.event(athlete_id, about=log.runs(athlete_id, FRESH, title="Run #adductor-pause")))

    assert (log.reads, log.lists, len(log.writes)) == (reads, 0, 0)
    latest = here.decisions(athlete_id)[-1]
    assert (latest.decision, latest.asked_platform) == ("none", bool(reads))
    assert (here.athlete(athlete_id).paused_until is not None) is bool(reads)


@pytest.mark.parametrize("fails", ["budget", "platform"])
def test_run_that_brings_no_routine_is_not_asked_for_twice(here: Place, log: Log, fails: str) -> None:
    kind = ErrorKind.RATE_LIMITED if fails == "budget" else ErrorKind.RETRY
    athlete_id = log.with_tokens()
    here.run_done(athlete_id)
    here.answer(athlete_id, Said.DONE)
    log.fails = {"read": PlatformError(kind, "not now")}

    here.take(log.event(athlete_id, about=log.runs(athlete_id, FRESH)))

    assert [(row.state, row.outcome, row.attempts) for row in here.rows()] == [("done", "already_today", 1)]


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ({"hold_since": MORNING, "hold_reason": "high_pain"}, "on_hold"),
        ({"screening_completed_at": None}, "not_cleared"),
        ({"clearance_needed": True}, "not_cleared"),
        ({"paused_until": date(2027, 1, 1)}, "not_cleared"),
        ({"confirmed_at": None}, "not_confirmed"),
    ],
)
def test_event_of_an_athlete_for_whom_nothing_can_be_due_costs_no_call(
    here: Place, log: Log, state: dict[str, Any], rule: str
) -> None:
    athlete_id = log.noted(**state)

    assert [row.outcome for row in here.rows()] == [rule]
    assert [(row.rule, row.asked_platform) for row in here.decisions(athlete_id)] in ([(rule, False)], [])
    assert log.calls == []


def test_activity_that_is_not_there_is_read_again_until_it_counts_as_gone(here: Place, log: Log) -> None:
    here.take(log.event(log.with_tokens()))
    (row,) = here.rows()
    assert (row.state, row.problem) == ("waiting", "the activity can't be read yet")

    here.sweep_for(timedelta(hours=2), every=5 * MINUTE)

    assert [(row.state, row.outcome) for row in here.rows()] == [("done", "gone")]
    assert log.reads > 1


# -- a spent budget: the note comes in the next window, or after midnight ------------------------------------------------


def _with_budget(here: Place, log: Log, *, day_used: int) -> WindowBudget:
    """The real bookkeeping before every call of the log, which has told how much of a day's thousand reads is used."""
    budget = make_budget(None, now=lambda: here.now)
    budget.take(Priority.CONNECT)
    budget.learn(usage((10, day_used)), 200)

    def charge(caller: Caller) -> None:
        budget.take(caller.priority, caller.athlete)
        budget.learn({}, 200)

    log.before_call = charge
    return budget


@pytest.mark.parametrize(
    ("day_used", "now"), [(850, "written"), (949, None)], ids=["enough for a note", "enough for a read"]
)
def test_day_nearly_spent_brings_the_note_now_or_after_midnight(
    here: Place, log: Log, day_used: int, now: str | None
) -> None:
    runner = log.comes_home()
    _with_budget(here, log, day_used=day_used)

    here.take(log.event(runner))

    assert [(row.channel, row.outcome) for row in here.deliveries(runner)] == [("private_note", now)]
    midnight = here.now.replace(hour=0) + timedelta(days=1)
    waiting = [row.due_at for row in here.deliveries(runner) if row.state == "waiting"]
    assert all(midnight < due_at < midnight + timedelta(seconds=70) for due_at in waiting)
    here.sweep_for(timedelta(hours=20), every=timedelta(hours=1))
    assert log.note.count(block.SIGNATURE) == 1


def test_a_spent_quarter_is_waited_for(here: Place, log: Log) -> None:
    here.later(minutes=1)  # at the very opening of a window, calls count for the next one too
    runner = log.comes_home()
    budget = _with_budget(here, log, day_used=100)
    for _ in range(84):
        budget.take(Priority.FRESH)
        budget.learn({}, 200)  # 10 told, and 84 taken: one read is left, and no write

    here.take(log.event(runner))

    (delivery,) = here.deliveries(runner)
    assert (delivery.channel, delivery.state) == (channels.PRIVATE_NOTE, "waiting")
    assert delivery.due_at - here.now < timedelta(minutes=17)
    here.sweep_after(minutes=17)
    assert log.note.count(block.SIGNATURE) == 1
