"""Weeks of a runner over the real pipeline: what reaches them, which slots work, silence, and races that the log forgets."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from email.parser import BytesParser
from email.policy import default
from itertools import pairwise
from typing import Any

import pytest

from adductor.athletes import answers, offers, situations
from adductor.coaching.replies import Said, StillUseful
from adductor.coaching.situation import Event, EventType, Placement, Situation, SlotRecord
from adductor.jobs import prompts, retention
from adductor.notes import block
from adductor.queue import timers
from adductor.store.models import DecisionRecord, Suggestion
from tests.support.memory_log import Log, nth
from tests.support.runners import Place

WITHOUT_MAIL = {"channels": {"post_run": "private_note", "rest_day": "pages"}}
TUE, THU, SAT = 1, 3, 5


def _live(here: Place, log: Log, runner: int, days: int, *, on: tuple[int, ...], answers: tuple[int, ...] = ()) -> None:
    """Days with a run at seven on some weekdays, and a look at half past five; routines of ``answers`` weekdays are done."""
    for _ in range(days):
        morning = datetime.combine(here.now.date(), time(8), tzinfo=here.now.tzinfo)
        here.clock.at = morning
        weekday = morning.weekday()
        if weekday in on:
            number = nth(int(morning.timestamp()))
            log.runs(runner, number)
            here.take(log.event(runner, about=number))
        here.clock.at = morning.replace(hour=17, minute=30)
        timers.tick(here.installation, prompts.TIMER)
        if weekday in answers and here.suggestions(runner) and here.suggestion(runner).local_date == morning.date():
            here.answer(runner, Said.DONE)
        here.clock.at = morning + timedelta(days=1)


def _given(here: Place, runner: int) -> list[Suggestion]:
    return [row for row in here.suggestions(runner) if row.status != "withdrawn"]


def _decided_on(here: Place, runner: int, day: date) -> DecisionRecord:
    return next(row for row in here.decisions(runner) if row.at.date() == day)


def _situation(here: Place, runner: int) -> Situation:
    with here.installation.store.read() as session:
        return situations.of(session, here.athlete(runner), Event(EventType.CLOCK_TICK), here.now)


@pytest.fixture
def monday(here: Place) -> Place:
    here.clock.at = here.now - timedelta(days=here.now.weekday())
    return here


def test_routines_on_pages_that_were_never_opened_take_no_note_away(monday: Place, log: Log) -> None:
    runner = log.with_tokens(**WITHOUT_MAIL)

    _live(monday, log, runner, 28, on=(TUE, THU, SAT), answers=(TUE, THU, SAT))

    notes = [row for row in _given(monday, runner) if row.activity_id is not None]
    assert len(log.with_note()) == len(notes) == 8
    assert {row.status for row in notes} == {"done"}
    on_pages = [row for row in _given(monday, runner) if row.activity_id is None]
    assert on_pages
    assert {row.status for row in on_pages} == {"open"}
    assert _situation(monday, runner).athlete.pages_only == {Placement.REST_DAY}


@pytest.mark.parametrize(("opened", "decision"), [(False, "post_run"), (True, "none")])
def test_routine_on_pages_is_load_once_it_was_opened(monday: Place, log: Log, opened: bool, decision: str) -> None:
    runner = log.with_tokens(**WITHOUT_MAIL)
    _live(monday, log, runner, 1, on=())
    assert [row.placement for row in _given(monday, runner)] == ["rest_day"]
    if opened:
        with monday.asked(runner) as coach:
            offers.open_now(coach.session, _given(monday, runner)[0].public_id, monday.now)

    _live(monday, log, runner, 1, on=(TUE,))

    assert _decided_on(monday, runner, monday.now.date() - timedelta(days=1)).decision == decision
    assert len(_situation(monday, runner).sessions) == 1


def test_weekday_that_is_never_done_yields_to_those_that_are(monday: Place, log: Log) -> None:
    usual = [{"weekday": day, "at": "07:00", "kind": "easy"} for day in (TUE, THU, SAT)]
    runner = log.with_tokens(usual_runs=usual, placements=["post_run"])

    _live(monday, log, runner, 28, on=(TUE, THU, SAT), answers=(THU, SAT))
    assert [row.local_date.weekday() for row in _given(monday, runner)] == [TUE, THU] * 4
    assert _situation(monday, runner).athlete.slots == (
        SlotRecord(TUE, Placement.POST_RUN, offered=4, done=0),
        SlotRecord(THU, Placement.POST_RUN, offered=4, done=4),
    )
    _live(monday, log, runner, 14, on=(TUE, THU, SAT), answers=(THU, SAT))

    assert [row.local_date.weekday() for row in _given(monday, runner)][8:] == [THU, SAT] * 2
    tuesday = _decided_on(monday, runner, monday.now.date() - timedelta(days=13))
    assert (tuesday.decision, tuesday.rule) == ("none", "week_plan")
    assert tuesday.reason == "Thursdays work better for you: 4 of 4 done."


def test_record_of_a_slot_ages_and_leaves_out_what_was_taken_back(monday: Place, log: Log) -> None:
    runner = log.with_tokens()
    for weeks_ago, said in ((8, Said.DONE), (7, Said.NOT_TODAY), (1, None)):
        monday.clock.at -= timedelta(weeks=weeks_ago)
        monday.run_done(runner)
        if said is not None:
            monday.answer(runner, said)
        monday.clock.at += timedelta(weeks=weeks_ago)

    def slots() -> list[tuple[int, int, int]]:
        return [(slot.offered, slot.done, slot.weeks_ago) for slot in _situation(monday, runner).athlete.slots]

    assert slots() == [(2, 0, 0), (1, 1, 8)]
    monday.withdraw(runner)
    assert slots() == [(1, 0, 0), (1, 1, 8)]


def test_race_that_the_log_has_forgotten_keeps_its_days_free(monday: Place, log: Log) -> None:
    runner = log.with_tokens(placements=["post_run"])
    marathon: dict[str, Any] = {"intensity": "race", "workout": "race", "distance_m": 42_195, "moving_s": 12_600}
    log.runs(runner, nth(1), ago=timedelta(hours=4), **marathon, elapsed_s=12_600)
    monday.take(log.event(runner, about=nth(1)))
    raced_on = monday.now.date()
    assert (monday.athlete(runner).raced_on, monday.athlete(runner).race_free_days) == (raced_on, 7)

    decisions = {}
    for days in (7, 8):
        monday.clock.at = datetime.combine(raced_on + timedelta(days=days), time(8), tzinfo=monday.now.tzinfo)
        retention.expire(monday.installation)
        del log.activities[next(iter(log.activities))]
        log.runs(runner, nth(days))
        monday.take(log.event(runner, about=nth(days)))
        decisions[days] = monday.decisions(runner)[-1]

    assert decisions[7].rule == "race_window"
    assert (decisions[8].decision, decisions[8].dose) == ("post_run", "light")
    assert "the first session after 7 days free for the race" in decisions[8].reason


def test_race_that_was_none_after_all_is_forgotten(monday: Place, log: Log) -> None:
    runner = log.with_tokens(placements=["post_run"])
    log.runs(runner, nth(1), intensity="race", workout="race")
    monday.take(log.event(runner, about=nth(1)))
    assert monday.athlete(runner).raced_on == monday.now.date()

    monday.later(hours=1)
    log.edit(nth(1), intensity="easy", workout=None)
    monday.take(log.event(runner, "update", about=nth(1), type="Run"))

    assert monday.athlete(runner).raced_on is None
    assert monday.decisions(runner)[-1].decision == "post_run"


def _silent(here: Place, log: Log, **values: Any) -> int:
    """A runner with a run on three days a week who answers nothing; five weeks have passed."""
    runner = log.with_tokens(**{"placements": ["post_run"], **values})
    _live(here, log, runner, 35, on=(TUE, THU, SAT))
    return runner


def _say(here: Place, runner: int, said: StillUseful) -> str:
    with here.asked(runner) as coach:
        return answers.still_useful(coach, coach.session.merge(here.suggestion(runner)), said)


def _gaps(here: Place, runner: int) -> list[int]:
    days = [row.local_date for row in _given(here, runner)]
    return [(later - earlier).days for earlier, later in pairwise(days)]


def test_after_four_unanswered_one_comes_in_a_fortnight_and_the_first_asks_once(monday: Place, log: Log) -> None:
    new = {"sessions_completed_total": 0, "last_completed_on": None}
    runner = _silent(monday, log, if_then="When I come home on Tuesdays, I do it before the shower", **new)
    _live(monday, log, runner, 28, on=(TUE, THU, SAT))

    given = _given(monday, runner)
    assert _gaps(monday, runner) == [2, 5, 2, 14, 14, 14, 14][: len(given) - 1]
    assert [row.asks_if_useful for row in given] == [False] * 4 + [True] + [False] * (len(given) - 5)
    asking = next(text for text in log.writes if "Still useful?" in text)
    assert sum("Still useful?" in text for text in log.writes) == 1
    assert asking.count("https://coach.example.org/useful/") == 1
    assert "You said: When I come home on Tuesdays, I do it before the shower" in log.writes[0]
    silent = next(row for row in monday.decisions(runner) if row.rule == "back_off")
    assert silent.reason.startswith("Your last 4 routines got no answer and were not opened; the next one comes from")
    assert ["your first session" in row.reason for row in given] == [True] + [False] * (len(given) - 1)
    assert all("none done so far" in row.reason and row.dose == "light" for row in given[1:])


@pytest.mark.parametrize(
    ("target", "said", "then", "next_gaps"),
    [
        (2, StillUseful.YES, "Routines come as before.", [2, 5, 2]),
        (2, StillUseful.LESS, "At most one routine in seven days from now on.", [7]),
        (1, StillUseful.LESS, "One routine in two weeks at most, until you answer or open one.", [14]),
        (2, StillUseful.PAUSE, "Paused until ", []),
    ],
)
def test_reply_to_the_question_is_obeyed(
    monday: Place, log: Log, target: int, said: StillUseful, then: str, next_gaps: list[int]
) -> None:
    runner = log.with_tokens(placements=["post_run"], target_sessions_per_week=target)
    while not any(row.asks_if_useful for row in monday.suggestions(runner)):
        _live(monday, log, runner, 1, on=(TUE, THU, SAT))
    (*_, asking) = monday.suggestions(runner)

    assert then in _say(monday, runner, said)
    assert _say(monday, runner, said)
    _live(monday, log, runner, 27, on=(TUE, THU, SAT))

    days = [row.local_date for row in monday.suggestions(runner) if row.id >= asking.id]
    assert [(later - earlier).days for earlier, later in pairwise(days)][: max(len(next_gaps), 1)] == next_gaps


@pytest.mark.parametrize("reply", ["answer", "open"])
def test_one_answer_or_opening_ends_the_silence(monday: Place, log: Log, reply: str) -> None:
    runner = _silent(monday, log)
    assert _situation(monday, runner).athlete.unanswered_in_a_row >= 4

    if reply == "answer":
        monday.answer(runner, Said.NOT_TODAY)
    else:
        with monday.asked(runner) as coach:
            offers.open_now(coach.session, _given(monday, runner)[-1].public_id, monday.now)

    assert _situation(monday, runner).athlete.unanswered_in_a_row == 0


def test_mail_asks_with_a_link_for_each_reply_and_a_public_text_never_asks(monday: Place, log: Log) -> None:
    mailed = {"email": "runner@example.org", "email_confirmed_at": monday.now, "channels": {"post_run": "mail"}}
    _silent(monday, log, **mailed, if_then="Before the shower")
    asking = [BytesParser(policy=default).parsebytes(mail).get_body(("plain",)) for mail in monday.mails()]
    texts = [body.get_content() for body in asking if body is not None]
    assert [text.count("/useful/") for text in texts][:5] == [0, 0, 0, 0, 3]
    assert "You said: Before the shower" in texts[0]

    _silent(monday, log, channels={"post_run": "description"}, if_then="Before the shower")
    public = [entry.description or "" for entry in log.activities.values()]
    assert any(block.SIGNATURE in text for text in public)
    assert not any(words in text for text in public for words in ("/useful/", "/r/", "Before the shower"))
