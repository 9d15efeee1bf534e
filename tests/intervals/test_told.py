"""What intervals.icu tells beside runs: plan, pauses, hints of wellness, and activities that it may not hand on."""

from __future__ import annotations

from typing import Any

import pytest

from adductor.coaching import situation as words
from adductor.jobs import prompts
from adductor.platforms.base import ErrorKind
from adductor.platforms.intervals.activities import parse_activity
from adductor.platforms.intervals.errors import failure_of
from adductor.queue import timers
from tests.intervals.conftest import Icu
from tests.support.runners import MORNING

RUN = {"type": "Run"}


@pytest.mark.parametrize(
    ("category", "day", "fields", "rule"),
    [
        ("RACE_A", "2026-11-19", RUN, "race_window"),
        ("RACE_A", "2026-12-25", RUN, "post_run"),
        ("WORKOUT", "2026-11-19", RUN | {"moving_time": 6000}, "key_session_tomorrow"),
        ("WORKOUT", "2026-11-19", RUN | {"moving_time": 3000, "icu_training_load": 80}, "key_session_tomorrow"),
        ("WORKOUT", "2026-11-19", {"type": "Ride", "moving_time": 6000}, "post_run"),
        ("SICK", "2026-11-17", {"end_date_local": "2026-11-19T00:00:00"}, "not_cleared"),
        ("INJURED", "2026-11-18", {}, "not_cleared"),
        ("HOLIDAY", "2026-11-18", {}, "not_cleared"),
        ("HOLIDAY", "2026-11-16", {}, "post_run"),
        ("NOTE", "2026-11-18", {}, "post_run"),
    ],
)
def test_entry_of_the_calendar_decides_as_one_that_the_runner_entered_here(
    icu: Icu, category: str, day: str, fields: dict[str, Any], rule: str
) -> None:
    runner = icu.runner()
    icu.plan(runner, category, day, **fields)

    icu.record(runner)
    icu.hears()

    latest = icu.here.decisions(runner)[-1]
    assert (latest.rule, latest.decision) == (rule, "post_run" if rule == "post_run" else "none"), latest.reason


@pytest.mark.parametrize("way", ["key", "oauth"])
@pytest.mark.parametrize(
    ("scales", "dose"), [({"injury": 2}, "full"), ({"injury": 4}, "light"), ({"soreness": 3}, "light")]
)
def test_hint_keeps_the_routine_light_and_never_more(icu: Icu, way: str, scales: dict[str, int], dose: str) -> None:
    runner = (icu.by_key if way == "key" else icu.by_oauth)(icu.account())
    icu.admin(f"/athletes/{icu.athletes[runner]}/wellness", {"day": "2026-11-18", "fields": scales})
    icu.polls(hours=1)

    icu.record(runner, silent=way == "key")
    icu.comes(way)

    latest = icu.here.decisions(runner)[-1]
    assert (latest.decision, latest.dose) == ("post_run", dose)
    assert ("at intervals.icu" in latest.reason) is (dose == "light")


@pytest.mark.parametrize("stub_source", [True, False])
def test_stub_of_strava_is_an_unknown_session_and_never_a_rest_day(icu: Icu, *, stub_source: bool) -> None:
    runner = icu.by_oauth(icu.account(), placements=["rest_day"], rest_day_prompt_local="12:00")
    icu.switch(stub_source=stub_source)
    icu.record(runner, source="STRAVA")
    icu.polls(hours=1)
    icu.later(hours=2, minutes=1)

    timers.tick(icu.here.installation, prompts.TIMER)

    assert icu.here.decisions(runner)[-1].rule == "unknown_session"
    assert icu.notes(runner) == []


def test_runner_whose_log_holds_only_stubs_is_told_what_to_connect(icu: Icu) -> None:
    account = icu.account()
    runner = icu.by_key(account)
    for each in icu.look(f"/athletes/{account['id']}/activities"):
        icu.admin(f"/activities/{each['id']}", method="DELETE")
    icu.record(runner, source="STRAVA")
    icu.polls(hours=1)
    icu.send_key(account["api_key"])

    assert "add Strava here" in icu.web.get("/settings").text
    icu.record(runner, silent=True)
    icu.polls(minutes=6)
    assert "add Strava here" not in icu.web.get("/settings").text


