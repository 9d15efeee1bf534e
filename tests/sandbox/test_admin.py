"""The admin API: what the other tests lean on, and its plain refusals."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from sandbox.activities import Recording
from tests.sandbox.conftest import MARA, Sandbox


def test_an_empty_body_records_an_easy_run_that_has_just_finished(strava: Sandbox) -> None:
    strava.admin("/clock", {"now": "2026-11-22T17:00:00Z", "speed": 0.001})
    truth = strava.truth(strava.record())
    assert (truth["sport_type"], truth["moving_time_s"], truth["workout_type"]) == ("Run", 2700, 0)
    assert truth["start_utc"] == "2026-11-22T16:15:00Z"
    assert truth["name"] == "Afternoon Run"
    assert 7000 < truth["distance_m"] < 9000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"minutes": 0}, "minutes"),
        ({"sport_type": "Napping"}, "not a sport of Strava's"),
        ({"start": "2026-11-22T10:00:00"}, "start"),
        ({"start_local": "2026-11-22T10:00:00Z"}, "wall time"),
        ({"start": "2026-11-22T10:00:00Z", "start_local": "2026-11-22T10:00:00"}, "not both"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"elapsed_minutes": 10}, "moving time"),
        ({"titel": "x"}, "titel"),
        ([], "JSON object"),
    ],
)
def test_a_recording_that_makes_no_sense_is_refused_with_where_and_what(strava: Sandbox, body: Any, said: str) -> None:
    problems = strava.admin(f"/runners/{MARA}/activities", body, status=400)["problems"]
    assert said in str(problems)
    assert strava.look(f"/runners/{MARA}/activities") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/runners/1"), ("POST", "/runners/1/activities"), ("POST", "/runners/1/connect"),
        ("GET", "/activities/1"), ("DELETE", "/activities/1"), ("POST", "/activities/1/private"),
        ("POST", "/deliveries/1/again"), ("GET", "/no/such/route"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_404_with_a_sentence(strava: Sandbox, method: str, path: str) -> None:
    problems = strava.admin(path, None if method == "GET" else {}, method=method, status=404)["problems"]
    assert problems[0].startswith("there is no")


def test_it_answers_only_to_this_machine(app: Flask) -> None:
    answer = app.test_client().get("/admin/state", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 403
    assert app.test_client().get("/admin/state", environ_base={"REMOTE_ADDR": "::ffff:127.0.0.1"}).status_code == 200


def test_a_connected_athlete_is_made_in_one_call(strava: Sandbox) -> None:
    made = strava.admin("/connected-athletes", {"runner": {"firstname": "Ida", "timezone": "Europe/Oslo"}})
    assert made["scopes"] == ["read", "activity:read_all", "activity:write"]
    strava.token = made["access_token"]
    assert strava.call("GET", "/athlete").get_json()["id"] == made["runner_id"]
    strava.admin("/connected-athletes", {"scopes": ["everything"]}, status=400)


def test_switches_change_key_by_key_and_unknown_ones_are_refused(strava: Sandbox) -> None:
    strava.admin("/switches", {"delivery": {"copies": 2}})
    after = strava.admin("/switches", {"delivery": {"drop_share": 0.5}})
    assert (after["delivery"]["copies"], after["delivery"]["drop_share"]) == (2, 0.5)
    for wrong in ({"delivery": {"copis": 2}}, {"delivery": {"copies": 0}}, {"application": "sleepy"}, []):
        strava.admin("/switches", wrong, status=400)
    assert strava.look("/switches") == after
    strava.admin("/reset", {"what": "switches"})
    assert strava.look("/switches")["delivery"]["copies"] == 1


def test_reset_forgets_everything_but_the_made_up_runners_and_the_clock(subscribed: Sandbox) -> None:
    subscribed.admin("/clock", {"now": "2030-01-01T00:00:00Z"})
    subscribed.record()
    state = subscribed.admin("/reset")
    assert (state["activities"], state["subscription"], state["calls"]) == (0, None, {})
    assert state["deliveries"] == {"waiting": 0, "delivered": 0, "failed": 0, "dropped": 0}
    assert state["runners"] == 5
    assert state["clock"]["utc"].startswith("2030-01-01")
    assert subscribed.call("GET", "/athlete").status_code == 401


def test_the_log_knows_every_call_and_which_fields_were_written(connected: Sandbox) -> None:
    activity_id = connected.record()
    connected.call("GET", f"/activities/{activity_id}")
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "x"})
    log = connected.look(f"/calls?activity_id={activity_id}")
    assert [(call["method"], call["status"]) for call in log["calls"]] == [("GET", 200), ("PUT", 200)]
    assert log["calls"][1]["fields"] == ["private_note"]
    assert log["counts"] == {"activities.get": {"200": 1}, "activities.update": {"200": 1}}
    last = log["calls"][-1]["id"]
    assert connected.look(f"/calls?since={last}")["calls"] == []


def test_waiting_ends_when_the_note_is_there(app: Flask, connected: Sandbox) -> None:
    activity_id = connected.record()
    connected.admin(f"/activities/{activity_id}/edit", {"author": "runner", "changes": {"private_note": "not yet"}})
    answers: list[int] = []

    def wait() -> None:
        answers.append(app.test_client().get(f"/admin/wait?for=note&activity_id={activity_id}").status_code)

    waiting = threading.Thread(target=wait)
    waiting.start()
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "now"})
    waiting.join(timeout=10)
    assert answers == [200]


def test_waiting_for_calls_counts_only_those_that_succeeded(connected: Sandbox) -> None:
    connected.call("GET", "/activities/1")
    waited = connected.http.get("/admin/wait?for=calls&endpoint=activities.get&timeout_s=0.05")
    assert (waited.status_code, waited.get_json()) == (504, {"happened": False})
    connected.call("GET", f"/activities/{connected.record()}")
    assert connected.look("/wait?for=calls&endpoint=activities.get") == {"happened": True}
    connected.admin("/wait?for=rain", method="GET", status=400)
    connected.admin("/wait?for=calls&count=many", method="GET", status=400)


@pytest.mark.parametrize(
    "body", [{"speed": 0}, {"speed": -1}, {"now": "noon"}, {"now": "2026-11-22T10:00:00"}, {"x": 1}]
)
def test_a_clock_that_makes_no_sense_is_refused(strava: Sandbox, body: Any) -> None:
    strava.admin("/clock", body, status=400)
    assert strava.look("/clock")["speed"] == 1


def test_everyones_edits_are_remembered_in_order(connected: Sandbox) -> None:
    activity_id = connected.record(description="a")
    connected.edit(activity_id, description="b")
    connected.admin(f"/activities/{activity_id}/edit", {"author": "Shoes", "changes": {"description": "c"}})
    connected.call("PUT", f"/activities/{activity_id}", json={"description": "d"})
    history = [(edit["author"], edit["before"], edit["after"]) for edit in connected.truth(activity_id)["edits"]]
    assert history == [("runner", "a", "b"), ("Shoes", "b", "c"), ("app 4711", "c", "d")]


def test_a_form_that_was_opened_before_somebody_elses_edit_is_not_saved(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="a")
    form = {"changes": {"private_note": "a, mine"}, "if_unchanged": {"private_note": "a"}}
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "a, ours"})
    connected.admin(f"/activities/{activity_id}/edit", form, status=409)
    assert connected.truth(activity_id)["private_note"] == "a, ours"
    form["if_unchanged"]["private_note"] = "a, ours"
    connected.admin(f"/activities/{activity_id}/edit", form)
    assert connected.truth(activity_id)["private_note"] == "a, mine"


def test_all_activities_come_in_pages_also_deleted_ones(connected: Sandbox) -> None:
    ids = [connected.record() for _ in range(3)]
    connected.admin(f"/activities/{ids[1]}", method="DELETE")
    first, rest = connected.look("/activities?limit=2"), connected.look(f"/activities?after={ids[1]}")
    assert [(truth["id"], truth["deleted"]) for truth in [*first, *rest]] == list(
        zip(ids, (False, True, False), strict=True)
    )


def test_the_log_knows_whose_token_was_renewed(connected: Sandbox) -> None:
    connected.refresh()
    assert connected.look("/calls?endpoint=oauth.token")["calls"][-1]["runner_id"] == connected.runner_id


def test_a_description_can_be_taken_away_by_its_runner(connected: Sandbox) -> None:
    activity_id = connected.record(description="a", private_note="b")
    connected.edit(activity_id, description=None, private_note=None, title=None)
    truth = connected.truth(activity_id)
    assert (truth["description"], truth["private_note"], truth["name"]) == (None, "", truth["name"])


def test_titles_go_by_the_hour_where_the_runner_is() -> None:
    from datetime import datetime

    from sandbox.activities import default_title

    def at(hour: int) -> str:
        return default_title(Recording(sport_type="TrailRun"), datetime(2026, 1, 1, hour, 30))  # noqa: DTZ001

    assert [at(hour) for hour in (5, 12, 16, 20, 23, 2)] == [
        "Morning Trail Run", "Lunch Trail Run", "Afternoon Trail Run", "Evening Trail Run", "Night Trail Run",
        "Night Trail Run",
    ]  # fmt: skip
