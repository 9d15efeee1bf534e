"""Two threads of one worker at the same row: both have the process's name, and each has only its own claim."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from adductor.athletes import activities, personal_data, revocation
from adductor.installation import Installation
from adductor.jobs import deliveries, events, rounds
from adductor.notes import block
from adductor.queue import claims
from adductor.store.models import Delivery, InboxEvent, LoggedActivity, Suggestion
from tests.jobs.test_interleavings import (
    RUN,
    Log,
    _also_in_the_log,
    _comes_home,
    _event,
    _expired,
    _of,
    _put,
    _rows,
    _take,
    _withdraw,
    here,
    log,
)
from tests.support.runners import Place

__all__ = ["here", "log"]  # fixtures


def test_an_event_that_was_reopened_is_ended_by_whoever_has_it_now(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    first = _event(here, runner, "update", title="A run")
    second = _event(here, runner, "update", type="Walk")
    taken: list[InboxEvent] = []

    def another_thread_takes_it() -> None:
        _put(here, second)
        here.later(milliseconds=1)
        taken.extend(claims.claim(here.installation, InboxEvent))

    log.after_read = another_thread_takes_it
    _take(here, first)

    (row,) = _rows(here)
    assert row.state == "claimed", "its second contents are in hand, and not handled"
    events.handle(here.installation, taken[0])
    assert _rows(here)[0].state == "done"


def test_rows_that_are_given_back_are_not_taken_from_another_thread(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _put(here, _event(here, runner, "update", title="A run"))
    given_back = claims.claim(here.installation, InboxEvent)
    _put(here, _event(here, runner, "update", type="Walk"))
    here.later(milliseconds=1)
    (held,) = claims.claim(here.installation, InboxEvent)

    claims.give_back(here.installation, InboxEvent, given_back)

    assert claims.holds(_rows(here)[0], held)


def test_a_note_that_lands_while_another_thread_takes_it_back_does_not_stay(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    has_read, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def read() -> None:
        has_read.set()
        assert may_end.wait(20)

    def taken_back() -> None:
        _withdraw(here, runner)
        here.later(milliseconds=1)
        (claimed,) = claims.claim(here.installation, Delivery)
        log.after_read = read
        threads.append(threading.Thread(target=deliveries.deliver, args=(here.installation, claimed)))
        threads[0].start()
        assert has_read.wait(20)

    log.before_write = taken_back
    _take(here, _event(here, runner))
    assert block.SIGNATURE in log.writes[0]
    may_end.set()
    threads[0].join(20)

    here.later(minutes=1)
    rounds.sweep(here.installation)

    assert log.note == "Mine."
    (delivery,) = here.deliveries(runner)
    assert (delivery.state, delivery.outcome) == ("done", "removed")


def test_a_run_that_is_deleted_while_it_is_read_is_not_kept(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)

    def another_thread_hears_of_the_deletion() -> None:
        here.later(seconds=1)
        _put(here, _event(here, runner, "delete"))
        (deletion,) = claims.claim(here.installation, InboxEvent)
        events.handle(here.installation, deletion)

    log.after_read = another_thread_hears_of_the_deletion
    _take(here, _event(here, runner))

    assert [(row.aspect_type, row.outcome) for row in _rows(here)] == [
        ("create", "deleted"),
        ("delete", "nothing_to_do"),
    ]
    assert here.suggestions(runner) == []
    assert log.writes == []
    with here.installation.store.read() as session:
        kept = select(LoggedActivity.id).where(LoggedActivity.platform_id == RUN)
        assert session.scalar(kept) is None


def test_when_the_later_run_is_deleted_the_earlier_one_can_have_its_note_back(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=50)
    _also_in_the_log(log, later := RUN + 1, "run", here.now - timedelta(minutes=45))
    _take(here, _of(_event(here, runner), later))
    assert log.note == "Mine."
    here.later(minutes=1)
    del log.activities[later]
    _take(here, _of(_event(here, runner, "delete"), later))
    here.later(minutes=9)
    _also_in_the_log(log, ride := RUN + 2, "ride", here.now - timedelta(minutes=42))

    _take(here, _of(_event(here, runner), ride))

    assert log.note.count(block.SIGNATURE) == 1
    assert log.activities[ride].private_note == ""
    assert [suggestion.status for suggestion in here.suggestions(runner)] == ["open", "withdrawn"]


def test_threads_that_begin_together_share_one_budget(here: Place) -> None:
    together = threading.Barrier(8)
    found = set()

    def first_call() -> None:
        together.wait(20)
        found.add(id(here.installation.budget))

    threads = [threading.Thread(target=first_call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert found == {id(here.installation.budget)}


def test_a_mind_changed_between_a_claim_and_its_end_is_acted_on_at_once(here: Place, log: Log) -> None:
    """On PostgreSQL a row may be claimed after it was read by whoever wants its note back, who then leaves the claim."""
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    _withdraw(here, runner)

    def wanted_again() -> None:
        with here.installation.store.write() as session:
            session.execute(update(Delivery).values(wanted="present"))
            session.execute(update(Suggestion).values(status="open"))

    log.before_write = wanted_again
    rounds.sweep(here.installation)
    here.later(seconds=1)
    rounds.sweep(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.state, delivery.outcome, delivery.crashes) == ("done", "written", 0)
    assert log.note.count(block.SIGNATURE) == 1


def test_a_list_that_was_read_before_a_deletion_does_not_undo_it(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    listed = [log.activities[RUN]]
    here.later(seconds=1)
    _take(here, _event(here, runner, "delete"))

    with here.installation.store.write() as session:
        activities.keep_history(session, here.locked(session, runner), listed, here.now)

    with here.installation.store.read() as session:
        (row,) = session.scalars(select(LoggedActivity).where(LoggedActivity.platform_id == RUN))
        assert row.deleted_at is not None
        assert row.expires_at <= here.now + activities.KEEP_DELETED


@pytest.mark.parametrize(
    "leaves", [personal_data.disconnect, personal_data.forget], ids=["disconnected", "everything deleted"]
)
def test_what_a_refresh_brought_after_its_runner_left_is_given_back(
    here: Place, log: Log, leaves: Callable[[Installation, int], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(log, "revoke", given_back.append, raising=False)
    runner = _comes_home(here, log)
    _expired(here, runner, "good")
    log.during_refresh = lambda: leaves(here.installation, runner)

    _take(here, _event(here, runner))
    revocation.give_back(here.installation)

    assert given_back == ["good", "renewed too"]  # the first was dead already: Strava answers alike
    assert revocation.still_to_give_back(here.installation) == 0
