"""Calls that are not made: an import of old activities costs few, an event of which nothing can come none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from adductor.jobs import rounds
from adductor.notes import block
from tests.support.memory_log import Log, event, noted, put, rows, runs, sweep_for, take, with_tokens
from tests.support.runners import MORNING, Place

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FIRST = 100_000


def _import(here: Place, log: Log, athlete_id: int, *numbers: int) -> None:
    """Old runs are uploaded now: their create events come at once."""
    for number in numbers:
        runs(here, log, athlete_id, number, ago=(20 + number % 300) * DAY)
    put(here, *(event(here, athlete_id, about=number) for number in numbers))


def _calls_for(log: Log, athlete_id: int) -> list[str]:
    return [kind for kind, athlete in log.calls if athlete == str(athlete_id)]


def test_import_of_200_costs_few_calls_and_another_athletes_fresh_run_goes_first(here: Place, log: Log) -> None:
    importer, other = with_tokens(here), with_tokens(here)
    numbers = range(FIRST, FIRST + 200)
    for begun in range(0, 200, 50):
        _import(here, log, importer, *numbers[begun : begun + 50])
        rounds.sweep(here.installation)
        if begun == 50:
            take(here, event(here, other, about=runs(here, log, other, 7)))
            assert block.SIGNATURE in log.note_of(7)
            assert sum(row.state == "waiting" for row in rows(here)) >= 50, "the import is under way"
        here.clock.at += MINUTE

    sweep_for(here, 10 * MINUTE, every=MINUTE)

    assert {row.state for row in rows(here)} == {"done"}
    assert len(_calls_for(log, importer)) <= 12
    assert "write" not in _calls_for(log, importer)
    told = {decision.activity_id: decision for decision in here.decisions(importer)}
    assert set(numbers) <= set(told)
    assert {told[number].rule for number in numbers[6:]} == {"old_activity"}
    assert all("more than 14 days ago" in told[number].reason for number in numbers[6:])


def test_fresh_run_inside_an_import_gets_its_routine(here: Place, log: Log) -> None:
    athlete_id = with_tokens(here)
    _import(here, log, athlete_id, *range(FIRST, FIRST + 20))
    put(here, event(here, athlete_id, about=runs(here, log, athlete_id, 7)))
    _import(here, log, athlete_id, *range(FIRST + 20, FIRST + 40))

    sweep_for(here, 4 * MINUTE, every=timedelta(seconds=20))

    assert log.with_note() == [7]
    assert {row.outcome for row in rows(here)} == {"old_activity", "post_run"}


def test_incomplete_entry_of_the_list_is_not_called_old(here: Place, log: Log) -> None:
    athlete_id = with_tokens(here)
    runs(here, log, athlete_id, 7, complete=False)
    put(here, event(here, athlete_id, about=7))
    _import(here, log, athlete_id, *range(FIRST, FIRST + 20))

    sweep_for(here, 3 * MINUTE, every=timedelta(seconds=20))
    assert 7 not in {decision.activity_id for decision in here.decisions(athlete_id)}
    log.edit(7, complete=True)
    sweep_for(here, 10 * MINUTE, every=timedelta(seconds=30))

    assert log.with_note() == [7]
    assert {row.state for row in rows(here)} == {"done"}


def test_single_old_activity_after_the_history_was_listed_costs_no_call(here: Place, log: Log) -> None:
    athlete_id = with_tokens(here, history_covers_until=here.now + MINUTE)

    _import(here, log, athlete_id, FIRST)
    rounds.sweep(here.installation)

    assert log.calls == []
    assert [row.outcome for row in rows(here)] == ["old_activity"]


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
    athlete_id = noted(here, log, **state)

    assert [row.outcome for row in rows(here)] == [rule]
    assert [(row.rule, row.asked_platform) for row in here.decisions(athlete_id)] in ([(rule, False)], [])
    assert log.calls == []
