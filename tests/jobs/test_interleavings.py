"""What happens between two steps of the flow: others write, withdraw, connect again, or the time is up.

The running log is in memory, because these tests set the moment between its read and our write. tests/jobs/test_flow.py has
the whole flow over real processes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adductor.athletes import situations
from adductor.jobs import deliveries, events, retention, rounds
from adductor.notes import block
from adductor.queue import claims, worker
from adductor.store.models import Delivery, Subscription
from tests.support.memory_log import RUN, Log, comes_home, delay_notes, event, put, rows, runs, take, withdraw
from tests.support.memory_log import here as here
from tests.support.runners import Place

# -- whose run it is ---------------------------------------------------------------------------------------------------


def test_a_ride_after_a_run_does_not_take_the_note_from_it(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    here.later(minutes=50)
    ride = runs(here, log, runner, RUN + 1, sport="ride", private_note="")

    take(here, event(here, runner, about=ride))

    assert block.SIGNATURE in log.note
    assert log.activities[ride].private_note == ""
    assert [decision.decision for decision in here.decisions(runner)] == ["post_run", "none"]


def test_an_earlier_run_that_is_heard_of_later_does_not_take_the_note(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    earlier = runs(here, log, runner, RUN + 1, ago=timedelta(minutes=170), private_note="")

    take(here, event(here, runner))
    take(here, event(here, runner, about=earlier))

    assert block.SIGNATURE in log.note
    assert log.activities[earlier].private_note == ""


def test_a_deletion_that_comes_after_its_own_undoing_takes_nothing_away(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    here.later(minutes=1)
    deleted = event(here, runner, "delete")
    here.later(minutes=1)

    take(here, event(here, runner))
    take(here, deleted)

    assert here.suggestion(runner).status == "open"
    assert [row.outcome for row in rows(here)] == ["post_run", "already_decided", "restored"]


def test_a_title_within_the_second_of_a_change_of_type_does_not_hide_it(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    here.later(minutes=1)
    log.edit(RUN, sport="walk")
    typed, titled = event(here, runner, "update", type="Walk"), event(here, runner, "update", title="To the shops")
    put(here, typed)

    take(here, titled)

    assert log.note == "Mine."


# -- edits ------------------------------------------------------------------------------------------------------------


def test_two_changes_of_type_within_one_second_are_both_decided(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    log.edit(RUN, sport="walk")
    take(here, event(here, runner, "update", type="Walk"))

    log.edit(RUN, sport="run")
    take(here, event(here, runner, "update", type="Run"))

    (row,) = rows(here)
    assert (row.state, row.outcome, row.problem) == ("done", "post_run", None)
    assert block.SIGNATURE in log.note
    assert len(here.decisions(runner)) == 2


def test_a_run_that_was_a_walk_for_a_while_gets_its_note_back(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    here.later(minutes=1)
    log.edit(RUN, sport="walk")
    take(here, event(here, runner, "update", type="Walk"))
    assert log.note == "Mine."

    here.later(minutes=1)
    log.edit(RUN, sport="run")
    take(here, event(here, runner, "update", type="Run"))

    assert log.note.startswith("Mine.\n\n")
    assert log.note.count(block.SIGNATURE) == 1


def test_a_note_that_is_taken_back_while_another_is_to_take_its_place_goes(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    take(here, event(here, runner))
    with here.installation.store.write() as session:
        suggestion = here.suggestion(runner)
        suggestion = session.merge(suggestion)
        here.coach(session, runner).deliver(suggestion, "test")

    withdraw(here, runner)
    rounds.sweep(here.installation)

    assert log.note == "Mine."


def test_what_was_read_too_long_before_the_write_is_read_again(here: Place, log: Log) -> None:
    runner = comes_home(here, log)

    def edited_while_the_database_is_busy() -> None:
        here.later(seconds=deliveries.FRESH_FOR.total_seconds() + 1)
        log.edit(RUN, private_note="Mine, and more.")

    real_decide = events._decide

    def slowly(*arguments: Any) -> events.Handled:
        edited_while_the_database_is_busy()
        return real_decide(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "_decide", slowly)
        take(here, event(here, runner))

    assert log.note.startswith("Mine, and more.\n\n")


# -- two at one delivery ------------------------------------------------------------------------------------------------


def test_a_note_taken_back_between_its_read_and_its_write_is_not_written(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    delay_notes(here)
    take(here, event(here, runner))
    log.after_read = lambda: withdraw(here, runner)

    here.later(minutes=2)
    rounds.work(here.installation)
    rounds.sweep(here.installation)

    assert log.writes == []
    assert [row.state for row in here.deliveries(runner)] == ["done"]


def test_a_note_taken_back_while_its_write_is_on_its_way_does_not_stay(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    put(here, event(here, runner))

    def taken_back_and_looked_at() -> None:
        withdraw(here, runner)
        before = log.note
        rounds.work(here.installation)  # another worker: nothing stands there yet
        assert log.note == before

    log.before_write = taken_back_and_looked_at
    rounds.work(here.installation)

    assert block.SIGNATURE in log.writes[0]  # written over the change of mind
    assert log.note == "Mine."


def test_a_mail_that_is_being_sent_is_not_given_to_a_second_worker(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail"})
    here.run_done(runner)
    claimed = claims.claim(here.installation, Delivery)
    assert claimed is not None

    with here.installation.store.write() as session:
        suggestion = session.merge(here.suggestion(runner))
        here.coach(session, runner).deliver(suggestion, "test")

    assert claims.claim(here.installation, Delivery) is None
    worker.run(here.installation, deliveries.JOB, claimed)
    assert [row.outcome for row in here.deliveries(runner)] == ["sent"]


# -- the inbox ----------------------------------------------------------------------------------------------------------


def test_a_time_zone_that_is_the_name_of_a_folder_counts_as_unknown() -> None:
    assert situations.zone_of("America").key == "UTC"


@pytest.mark.parametrize(
    ("came_first", "notes"), [(True, 1), (False, 0)], ids=["of an earlier one", "of a foreign one"]
)
def test_event_of_another_subscription_is_handled_if_it_came_before_ours(
    here: Place, log: Log, came_first: bool, notes: int
) -> None:
    runner = comes_home(here, log)
    if came_first:
        put(here, event(here, runner))
        here.later(minutes=1)
    with here.installation.store.write() as session:
        session.add(
            Subscription(platform="strava", subscription_id=99, callback_url="http://here", created_at=here.now)
        )
    if not came_first:
        here.later(minutes=1)
        put(here, event(here, runner))

    rounds.work(here.installation)

    assert log.note.count(block.SIGNATURE) == notes


def test_events_of_strangers_end_together_and_those_of_runners_are_handled(here: Place, log: Log) -> None:
    runner = comes_home(here, log)
    theirs = event(here, runner)
    put(here, *(replace(theirs, owner_id=owner, object_id=owner) for owner in (70_001, 70_002)), theirs)

    rounds.work(here.installation)

    assert [row.outcome for row in rows(here)] == ["unknown_athlete", "unknown_athlete", "post_run"]
    assert all(row.handled_at is not None and row.lease_owner is None for row in rows(here))
    assert log.note.count(block.SIGNATURE) == 1


def test_after_a_quiet_week_the_next_run_is_decided_at_the_first_try(here: Place, log: Log) -> None:
    """All events have gone by then, and SQLite counts new ones from 1 again; the decisions that stay know the old ones."""
    runner = comes_home(here, log)
    take(here, event(here, runner))
    here.later(days=8)
    retention.expire(here.installation)
    assert rows(here) == []

    take(here, event(here, runner, about=runs(here, log, runner, RUN + 1)))

    (row,) = rows(here)
    assert (row.state, row.attempts) == ("done", 1)


def test_worker_killed_after_its_write_leaves_the_blank_line_of_the_athlete(here: Place, log: Log) -> None:
    """The block went into an empty note; the words and the blank line above it came before the next attempt."""
    runner = comes_home(here, log, "")
    write = log.update_activity

    def killed(*values: Any, **named: Any) -> Any:
        write(*values, **named)
        raise KeyboardInterrupt  # no ladder catches it, as none catches a kill

    log.update_activity = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        take(here, event(here, runner))
    log.update_activity = write  # type: ignore[method-assign]
    log.edit(RUN, private_note=f"Words.\n\n{log.note}")
    for _ in range(3):
        here.later(minutes=1)
        rounds.sweep(here.installation)

    withdraw(here, runner)
    rounds.sweep(here.installation)

    assert log.note == "Words.\n\n"
