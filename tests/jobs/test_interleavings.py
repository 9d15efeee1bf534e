"""What happens between two steps of the flow: others write, withdraw, connect again, or the time is up.

The running log is in memory, because these tests set the moment between its read and our write. tests/jobs/test_flow.py has
the whole flow over real processes.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from adductor.athletes import activities
from adductor.jobs import deliveries, events, leaving, retention, rounds
from adductor.notes import block
from adductor.queue import claims, worker
from adductor.store.models import Delivery, LoggedActivity, Subscription, Suggestion
from tests.support.memory_log import AWAY, EACH_LOG, RUN, Log
from tests.support.memory_log import here as here
from tests.support.runners import Place


def _deliver_again(here: Place, runner: int) -> None:
    with here.asked(runner) as coach:
        coach.deliver(coach.session.merge(here.suggestion(runner)), "test")


# -- whose run it is ---------------------------------------------------------------------------------------------------


@EACH_LOG
@pytest.mark.parametrize(
    ("sport", "ago_min"), [("ride", 45), ("run", 220)], ids=["a ride after it", "an earlier run that is heard of later"]
)
def test_other_activity_does_not_take_the_note_from_the_latest_run(
    here: Place, log: Log, sport: str, ago_min: int
) -> None:
    runner = log.noted()
    here.later(minutes=50)
    other = log.runs(runner, log.nth(1), sport=sport, ago=timedelta(minutes=ago_min), private_note="")

    here.take(log.event(runner, about=other))

    assert block.SIGNATURE in log.note
    assert log.note_of(other) == ""
    assert here.decisions(runner)[0].decision == "post_run"


@EACH_LOG
@pytest.mark.parametrize(
    ("first", "updates", "notes"),
    [("update", {"title": "Along the river"}, 1), ("delete", {}, 0)],
    ids=["edit", "delete"],
)
def test_event_that_overtakes_the_create_leaves_one_note_or_none(
    here: Place, log: Log, first: str, updates: dict[str, str], notes: int
) -> None:
    runner = log.comes_home()
    created = log.event(runner)
    here.later(minutes=1)

    here.take(log.event(runner, first, **updates))
    here.take(created)

    assert log.note.count(block.SIGNATURE) == len(log.writes) == notes
    assert notes or log.calls == []


@pytest.mark.parametrize("log", ["intervals"], indirect=True)
def test_edit_handled_late_leaves_the_activity_as_a_later_event_told_it(here: Place, log: Log) -> None:
    """Of intervals.icu alone: its events carry the activity as it was when they were sent."""
    athlete_id = log.noted()
    here.later(seconds=1)
    earlier = log.event(athlete_id, "update")
    log.retype(athlete_id, "walk", after_s=1)

    here.take(earlier)

    assert log.with_note() == []
    assert [row.outcome for row in here.rows()] == ["post_run", "withdrawn", "nothing_to_do"]


@pytest.mark.parametrize("log", ["intervals"], indirect=True)
def test_edit_whose_calendar_could_not_be_read_is_decided_at_its_retry(here: Place, log: Log) -> None:
    athlete_id = log.noted()
    log.fails = AWAY
    log.retype(athlete_id, "walk", after_s=120)
    assert here.rows()[-1].state == "waiting"
    log.fails = {}

    here.sweep_after(minutes=5)

    assert log.with_note() == []


@EACH_LOG
def test_a_deletion_that_comes_after_its_own_undoing_takes_nothing_away(here: Place, log: Log) -> None:
    runner = log.noted()
    here.later(minutes=1)
    deleted = log.event(runner, "delete")
    here.later(minutes=1)

    here.take(log.event(runner))
    here.take(deleted)

    assert here.suggestion(runner).status == "open"
    assert [row.outcome for row in here.rows()] == ["post_run", "already_decided", "restored"]


@EACH_LOG
@pytest.mark.parametrize("apart_s", [0, 60])
def test_run_that_was_a_walk_for_a_while_gets_its_note_back(here: Place, log: Log, apart_s: int) -> None:
    """Two changes within one second are one row of the inbox, decided twice."""
    runner = log.noted()
    log.retype(runner, "walk", after_s=60)
    assert log.note == log.bare

    log.retype(runner, "run", after_s=apart_s)

    assert [(row.state, row.outcome, row.problem) for row in here.rows()][-1] == ("done", "post_run", None)
    assert len(here.rows()) == (2 if apart_s == 0 else 3)
    assert log.note.startswith(log.bare)
    assert log.note.count(block.SIGNATURE) == 1
    assert len(here.decisions(runner)) == 2


@EACH_LOG
def test_a_note_that_is_taken_back_while_another_is_to_take_its_place_goes(here: Place, log: Log) -> None:
    runner = log.noted()
    _deliver_again(here, runner)

    here.withdraw(runner)
    rounds.sweep(here.installation)

    assert log.note == log.bare


def test_reading_too_old_for_a_write_is_read_again(here: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = log.comes_home()
    real_decide = events._decide

    def slowly(*arguments: Any) -> events.Handled:
        """The runner edits while the database is busy."""
        here.later(seconds=deliveries.FRESH_FOR.total_seconds() + 1)
        log.edit(RUN, private_note="Mine, and more.")
        return real_decide(*arguments)

    monkeypatch.setattr(events, "_decide", slowly)
    here.take(log.event(runner))

    assert log.note.startswith("Mine, and more.\n\n")


# -- two at one delivery ------------------------------------------------------------------------------------------------


def test_a_note_taken_back_between_its_read_and_its_write_is_not_written(here: Place, log: Log) -> None:
    runner = log.comes_home()
    here.delay_notes()
    here.take(log.event(runner))
    log.after_read = lambda: here.withdraw(runner)

    here.later(minutes=2)
    rounds.work(here.installation)
    rounds.sweep(here.installation)

    assert log.writes == []
    assert [row.state for row in here.deliveries(runner)] == ["done"]


def test_a_mail_that_is_being_sent_is_not_given_to_a_second_worker(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail"})
    here.run_done(runner)
    claimed = claims.claim(here.installation, Delivery)
    assert claimed is not None

    _deliver_again(here, runner)

    assert claims.claim(here.installation, Delivery) is None
    worker.run(here.installation, deliveries.JOB, claimed)
    assert [row.outcome for row in here.deliveries(runner)] == ["sent"]


@pytest.mark.parametrize(
    ("sent_after_min", "learned"), [(1, 1), (-1, 99)], ids=["renumbered", "late, of an earlier one"]
)
def test_event_under_another_subscription_is_handled_and_its_id_learned(
    here: Place, log: Log, sent_after_min: int, learned: int
) -> None:
    """Only Strava knows the secret address. A restored backup knows an earlier subscription."""
    runner = log.comes_home()
    with here.installation.store.write() as session:
        known = {"platform": "strava", "subscription_id": 99, "callback_url": "http://here"}
        session.add(Subscription(**known, created_at=here.now - timedelta(minutes=sent_after_min)))

    here.take(log.event(runner))

    assert log.note.count(block.SIGNATURE) == 1
    assert [row.subscription_id for row in here.all(Subscription)] == [learned]


def test_activity_without_its_owner_is_read_again(here: Place, log: Log) -> None:
    runner = log.comes_home()
    log.edit(RUN, athlete_id="")
    here.take(log.event(runner))
    assert log.note == "Mine."

    log.edit(RUN, athlete_id=here.owner(runner))
    here.sweep_after(minutes=1)

    assert log.note.count(block.SIGNATURE) == 1


@EACH_LOG
def test_after_a_quiet_week_the_next_run_is_decided_at_the_first_try(here: Place, log: Log) -> None:
    """All events have gone by then, and SQLite counts new ones from 1 again; the decisions that stay know the old ones."""
    runner = log.noted()
    here.later(days=8)
    retention.expire(here.installation)
    assert here.rows() == []

    here.take(log.event(runner, about=log.runs(runner, log.nth(1))))

    assert [(row.state, row.attempts) for row in here.rows()] == [("done", 1)]


# -- two threads of one worker ------------------------------------------------------------------------------------------


@EACH_LOG
def test_note_that_lands_while_another_thread_takes_it_back_does_not_stay(here: Place, log: Log) -> None:
    athlete_id = log.comes_home()
    has_read, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def read() -> None:
        has_read.set()
        assert may_end.wait(20)

    def taken_back() -> None:
        here.withdraw(athlete_id)
        log.after_read = read
        threads.append(threading.Thread(target=worker.run_one, args=(here.installation, deliveries.JOB)))
        threads[0].start()
        assert has_read.wait(20)

    log.before_write = taken_back
    here.take(log.event(athlete_id))
    assert block.SIGNATURE in log.writes[0]
    may_end.set()
    threads[0].join(20)
    here.sweep_for(timedelta(minutes=1), every=timedelta(seconds=20))

    assert log.note == log.bare
    (delivery,) = here.deliveries(athlete_id)
    assert (delivery.state, delivery.outcome) == ("done", "removed")


@EACH_LOG
def test_mind_changed_during_a_removal_is_acted_on_at_once(here: Place, log: Log) -> None:
    """On PostgreSQL a row may be claimed after the transaction that wants its note back has read it."""
    athlete_id = log.noted()
    here.later(minutes=1)
    here.withdraw(athlete_id)

    def wanted_again() -> None:
        with here.installation.store.write() as session:
            session.execute(update(Delivery).values(desired_state="present"))
            session.execute(update(Suggestion).values(status="open"))

    log.before_write = wanted_again
    rounds.sweep(here.installation)
    here.sweep_for(timedelta(minutes=2), every=timedelta(seconds=20))

    (delivery,) = here.deliveries(athlete_id)
    assert (delivery.state, delivery.outcome, delivery.crashes) == ("done", "written", 0)
    assert log.note.count(block.SIGNATURE) == 1


@EACH_LOG
def test_run_that_is_deleted_while_it_is_read_is_not_kept(here: Place, log: Log) -> None:
    athlete_id = log.comes_home()
    log.carries = False

    def deleted_meanwhile() -> None:
        here.later(seconds=1)
        here.put(log.event(athlete_id, "delete"))

    log.after_read = deleted_meanwhile
    here.take(log.event(athlete_id))

    assert [row.outcome for row in here.rows()] == ["deleted", "nothing_to_do"]
    assert here.suggestions(athlete_id) == []
    assert log.writes == []
    assert here.all(LoggedActivity, platform_id=log.run) == []


@EACH_LOG
def test_list_that_was_read_before_a_deletion_does_not_undo_it(here: Place, log: Log) -> None:
    athlete_id = log.noted()
    listed = activities.Listed([log.activities[log.run]], here.now)
    here.later(seconds=1)
    here.take(log.event(athlete_id, "delete"))

    with here.asked(athlete_id) as coach:
        activities.keep_history(coach, listed)

    (kept,) = here.all(LoggedActivity, platform_id=log.run)
    assert kept.deleted_at is not None


@EACH_LOG
def test_erasure_waits_for_a_write_under_way_and_takes_the_note_out(here: Place, log: Log) -> None:
    athlete_id = log.comes_home()
    writing, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        writing.set()
        assert go_on.wait(20)

    here.put(log.event(athlete_id))
    log.before_write = slowly
    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(rounds.work, here.installation)
        assert writing.wait(20)
        erasing = pool.submit(leaving.forget, here.installation, athlete_id, remove_notes=True)
        go_on.set()
        working.result(20)
        done = erasing.result(30)

    assert done == leaving.Forgotten(notes_removed=1, notes_left=0, revoked=True)
    assert log.note == log.bare


def test_threads_that_begin_together_share_one_budget(here: Place) -> None:
    together = threading.Barrier(8)

    def first_call(_: int) -> Any:
        together.wait(20)
        return here.installation.budget("strava")

    with ThreadPoolExecutor(8) as pool:
        assert len({id(budget) for budget in pool.map(first_call, range(8))}) == 1
