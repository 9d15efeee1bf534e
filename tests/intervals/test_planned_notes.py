"""The week ahead in the calendar: by choice, moved with the plan, and never over a word of the runner's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from adductor import coaching
from adductor.athletes import connections, personal_data, situations
from adductor.jobs import leaving, planned_notes
from adductor.platforms.base import Grant, Tokens
from adductor.queue import timers
from adductor.store.models import Athlete
from tests.intervals.conftest import Icu
from tests.intervals.test_log import WAYS

RUNS = [{"weekday": day, "at": "07:00", "kind": "easy"} for day in (1, 3, 5)]
TODAY = date(2026, 11, 18)


def looks(icu: Icu, **delta: float) -> list[str]:
    """Let time pass; the calls of the looks that are due then."""
    icu.later(**delta)
    icu.forget_calls()
    timers.tick(icu.here.installation, planned_notes.TIMER)
    return icu.calls()


def choose(icu: Icu, runner: int, *, wanted: bool = True) -> None:
    with icu.here.installation.store.write() as session:
        connection = session.get_one(Athlete, runner).connection
        planned_notes.choose(connection, wanted=wanted, now=icu.here.now)


def shown(icu: Icu, way: str = "oauth", **row: Any) -> int:
    """A runner whose week ahead stands in their calendar."""
    runner = icu.runner(way, usual_runs=RUNS, **row)
    choose(icu, runner)
    looks(icu)
    assert planned(icu, runner)
    return runner


def planned(icu: Icu, runner: int) -> dict[date, dict[str, Any]]:
    """The planned NOTEs that stand, by day."""
    ours = [each for each in icu.notes(runner) if (each["external_id"] or "").startswith("adductor-plan-")]
    found = {date.fromisoformat(each["start_date_local"][:10]): each for each in ours}
    assert len(found) == len(ours)
    return found


def expected(icu: Icu, runner: int) -> set[date]:
    """The days of the week ahead on which the coach expects a session."""
    here = icu.here.installation
    with here.store.read() as session:
        athlete = session.get_one(Athlete, runner)
        today = situations.local_day(athlete, icu.here.now)
        situation = situations.looking_ahead(session, athlete, icu.here.now)
    days = coaching.forecast(situation, here.catalogue, 8)
    return {each.day for each in days if each.placement is not None and each.day > today}


def test_without_the_choice_no_call_is_made_and_nothing_stands(icu: Icu) -> None:
    runner = icu.runner("key", usual_runs=RUNS)
    assert expected(icu, runner)

    assert [looks(icu, hours=6) for _ in range(8)] == [[]] * 8
    assert icu.notes(runner) == []


@WAYS
def test_week_ahead_stands_on_the_expected_days_and_an_equal_plan_costs_no_call(icu: Icu, way: str) -> None:
    runner = icu.runner(way, usual_runs=RUNS)
    choose(icu, runner)

    calls = looks(icu)

    notes = planned(icu, runner)
    assert set(notes) == expected(icu, runner)
    assert calls == ["events.list", *["events.bulk"] * len(notes)]
    assert all(TODAY < day <= TODAY + timedelta(days=7) for day in notes)
    for note in notes.values():
        text = f"{note['name']}\n{note['description']}"
        assert note["name"].startswith("Planned: strength for your inner thighs, ")
        assert len(note["name"]) <= 80
        assert "it may move" in text
        assert not [word for word in ("/r/", "/a/", "pain", "injur", "sore") if word in text]
        assert not [line for line in text.splitlines() if line.startswith("- ")]
    assert [looks(icu, hours=1) for _ in range(6)] == [[]] * 6


def test_planned_notes_are_read_back_neither_as_plan_nor_as_a_routine(icu: Icu) -> None:
    runner = shown(icu)
    icu.record(runner)
    icu.hears()

    (routine,) = [each for each in icu.notes(runner) if each["start_date_local"].startswith(str(TODAY))]
    assert routine["external_id"] == f"adductor-{icu.here.suggestion(runner).public_id}"
    assert icu.here.athlete(runner).connection.told["plan"] == []
    assert [each.outcome for each in icu.here.deliveries(runner)] == ["written"]


def test_run_moves_the_plan_and_only_what_changes_is_written(icu: Icu) -> None:
    runner = shown(icu, placements=["post_run"])
    before = planned(icu, runner)
    icu.record(runner)
    icu.hears()
    assert expected(icu, runner) != set(before)

    calls = looks(icu, hours=1)

    after = planned(icu, runner)
    assert set(after) == expected(icu, runner)
    gone, new = set(before) - set(after), set(after) - set(before)
    assert calls == ["events.list", *["events.delete"] * len(gone), *["events.bulk"] * len(new)]
    assert looks(icu, hours=1) == []


TOUCHES = {
    "renamed": {"name": "My own plan"},
    "edited": {"description": "With the club"},
    "moved": {"start_date_local": "2026-12-24T00:00:00", "end_date_local": "2026-12-25T00:00:00"},
    "moved near": {"start_date_local": "2026-11-19T00:00:00", "end_date_local": "2026-11-20T00:00:00"},
    "deleted": None,
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_entry_that_the_runner_touched_is_left_and_its_day_too(icu: Icu, touch: dict[str, str] | None) -> None:
    runner = shown(icu)
    day, note = min(planned(icu, runner).items())
    others = set(planned(icu, runner)) - {day}
    if touch is None:
        icu.admin(f"/entries/{note['id']}", method="DELETE")
    else:
        icu.admin(f"/entries/{note['id']}/edit", {"changes": touch})
    theirs = [each for each in icu.notes(runner) if each["id"] == note["id"]]

    icu.here.pause(runner, days=30)  # the plan is empty
    calls = looks(icu, hours=1)
    assert calls.count("events.delete") == len(others)
    assert icu.notes(runner) == theirs
    icu.here.pause(runner, days=0)
    assert day in expected(icu, runner)
    looks(icu, hours=1)

    assert [each for each in icu.notes(runner) if each["id"] == note["id"]] == theirs
    assert len(icu.notes(runner)) == len(theirs) + len(expected(icu, runner) - {day})
    assert looks(icu, hours=1) == []


END = {
    "switched off": lambda icu, runner: choose(icu, runner, wanted=False),
    "pause": lambda icu, runner: icu.here.pause(runner, days=30),
    "hold": lambda icu, runner: icu.here.check_in(runner, at=icu.here.now, hip_groin_pain_0_10=8),
    "disconnected": lambda icu, runner: leaving.disconnect(icu.here.installation, runner),
    "left, notes kept": lambda icu, runner: leaving.forget(icu.here.installation, runner),
    "left, notes removed": lambda icu, runner: leaving.forget(icu.here.installation, runner, remove_notes=True),
}


@pytest.mark.parametrize("end", END.values(), ids=END)
def test_end_of_the_plan_removes_it_and_no_entry_of_others(icu: Icu, end: Any) -> None:
    runner = shown(icu, "key")
    for day in (*planned(icu, runner), TODAY):
        icu.plan(runner, "NOTE", str(day), name="Dinner at eight")
        icu.plan(runner, "NOTE", str(day), name="Of another", external_id=f"adductor-of-another-{day}")
    others = [each for each in icu.notes(runner) if each["name"] in ("Dinner at eight", "Of another")]

    end(icu, runner)
    looks(icu, hours=1)

    assert icu.notes(runner) == others
    assert [looks(icu, hours=1) for _ in range(3)] == [[]] * 3


def test_platform_that_refuses_leaves_them_and_says_how_many(icu: Icu) -> None:
    runner = shown(icu, "key")
    standing = planned(icu, runner)
    icu.send_key(icu.look(f"/athletes/{icu.athletes[runner]}")["api_key"])
    icu.admin("/faults", {"endpoint": "events.delete", "skip": 1, "status": 503})

    page = icu.web.post("/privacy/disconnect").text

    assert len(planned(icu, runner)) == len(standing) - 1 > 0
    assert f"{len(standing) - 1} of our notes could not be reached" in page
    left = icu.here.athlete(runner).connection
    assert (left.plan_notes_wanted, left.plan_notes, left.plan_notes_at) == (False, {}, None)


def test_note_of_a_day_goes_when_the_day_begins(icu: Icu) -> None:
    icu.later(minutes=30)
    runner = shown(icu, placements=["post_run"])
    tomorrow = TODAY + timedelta(days=1)
    looks(icu, hours=13)
    assert (icu.here.now.date(), min(planned(icu, runner))) == (TODAY, tomorrow)

    calls = looks(icu, minutes=30)

    assert icu.here.now.isoformat() == f"{tomorrow}T00:00:00+00:00"
    assert calls[:2] == ["events.list", "events.delete"]
    assert tomorrow not in planned(icu, runner)


@WAYS
def test_routine_takes_the_place_of_its_announcement_when_no_look_came(icu: Icu, way: str) -> None:
    runner = shown(icu, way)
    day = min(planned(icu, runner))
    icu.later(days=(day - TODAY).days)
    icu.record(runner)
    icu.forget_calls()

    icu.comes(way)

    (note,) = [each for each in icu.notes(runner) if each["start_date_local"].startswith(str(day))]
    assert note["external_id"] == f"adductor-{icu.here.suggestion(runner).public_id}"
    assert icu.calls().count("events.delete") == 1


def test_choice_is_offered_where_the_calendar_may_be_written(icu: Icu) -> None:
    account = icu.account()
    runner = icu.by_oauth(account, untick=("CALENDAR:WRITE",), usual_runs=RUNS)
    icu.consent(account, ("CALENDAR:WRITE",))
    assert "the week ahead" not in icu.web.get("/settings").text
    assert icu.web.post("/settings/logs/intervals/plan", data={"shown": "1"}).status_code == 404
    assert icu.web.post("/settings/logs/strava/plan", data={"shown": "1"}).status_code == 404
    icu.consent(account)
    icu.polls(hours=1)

    for shown_now, button in (("1", "Take the week ahead out"), ("", "Show the week ahead")):
        page = icu.web.post("/settings/logs/intervals/plan", data={"shown": shown_now}, follow_redirects=True).text
        assert button in page
        looks(icu)
        assert set(planned(icu, runner)) == (expected(icu, runner) if shown_now else set())
        icu.later(hours=1)


def test_refused_permission_is_asked_about_once_a_day(icu: Icu) -> None:
    runner = icu.runner("oauth", usual_runs=RUNS)
    choose(icu, runner)
    icu.admin("/faults", {"endpoint": "events.list", "status": 403})

    assert looks(icu) == ["events.list"]
    assert [looks(icu, hours=8) for _ in range(3)] == [[], [], ["events.list"]]
    with icu.here.installation.store.read() as session:
        told = personal_data.export(session, icu.here.athlete(runner))["connections"][0]
    assert (told["plan_notes_wanted"], told["plan_notes"]) == (True, {})


def test_choice_taken_back_during_a_look_ends_its_writing(icu: Icu, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = icu.runner("key", usual_runs=RUNS)
    choose(icu, runner)
    forecast = coaching.forecast

    def meanwhile(*asked: Any) -> Any:
        choose(icu, runner, wanted=False)
        return forecast(*asked)

    monkeypatch.setattr(coaching, "forecast", meanwhile)

    assert looks(icu) == ["events.list"]
    assert icu.here.athlete(runner).connection.plan_notes_at == icu.here.now
    assert looks(icu) == []
    assert icu.here.athlete(runner).connection.plan_notes_at is None


def test_leaving_the_other_log_keeps_the_week_ahead(icu: Icu) -> None:
    runner = shown(icu)
    grant = Grant(Tokens("access", "refresh", icu.here.now + timedelta(days=300)), "4711", "Robin", None, "metric")
    with icu.here.installation.store.write() as session:
        scopes = "read,activity:read_all,activity:write"
        connections.connect(session, icu.here.installation, "strava", grant, scopes, to_athlete=runner)
    standing = planned(icu, runner)

    assert leaving.disconnect(icu.here.installation, runner, "strava").notes_removed == 0
    assert planned(icu, runner) == standing
    assert leaving.disconnect(icu.here.installation, runner, "intervals").notes_removed == len(standing)
    assert planned(icu, runner) == {}


@pytest.mark.parametrize("lost", ["before", "after"])
@WAYS
def test_lost_answer_makes_no_second_entry(icu: Icu, way: str, lost: str) -> None:
    runner = icu.runner(way, usual_runs=RUNS)
    icu.switch(key_upsert="blind")
    icu.admin("/faults", {"endpoint": "events.bulk", "times": 1, "when": lost, "drop": True})
    choose(icu, runner)
    looks(icu)
    assert len(planned(icu, runner)) == (lost == "after")

    looks(icu, minutes=15)

    assert set(planned(icu, runner)) == expected(icu, runner)
    choose(icu, runner, wanted=False)
    looks(icu, hours=1)
    assert icu.notes(runner) == []
