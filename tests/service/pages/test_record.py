"""What was decided and done, and what comes: Home and Review by day, progress, the next race, the calendar feed."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest

from adductor.coaching.replies import Said
from adductor.platforms.base import own_id
from adductor.store.models import DecisionRecord, NoCount, PlannedRunRecord, Suggestion
from tests.service.pages.conftest import Visitor
from tests.support import commands

LONG, INJECTED = "ä€🙂" * 40, "\r\nEND:VEVENT\r\nBEGIN:VALARM\rATTACH:https://evil.example"


def _no(me: Visitor, *days_and_reasons: tuple[int, str]) -> None:
    usual = {"trigger": "clock_tick", "decision": "none", "dose": "none", "rule": "weekly_cap", "considered": []}
    with me.here.installation.store.write() as session:
        for days_ago, reason in days_and_reasons:
            at = me.here.now - timedelta(days=days_ago)
            session.add(DecisionRecord(athlete_id=me.runner, at=at, reason=reason, trace_id="t", **usual))


def _days(page: str) -> list[str]:
    """The days that are listed, each as its text."""
    listed = page[page.index('<ol class="log') :].split("</ol>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in re.split(r"<li\b", listed)[1:]]


def test_equal_days_fold_and_routines_stand_alone_when_asked(me: Visitor) -> None:
    _no(me, *((days_ago, "Enough.") for days_ago in (6, 5, 4, 3)), (1, "Too soon."))

    home, review = _days(me.page("/home")), _days(me.page("/suggestions"))

    assert "Too soon." in home[0]
    assert "Sunday 15 November Run, 40 min No routine. Enough." in home[1]
    assert "Thursday 12 to Saturday 14 November" in home[2]
    assert [day.count("Enough.") for day in review] == [0, 1]  # without the runs all four are equal

    me.suggested()
    for path in ("/home", "/suggestions"):
        (day,) = _days(me.page(f"{path}?only=routines"))
        assert ("Routine after the run" in day, "Enough." in day) == (True, False)


def test_no_is_shown_with_its_reason_and_everything_considered(me: Visitor) -> None:
    me.change(paused_until=me.here.now.date() + timedelta(days=4))
    run = me.here.run_done(me.runner)
    (decision,) = me.here.decisions(me.runner)

    page = me.page("/suggestions")

    assert decision.reason.split("'")[0][1:] in page
    for said in ("No routine", "Everything considered", f'href="https://www.strava.com/activities/{own_id(run)}">View'):
        assert said in page


def test_older_decisions_are_a_page_away_and_none_is_lost(me: Visitor) -> None:
    _no(me, *((60 - number, f"Reason number {number}.") for number in range(60)))
    seen: list[str] = []
    path: str | None = "/suggestions"
    while path is not None:
        page = me.page(path)
        seen += re.findall(r"Reason number \d+\.", page)
        earlier = re.search(r'href="(/suggestions\?before=\d+)"', page)
        path = earlier and earlier[1]

    assert sorted(seen) == sorted(f"Reason number {number}." for number in range(60))


def test_counts_of_old_decisions_stand_at_the_end(me: Visitor) -> None:
    with me.here.installation.store.write() as session:
        for day, count in ((1, 2), (4, 1)):
            session.add(NoCount(athlete_id=me.runner, day=date(2026, 8, day), rule="spacing", count=count))
    said = "Rest since the last session: 3 times, 1 August 2026 to 4 August 2026"
    why = commands.run("why", str(me.runner), ADDUCTOR_DATA_DIR=str(me.here.installation.settings.data_dir)).stdout

    me.sees("/suggestions", said, unsaid=["Nothing yet"])
    assert "2026-08-01 to 2026-08-04  none  [spacing]: 3 times; only the count is kept" in why


@pytest.mark.parametrize("said", ["done", "too_easy", "too_hard", "not_today"])
def test_answer_is_kept_shown_and_can_be_changed(me: Visitor, said: str) -> None:
    path = f"/suggestions/{me.suggested().public_id}"
    (delivery,) = me.here.deliveries(me.runner)
    assert html.escape(delivery.block) in me.page(path)

    assert me.post(f"{path}/answer", said=said).status_code == 302

    assert (me.suggestion.answer or {})["said"] == said
    assert "Change it" in me.page(path)
    me.post(f"{path}/answer", said="not_today")
    assert (me.row.sessions_completed_total, me.suggestion.status) == (9, "declined")


@pytest.mark.parametrize(
    ("days", "race", "said"),
    [
        (24, {"priority": "A", "distance_km": 21.1, "name": "City run"}, "Quiet days begin on Wednesday 9 December"),
        (24, {"priority": "A", "distance_km": 21.1, "name": "City run"}, "City run: Saturday 12 December, in 3 weeks."),
        (1, {"priority": "B", "distance_km": 10}, "Race: Thursday 19 November, tomorrow."),
        (1, {"priority": "B", "distance_km": 10}, "quiet days began on Tuesday 17 November"),
        (10, {"priority": "C", "distance_km": 5}, "routines go on around it"),
        (-1, {"priority": "A", "distance_km": 42}, "routines come back after"),
        (-40, {"priority": "A", "distance_km": 42}, None),
    ],
)
def test_next_race_and_quiet_days_stand_on_home(me: Visitor, days: int, race: dict[str, Any], said: str | None) -> None:
    start = me.here.now + timedelta(days=days)
    with me.here.installation.store.write() as session:
        session.add(PlannedRunRecord(athlete_id=me.runner, start=start, kind="race", **race))
    page = " ".join(re.sub(r"<[^>]+>", "", me.page("/home")).split())
    assert (said in page) if said else ("quiet days" not in page.lower())


def test_progress_shows_each_exercise_in_curves_words_and_csv(me: Visitor) -> None:
    assert "Nothing yet" in me.page("/progress")
    for _ in range(2):
        me.suggested()
        me.here.answer(me.runner, Said.DONE, pain_0_10=1)
        me.here.later(days=4)
    routines = [suggestion.routine["items"] for suggestion in me.here.suggestions(me.runner)]
    me.change(progress=[{"exercise": routines[0][0]["exercise"], "load": "green band"}])

    page = me.page("/progress")
    rows = list(csv.DictReader(io.StringIO(me.page("/progress.csv"))))

    assert page.count('role="img"') == 2 + len({item["exercise"] for items in routines for item in items})
    assert page.count("Latest load: green band.") == 1
    assert f"<td>{routines[0][0]['sets']} x " in page
    assert "Highest 1 of 10; latest 1 of 10, on 22 November." in page
    days = [("2026-11-18", "1"), ("2026-11-22", "1")]
    assert [(row["day"], row["pain_0_10"]) for row in rows][:: len(routines[0])] == days
    done = [(item["exercise"], str(item["sets"])) for items in routines for item in items]
    assert [(row["exercise"], row["sets"]) for row in rows] == done


def _feed(me: Visitor) -> str:
    """The address of the calendar, a new one each time."""
    me.post("/settings/calendar")
    return f"/calendar/{me.row.calendar_key}.ics"


def _events(feed: str) -> list[dict[str, str]]:
    blocks = re.findall(r"BEGIN:VEVENT\r\n(.*?)\r\nEND:VEVENT", feed.replace("\r\n ", ""), re.DOTALL)
    return [dict(line.split(":", 1) for line in block.split("\r\n") if ":" in line) for block in blocks]


def test_feed_has_the_routine_of_today_and_the_days_ahead_in_valid_lines(me: Visitor) -> None:
    """As RFC 5545 has it."""
    suggestion = me.suggested()
    with me.here.installation.store.write() as session:
        session.get_one(Suggestion, suggestion.id).reason = f"a, b; c\\d {LONG}{INJECTED}"

    path = _feed(me)
    answer = me.get(path)

    lines = answer.data.split(b"\r\n")
    assert answer.mimetype == "text/calendar"
    assert (lines[0], lines[-2], lines[-1]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"")
    assert b"\n" not in answer.data.replace(b"\r\n", b"")
    assert max(len(line) for line in lines) <= 75
    assert all(line.decode() for line in lines[:-1])  # folded between characters
    events = _events(answer.text)
    assert events[0]["UID"] == f"suggestion-{suggestion.public_id}@adductor-coach"
    assert events[0]["DESCRIPTION"].startswith(f"a\\, b\\; c\\\\d {LONG}\\nEND")
    assert not [line for line in re.split(rb"[\r\n]+", answer.data) if line.startswith((b"BEGIN:VALARM", b"ATTACH"))]
    assert any(event["UID"].startswith("expected-") for event in events)
    assert all(event["DTSTART"] < event["DTEND"] for event in events)
    assert len({event["UID"] for event in events}) == len(events)
    assert all(event["SEQUENCE"].isdigit() and event["LAST-MODIFIED"] for event in events)

    me.here.later(minutes=10)
    me.here.answer(me.runner, "done")
    assert int(_events(me.page(path))[0]["SEQUENCE"]) > int(events[0]["SEQUENCE"])


def test_feed_with_nothing_planned_is_valid_and_ends_with_a_new_address_or_with_disconnecting(me: Visitor) -> None:
    old, new = _feed(me), _feed(me)
    me.change(hold_since=me.here.now, hold_reason="red_flag")
    me.http.delete_cookie("adductor")  # the address is all that it needs

    lines = me.page(new).splitlines()

    assert "BEGIN:VEVENT" not in lines
    assert (lines[-9], lines[-2], lines[-1]) == ("BEGIN:VTIMEZONE", "END:VTIMEZONE", "END:VCALENDAR")
    assert [me.get(path).status_code for path in (old, "/calendar/none.ics")] == [404, 404]
    me.change(state="resting")
    assert me.get(new).status_code == 200
    me.change(state="revoked")
    assert me.get(new).status_code == 404
