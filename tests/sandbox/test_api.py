"""Athlete and activities as Strava's API shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stravalib.strava_model import DetailedActivity, Fault, SummaryActivity

from tests.sandbox.conftest import MARA, Sandbox

# Keys of the swagger that Strava leaves out too.
OPTIONAL = {
    "average_watts", "device_watts", "kilojoules", "max_watts", "weighted_average_watts", "gear", "workout_type",
    "device_name", "elev_high", "elev_low", "upload_id_str",
}  # fmt: skip


def without_empty_points(body: dict[str, Any]) -> dict[str, Any]:
    # Strava sends [] where its own swagger wants two numbers; clients have to cope.
    return {key: value for key, value in body.items() if not (key.endswith("latlng") and value == [])}


def detail(connected: Sandbox, **recording: Any) -> dict[str, Any]:
    body: dict[str, Any] = connected.get(connected.record(**recording)).get_json()
    return body


@pytest.mark.parametrize(
    "recording",
    [
        {},
        {"sport_type": "TrailRun", "minutes": 130, "climb_m": 900, "workout_type": "long", "description": "Grat\r\n🏔"},
        {"trainer": True, "workout_type": None, "average_heartrate": 141.5, "suffer_score": 42},
        {"manual": True, "workout_type": "race", "distance_km": 10, "perceived_exertion": 8},
        {"sport_type": "WeightTraining", "minutes": 30, "visibility": "only_me"},
        {"sport_type": "Pickleball", "hide_start": True},
    ],
)
def test_detail_and_summary_are_as_stravas_swagger_describes(connected: Sandbox, recording: dict[str, Any]) -> None:
    full = detail(connected, **recording)
    DetailedActivity.model_validate(without_empty_points(full))
    assert set(DetailedActivity.model_fields) - set(full) <= OPTIONAL
    (summary,) = connected.call("GET", "/athlete/activities").get_json()
    SummaryActivity.model_validate(without_empty_points(summary))
    assert (full["resource_state"], summary["resource_state"]) == (3, 2)
    assert not {"description", "private_note", "laps", "splits_metric"} & set(summary)


WORKOUTS = {"race": 1, "long": 2, "workout": 3, None: None}


def times(start: str, local: str, offset_s: int, zone: str) -> dict[str, Any]:
    return {"start_date": start, "start_date_local": local, "utc_offset": offset_s, "timezone": zone}


JULY, NEW_YEAR, NEW_YORK = "2026-07-01T12:00:00Z", "2026-01-01T12:00:00Z", "America/New_York"
DUBLIN, HIDDEN = "Europe/Dublin", "2026-03-02T00:00:01Z"


@pytest.mark.parametrize(
    ("recording", "seen"),
    [
        # Local times carry a false Z, the zone its standard offset all year, utc_offset the real one.
        (
            {"start": JULY, "timezone": NEW_YORK},
            times(JULY, "2026-07-01T08:00:00Z", -14_400, f"(GMT-05:00) {NEW_YORK}"),
        ),
        (
            {"start": NEW_YEAR, "timezone": NEW_YORK},
            times(NEW_YEAR, "2026-01-01T07:00:00Z", -18_000, f"(GMT-05:00) {NEW_YORK}"),
        ),
        ({"start": JULY, "timezone": DUBLIN}, times(JULY, "2026-07-01T13:00:00Z", 3_600, f"(GMT+00:00) {DUBLIN}")),
        # A hidden start; 23:30 UTC on the 1st is already the 2nd in Stockholm.
        ({"start": "2026-03-01T23:30:00Z", "hide_start": True}, {"start_date": HIDDEN, "start_date_local": HIDDEN}),
        ({}, {"workout_type": 0, "private_note": ""}),
        *(({"workout_type": word}, {"workout_type": number}) for word, number in WORKOUTS.items()),
        ({"sport_type": "Yoga"}, {"workout_type": "absent"}),
    ],
)
def test_detail_tells_times_and_workouts_as_strava_does(
    connected: Sandbox, recording: dict[str, Any], seen: dict[str, Any]
) -> None:
    body = detail(connected, **recording)
    assert {key: body.get(key, "absent") for key in seen} == seen


@pytest.mark.parametrize(
    ("switch", "note", "read", "answered"),
    [
        ({"when_empty": "null"}, "", None, "theirs"),
        ({"when_empty": "absent"}, "", "no key", "theirs"),
        ({"served": False}, "mine", "no key", "no key"),
        ({"taken": False}, "mine", "mine", "mine"),
    ],
)
def test_private_note_is_served_and_taken_as_the_switch_says(
    connected: Sandbox, switch: dict[str, Any], note: str, read: str | None, answered: str
) -> None:
    connected.switch(private_note=switch)
    activity_id = connected.record(private_note=note)
    answers = [connected.get(activity_id), connected.put(activity_id, private_note="theirs")]
    assert [answer.get_json().get("private_note", "no key") for answer in answers] == [read, answered]
    assert answers[1].status_code == 200
    assert connected.truth(activity_id)["private_note"] == ("theirs" if answered == "theirs" else note)


TEXT = "  before\r\n\r\n🏃‍♀️ naïve — “q” \t\n\x0bend without newline  "


def test_put_replaces_the_whole_field_and_answers_with_the_detail(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="old", description="kept\r\n")
    answer = connected.put(activity_id, private_note=TEXT).get_json()
    assert (answer["private_note"], answer["description"]) == (TEXT, "kept\r\n")
    truth = connected.truth(activity_id)
    (edit,) = truth["edits"]
    assert (edit["author"], edit["field"], edit["before"]) == ("app 4711", "private_note", "old")
    cleared = connected.put(activity_id, private_note="", description="").get_json()
    assert (cleared["private_note"], cleared["description"]) == ("", "")
    connected.call("PUT", f"/activities/{activity_id}", data={"description": "a=b&c"})  # a form
    assert connected.truth(activity_id)["description"] == "a=b&c"


def test_unknown_fields_and_visibility_are_ignored_with_200_and_an_unknown_sport_is_400(connected: Sandbox) -> None:
    activity_id = connected.record()
    before = connected.truth(activity_id)
    ignored = {"visibility": "only_me", "private": True, "workout_type": 1, "activity": {"description": "x"}}
    for body in (json.dumps(ignored), "[]", "{"):
        answer = connected.call("PUT", f"/activities/{activity_id}", data=body, content_type="application/json")
        assert answer.status_code == 200
    assert connected.truth(activity_id) == before
    refused = connected.put(activity_id, sport_type="Napping")
    assert (refused.status_code, Fault.model_validate(refused.get_json()).message) == (400, "Bad Request")
    body = connected.put(activity_id, sport_type="MountainBikeRide").get_json()
    assert (body["sport_type"], body["type"]) == ("MountainBikeRide", "Ride")


@pytest.mark.parametrize(
    ("switch", "kept"),
    [
        ("strip_links", "two: \nend 1.5 \n"),
        ("strip_decimals", "two: http://x.example/a\n"),
        ("crlf", "two: http://x.example/a\r\nend 1.5 \r\n"),
        ("trim_trailing", "two: http://x.example/a\nend 1.5"),
    ],
)
def test_texts_can_come_back_altered(connected: Sandbox, switch: str, kept: str) -> None:
    connected.switch(text={switch: True})
    activity_id = connected.record()
    text = "two: http://x.example/a\nend 1.5 \n"
    assert connected.put(activity_id, description=text).get_json()["description"] == kept
    assert [edit["sent"] for edit in connected.truth(activity_id)["edits"]] == [text]


def test_activity_hidden_deleted_or_anothers_is_404_and_a_missing_scope_401(connected: Sandbox) -> None:
    other = connected.admin(f"/runners/{MARA + 1}/activities")["id"]
    gone = connected.record()
    connected.admin(f"/activities/{gone}", method="DELETE")
    only_me = connected.record(visibility="only_me")
    assert connected.get(only_me).status_code == 200
    connected.connect(["read", "activity:read", "activity:write"])
    for activity_id in (other, gone, 1, only_me):
        for answer in (connected.get(activity_id), connected.put(activity_id, name="x")):
            assert (answer.status_code, answer.get_json()["message"]) == (404, "Record Not Found")
    assert connected.call("GET", "/athlete/activities").get_json() == []
    Fault.model_validate(connected.call("GET", "/nothing/here").get_json())
    connected.connect(["read", "activity:write"])
    missing = {"resource": "AccessToken", "field": "activity:read_permission", "code": "missing"}
    for path in ("/athlete/activities", f"/activities/{only_me}"):
        answer = connected.call("GET", path)
        assert (answer.status_code, answer.get_json()["errors"]) == (401, [missing])


def test_fresh_activity_is_missing_then_incomplete_by_reads_or_by_time(connected: Sandbox) -> None:
    late = {"late_fields": ["workout_type", "description"]}
    connected.switch(new_activity={"not_found_reads": 2, "late_reads": 3} | late)
    activity_id = connected.record(description="there")
    answers = [connected.get(activity_id) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 200, 200]
    assert not {"workout_type", "description"} & set(answers[2].get_json())
    assert answers[3].get_json()["description"] == "there"

    connected.admin("/reset", {"what": "switches"})
    connected.switch(new_activity={"not_found_for_s": 600, "late_for_s": 1200} | late)
    activity_id = connected.record(description="there")
    assert connected.get(activity_id).status_code == 404
    for shown in ("absent", "there"):
        connected.admin("/clock", {"advance_s": 700})
        assert connected.get(activity_id).get_json().get("description", "absent") == shown


def test_list_is_newest_first_in_pages_between_before_and_after_and_else_400(connected: Sandbox) -> None:
    ids = [connected.record(start=f"2026-11-{day:02}T08:00:00Z") for day in range(1, 11)]

    def listed(**query: Any) -> list[int]:
        return [row["id"] for row in connected.call("GET", "/athlete/activities", query_string=query).get_json()]

    assert listed() == ids[::-1]
    assert listed(per_page=4) + listed(per_page=4, page=2) + listed(per_page=4, page=3) == ids[::-1]
    assert listed(page=9) == []
    third, seventh = (int(connected.truth(ids[index])["start"]) for index in (2, 6))
    assert listed(after=third, before=seventh) == ids[5:2:-1]
    for query in ({"after": 4_000_000_000}, {"per_page": 201}, {"page": 0}, {"before": "yesterday"}):
        answer = connected.call("GET", "/athlete/activities", query_string=query)
        assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, next(iter(query)))


def test_inactive_application_meets_403_everywhere(connected: Sandbox) -> None:
    connected.switch(application="inactive")
    body = {"message": "Forbidden", "errors": [{"resource": "Application", "field": "Status", "code": "Inactive"}]}
    for answer in (connected.call("GET", "/athlete/activities"), connected.refresh()):
        assert (answer.status_code, answer.get_json()) == (403, body)
