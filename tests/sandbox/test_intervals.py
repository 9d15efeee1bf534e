"""The made-up intervals.icu, spoken to over HTTP as an application does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.conftest import NOW, Admin, Callback, Sandbox, running

SAM, SAM_ID = 90_000_002, "2049001"  # an old account: its id has no i
OURS = "ACTIVITY:WRITE,CALENDAR:WRITE,WELLNESS:READ"
AGENT = "AdductorCoach/1 (+https://coach.example)"
NOTE = {
    "category": "NOTE", "start_date_local": "2026-11-22T00:00:00", "name": "After your run", "external_id": "ours-1",
    "description": "• squeeze: 3 x 20 s",
}  # fmt: skip


@dataclass
class Intervals(Admin):
    """A client of the API with a token or a key, and of the admin API."""

    root: str = "/intervals"
    token: str = ""

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        headers = {"User-Agent": AGENT, "Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.http.open(f"/intervals/api/v1{path}", method=method, json=body, headers=headers, **more)

    def record(self, **recording: Any) -> Any:
        return self.admin(f"/athletes/{SAM_ID}/activities", recording)

    def upsert(self, *entries: dict[str, Any], **more: Any) -> Any:
        return self.call("POST", "/athlete/0/events/bulk?upsert=true", list(entries), **more)


@pytest.fixture
def intervals(shared: Sandbox, callback: Callback) -> Iterator[Intervals]:
    """Sam connected with our scopes, events going to the callback, without the limit a second."""
    shared.admin("/reset")
    shared.admin("/clock", {"now": NOW, "speed": 1})
    made = Intervals(shared.http.application.test_client())
    made.admin("/application", {"webhook_url": callback.url, "secret": "first"})
    made.switch(per_second=None)
    made.token = made.admin("/connected-athletes", {"runner_id": SAM})["access_token"]
    yield made
    made.admin("/application", {"webhook_url": None})


def _events(callback: Callback, count: int) -> list[dict[str, Any]]:
    return [event for body in callback.wait_for(count) for event in body["events"]]


def _consent(intervals: Intervals, *ticked: str, **changes: str) -> Any:
    asked = {"client_id": "999", "redirect_uri": "http://localhost/back", "scope": OURS, "state": "s t"} | changes
    form = {**asked, "runner_id": str(SAM), "granted": list(ticked), "answer": "authorize"}
    return intervals.http.post("/intervals/oauth/authorize", data=form)


def _redeem(intervals: Intervals, answer: Any) -> Any:
    code = parse_qs(urlsplit(answer.location).query)["code"][0]
    form = {"client_id": "999", "client_secret": "secret", "code": code}
    return intervals.http.post("/intervals/api/oauth/token", data=form, headers={"User-Agent": AGENT})


def test_consent_with_unticked_scopes_is_told_only_by_the_token(intervals: Intervals) -> None:
    answer = _consent(intervals, "CALENDAR:WRITE")
    assert set(parse_qs(urlsplit(answer.location).query)) == {"code", "state"}
    token = _redeem(intervals, answer).json
    assert token["scope"] == "CALENDAR:WRITE"
    assert token["athlete"] == {"id": SAM_ID, "name": "Sam Okoro"}
    assert not {"refresh_token", "expires_in"} & set(token)
    assert intervals.call("GET", "/athlete/0/events").status_code == 401  # a new consent ends the token before
    intervals.token = token["access_token"]
    assert intervals.call("GET", "/athlete/0/events").status_code == 200
    assert intervals.call("GET", "/athlete/0/wellness").json == {"status": 403, "error": "Access denied"}


@pytest.mark.parametrize(
    ("changes", "switches"),
    [
        ({"client_id": "1"}, {}),
        ({"scope": "ACTIVITY:WRITE,activity:read"}, {}),
        ({"redirect_uri": "https://elsewhere.example/"}, {}),
        ({}, {"application": "pending"}),
    ],
)
def test_consent_that_cannot_be_given_is_refused_on_the_page(
    intervals: Intervals, changes: dict[str, str], switches: dict[str, Any]
) -> None:
    intervals.switch(**switches)
    answer = _consent(intervals, "CALENDAR:WRITE", **changes)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_code_works_once_within_two_minutes(intervals: Intervals, shared: Sandbox) -> None:
    used, late = _consent(intervals, "CALENDAR:WRITE"), _consent(intervals, "CALENDAR:WRITE")
    assert _redeem(intervals, used).status_code == 200
    shared.admin("/clock", {"advance_s": 121})
    for answer in (used, late):
        assert _redeem(intervals, answer).json == {"status": 404, "error": "Code not found (expired?)"}
    for path, status in (("/intervals/api/v1/oauth/token", 404), ("/intervals/oauth/token", 405)):
        assert intervals.http.post(path).status_code == status


_DATE = "java.time.format.DateTimeParseException: Text '2026-11-22' could not be parsed at index 10"


@pytest.mark.parametrize(
    ("change", "status", "body"),
    [
        ({"start_date_local": "2026-11-22"}, 422, [{"status": 422, "error": _DATE}]),
        ({"name": ""}, 422, [{"status": 422, "error": "Name is required"}]),
        ({"name": "x" * 81}, 422, [{"status": 422, "error": "Name is too long"}]),
        ({"category": "WORKOUT"}, 422, [{"status": 422, "error": "type is required"}]),
        ({"category": "NOTES"}, 400, None),
        ({"name": 7}, 400, None),
    ],
)
def test_entry_that_is_invalid_is_refused_and_makes_nothing(
    intervals: Intervals, change: dict[str, Any], status: int, body: Any
) -> None:
    answer = intervals.upsert(NOTE, NOTE | change)
    assert answer.status_code == status
    assert answer.json == body if body else answer.json["error"].startswith("JSON parse error")
    assert intervals.call("GET", "/athlete/0/events").json == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "says"),
    [
        ("GET", "/athlete/0/events", {"User-Agent": "python-requests/2"}, 403, b"Just a moment"),
        ("GET", "/athlete/0/events", {"Authorization": "Bearer nothing"}, 401, b'"error":"Unauthorized"'),
        ("GET", "/athlete/i2049000/events", {}, 403, b'"error":"Access denied"'),
        ("GET", "/athlete/0", {}, 403, b'"error":"Access denied"'),  # needs SETTINGS:READ
        ("GET", "/athlete/0/activities", {}, 400, b'"path":"/api/v1/athlete/0/activities"'),
        ("GET", "/athlete/0/activities?oldest=monday", {}, 500, b"java.time.format.DateTimeParseException"),
        ("GET", "/athlete/0/activities?oldest=2026-01-01&limit=x", {}, 500, b"java.lang.NumberFormatException"),
        ("DELETE", "/athlete/0/events/one", {}, 422, b"java.lang.NumberFormatException"),
        ("DELETE", "/athlete/0/events/1", {}, 404, b'"error":"Event not found"'),
        ("GET", "/activity/i1", {}, 404, b'"error":"Activity not found"'),
        ("GET", "/nowhere", {}, 404, b'"path":"/api/v1/nowhere"'),
    ],
)
def test_call_that_is_wrong_gets_the_answer_of_the_real_one(
    intervals: Intervals, method: str, path: str, headers: dict[str, str], status: int, says: bytes
) -> None:
    answer = intervals.call(method, path, headers=headers)
    assert answer.status_code == status
    assert says in answer.data


def test_own_id_is_taken_with_and_without_an_i_and_a_key_has_every_right(intervals: Intervals) -> None:
    key = intervals.look(f"/athletes/{SAM_ID}")["api_key"]
    for athlete_id in ("0", SAM_ID, f"i{SAM_ID}"):
        assert intervals.call("GET", f"/athlete/{athlete_id}/events").status_code == 200
    path, basic = "/intervals/api/v1/athlete/0", {"User-Agent": AGENT}
    assert intervals.http.get(path, auth=("API_KEY", key), headers=basic).json["id"] == SAM_ID
    for wrong in (("API_KEY", "nothing"), ("me", key)):
        assert intervals.http.get(path, auth=wrong, headers=basic).status_code == 401
    intervals.token = key
    assert intervals.call("GET", "/athlete/0").json == {"status": 403, "error": "Access denied"}


def test_upsert_changes_own_entries_and_is_blind_to_others(intervals: Intervals) -> None:
    first = intervals.upsert(NOTE).json[0]
    again = intervals.upsert(NOTE | {"description": "• less"}).json[0]
    assert (again["id"], again["description"]) == (first["id"], "• less")
    assert (again["end_date_local"], again["type"]) == ("2026-11-23T00:00:00", None)  # REST serves nulls
    others = intervals.admin(f"/athletes/{SAM_ID}/events", NOTE | {"external_id": "theirs"})
    assert intervals.upsert(NOTE | {"external_id": "theirs"}).json[0]["id"] != others["id"]
    key = intervals.look(f"/athletes/{SAM_ID}")["api_key"]
    for switch, same in (("matches", True), ("blind", False)):
        intervals.switch(key_upsert=switch)
        path, basic = "/intervals/api/v1/athlete/0/events/bulk?upsert=true", {"User-Agent": AGENT}
        sent = [intervals.http.post(path, json=[NOTE], auth=("API_KEY", key), headers=basic) for _ in range(2)]
        assert (sent[0].json[0]["id"] == sent[1].json[0]["id"]) is same


def test_workout_is_parsed_and_a_note_is_not(intervals: Intervals) -> None:
    described = NOTE | {"description": "- 10m easy\n- 1h5m steady"}
    parsed = described | {"category": "WORKOUT", "type": "Run", "external_id": "w"}
    note, workout = intervals.upsert(described, parsed).json
    assert (note["workout_doc"], workout["moving_time"]) == (None, 600 + 3900)


def test_update_is_partial_and_a_deletion_is_told_without_type_and_date(
    intervals: Intervals, callback: Callback
) -> None:
    run = intervals.record(rpe=5, feel=2, description="easy")["id"]
    body = intervals.call("PUT", f"/activity/{run}", {"icu_rpe": -1, "feel": None, "description": ""}).json
    assert (body["icu_rpe"], body["feel"], body["description"]) == (None, 2, None)
    history = intervals.look(f"/activities/{run}")["history"]
    assert [(change["author"], change["before"]["icu_rpe"]) for change in history] == [("app 999", 5)]
    intervals.admin(f"/activities/{run}", method="DELETE")
    told = {event["type"]: event for event in _events(callback, 3)}
    gone = told.pop("ACTIVITY_DELETED")
    assert (set(told), gone["activity"]["id"]) == ({"ACTIVITY_UPLOADED", "ACTIVITY_UPDATED"}, run)
    assert not {"type", "start_date_local", "name"} & set(gone["activity"])


def test_upload_comes_whole_and_without_nulls_then_fitness_of_the_future(
    intervals: Intervals, shared: Sandbox, callback: Callback
) -> None:
    run = intervals.record()["id"]
    shared.admin("/clock", {"advance_s": 3})
    upload, fitness, wellness = sorted(
        _events(callback, 3), key=lambda event: ("ACT", "FIT", "WEL").index(event["type"][:3])
    )
    assert upload["athlete_id"] == SAM_ID
    assert (upload["activity"]["id"], upload["activity"]["average_cadence"]) == (run, 84.9)
    assert None not in upload["activity"].values()
    assert "timezone" not in upload["activity"]
    assert max(row["id"] for row in fitness["records"]) > "2026-12"
    assert wellness["type"] == "WELLNESS_UPDATED"
    assert callback.headers[0]["User-Agent"].startswith("Java-http-client/")
    assert "Authorization" not in callback.headers[0]


@pytest.mark.parametrize(
    ("path", "body", "source"),
    [
        ("", {}, "STRAVA"),
        ("", {"status": "DORMANT"}, "GARMIN_CONNECT"),
        ("/scopes", {"scopes": [], "silent": True}, "GARMIN_CONNECT"),
        ("/connect", {"scopes": ["CALENDAR:WRITE"]}, "GARMIN_CONNECT"),
    ],
    ids=["from Strava", "dormant", "key only", "unticked"],
)
def test_webhook_stays_silent(
    intervals: Intervals, callback: Callback, path: str, body: dict[str, Any], source: str
) -> None:
    intervals.admin(f"/athletes/{SAM_ID}{path}", body)
    intervals.record(source=source)
    intervals.admin("/application/test")
    assert [event["type"] for event in _events(callback, 1)] == ["TEST"]


def test_stub_says_nothing_but_its_day_and_takes_no_writes(intervals: Intervals, shared: Sandbox) -> None:
    stub = intervals.record(source="STRAVA")["id"]
    for source, note in ((True, "STRAVA activities are not available via the API"), (False, None)):
        intervals.switch(stub_source=source)
        listed = intervals.call("GET", "/athlete/0/activities?oldest=2026-11-01").json[0]
        assert set(listed) == {"id", "icu_athlete_id", "start_date_local", "source", "_note"}
        assert (listed["id"], listed["_note"]) == (stub, note)
    assert intervals.call("PUT", f"/activity/{stub}", {"description": "x"}).status_code == 422
    # Recorded at both: one run with two ids.
    run = intervals.record(also_on_strava=True, minutes=40)
    twin = shared.look(f"/runners/{SAM}/activities")[0]
    assert (twin["moving_time_s"], run["fields"]["moving_time"]) == (2400, 2400)
    assert twin["start_utc"] == run["fields"]["start_date"]


def test_webhook_that_fails_is_tried_again_ever_later(
    intervals: Intervals, shared: Sandbox, callback: Callback
) -> None:
    callback.status = 500
    intervals.admin("/application/test")
    for attempt, wait_s in enumerate((31, 61, 121), start=1):
        intervals.attempted(attempt)
        callback.status = 500 if attempt < 3 else 200
        shared.admin("/clock", {"advance_s": wait_s})
    delivery = intervals.attempted(4)
    gaps = [after["at"] - before["at"] for before, after in itertools.pairwise(delivery["attempts"])]
    assert delivery["state"] == "delivered"
    assert [gap // 30 for gap in gaps] == [1, 2, 4]


def test_events_share_a_body_and_carry_the_rotated_secret(intervals: Intervals, callback: Callback) -> None:
    intervals.switch(together=2)
    intervals.admin("/application/test")
    intervals.admin("/application", {"secret": "second", "authorization": "Basic abc"})
    intervals.admin(f"/athletes/{SAM_ID}/scopes", {"scopes": []})
    (body,) = callback.wait_for(1)
    assert body["secret"] == "second"
    assert [event["type"] for event in body["events"]] == ["TEST", "APP_SCOPE_CHANGED"]
    assert body["events"][1]["deauthorized"] is True
    assert callback.headers[0]["Authorization"] == "Basic abc"
    assert intervals.call("GET", "/athlete/0/events").status_code == 401


def test_write_whose_answer_is_lost_has_happened_and_the_athlete_edits_meanwhile(intervals: Intervals) -> None:
    intervals.admin("/faults", {"endpoint": "events.bulk", "when": "after", "status": 502, "html": "<p>", "times": 1})
    assert intervals.upsert(NOTE).mimetype == "text/html"
    intervals.admin("/faults", {"endpoint": "events.list", "edit": {"name": "mine"}, "times": 1})
    (entry,) = intervals.call("GET", "/athlete/0/events").json
    assert intervals.look(f"/entries/{entry['id']}")["history"][-1]["author"] == "athlete"


def test_deleted_entry_comes_back_as_news(intervals: Intervals, shared: Sandbox, callback: Callback) -> None:
    intervals.switch(resurrect_after_s=180, echo=False)
    number = intervals.upsert(NOTE).json[0]["id"]
    intervals.admin(f"/entries/{number}", method="DELETE")
    _events(callback, 1)
    shared.admin("/clock", {"advance_s": 181})
    gone, back = _events(callback, 2)
    assert (gone["deleted_events"], back["events"][0]["id"]) == ([number], number)
    assert intervals.call("GET", "/athlete/0/events").json == []


def test_limit_is_429_with_or_without_headers(intervals: Intervals) -> None:
    intervals.switch(app_limits=[1, 100])
    allowed, bare = (intervals.call("GET", "/athlete/0/events") for _ in range(2))
    intervals.switch(rate_headers="normal", retry_after=True)
    told = intervals.call("GET", "/athlete/0/events")
    assert [(answer.status_code, answer.data) for answer in (bare, told)] == [(429, b"")] * 2
    assert not [name for name, _ in bare.headers if name.lower().startswith(("x-ratelimit", "retry"))]
    assert (allowed.status_code, told.headers["X-RateLimit-Remaining"]) == (200, "0,97")
    assert told.headers["Retry-After"] in ("838", "839", "840")  # of the window that began at 17:00
    assert intervals.look("/state")["limits"]["over_limit"] == 2


def test_upload_before_its_analysis_is_followed_by_one(
    intervals: Intervals, shared: Sandbox, callback: Callback
) -> None:
    intervals.switch(uploaded_analyzed=False)
    run = intervals.record()["id"]
    assert "analyzed" not in _events(callback, 1)[0]["activity"]
    assert intervals.call("GET", f"/activity/{run}").json["analyzed"] is None
    shared.admin("/clock", {"advance_s": 60})
    kinds = {event["type"]: event for event in _events(callback, 4)}
    assert kinds["ACTIVITY_ANALYZED"]["activity"]["analyzed"]
    assert intervals.call("GET", f"/activity/{run}").json["analyzed"]


def test_wellness_day_is_served_with_nulls_and_floods_on_demand(
    intervals: Intervals, shared: Sandbox, callback: Callback
) -> None:
    day = {"day": "2026-11-22", "fields": {"soreness": 3, "injury": 2}, "times": 12}
    intervals.admin(f"/athletes/{SAM_ID}/wellness", day)
    served = intervals.call("GET", "/athlete/0/wellness?oldest=2026-11-01&newest=2026-12-01").json
    assert [(row["id"], row["soreness"], row["mood"]) for row in served] == [("2026-11-22", 3, None)]
    shared.admin("/clock", {"advance_s": 5})
    assert len(_events(callback, 12)) == 12


def test_state_outlives_a_restart_and_a_reset_of_the_whole_sandbox_ends_it(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        intervals = Intervals(before.http)
        token = intervals.admin("/connected-athletes", {"runner_id": SAM})["access_token"]
        intervals.admin(f"/athletes/{SAM_ID}/events", NOTE)
    with running(tmp_path) as after:
        intervals = Intervals(after.http, token=token)
        assert intervals.call("GET", "/athlete/0/events?oldest=2026-11-22").json[0]["name"] == NOTE["name"]
        after.admin("/reset")
        assert intervals.call("GET", "/athlete/0/events").status_code == 401
        assert intervals.look("/state")["entries"] == 0


def test_page_shows_the_calendar_and_its_forms_do_what_an_athlete_does(intervals: Intervals, shared: Sandbox) -> None:
    def press(path: str, status: int = 303, **form: str) -> str:
        answer = intervals.http.post(path if path == "/runner" else f"/intervals{path}", data=form)
        assert answer.status_code == status, answer.text
        return answer.text if status == 400 else intervals.http.get("/intervals/").text

    note = intervals.upsert(NOTE | {"description": "<b>\r\n• squeeze https://coach.example/r/1"}).json[0]["id"]
    shown = press("/runner", runner_id=str(SAM), back="calendar")
    for words in ("Sam Okoro", f"Athlete {SAM_ID}", "Connected to the application", "by the application", "&lt;b&gt;",
                  '<a href="https://coach.example/r/1"'):  # fmt: skip
        assert words in shown
    untouched = {"name": NOTE["name"], "day": "2026-11-22", "until": "2026-11-22", "description": "<b>\r\n• squeeze"}
    press(f"/entries/{note}/edit", **untouched | {"description": "<b>\r\n• squeeze https://coach.example/r/1"})
    assert len(intervals.look(f"/entries/{note}")["history"]) == 1
    press(f"/entries/{note}/edit", **untouched | {"day": "2026-11-23", "until": ""})
    moved = intervals.look(f"/entries/{note}")
    assert (moved["fields"]["start_date_local"], moved["history"][-1]["author"]) == ("2026-11-23T00:00:00", "athlete")
    assert "until Fri 27 Nov" in press("/plan", kind="injured", day="2026-11-24", until="2026-11-27")
    assert "City Half" in press("/plan", kind="race_a", day="2026-12-06")
    assert "choose a date" in press("/plan", 400, kind="race_a", day="soon")
    press("/record", preset="long", also_on_strava="on")
    press("/record", sport_type="Run", minutes="30", rpe="7", feel="4", source="GARMIN_CONNECT")
    assert "minutes" in press("/record", 400, minutes="-1")
    own = intervals.look(f"/athletes/{SAM_ID}/activities")
    assert sorted(run["fields"].get("feel", 0) for run in own) == [0, 4]
    assert len(shared.look(f"/runners/{SAM}/activities")) == 1
    press(f"/activities/{own[0]['id']}/edit", name="Hills", icu_rpe="9", feel="", description="steep")
    press("/wellness", soreness="3", injury="2", comments="stiff")
    assert intervals.call("GET", "/athlete/0/wellness").json[0]["injury"] == 2
    press(f"/entries/{note}/delete")
    press(f"/activities/{own[1]['id']}/delete")
    assert "Dormant" in press("/status", dormant="1")
    assert "No application has access" in press("/scopes")
    assert intervals.call("GET", "/athlete/0/events").status_code == 401
