"""A day's rate budget: when it is gone, those with a mail address get mail, once; the others a note after midnight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adductor.athletes import answers, channels, decisions
from adductor.athletes.answers import Answer, Said
from adductor.jobs import letters, rounds
from adductor.notes import block
from adductor.platforms.base import Priority
from adductor.platforms.budget import WindowBudget
from adductor.platforms.strava.limits import make_budget
from tests.support.live import Live, installation
from tests.support.memory_log import Log, comes_home, delay_notes, event, sweep_for, take
from tests.support.memory_log import here as here
from tests.support.runners import Place


def _with_budget(here: Place, log: Log, *, day_used: int) -> WindowBudget:
    """The real bookkeeping before every call of the log, which has told how much of a day's thousand reads is used."""
    budget = make_budget(None, now=lambda: here.now, chance=lambda: 0.5)
    budget.take(Priority.CONNECT)
    budget.learn(_headers(day_used), 200)
    calls: dict[str, Any] = {"get_activity": log.get_activity, "update_activity": log.update_activity}

    def budgeted(name: str) -> Callable[..., object]:
        def call(*arguments: object, priority: Priority, athlete: str | None = None, **fields: object) -> object:
            budget.take(priority, athlete)
            budget.learn({}, 200)
            return calls[name](*arguments, **fields)

        return call

    for name in calls:
        setattr(log, name, budgeted(name))
    return budget


def _headers(day_used: int) -> Mapping[str, str]:
    return {
        "X-RateLimit-Limit": "200,2000",
        "X-RateLimit-Usage": f"10,{day_used}",
        "X-ReadRateLimit-Limit": "100,1000",
        "X-ReadRateLimit-Usage": f"10,{day_used}",
    }


def _reachable(here: Place, runner: int) -> None:
    here.change(runner, email="runner@example.org", email_confirmed_at=here.now - timedelta(days=9))


