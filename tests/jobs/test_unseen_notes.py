"""A note whose answers are lost, late, altered or don't show it: one block, where the runner chose, and never in public."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from adductor.athletes import channels
from adductor.notes import block
from adductor.platforms.base import LoggedActivity
from adductor.store.models import Delivery
from tests.support.memory_log import RUN, Log, nth
from tests.support.runners import Place

Answers = Callable[[LoggedActivity], LoggedActivity]


# -- doubt is not refusal -----------------------------------------------------------------------------------------------

_UNCLEAR: dict[str, Answers] = {
    "left out": lambda activity: replace(activity, private_note=None),
    "stale": lambda activity: replace(activity, private_note="Mine."),
    "other dashes": lambda activity: replace(activity, private_note=(activity.private_note or "").replace("—", "-")),
    "other dots": lambda activity: replace(activity, private_note=(activity.private_note or "").replace("·", "•")),
    "a line cut": lambda activity: replace(
        activity, private_note=re.sub("Why today.*\n", "", activity.private_note or "")
    ),
}


@pytest.mark.parametrize("address", [None, "runner@example.org"], ids=["no mail", "mail"])
@pytest.mark.parametrize("answers", _UNCLEAR.values(), ids=_UNCLEAR)
def test_note_unclear_answer_is_read_again(here: Place, log: Log, answers: Answers, address: str | None) -> None:
    runner = log.comes_home()
    here.change(runner, email=address, email_confirmed_at=here.now)
    log.answers = answers
    here.take(log.event(runner))
    here.sweep_for(timedelta(minutes=40), every=timedelta(minutes=5))

    assert [(row.channel, row.outcome) for row in here.deliveries(runner)] == [("private_note", "written")]
    assert log.note.startswith("Mine.\n\n")
    assert log.note.count(block.HEADING) == len(log.writes) == 1
    assert log.activities[RUN].description == "Sunny."
    assert here.mails() == []


@pytest.mark.parametrize(
    ("address", "instead"), [(None, ("pages", "on_the_pages")), ("runner@example.org", ("mail", "sent"))]
)
@pytest.mark.parametrize("shown", [True, False], ids=["shown", "left out"])
def test_note_proved_refusal_takes_another_channel(
    here: Place, log: Log, shown: bool, address: str | None, instead: tuple[str, str]
) -> None:
    runner = log.comes_home(words="Mine." if shown else "")
    here.change(runner, email=address, email_confirmed_at=here.now)
    log.refuses, log.leaves_note_out = True, not shown
    if not shown:
        log.answers = _UNCLEAR["left out"]
    here.take(log.event(runner))
    assert [(row.channel, row.state) for row in here.deliveries(runner)] == [("private_note", "waiting")]
    here.sweep_for(timedelta(minutes=40), every=timedelta(minutes=5))

    ended = [(row.channel, row.outcome) for row in here.deliveries(runner)]
    assert ended == [("private_note", "note_refused"), instead]
    assert (log.writes, log.activities[RUN].description) == ([], "Sunny.")
    assert channels.private_note_problem(here.athlete(runner), here.now) is not None
    assert channels.private_note_problem(here.athlete(runner), here.now + timedelta(days=1)) is None


def test_note_is_tried_again_a_day_after_the_refusal(here: Place, log: Log) -> None:
    runner = log.noted(private_note_refused_at=here.now - timedelta(days=1))

    assert block.SIGNATURE in log.note
    assert here.athlete(runner).connection.private_note_refused_at is None


def test_note_that_an_earlier_version_put_into_the_description_is_removed_there(here: Place, log: Log) -> None:
    runner = log.noted()
    log.edit(RUN, private_note="Mine.", description=f"Sunny.\n\n{here.deliveries(runner)[0].block}")
    with here.installation.store.write() as session:
        session.scalars(select(Delivery)).one().placed_in = "description"

    log.retype(runner, "walk")

    assert (log.note, log.activities[RUN].description) == ("Mine.", "Sunny.")


@pytest.mark.parametrize("words", ["", "Mine."])
def test_copy_of_an_earlier_note_in_a_split_activity_is_replaced(here: Place, log: Log, words: str) -> None:
    """Strava copies the note with the activity; its link answers the routine of the one that is gone."""
    runner = log.noted(words)
    first = here.suggestion(runner).public_id
    log.activities[nth(1)] = replace(log.activities[RUN], id=nth(1))
    here.later(minutes=1)
    here.take(log.event(runner, "delete"))

    here.take(log.event(runner, about=nth(1)))

    note = log.activities[nth(1)].private_note or ""
    assert (note.count(block.SIGNATURE), note.count(f"/r/{first}")) == (1, 0)
    assert note.startswith(f"{words}\n\n{block.HEADING}" if words else block.HEADING)


# -- what isn't shown ---------------------------------------------------------------------------------------------------


def _next_run(here: Place, log: Log, runner: int, words: str = "", **values: object) -> None:
    here.later(days=5)
    run = log.runs(runner, nth(len(log.activities)), private_note=words, **values)
    here.take(log.event(runner, about=run))


@pytest.mark.parametrize(
    ("between", "description", "reads"),
    [(None, "Sunny.", 1), (None, None, 2), ("", "Sunny.", 2), ("Mine.", "Sunny.", 2)],
    ids=["trusted", "the description is late too", "an empty note was shown", "the runner wrote a note"],
)
def test_note_absent_again_is_written_at_once_while_nothing_speaks_against_it(
    here: Place, log: Log, between: str | None, description: str | None, reads: int
) -> None:
    runner = log.comes_home(words="")
    log.leaves_note_out = True
    here.take(log.event(runner))
    here.sweep_after(minutes=1)
    assert (log.reads, len(log.writes)) == (2, 1)
    assert here.athlete(runner).connection.absent_note_is_empty
    if between is not None:
        log.leaves_note_out = False
        _next_run(here, log, runner, between)
        log.leaves_note_out = True
    read_before, written_before = log.reads, len(log.writes)
    _next_run(here, log, runner, description=description)

    assert (log.reads - read_before, len(log.writes) - written_before) == (1, 2 - reads)
    here.sweep_after(minutes=1)
    assert (log.reads - read_before, len(log.writes) - written_before) == (reads, 1)


@pytest.mark.parametrize("lost", ["answer", "worker"])
def test_absent_note_is_not_written_over_when_an_earlier_write_may_have_arrived(
    here: Place, log: Log, lost: str
) -> None:
    runner = log.comes_home()
    _announce(here, log, runner, lost)
    log.leaves_note_out = True
    here.sweep_for(timedelta(minutes=8), every=timedelta(seconds=20))
    log.leaves_note_out = False

    here.sweep_after(minutes=30)

    assert log.note.startswith("Mine.\n\n")
    assert (log.note.count(block.SIGNATURE), len(log.writes)) == (1, 1)


@pytest.mark.parametrize(
    ("lost", "attempts", "minutes"),
    [("", 1, 5), ("", 1, 30), ("answer", 1, 5), ("answer", 1, 30), ("", 9, 120)],
)
def test_removal_waits_until_the_note_is_shown_again(
    here: Place, log: Log, lost: str, attempts: int, minutes: int
) -> None:
    """Tries that failed in another way (the rate budget, a Strava that was away) are no sign that it is gone."""
    runner = log.comes_home()
    _announce(here, log, runner, lost)
    assert block.SIGNATURE in log.note
    with here.installation.store.write() as session:
        session.scalars(select(Delivery)).one().attempts = attempts
    here.later(seconds=1)
    log.leaves_note_out = True
    log.retype(runner, "walk")
    here.sweep_after(minutes=1)
    log.leaves_note_out = False

    here.sweep_after(minutes=minutes)

    assert log.note == "Mine."


def _killed(_: LoggedActivity) -> LoggedActivity:
    """The worker ends before it hears of its write: no ladder catches that."""
    raise KeyboardInterrupt


def _announce(here: Place, log: Log, runner: int, lost: str) -> None:
    """The run is announced; the ``answer`` to our write is lost, or the ``worker`` that would hear it."""
    log.loses_answer, log.answers = lost == "answer", _killed if lost == "worker" else Log.answers
    with contextlib.suppress(KeyboardInterrupt):
        here.take(log.event(runner))
    log.loses_answer, log.answers = False, Log.answers


def test_note_taken_back_while_the_answer_to_its_write_is_lost_is_removed_too(here: Place, log: Log) -> None:
    runner = log.comes_home()

    def taken_back() -> None:
        here.withdraw(runner)
        log.leaves_note_out = True

    log.before_write = taken_back
    _announce(here, log, runner, "answer")
    here.sweep_for(timedelta(minutes=2), every=timedelta(minutes=1))
    assert block.SIGNATURE in log.note
    log.leaves_note_out = False

    here.sweep_after(minutes=30)

    assert log.note == "Mine."


@pytest.mark.parametrize("lost", ["answer", "worker"])
@pytest.mark.parametrize(
    ("arrived", "left"), [(True, "Felt heavy.\n\n"), (False, "Felt heavy.")], ids=["our write arrived", "it didn't"]
)
def test_blank_line_goes_with_our_note_only_when_it_is_ours(
    here: Place, log: Log, lost: str, *, arrived: bool, left: str
) -> None:
    """The runner wrote meanwhile, and nothing is known of our first write."""
    runner = log.comes_home(words="")
    _announce(here, log, runner, lost)
    log.edit(RUN, private_note=f"Felt heavy.\n\n{log.note}" if arrived else "Felt heavy.")
    here.sweep_for(timedelta(minutes=3), every=timedelta(minutes=1))
    assert log.note.startswith(f"Felt heavy.\n\n{block.HEADING}")

    log.retype(runner, "walk")

    assert log.note == left


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(minutes=10)], ids=["before", "after"])
def test_a_removal_whose_answer_was_lost_is_not_taken_for_the_runners(here: Place, log: Log, later: timedelta) -> None:
    """Neither before it was tried again nor after."""
    runner = log.noted()
    here.later(minutes=1)
    log.loses_answer = True
    log.retype(runner, "walk")
    assert log.note == "Mine."
    log.loses_answer = False

    here.sweep_after(seconds=later.total_seconds())
    log.retype(runner, "run")

    assert log.note.count(block.SIGNATURE) == 1
