"""A day's rate budget: when it is gone, those with a mail address get mail, once; the others a note after midnight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adductor.athletes import channels
from adductor.coaching.replies import Said
from adductor.jobs import letters, rounds
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


def _reachable(here: Place, runner: int) -> None:
    here.change(runner, email="runner@example.org", email_confirmed_at=here.now - timedelta(days=9))


@pytest.mark.parametrize(
    ("mails_left", "day_used", "now", "mailed"),
    [
        (3, 850, [("private_note", letters.MAILED_INSTEAD), ("mail", letters.SENT)], 1),
        (0, 850, [("private_note", None)], 0),
        (None, 850, [("private_note", "written")], 0),
        (None, 949, [("private_note", None)], 0),  # a read goes through, a write no longer
    ],
    ids=["mail instead", "no mail left this week", "the rest of the day", "waits for midnight"],
)
def test_day_nearly_spent_brings_one_mail_or_one_note(
    here: Place, log: Log, monkeypatch: pytest.MonkeyPatch, mails_left: int | None, day_used: int, now: Any, mailed: int
) -> None:
    """``mails_left`` this week; None: the runner has no address."""
    runner = comes_home(here, log)
    if mails_left is not None:
        _reachable(here, runner)
        monkeypatch.setattr(channels, "MOST_MESSAGES_A_WEEK", mails_left)
    _with_budget(here, log, day_used=day_used)

    take(here, event(here, runner))
    rounds.sweep(here.installation)

    assert [(row.channel, row.outcome) for row in here.deliveries(runner)] == now
    midnight = here.now.replace(hour=0) + timedelta(days=1)
    waiting = [row.due_at for row in here.deliveries(runner) if row.state == "waiting"]
    assert all(midnight < due_at < midnight + timedelta(seconds=70) for due_at in waiting)
    sweep_for(here, timedelta(hours=20), every=timedelta(hours=1))
    assert (log.note.count(block.SIGNATURE), len(here.mails())) == (1 - mailed, mailed)
    text = b"Strava takes no more notes from us until tomorrow"
    assert all(text in mail.replace(b"=\n", b"") for mail in here.mails())


def test_a_spent_quarter_is_waited_for_and_not_mailed(here: Place, log: Log) -> None:
    here.later(minutes=1)  # at the very opening of a window, calls count for the next one too
    runner = comes_home(here, log)
    _reachable(here, runner)
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
    assert here.mails() == []


def test_a_note_that_may_have_arrived_is_not_mailed_as_well(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    _reachable(here, runner)
    log.loses_answer = True
    take(here, event(here, runner))
    log.loses_answer = False
    _with_budget(here, log, day_used=990)
    sweep_after(here, minutes=2)

    assert [(row.channel, row.state) for row in here.deliveries(runner)] == [(channels.PRIVATE_NOTE, "waiting")]
    sweep_after(here, hours=16)
    assert [row.outcome for row in here.deliveries(runner)] == ["written"]
    assert log.note.count(block.SIGNATURE) == 1
    assert here.mails() == []


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