def test_day_nearly_spent_brings_a_mail_and_no_note_after_it(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    _reachable(here, runner)
    _with_budget(here, log, day_used=850)

    take(here, event(here, runner))
    rounds.sweep(here.installation)

    assert log.writes == []
    (by_note, by_mail) = here.deliveries(runner)
    assert (by_note.channel, by_note.state, by_note.outcome) == (channels.PRIVATE_NOTE, "done", letters.MAILED_INSTEAD)
    assert (by_mail.channel, by_mail.state, by_mail.outcome) == (channels.MAIL, "done", letters.SENT)
    (letter,) = here.mails()
    assert b"Strava takes no more notes from us until tomorrow" in letter.replace(b"=\n", b"")
    sweep_for(here, timedelta(hours=20), every=timedelta(hours=1))
    assert (log.writes, len(here.mails())) == ([], 1)


def test_without_an_address_the_note_is_still_written_with_the_rest_of_the_day(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    _with_budget(here, log, day_used=850)

    take(here, event(here, runner))

    assert log.note.count(block.SIGNATURE) == 1
    assert here.mails() == []


def test_without_an_address_a_spent_day_is_waited_for_until_it_is_over(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    _with_budget(here, log, day_used=949)  # a read goes through, a write no longer

    take(here, event(here, runner))
    (delivery,) = here.deliveries(runner)

    assert delivery.state == "waiting"
    midnight = here.now.replace(hour=0) + timedelta(days=1)
    assert midnight < delivery.due_at < midnight + timedelta(seconds=70)
    here.later(hours=15, minutes=2)
    rounds.sweep(here.installation)
    assert log.note.count(block.SIGNATURE) == 1


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
    here.later(minutes=17)
    rounds.sweep(here.installation)
    assert log.note.count(block.SIGNATURE) == 1
    assert here.mails() == []


def test_a_note_that_may_have_arrived_is_not_mailed_as_well(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    _reachable(here, runner)
    log.loses_answer = True
    take(here, event(here, runner))
    log.loses_answer = False
    _with_budget(here, log, day_used=990)
    here.later(minutes=2)
    rounds.sweep(here.installation)

    assert [(row.channel, row.state) for row in here.deliveries(runner)] == [(channels.PRIVATE_NOTE, "waiting")]
    here.later(hours=16)
    rounds.sweep(here.installation)
    assert [row.outcome for row in here.deliveries(runner)] == ["written"]
    assert log.note.count(block.SIGNATURE) == 1
    assert here.mails() == []


def test_three_mails_in_a_week_are_the_most_also_then(here: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = comes_home(here, log)
    _reachable(here, runner)
    monkeypatch.setattr(channels, "MOST_MESSAGES_A_WEEK", 0)
    _with_budget(here, log, day_used=850)

    take(here, event(here, runner))

    assert [(row.channel, row.state) for row in here.deliveries(runner)] == [(channels.PRIVATE_NOTE, "waiting")]


# -- answered before it was written -------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [Said.DONE, Said.NOT_TODAY, Said.TOO_HARD])
@pytest.mark.parametrize("after_read", [False, True], ids=["while it waits", "between our read and our write"])
def test_note_answered_before_it_was_written_is_not_written(
    here: Place, log: Log, said: Said, after_read: bool
) -> None:
    runner = comes_home(here, log)
    delay_notes(here)
    take(here, event(here, runner))
    if after_read:
        log.after_read = lambda: _answer(here, runner, said)
    else:
        _answer(here, runner, said)

    here.later(minutes=2)
    rounds.sweep(here.installation)

    assert (log.writes, log.reads) == ([], 1 + after_read)
    assert [(row.state, row.outcome) for row in here.deliveries(runner)] == [("done", "answered")]


def test_note_that_stands_stays_after_the_answer(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    _answer(here, runner, Said.DONE)

    here.later(minutes=20)
    rounds.sweep(here.installation)

    assert log.note.count(block.SIGNATURE) == 1


def _answer(here: Place, runner: int, said: Said) -> None:
    with here.installation.store.write() as session:
        athlete = decisions.lock(session, runner)
        assert athlete is not None
        suggestion = session.merge(here.suggestion(runner))
        answers.answer(session, here.installation, athlete, suggestion, Answer(said), source="page", now=here.now)


# -- with the real thing ------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_spent_day_at_the_real_thing_brings_mails_to_those_who_have_one_and_notes_to_the_others(
    tmp_path: Path,
) -> None:
    """A day of twenty calls for thirteen runs, however they meet; an hour takes two seconds.

    One after the other, the first with an address get notes, until what is left of the day is for reading, and who is read
    then is mailed; all at once, they are read first.
    """
    with installation(tmp_path, speed=1800) as live:
        now = live.here.installation.clock.now()
        address = {"email": "runner@example.org", "email_confirmed_at": now}
        live.admin("POST", "tier", {"overall": [100, 20], "read": [100, 20]})
        with_mail = [live.record(live.runner(**address)) for _ in range(10)]
        without = [live.record(live.runner()) for _ in range(3)]

        for run in (*with_mail, *without):
            live.until(lambda run=run: _ended(live, run), within_s=90)  # type: ignore[misc]

        ways = {run: [row.outcome for row in live.deliveries(run)] for run in (*with_mail, *without)}
        assert live.admin("GET", "calls")["limits"]["over_limit"] == 0
        for run in with_mail:
            written = len(live.written(run))
            mailed = letters.SENT in ways[run]
            assert written + mailed <= 1, ways[run]
        assert all(len(live.written(run)) <= 1 for run in without)
        assert any(letters.MAILED_INSTEAD in ways[run] for run in with_mail), ways


def _ended(live: Live, run: int) -> bool:
    events = live.events(run)
    rows = [*events, *live.deliveries(run)]
    return bool(events) and all(row.state in ("done", "failed") for row in rows)
