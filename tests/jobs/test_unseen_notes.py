"""Where a note stands, when answers are lost or don't show it: found again, taken away, and the runner's lines left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adductor.jobs import rounds
from adductor.notes import block
from adductor.store.models import Delivery
from tests.jobs.test_interleavings import RUN, Log, _comes_home, _event, _take, _withdraw, here, log
from tests.support.runners import Place

__all__ = ["here", "log"]  # fixtures


def _waits_again(here: Place, **values: Any) -> None:
    with here.installation.store.write() as session:
        row = session.scalars(select(Delivery)).one()
        for name, value in {"state": "waiting", "written_text": None, "placed_in": None, **values}.items():
            setattr(row, name, value)


def _becomes_a_walk(here: Place, log: Log, runner: int) -> None:
    """So its note is to go."""
    log.edit(RUN, sport="walk")
    _take(here, _event(here, runner, "update", type="Walk"))


def _written_without_an_answer(here: Place, log: Log, runner: int) -> None:
    log.loses_answer = True
    _take(here, _event(here, runner))
    log.loses_answer = False


def _shown_again(here: Place, log: Log, **later: float) -> None:
    log.leaves_note_out = False
    here.later(**later)
    rounds.sweep(here.installation)


def test_a_note_that_stands_in_the_description_is_found_there_when_word_of_it_was_lost(here: Place, log: Log) -> None:
    runner = _comes_home(here, log, words="")
    _take(here, _event(here, runner))
    log.edit(RUN, private_note="", description=here.deliveries(runner)[0].block)
    _waits_again(here)

    rounds.sweep(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.outcome, delivery.placed_in) == ("written", "description")
    assert log.note == ""
    assert len(log.writes) == 1


def test_a_note_that_may_stand_where_it_isnt_shown_is_not_written_elsewhere(here: Place, log: Log) -> None:
    runner = _comes_home(here, log, words="")
    _take(here, _event(here, runner))
    log.activities[RUN] = replace(log.activities[RUN], private_note=None)
    _waits_again(here, unconfirmed_writes=1, reads_without_field=1, attempts=1)
    log.refuses = True

    rounds.sweep(here.installation)

    (delivery,) = here.deliveries(runner)
    assert delivery.state == "waiting"
    assert "may stand in the private note" in (delivery.problem or "")


def test_words_that_come_in_within_the_first_minute_are_not_overwritten(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    log.leaves_note_out = True
    _take(here, _event(here, runner))
    for _ in range(5):
        here.later(seconds=11)
        rounds.sweep(here.installation)
    assert log.writes == []

    _shown_again(here, log, seconds=11)

    assert log.note.startswith("Mine.\n\n")
    assert block.SIGNATURE in log.note
    assert log.reads == 2


def test_a_note_that_is_left_out_of_answers_for_a_while_is_still_taken_away(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    log.leaves_note_out = True
    _becomes_a_walk(here, log, runner)
    here.later(minutes=1)
    rounds.sweep(here.installation)

    _shown_again(here, log, minutes=5)

    assert log.note == "Mine."


def test_a_note_of_whose_writing_no_word_came_is_taken_away_when_it_is_shown_again(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _written_without_an_answer(here, log, runner)
    assert block.SIGNATURE in log.note
    here.later(seconds=1)
    log.leaves_note_out = True
    _becomes_a_walk(here, log, runner)
    here.later(minutes=1)
    rounds.sweep(here.installation)

    _shown_again(here, log, minutes=30)

    assert log.note == "Mine."


def test_a_note_that_was_taken_back_while_word_of_its_writing_was_lost_is_taken_away_too(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)

    def taken_back() -> None:
        _withdraw(here, runner)
        log.leaves_note_out = True

    log.loses_answer, log.before_write = True, taken_back
    _take(here, _event(here, runner))
    log.loses_answer = False
    assert block.SIGNATURE in log.note
    for _ in range(2):
        here.later(minutes=1)
        rounds.sweep(here.installation)

    _shown_again(here, log, minutes=30)

    assert log.note == "Mine."


def test_tries_that_failed_in_another_way_are_no_sign_that_a_note_is_not_there(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    with here.installation.store.write() as session:
        session.scalars(select(Delivery)).one().attempts = 9  # for the rate budget, for a Strava that was away
    here.later(minutes=1)
    log.leaves_note_out = True
    _becomes_a_walk(here, log, runner)
    here.later(minutes=1)
    rounds.sweep(here.installation)

    _shown_again(here, log, hours=2)

    assert log.note == "Mine."


def test_a_note_that_is_never_shown_again_is_not_waited_for_without_end(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    log.leaves_note_out = True
    _becomes_a_walk(here, log, runner)

    for _ in range(9):
        here.later(hours=1, minutes=15)
        rounds.sweep(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.state, delivery.outcome) == ("done", "nothing_there")


def test_a_line_put_before_our_note_while_word_of_it_was_lost_stays_the_runners(here: Place, log: Log) -> None:
    runner = _comes_home(here, log, words="")
    _written_without_an_answer(here, log, runner)
    log.edit(RUN, private_note=f"Felt heavy.\n\n{log.note}")
    here.later(minutes=1)
    rounds.sweep(here.installation)
    assert here.deliveries(runner)[0].outcome == "written"

    _becomes_a_walk(here, log, runner)

    assert log.note == "Felt heavy.\n\n"


def test_our_own_line_goes_with_our_note_also_when_it_was_written_at_a_second_try(here: Place, log: Log) -> None:
    runner = _comes_home(here, log, words="")
    _written_without_an_answer(here, log, runner)
    log.edit(RUN, private_note="Felt heavy.")  # it never arrived, and the runner wrote meanwhile
    here.later(minutes=1)
    rounds.sweep(here.installation)
    assert log.note.startswith("Felt heavy.\n\n")

    _becomes_a_walk(here, log, runner)

    assert log.note == "Felt heavy."


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(minutes=10)], ids=["before", "after"])
def test_a_removal_whose_answer_was_lost_is_not_taken_for_the_runners(here: Place, log: Log, later: timedelta) -> None:
    """Neither before it was tried again nor after."""
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    log.loses_answer = True
    _becomes_a_walk(here, log, runner)
    assert log.note == "Mine."
    log.loses_answer = False

    here.later(seconds=later.total_seconds())
    rounds.sweep(here.installation)
    log.edit(RUN, sport="run")
    _take(here, _event(here, runner, "update", type="Run"))

    assert log.note.count(block.SIGNATURE) == 1
