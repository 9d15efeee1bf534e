"""Home: its states, the pause, the end of a hold, the check-in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from adductor.store.models import InboxEvent, SessionRecord
from tests.service.pages.conftest import Visitor
from tests.support.memory_log import Log
from tests.support.runners import MORNING


def _session(me: Visitor, *days_ago: int, **values: Any) -> None:
    usual = {"kind": "strength_full", "completed_pct": 100, "source": "page", **values}
    with me.here.installation.store.write() as session:
        for days in days_ago:
            at = me.here.now - timedelta(days=days)
            session.add(SessionRecord(athlete_id=me.runner, completed_at=at, **usual))


READ_ONLY = {"scopes": "read,activity:read_all", "email": None}
NEXT_RUN, ON_THIS_PAGE = "appears in your run&#39;s private note", "appears on this page"
CONNECT, NOT_ALLOWED = '<a class="connect" href="/connect/strava', "Strava says that a permission is missing."
RESTING = "Strava has refused our calls for a while.</strong> Nothing is lost, and you keep your level."
REFUSED = "show it in your private note, several times. Your routines come by e-mail meanwhile"
THINGS = ["chair", "ball", "hard_floor", "step"]
BAND, ONE_THING = "a long resistance band brings Standing band adduction.", "One thing opens more"
ONCE_A_WEEK = {"programme_stage": 4, "stage_since": MORNING.date() - timedelta(weeks=8)}


@pytest.mark.parametrize(
    ("row", "path", "said", "unsaid"),
    [
        ({}, "/home", [NEXT_RUN], [CONNECT, 'id="keep"']),
        ({}, "/settings", [], [CONNECT, REFUSED]),
        *(({"state": "scope_missing"}, path, [NOT_ALLOWED, CONNECT], []) for path in ("/home", "/settings")),
        *(({"state": "resting"}, path, [RESTING, CONNECT], []) for path in ("/home", "/settings")),
        (READ_ONLY, "/home", [ON_THIS_PAGE], ["private note"]),
        (READ_ONLY, "/settings", ["permission to write is missing", '<option value="pages" selected>'], []),
        ({**READ_ONLY, "confirmed_at": None}, "/welcome", ["You left out Strava's permission to write"], []),
        ({"private_note_refused_at": MORNING}, "/settings", [REFUSED], []),
        ({"equipment": THINGS}, "/home", [ONE_THING, BAND], []),
        ({"equipment": [*THINGS, "long_band"]}, "/home", [], [ONE_THING]),
        *((ONCE_A_WEEK, path, ["Once a week from now on"], []) for path in ("/home", "/settings")),
    ],
)
def test_page_tells_its_state(me: Visitor, row: dict[str, Any], path: str, said: list[str], unsaid: list[str]) -> None:
    me.change(**{"channels": {"post_run": "private_note"}, **row})
    me.sees(path, *said, unsaid=unsaid)


def test_weeks_count_their_sessions_and_a_streak_counts_weeks(me: Visitor) -> None:
    me.post("/check-in", pain="0")  # no longer new here
    _session(me, 5, 8, kind="warm_up")
    _session(me, 5, 8, 12, 13, completed_pct=30)  # broken off
    me.sees("/home", "Weeks on target</h2>", unsaid=["in a row"])

    _session(me, 5, 8, 13, 15, 20, 27)  # two in each of the last two weeks, one in each of the two before
    me.sees("/home", "2 weeks on target in a row", "2 of 12 weeks with 2 sessions or more; this week 0 so far.")

    _session(me, 1, 0)
    me.sees("/home", "On target: 2 of 2 this week", "3 weeks on target in a row")


def test_activity_of_which_only_the_event_is_known_is_drawn_until_it_is_deleted(me: Visitor) -> None:
    unread = "Recorded; not read"
    assert unread not in me.page("/home")
    log = Log(me.here)
    me.here.put(log.event(me.runner, about=7), log.event(me.runner, about=8))
    assert me.page("/home").count(f'title="{unread}') == 1
    with me.here.installation.store.write() as session:
        session.execute(update(InboxEvent).where(InboxEvent.object_id == "8").values(outcome="old_activity"))
        me.here.add_run(session, me.here.locked(session, me.runner), me.here.now)
    assert me.page("/home").count(f'title="{unread}') == 1

    me.here.later(minutes=1)
    me.here.put(log.event(me.runner, "delete", about=7))

    assert unread not in me.page("/home")


def test_run_of_two_recordings_is_shown_once(me: Visitor) -> None:
    with me.here.installation.store.write() as session:
        for minutes in (41, 42):
            start = me.here.now - timedelta(minutes=minutes)
            me.here.add_run(session, me.here.locked(session, me.runner), start)
    assert me.page("/home").count('class="mark run" title=') == 2  # one of the fixture


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        *(({"weeks": weeks}, days) for weeks, days in (("1", 7), ("2", 14), ("4", 28))),
        *(({"until": until}, None) for until in ("", "soon", "2020-01-01", "2026-11-18", "2029-01-01")),
    ],
)
def test_pause_lasts_as_asked_and_needs_a_sensible_end(me: Visitor, asked: dict[str, str], days: int | None) -> None:
    me.post("/pause", **asked)
    assert me.row.paused_until == (me.here.now.date() + timedelta(days=days) if days else None)
    assert ("Paused" if days else "Pause until: choose a day") in me.page("/home")
    me.post("/pause", end="1")
    assert me.row.paused_until is None


CLEARED = "I'm cleared to train again: a professional has said so."
WAY_BACK = (CLEARED, "Start again with two light sessions", "start of level 1")


@pytest.mark.parametrize(
    ("fields", "said", "two_days"),
    [
        ({"pain": "8", "place": "knee"}, "checked by a physiotherapist or doctor", True),
        ({"sign": "pain_on_hopping"}, "Please don&#39;t run until you have been seen.", False),
    ],
)
def test_strong_pain_or_sign_holds_until_ticked(me: Visitor, fields: dict[str, str], said: str, two_days: bool) -> None:
    routine = f'href="/routine/{me.suggested().public_id}"'
    me.sees("/home", "Open the routine", routine)

    assert me.post("/check-in", **fields).headers["Location"] == "/home"

    me.sees("/home", said, "Routines are stopped", *WAY_BACK, unsaid=[routine])
    page = me.page("/home")
    assert [words in page for words in ("on 2 days with pain of 2 or less", "knee pain of 8")] == [two_days] * 2
    assert me.suggestion.status == "withdrawn"
    me.post("/hold/clear")
    assert me.row.hold_since is not None
    me.post("/hold/clear", sorted="yes")
    assert (me.row.hold_since, me.row.programme_stage) == (None, 1)
    assert "Good to have you back" in me.page("/home")


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
def test_next_is_the_coachs_forecast(me: Visitor, row: dict[str, Any], hours: int, done: bool, headline: str) -> None:
    me.change(**row)
    me.post("/check-in", pain="0")  # no longer new here
    if done:
        me.post(f"/suggestions/{me.suggested().public_id}/answer", said="done")
    me.here.later(hours=hours)

    assert headline in me.page("/home")


@pytest.mark.parametrize(("unanswered", "asks"), [(3, False), (4, True)])
def test_home_asks_whether_routines_are_useful_after_four_unanswered(me: Visitor, unanswered: int, asks: bool) -> None:
    for _ in range(unanswered):
        me.here.run_done(me.runner)
        me.here.later(days=4)
    me.here.later(days=20)

    page = me.page("/home")

    assert ("Still useful?" in page) is asks
    if asks:
        (address,) = re.findall(r'action="(/useful/[^"]+)"', page)
        assert me.http.post(address, data={"said": "yes"}).status_code == 200
        assert "Still useful?" not in me.page("/home")


TRAIN = "Is today a day to train?"


@pytest.mark.parametrize(
    ("check_in", "done_days_ago", "words"),
    [
        ({"pain": "0"}, 3, f"{TRAIN} Yes. Next: after your next run."),
        ({"pain": "4"}, 3, f"{TRAIN} Yes, gently. Next: after your next run."),
        ({"pain": "0"}, 0, f"{TRAIN} Not today. You have had your session today."),
        *(({"squeeze": pain}, 3, "today is a day to train") for pain in ("0", "2")),
        *(({"squeeze": pain}, 3, "gently") for pain in ("3", "5")),
        ({"squeeze": "6"}, 3, "pain when squeezing of 6 out of 10"),
    ],
)
def test_check_in_answers_its_question(me: Visitor, check_in: dict[str, str], done_days_ago: int, words: str) -> None:
    me.change(placements=["post_run"])
    _session(me, done_days_ago)
    me.post("/check-in", **check_in)
    assert words in me.page("/home")


@pytest.mark.parametrize(("pain", "asks"), [("3", True), ("6", False)], ids=["as usual", "not in a hold"])
def test_squeeze_is_asked_for_once_a_month(me: Visitor, pain: str, asks: bool) -> None:
    field = 'name="squeeze"'
    assert field in me.page("/home")

    me.post("/check-in", squeeze=pain)

    assert field not in me.page("/home")
    me.here.later(days=29)
    me.sign_in(me.runner)
    assert (field in me.page("/home")) is asks


def test_pain_of_the_knee_is_one_choice_and_one_tap_on_home(me: Visitor) -> None:
    form = me.page("/home").partition('id="check"')[2].partition("</form>")[0]
    assert '<option value="knee"' in form
    me.post("/check-in", pain="3", place="knee")
    assert "knee pain 3 out of 10" in me.here.decisions(me.runner)[-1].considered[2]["because"]
