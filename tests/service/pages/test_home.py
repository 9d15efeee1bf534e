"""Home: its states, the pause, the end of a hold, the check-in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from adductor.store.models import InboxEvent, SessionRecord
from tests.service.pages.conftest import Visitor
from tests.support.memory_log import event, put
from tests.support.runners import Place


def _session(here: Place, runner: int, days_ago: int, **values: Any) -> None:
    usual = {"kind": "strength_full", "completed_pct": 100, "source": "page"}
    with here.installation.store.write() as session:
        at = here.now - timedelta(days=days_ago)
        session.add(SessionRecord(athlete_id=runner, completed_at=at, **{**usual, **values}))


def test_routine_of_today_comes_first_and_a_hold_before_it(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    page = visitor.get("/home").text
    assert f'href="/routine/{suggestion.public_id}"' in page
    assert "Open the routine" in page

    here.change(runner, hold_since=here.now, hold_reason="high_pain", paused_until=here.now.date() + timedelta(days=3))

    page = visitor.get("/home").text
    assert "Routines are stopped" in page
    assert "Open the routine" not in page


def test_weeks_count_their_sessions_and_a_streak_counts_weeks(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/check-in", pain="0")  # no longer new here
    for days_ago in (5, 8, 13, 15, 20, 27):  # two in each of the last two weeks, one in each of the two before
        _session(here, runner, days_ago)

    page = visitor.get("/home").text
    assert "2 weeks on target in a row" in page
    assert "2 of 12 weeks with 2 sessions or more; this week 0 so far." in page  # the chart in words

    _session(here, runner, 1)
    _session(here, runner, 0)
    page = visitor.get("/home").text
    assert "On target: 2 of 2 this week" in page
    assert "3 weeks on target in a row" in page


def test_warm_ups_and_broken_off_sessions_are_no_sessions_of_the_week(
    visitor: Visitor, here: Place, runner: int
) -> None:
    for days_ago in (5, 8):
        _session(here, runner, days_ago, kind="warm_up")
        _session(here, runner, days_ago, completed_pct=30)

    page = visitor.get("/home").text
    assert "Weeks on target</h2>" in page
    assert "in a row" not in page


def test_activity_of_which_only_the_event_is_known_is_drawn_until_it_is_deleted(
    visitor: Visitor, here: Place, runner: int
) -> None:
    unread = "Recorded; not read"
    assert unread not in visitor.get("/home").text
    put(here, event(here, runner, about=7), event(here, runner, about=8))
    assert visitor.get("/home").text.count(f'title="{unread}') == 1
    with here.installation.store.write() as session:
        session.execute(update(InboxEvent).where(InboxEvent.object_id == "8").values(outcome="old_activity"))
        here.add_run(session, here.locked(session, runner), here.now)
    assert visitor.get("/home").text.count(f'title="{unread}') == 1

    here.later(minutes=1)
    put(here, event(here, runner, "delete", about=7))

    assert unread not in visitor.get("/home").text


def test_run_of_two_recordings_is_shown_once(visitor: Visitor, here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        athlete = here.locked(session, runner)
        for minutes in (41, 42):
            here.add_run(session, athlete, here.now - timedelta(minutes=minutes))

    assert visitor.get("/home").text.count('class="mark run" title=') == 2  # one of the fixture


@pytest.mark.parametrize(("weeks", "days"), [("1", 7), ("2", 14), ("4", 28)])
def test_pause_lasts_as_its_button_says_or_until_it_is_ended(
    visitor: Visitor, here: Place, runner: int, weeks: str, days: int
) -> None:
    visitor.post("/pause", weeks=weeks)
    assert here.athlete(runner).paused_until == here.now.date() + timedelta(days=days)
    assert "Paused" in visitor.get("/home").text

    visitor.post("/pause", end="1")

    assert here.athlete(runner).paused_until is None


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01", "2026-11-18", "2029-01-01"])
def test_pause_without_a_sensible_end_is_refused(visitor: Visitor, here: Place, runner: int, until: str) -> None:
    visitor.post("/pause", until=until)

    assert "Pause until: choose a day" in visitor.get("/home").text
    assert here.athlete(runner).paused_until is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pain": "8"}, "checked by a physiotherapist or doctor"),
        ({"sign": "pain_on_hopping"}, "Please don&#39;t run until you have been seen."),
    ],
)
def test_check_in_with_strong_pain_or_a_warning_sign_holds_the_routines_until_the_tick(
    visitor: Visitor, here: Place, runner: int, fields: dict[str, str], said: str
) -> None:
    visitor.suggested(runner)

    answer = visitor.post("/check-in", **fields)

    assert answer.headers["Location"] == "/home"
    assert said in visitor.get("/home").text
    assert here.suggestion(runner).status == "withdrawn"
    visitor.post("/hold/clear")
    assert here.athlete(runner).hold_since is not None
    visitor.post("/hold/clear", sorted="yes")
    assert here.athlete(runner).hold_since is None
    assert "Good to have you back" in visitor.get("/home").text


@pytest.mark.parametrize(
    ("fields", "two_days"), [({"pain": "8", "place": "knee"}, True), ({"sign": "night_pain"}, False)]
)
def test_hold_says_how_it_ends_and_what_comes_then(
    visitor: Visitor, here: Place, runner: int, fields: dict[str, str], two_days: bool
) -> None:
    visitor.post("/check-in", **fields)

    page = visitor.get("/home").text

    assert "I'm cleared to train again: a professional has said so." in page
    assert "Start again with two light sessions" in page
    assert "start of level 1" in page
    assert ("on 2 days with pain of 2 or less" in page) is two_days
    assert ("knee pain of 8" in page) is two_days
    visitor.post("/hold/clear", sorted="yes")
    assert here.athlete(runner).programme_stage == 1


RUNS = {"placements": ["post_run"]}
BY_MAIL = {"placements": ["rest_day"], "channels": {"rest_day": "mail"}, "email_confirmed_at": None}
ON_PAGES = {"placements": ["rest_day"], "channels": {"rest_day": "pages"}}
THURSDAYS = {**RUNS, "usual_runs": [{"weekday": 3, "at": "18:00", "kind": "easy"}]}


@pytest.mark.parametrize(
    ("row", "hours", "done", "headline"),
    [
        *((RUNS, hours, False, "After your next run") for hours in (0, 8, 11, 14, 15, 19)),  # from 9 to 4 o'clock
        ({}, 0, True, "Friday, on a rest day"),
        (RUNS, 0, True, "After a run, from Friday on"),
        (THURSDAYS, 0, False, "Tomorrow, after a run"),
        (BY_MAIL, 0, False, "Nothing in the next two weeks"),
        (ON_PAGES, 0, False, ", on a rest day"),
    ],
)
def test_what_comes_next_is_the_coachs_own_forecast(
    visitor: Visitor, here: Place, runner: int, row: dict[str, Any], hours: int, done: bool, headline: str
) -> None:
    here.change(runner, **row)
    visitor.post("/check-in", pain="0")  # no longer new here
    if done:
        visitor.post(f"/suggestions/{visitor.suggested(runner).public_id}/answer", said="done")
    here.later(hours=hours)

    assert headline in visitor.get("/home").text


@pytest.mark.parametrize(("unanswered", "asks"), [(3, False), (4, True)])
def test_home_asks_whether_routines_are_useful_after_four_without_an_answer(
    visitor: Visitor, here: Place, runner: int, unanswered: int, asks: bool
) -> None:
    for _ in range(unanswered):
        here.run_done(runner)
        here.later(days=4)
    here.later(days=20)

    page = visitor.get("/home").text

    assert ("Still useful?" in page) is asks
    if asks:
        (address,) = re.findall(r'action="(/useful/[^"]+)"', page)
        assert visitor.http.post(address, data={"said": "yes"}).status_code == 200
        assert "Still useful?" not in visitor.get("/home").text


@pytest.mark.parametrize(
    ("pain", "done_days_ago", "words"),
    [
        ("0", 3, "Is today a day to train? Yes. Next: after your next run."),
        ("4", 3, "Is today a day to train? Yes, gently. Next: after your next run."),
        ("0", 0, "Is today a day to train? Not today. You have had your session today."),
    ],
)
def test_check_in_answers_its_own_question(
    visitor: Visitor, here: Place, runner: int, pain: str, done_days_ago: int, words: str
) -> None:
    here.change(runner, placements=["post_run"])
    _session(here, runner, done_days_ago)

    visitor.post("/check-in", pain=pain)

    assert words in visitor.get("/home").text
