"""The queue: compare-and-set, leases, backoff and the dead letter, on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from adductor.jobs import inbox
from adductor.leases import HANGS_AFTER_S, LEASE
from adductor.platforms.base import WebhookEvent
from adductor.queue import claims, retry, worker
from adductor.queue.retry import Final, RetryLater
from adductor.queue.worker import Job
from adductor.store.models import Delivery, InboxEvent
from tests.support.memory_log import Log
from tests.support.memory_log import here as here
from tests.support.runners import Place

SECOND = timedelta(seconds=1)
POLICY = retry.POLICY


def _put(here: Place, *owners: int) -> None:
    """One event of each of these accounts, numbered from 1."""
    athlete_id = here.runner()
    received = Log(here).event(athlete_id)
    for number, owner in enumerate(owners, start=1):
        here.put(replace(received, object_id=f"strava:{number}", owner_id=str(owner)))


def _job(handle: Callable[[InboxEvent], str | None]) -> Job[InboxEvent]:
    return Job("event", InboxEvent, lambda _, row: handle(row), created_at=lambda row: row.received_at)


def _claim(here: Place) -> InboxEvent:
    row = claims.claim(here.installation, InboxEvent)
    assert row is not None
    return row


def _die(here: Place, *held: InboxEvent) -> None:
    """The worker process ends: nothing extends its leases, and they run out."""
    for row in held:
        here.installation.leases.release(row.lease_owner)
    here.clock.at += LEASE + SECOND


def _raise(error: Exception) -> Job[InboxEvent]:
    """A job whose attempts end so."""

    def handle(_: InboxEvent) -> None:
        raise error

    return _job(handle)


# -- claims -------------------------------------------------------------------------------------------------------------


def test_claim_by_two_threads_takes_each_row_once(here: Place) -> None:
    _put(here, *range(1, 31))
    begin = threading.Barrier(2)

    def claim_all(_: int) -> list[int]:
        begin.wait(20)
        taken = []
        while (row := claims.claim(here.installation, InboxEvent)) is not None:
            taken.append(row.id)
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = [number for each in pool.map(claim_all, range(2)) for number in each]

    assert sorted(taken) == [row.id for row in here.rows()]
    assert {row.attempts for row in here.rows()} == {1}


def test_claim_of_named_rows_takes_no_other(here: Place) -> None:
    _put(here, 1, 2, 3)
    wanted = here.rows()[1].id

    assert worker.run_one(here.installation, _job(lambda _: "handled"), ids=[wanted])
    assert not worker.run_one(here.installation, _job(lambda _: "handled"), ids=[wanted])

    assert [row.state for row in here.rows()] == ["waiting", "done", "waiting"]


def test_events_of_one_athlete_run_one_at_a_time_and_another_athletes_go_on(here: Place) -> None:
    _put(here, 1, 1, 2)

    first, other = _claim(here), _claim(here)
    assert (first.object_id, other.object_id) == ("strava:1", "strava:3")
    assert claims.claim(here.installation, InboxEvent) is None
    worker.run(here.installation, _job(lambda _: "handled"), first)

    assert _claim(here).object_id == "strava:2"


@pytest.mark.parametrize("reopened_by", ["new contents", "replay"])
@pytest.mark.parametrize("claimed_again", [False, True])
def test_reopened_row_is_not_ended_by_the_old_claim(here: Place, reopened_by: str, *, claimed_again: bool) -> None:
    _put(here, 1)

    def reopen(row: InboxEvent) -> str:
        if reopened_by == "replay":
            with here.installation.store.write() as session:
                assert claims.retry_rows(session, here.installation, InboxEvent, InboxEvent.id == row.id) == 1
        else:
            here.put(replace(Log(here).event(1), object_id="strava:1", owner_id="1", updates={"type": "Walk"}))
        if claimed_again:
            here.later(seconds=1)
            _claim(here)
        return "handled"

    worker.run_one(here.installation, _job(reopen))

    (row,) = here.rows()
    assert (row.state, row.outcome) == ("claimed" if claimed_again else "waiting", None)


# -- leases -------------------------------------------------------------------------------------------------------------


def test_lease_is_extended_by_the_heartbeat_until_its_row_hangs(here: Place) -> None:
    _put(here, 1)
    held = _claim(here)

    for _ in range(4):
        here.later(seconds=20)
        assert claims.recover_expired(here.installation) == 0
        here.installation.leases.extend()
    assert claims.holds(here.rows()[0], held)

    here.later(seconds=HANGS_AFTER_S + 1)
    here.installation.leases.extend()
    assert claims.recover_expired(here.installation) == 1


def test_expired_lease_returns_the_row_with_backoff_and_a_crash(here: Place) -> None:
    _put(here, 1)
    _die(here, _claim(here))

    assert [claims.recover_expired(here.installation) for _ in range(2)] == [1, 0]

    (row,) = here.rows()
    assert (row.state, row.crashes, row.problem, row.lease_owner) == ("waiting", 1, "its worker ended", None)
    assert claims.claim(here.installation, InboxEvent) is None
    here.later(seconds=7)
    _claim(here)


@pytest.mark.parametrize("ends_workers", [True, False], ids=["ends five workers", "fails for a day"])
def test_row_that_never_succeeds_becomes_a_dead_letter_that_retry_failed_finds(
    here: Place, *, ends_workers: bool
) -> None:
    _put(here, 1)
    first, tried = here.now, 0
    while here.rows()[0].state == "waiting":
        assert here.now - first < POLICY.dead_letter_after + timedelta(hours=3)
        if ends_workers:
            here.later(hours=1)
            _die(here, _claim(here))
            tried += claims.recover_expired(here.installation)
        else:
            worker.run_one(here.installation, _raise(RetryLater("Strava answered 503")))
            here.later(minutes=30)

    (row,) = here.rows()
    problem = "stopped its worker 5 times" if ends_workers else "Strava answered 503"
    assert (row.state, row.outcome, row.problem) == ("failed", "gave_up", problem)
    assert row.tried_at is not None
    assert tried == POLICY.most_crashes if ends_workers else row.tried_at - first > POLICY.dead_letter_after
    with here.installation.store.write() as session:
        assert claims.retry_rows(session, here.installation, Delivery, claims.is_failed(Delivery)) == 0
        assert claims.retry_rows(session, here.installation, InboxEvent, claims.is_failed(InboxEvent)) == 1
    assert worker.run_one(here.installation, _job(lambda _: "handled"))
    assert [(row.state, row.attempts, row.crashes) for row in here.rows()] == [("done", 1, 0)]


def test_poison_row_takes_no_neighbour_to_the_dead_letter(here: Place) -> None:
    """A worker of four threads: each claim of row 2 ends the process, and with it every claim that it holds."""
    random.seed(20)  # the jitter of the backoff
    _put(here, *range(1, 7))

    for _ in range(3000):
        held = [row for _ in range(4) if (row := claims.claim(here.installation, InboxEvent)) is not None]
        if any(row.object_id == "strava:2" for row in held):
            _die(here, *held)
            claims.recover_expired(here.installation)
        else:
            for row in held:
                worker.run(here.installation, _job(lambda _: "handled"), row)
                here.installation.leases.release(row.lease_owner)
        if all(row.state in ("done", "failed") for row in here.rows()):
            break
        if not held:
            here.clock.at = max(here.now, min(row.due_at for row in here.rows() if row.state == "waiting"))
            here.later(milliseconds=300)

    assert {row.object_id: row.state for row in here.rows()} == {
        f"strava:{number}": "failed" if number == 2 else "done" for number in range(1, 7)
    }


# -- retries ------------------------------------------------------------------------------------------------------------


def test_failed_attempts_wait_by_the_policy_and_say_their_problem(here: Place) -> None:
    _put(here, 1)

    def fail(row: InboxEvent) -> None:
        raise RuntimeError(f"attempt {row.attempts}")

    for attempt, wait_s in enumerate((5, 15, 45, 135, 405, 1215, 3600, 3600), start=1):
        assert worker.run_one(here.installation, _job(fail))
        (row,) = here.rows()
        assert (row.state, row.attempts, row.tried_at) == ("waiting", attempt, here.now)
        assert row.problem == f"RuntimeError: attempt {attempt}"
        assert 0.8 * wait_s <= (row.due_at - here.now).total_seconds() <= 1.2 * wait_s
        assert not worker.run_one(here.installation, _job(fail)), "it waits"
        here.clock.at = row.due_at


@pytest.mark.parametrize("budget", [False, True], ids=["counted", "of the budget is no attempt"])
def test_retry_later_with_a_wait_waits_for_so_long_and_final_ends_the_row(here: Place, *, budget: bool) -> None:
    _put(here, 1)
    wait = timedelta(minutes=11)

    for attempt in range(1, 9):
        worker.run_one(here.installation, _raise(RetryLater("the window is spent", wait=wait, budget=budget)))
        (row,) = here.rows()
        assert (row.due_at - here.now, row.problem) == (wait, "the window is spent")
        assert (row.state, row.attempts) == ("waiting", 0 if budget else attempt)
        here.clock.at = row.due_at
    worker.run_one(here.installation, _raise(Final("revoked", "the athlete has disconnected")))

    (row,) = here.rows()
    assert (row.state, row.outcome, row.problem) == ("done", "revoked", "the athlete has disconnected")
    assert row.handled_at == here.now


def test_drain_stops_when_the_process_is_told_to_end(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    monkeypatch.setattr(worker, "stopping", stopping)
    _put(here, 1)
    stopping.set()

    assert worker.drain(here.installation, [_job(lambda _: "handled")]) == 0
    stopping.clear()
    assert worker.drain(here.installation, [_job(lambda _: "handled")]) == 1


# -- the inbox ----------------------------------------------------------------------------------------------------------


def test_same_event_is_no_second_row_and_a_second_edit_within_its_second_is_not_lost(here: Place) -> None:
    received = WebhookEvent("strava", 1, "activity", 42, "update", here.now, 7, {"title": "Morning run"})
    edited = replace(received, updates={"type": "Walk"})
    with here.installation.store.write() as session:
        stored = [inbox.put(session.connection(), events, here.now) for events in ([received, received], [received])]
    (row,) = here.rows()
    assert stored == [{row.id: row.trace_id}, {}], "a worker is woken once"
    assert (row.state, row.updates, len(row.trace_id)) == ("waiting", {"title": "Morning run"}, 16)
    worker.run_one(here.installation, _job(lambda _: "handled"))

    here.put(edited, received)

    assert [(row.state, row.updates) for row in here.rows()] == [("waiting", received.updates | edited.updates)]