WHOLE = {
    "id": "i1", "icu_athlete_id": "i77", "type": "Run", "start_date": "2026-11-18T08:00:00Z",
    "start_date_local": "2026-11-18T09:00:00", "moving_time": 2400, "created": "2026-11-18T08:59:00.000+00:00",
    "analyzed": "2026-11-18T08:59:05.000+00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"sport": "run", "complete": True, "timezone": "Etc/GMT-1", "athlete_id": "77"}),
        ({"timezone": "Europe/Berlin"}, {"timezone": "Europe/Berlin"}),
        ({"start_date_local": "2026-11-18T13:30:00"}, {"timezone": None}),
        ({"type": "TrailRun"}, {"sport": "trail_run"}),
        ({"trainer": True}, {"sport": "treadmill_run"}),
        ({"type": "VirtualRun", "timezone": "Europe/London"}, {"sport": "virtual_run", "timezone": None}),
        ({"type": "WeightTraining", "name": "Adductors + core"}, {"sport": "strength", "is_adductor_session": True}),
        ({"icu_rpe": 3}, {"intensity": words.Intensity.EASY}),
        ({"icu_rpe": 8, "icu_intensity": 60.0}, {"intensity": words.Intensity.HARD}),
        ({"icu_intensity": 78.4}, {"intensity": words.Intensity.EASY}),
        ({"icu_intensity": 78.4, "feel": 4}, {"intensity": words.Intensity.HARD}),
        ({"icu_intensity": 78.4, "feel": 1}, {"intensity": words.Intensity.EASY}),
        ({"icu_rpe": 3, "feel": 5}, {"intensity": words.Intensity.EASY}),
        ({"sub_type": "RACE"}, {"intensity": words.Intensity.RACE, "workout": "race"}),
        ({"analyzed": None}, {"complete": False}),
        ({"analyzed": None, "created": "2026-11-18T08:50:00.000+00:00"}, {"complete": True}),
        ({"moving_time": None}, {"complete": False}),
        ({"moving_time": "40"}, {"complete": False}),
        ({"source": "STRAVA"}, {"sport": "unknown", "complete": True}),
        ({"type": None, "start_date": None}, {"sport": "unknown", "complete": True}),
        ({"source": "MANUAL"}, {"manual": True}),
        ({"id": "12345"}, {"id": "intervals:12345"}),
    ],
)
def test_activity_is_read_with_absent_and_null_alike(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    now = MORNING
    for raw in (WHOLE | changes, {k: v for k, v in (WHOLE | changes).items() if v is not None}):
        activity = parse_activity(raw, now)
        assert {name: getattr(activity, name) for name in expected} == expected


@pytest.mark.parametrize("raw", [None, [], {}, {"id": None}, {"id": True}, {"id": "../x"}, {"id": ""}])
def test_what_is_no_activity_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="not an activity"):
        parse_activity(raw, MORNING)


@pytest.mark.parametrize(
    ("status", "body", "by", "kind"),
    [
        (401, '{"status":401,"error":"Unauthorized"}', "token", ErrorKind.UNAUTHORIZED),
        (403, '{"status":403,"error":"Access denied"}', "token", ErrorKind.SCOPE_MISSING),
        (403, '{"status":403,"error":"Access denied"}', "key", ErrorKind.UNAUTHORIZED),
        *((403, "<!DOCTYPE html>Just a moment", by, ErrorKind.RETRY) for by in ("token", "key")),
        (404, '{"status":404,"error":"Activity not found"}', "token", ErrorKind.NOT_FOUND),
        (404, '{"status":404,"error":"Code not found (expired?)"}', "application", ErrorKind.REFUSED),
        (404, '{"status":404,"error":"Client not found"}', "application", ErrorKind.MISCONFIGURED),
        (401, '{"status":401,"error":"Access denied"}', "application", ErrorKind.MISCONFIGURED),
        (400, '{"status":400,"error":"JSON parse error"}', "token", ErrorKind.PERMANENT),
        (422, '[{"status":422,"error":"Name is too long"}]', "token", ErrorKind.PERMANENT),
        (422, '{"status":422,"error":"java.time.format.DateTimeParseException"}', "token", ErrorKind.PERMANENT),
        (500, '{"status":500,"error":"java.lang.NumberFormatException"}', "token", ErrorKind.PERMANENT),
        (500, '{"status":500,"error":"try again"}', "token", ErrorKind.RETRY),
        (502, "<html>Bad gateway</html>", "token", ErrorKind.RETRY),
        (522, "", "token", ErrorKind.RETRY),
        (429, "", "token", ErrorKind.RATE_LIMITED),
        (429, "<html>slow down</html>", "application", ErrorKind.RATE_LIMITED),
        (301, "", "token", ErrorKind.MISCONFIGURED),
        (418, "{}", "token", ErrorKind.UNEXPECTED),
    ],
)
def test_status_and_contents_decide_the_kind(status: int, body: str, by: str, kind: ErrorKind) -> None:
    failure = failure_of(status, body.encode(), doing="reading", needs="calendar", by=by)

    assert failure.kind is kind
    assert failure.details == (("calendar",) if kind is ErrorKind.SCOPE_MISSING else ())
