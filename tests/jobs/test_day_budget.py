"""A day's rate budget: when it is gone, the note comes after midnight; and a note answered before it was written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adductor.athletes import channels
from adductor.coaching.replies import Said
from adductor.notes import block
from adductor.platforms.base import Caller, Priority
from adductor.platforms.budget import WindowBudget
from tests.platforms.conftest import make_budget, usage
from tests.support.memory_log import Log, comes_home, delay_notes, event, sweep_after, sweep_for, take
from tests.support.runners import Place


def _with_budget(here: Place, log: Log, *, day_used: int) -> WindowBudget:
    """The real bookkeeping before every call of the log, which has told how much of a day's thousand reads is used."""
    budget = make_budget(None, now=lambda: here.now)
    budget.take(Priority.CONNECT)
    budget.learn(usage((10, day_used)), 200)
    calls: dict[str, Any] = {"get_activity": log.get_activity, "update_activity": log.update_activity}

    def budgeted(name: str) -> Callable[..., object]:
        def call(caller: Caller, *arguments: object) -> object:
            budget.take(caller.priority, caller.athlete)
            budget.learn({}, 200)
            return calls[name](caller, *arguments)

        return call

    for name in calls:
        setattr(log, name, budgeted(name))
    return budget


@pytest.mark.parametrize(
    ("day_used", "now"), [(850, "written"), (949, None)], ids=["enough for a note", "enough for a read"]
)
def test_day_nearly_spent_brings_the_note_now_or_after_midnight(
    here: Place, log: Log, day_used: int, now: str | None
) -> None:
    runner = comes_home(here, log)
    _with_budget(here, log, day_used=day_used)

    take(here, event(here, runner))

    assert [(row.channel, row.outcome) for row in here.deliveries(runner)] == [("private_note", now)]
    midnight = here.now.replace(hour=0) + timedelta(days=1)
    waiting = [row.due_at for row in here.deliveries(runner) if row.state == "waiting"]
    assert all(midnight < due_at < midnight + timedelta(seconds=70) for due_at in waiting)
    sweep_for(here, timedelta(hours=20), every=timedelta(hours=1))
    assert log.note.count(block.SIGNATURE) == 1


def test_a_spent_quarter_is_waited_for(here: Place, log: Log) -> None:
    here.later(minutes=1)  # at the very opening of a window, calls count for the next one too
    runner = comes_home(here, log)
    budget = _with_budget(here, log, day_used=100)
    for _ in range(84):
        budget.take(Priority.FRESH)
        budget.learn({}, 200)  # 10 told, and 84 taken: one read is left, and no write

    take(here, event(here, runner))

    (delivery,) = here.deliveries(runner)
    assert (delivery.channel, delivery.state) == (channels.PRIVATE_NOTE, "waiting")
    assert delivery.due_at - here.now < timedelta(minutes=17)
    sweep_after(here, minutes=17)
    assert log.note.count(block.SIGNATURE) == 1


# -- answered before it was written -------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [Said.DONE, Said.NOT_TODAY, Said.TOO_HARD])
@pytest.mark.parametrize("when", ["while it waits", "between our read and our write", "when it stands"])
def test_note_answered_before_it_was_written_is_not_written(here: Place, log: Log, said: Said, when: str) -> None:
    runner = comes_home(here, log)
    delay_notes(here)
    take(here, event(here, runner))
    if when == "when it stands":
        sweep_after(here, minutes=2)
    if when == "between our read and our write":
        log.after_read = lambda: here.answer(runner, said) and None
    else:
        here.answer(runner, said)

    sweep_after(here, minutes=2)

    outcome = "written" if when == "when it stands" else "answered"
    assert [(row.state, row.outcome) for row in here.deliveries(runner)] == [("done", outcome)]
    assert log.note.count(block.SIGNATURE) == int(when == "when it stands")
    assert log.reads == (1 if when == "while it waits" else 2)
