"""Two threads of one worker at the same row: each has only its own claim. On both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from adductor.athletes import activities, personal_data
from adductor.jobs import deliveries, events, rounds
from adductor.notes import block
from adductor.queue import claims, worker
from adductor.store.models import Delivery, LoggedActivity, Suggestion
from tests.support.memory_log import RUN, Log, comes_home, event, put, rows, sweep_for, take, withdraw
from tests.support.memory_log import here as here
from tests.support.runners import Place


def _kept(here: Place) -> LoggedActivity | None:
    with here.installation.store.read() as session:
        return session.scalar(select(LoggedActivity).where(LoggedActivity.platform_id == RUN))


def test_note_that_lands_while_another_thread_takes_it_back_does_not_stay(here: Place, log: Log) -> None:
    athlete_id = comes_home(here, log)
    has_read, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def read() -> None:
        has_read.set()
        assert may_end.wait(20)

    def taken_back() -> None:
        withdraw(here, athlete_id)
        log.after_read = read
        threads.append(threading.Thread(target=worker.run_one, args=(here.installation, deliveries.JOB)))
        threads[0].start()
        assert has_read.wait(20)

    log.before_write = taken_back
    take(here, event(here, athlete_id))
    assert block.SIGNATURE in log.writes[0]
    may_end.set()
    threads[0].join(20)
    sweep_for(here, timedelta(minutes=1), every=timedelta(seconds=20))

    assert log.note == "Mine."
    (delivery,) = here.deliveries(athlete_id)
    assert (delivery.state, delivery.outcome) == ("done", "removed")


def test_mind_changed_during_a_removal_is_acted_on_at_once(here: Place, log: Log) -> None:
    """On PostgreSQL a row may be claimed after the transaction that wants its note back has read it."""
    athlete_id = comes_home(here, log)
    take(here, event(here, athlete_id))
    here.later(minutes=1)
    withdraw(here, athlete_id)

    def wanted_again() -> None:
        with here.installation.store.write() as session:
            session.execute(update(Delivery).values(desired_state="present"))
            session.execute(update(Suggestion).values(status="open"))

    log.before_write = wanted_again
    rounds.sweep(here.installation)
    sweep_for(here, timedelta(minutes=2), every=timedelta(seconds=20))

    (delivery,) = here.deliveries(athlete_id)
    assert (delivery.state, delivery.outcome, delivery.crashes) == ("done", "written", 0)
    assert log.note.count(block.SIGNATURE) == 1


def test_run_that_is_deleted_while_it_is_read_is_not_kept(here: Place, log: Log) -> None:
    athlete_id = comes_home(here, log)

    def deleted_meanwhile() -> None:
        here.later(seconds=1)
        put(here, event(here, athlete_id, "delete"))

    log.after_read = deleted_meanwhile
    take(here, event(here, athlete_id))

    assert [(row.aspect_type, row.outcome) for row in rows(here)] == [
        ("create", "deleted"),
        ("delete", "nothing_to_do"),
    ]
    assert here.suggestions(athlete_id) == []
    assert log.writes == []
    assert _kept(here) is None


def test_list_that_was_read_before_a_deletion_does_not_undo_it(here: Place, log: Log) -> None:
    athlete_id = comes_home(here, log)
    take(here, event(here, athlete_id))
    listed = activities.Listed([log.activities[RUN]], here.now - activities.HISTORY, here.now)
    here.later(seconds=1)
    take(here, event(here, athlete_id, "delete"))

    with here.installation.store.write() as session:
        activities.keep_history(here.coach(session, athlete_id), listed)

    kept = _kept(here)
    assert kept is not None
    assert kept.deleted_at is not None


def test_erasure_waits_for_a_write_under_way_and_takes_the_note_out(here: Place, log: Log) -> None:
    athlete_id = comes_home(here, log)
    writing, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        writing.set()
        assert go_on.wait(20)

    put(here, event(here, athlete_id))
    log.before_write = slowly
    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(rounds.work, here.installation)
        assert writing.wait(20)
        leaving = pool.submit(personal_data.forget, here.installation, athlete_id, remove_notes=True)
        go_on.set()
        working.result(20)
        done = leaving.result(30)

    assert done == personal_data.Forgotten(notes_removed=1, notes_left=0, revoked=True)
    assert log.note == "Mine."


def test_threads_that_begin_together_share_one_budget(here: Place) -> None:
    together = threading.Barrier(8)

    def first_call(_: int) -> Any:
        together.wait(20)
        return here.installation.budget("strava")

    with ThreadPoolExecutor(8) as pool:
        assert len({id(budget) for budget in pool.map(first_call, range(8))}) == 1


def test_event_that_was_reopened_is_ended_by_the_claim_that_holds_it(here: Place, log: Log) -> None:
    athlete_id = comes_home(here, log)
    first = event(here, athlete_id, "update", title="A run")
    second = event(here, athlete_id, "update", type="Walk")
    claimed = []

    def another_thread_claims_it() -> None:
        put(here, second)
        here.later(milliseconds=1)
        claimed.append(claims.claim(here.installation, type(rows(here)[0])))

    log.after_read = another_thread_claims_it
    put(here, first)
    rounds.work(here.installation)

    assert rows(here)[0].state == "claimed", "its second contents are in hand, and not handled"
    worker.run(here.installation, events.JOB, claimed[0])  # type: ignore[arg-type]
    assert rows(here)[0].state == "done"
