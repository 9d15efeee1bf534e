"""Athlete and activities as Strava's API shows them."""

from __future__ import annotations

from typing import Any

import pytest
from stravalib.strava_model import (
    ActivityStats,
    DetailedActivity,
    DetailedAthlete,
    Fault,
    SummaryActivity,
    SummaryAthlete,
)

from tests.sandbox.conftest import MARA, Sandbox

VARIETY: list[dict[str, Any]] = [
    {},
    {"sport_type": "TrailRun", "minutes": 130, "climb_m": 900, "workout_type": "long", "description": "Grat\r\n🏔"},
    {"sport_type": "Run", "trainer": True, "workout_type": None, "average_heartrate": 141.5, "suffer_score": 42},
    {"sport_type": "Run", "manual": True, "workout_type": "race", "distance_km": 10, "perceived_exertion": 8},
    {"sport_type": "WeightTraining", "minutes": 30, "visibility": "only_me"},
    {"sport_type": "VirtualRun"},
    {"sport_type": "Pickleball", "hide_start": True},
]  # fmt: skip


def without_empty_points(body: dict[str, Any]) -> dict[str, Any]:
    # Strava sends [] where its own swagger wants two numbers; clients have to cope.
    return {key: value for key, value in body.items() if not (key.endswith("latlng") and value == [])}


@pytest.mark.parametrize("recording", VARIETY)
def test_detail_and_summary_are_what_stravas_swagger_describes(connected: Sandbox, recording: dict[str, Any]) -> None:
    activity_id = connected.record(**recording)
    detail = connected.call("GET", f"/activities/{activity_id}").get_json()
    parsed = DetailedActivity.model_validate(without_empty_points(detail))
    assert parsed.id == activity_id
    # What the swagger's models do not know is extra in Strava too; all they know has to be there.
    absent = set(DetailedActivity.model_fields) - set(detail)
    assert absent <= {
        "average_watts", "device_watts", "kilojoules", "max_watts", "weighted_average_watts", "gear", "workout_type",
        "device_name", "elev_high", "elev_low", "upload_id_str",
    }  # fmt: skip
    (summary,) = connected.call("GET", "/athlete/activities").get_json()
    SummaryActivity.model_validate(without_empty_points(summary))
    assert (detail["resource_state"], summary["resource_state"]) == (3, 2)
    assert not {"description", "private_note", "laps", "splits_metric"} & set(summary)


def test_the_athlete_is_a_summary_unless_the_whole_profile_was_granted(connected: Sandbox) -> None:
    summary = connected.call("GET", "/athlete").get_json()
    assert SummaryAthlete.model_validate(summary).id == MARA
    assert "measurement_preference" not in summary
    connected.connect(["read", "profile:read_all"])
    detail = connected.call("GET", "/athlete").get_json()
    assert DetailedAthlete.model_validate(detail).measurement_preference == "meters"


def test_stats_add_up_runs(connected: Sandbox) -> None:
    connected.record(distance_km=10)
    connected.record(distance_km=5)
    connected.record(sport_type="Ride")
    stats = ActivityStats.model_validate(connected.call("GET", f"/athletes/{MARA}/stats").get_json())
    assert stats.all_run_totals is not None
    assert (stats.all_run_totals.count, stats.all_run_totals.distance) == (2, 15_000)


@pytest.mark.parametrize(
    ("start", "zone", "local", "offset", "shown"),
    [
        ("2026-07-01T12:00:00Z", "America/New_York", "2026-07-01T08:00:00Z", -14_400, "(GMT-05:00) America/New_York"),
        ("2026-01-01T12:00:00Z", "America/New_York", "2026-01-01T07:00:00Z", -18_000, "(GMT-05:00) America/New_York"),
        ("2026-07-01T22:30:00Z", "Asia/Kathmandu", "2026-07-02T04:15:00Z", 20_700, "(GMT+05:45) Asia/Kathmandu"),
        ("2026-12-24T20:00:00Z", "Pacific/Auckland", "2026-12-25T09:00:00Z", 46_800, "(GMT+12:00) Pacific/Auckland"),
        ("2026-07-01T12:00:00Z", "Europe/Dublin", "2026-07-01T13:00:00Z", 3_600, "(GMT+00:00) Europe/Dublin"),
    ],
)
def test_local_times_carry_a_false_z_and_the_zone_its_standard_offset(
    connected: Sandbox, start: str, zone: str, local: str, offset: int, shown: str
) -> None:
    body = connected.call("GET", f"/activities/{connected.record(start=start, timezone=zone)}").get_json()
    assert body["start_date"] == start
    assert body["start_date_local"] == local
    assert body["utc_offset"] == offset
    assert body["timezone"] == shown


def test_a_hidden_start_reads_one_second_past_midnight_on_both_dates(connected: Sandbox) -> None:
    # 23:30 UTC on the 1st is already the 2nd in Stockholm.
    activity_id = connected.record(start="2026-03-01T23:30:00Z", hide_start=True)
    body = connected.call("GET", f"/activities/{activity_id}").get_json()
    assert body["start_date"] == body["start_date_local"] == "2026-03-02T00:00:01Z"


def test_workout_types_are_numbers_null_or_absent(connected: Sandbox) -> None:
    def kind(**recording: Any) -> Any:
        body = connected.call("GET", f"/activities/{connected.record(**recording)}").get_json()
        return body.get("workout_type", "absent")

    assert kind() == 0
    assert kind(workout_type="race") == 1
    assert kind(workout_type="long") == 2
    assert kind(workout_type="workout") == 3
    assert kind(workout_type=None) is None
    assert kind(sport_type="Yoga") == "absent"


@pytest.mark.parametrize(("switch", "seen"), [("empty", ""), ("null", None), ("absent", "no key")])
def test_an_empty_private_note_is_what_the_switch_says(connected: Sandbox, switch: str, seen: Any) -> None:
    connected.admin("/switches", {"private_note": {"when_empty": switch}})
    activity_id = connected.record()
    assert connected.call("GET", f"/activities/{activity_id}").get_json().get("private_note", "no key") == seen
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "full"})
    assert connected.call("GET", f"/activities/{activity_id}").get_json()["private_note"] == "full"


def test_without_private_notes_a_put_is_200_and_changes_nothing(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="mine")
    connected.admin("/switches", {"private_note": {"served": False}})
    answer = connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "theirs"})
    assert answer.status_code == 200
    assert "private_note" not in answer.get_json()
    assert connected.truth(activity_id)["private_note"] == "mine"


TEXT = "  before\r\n\r\n🏃‍♀️ naïve — “q” \t\n\x0bend without newline  "


def test_a_put_replaces_the_whole_field_and_answers_with_the_detail(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="old", description="kept\r\n")
    answer = connected.call("PUT", f"/activities/{activity_id}", json={"private_note": TEXT})
    assert answer.get_json()["private_note"] == TEXT
    assert answer.get_json()["description"] == "kept\r\n"
    truth = connected.truth(activity_id)
    assert truth["private_note"] == TEXT
    (edit,) = truth["edits"]
    assert (edit["author"], edit["field"], edit["before"]) == ("app 4711", "private_note", "old")
    cleared = connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "", "description": ""})
    assert (cleared.get_json()["private_note"], cleared.get_json()["description"]) == ("", "")


def test_a_form_does_as_well_as_json(connected: Sandbox) -> None:
    activity_id = connected.record()
    connected.call("PUT", f"/activities/{activity_id}", data={"description": "a=b&c", "commute": "1"})
    truth = connected.truth(activity_id)
    assert (truth["description"], truth["commute"]) == ("a=b&c", True)


def test_unknown_fields_and_visibility_are_ignored_with_200(connected: Sandbox) -> None:
    activity_id = connected.record()
    before = connected.truth(activity_id)
    wish = {
        "visibility": "only_me",
        "private": True,
        "workout_type": 1,
        "activity": {"description": "x"},
        "distance": 1,
    }
    assert connected.call("PUT", f"/activities/{activity_id}", json=wish).status_code == 200
    assert connected.call("PUT", f"/activities/{activity_id}", json=["no", "object"]).status_code == 200
    assert (
        connected.call("PUT", f"/activities/{activity_id}", data="{", content_type="application/json").status_code
        == 200
    )
    assert connected.truth(activity_id) == before


def test_a_sport_that_does_not_exist_is_400(connected: Sandbox) -> None:
    answer = connected.call("PUT", f"/activities/{connected.record()}", json={"sport_type": "Napping"})
    assert answer.status_code == 400
    assert Fault.model_validate(answer.get_json()).message == "Bad Request"


def test_another_sport_changes_the_old_type_too(connected: Sandbox) -> None:
    activity_id = connected.record()
    body = connected.call("PUT", f"/activities/{activity_id}", json={"sport_type": "MountainBikeRide"}).get_json()
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
    connected.admin("/switches", {"text": {switch: True}})
    activity_id = connected.record()
    text = "two: http://x.example/a\nend 1.5 \n"
    body = connected.call("PUT", f"/activities/{activity_id}", json={"description": text}).get_json()
    assert body["description"] == kept
    assert [edit["sent"] for edit in connected.truth(activity_id)["edits"]] == [text]


def test_what_is_for_only_me_does_not_exist_without_read_all(connected: Sandbox) -> None:
    activity_id = connected.record(visibility="only_me")
    connected.connect(["read", "activity:read", "activity:write"])
    for method, arguments in (("GET", {}), ("PUT", {"json": {"description": "x"}})):
        answer = connected.call(method, f"/activities/{activity_id}", **arguments)
        assert answer.status_code == 404
        assert answer.get_json()["message"] == "Record Not Found"
    assert connected.call("GET", "/athlete/activities").get_json() == []


def test_missing_read_scope_is_401_with_the_permissions_name(connected: Sandbox) -> None:
    activity_id = connected.record()
    connected.connect(["read", "activity:write"])
    for path in ("/athlete/activities", f"/activities/{activity_id}"):
        answer = connected.call("GET", path)
        assert answer.status_code == 401
        assert answer.get_json()["errors"] == [
            {"resource": "AccessToken", "field": "activity:read_permission", "code": "missing"}
        ]


def test_other_peoples_and_deleted_activities_are_404(connected: Sandbox) -> None:
    other = connected.admin(f"/runners/{MARA + 1}/activities")["id"]
    gone = connected.record()
    connected.admin(f"/activities/{gone}", method="DELETE")
    for activity_id in (other, gone, 1):
        assert connected.call("GET", f"/activities/{activity_id}").status_code == 404
        assert connected.call("PUT", f"/activities/{activity_id}", json={"name": "x"}).status_code == 404


def test_a_fresh_activity_can_be_missing_and_then_incomplete(connected: Sandbox) -> None:
    connected.admin(
        "/switches",
        {"new_activity": {"not_found_reads": 2, "late_fields": ["workout_type", "description"], "late_reads": 3}},
    )
    activity_id = connected.record(description="there")
    answers = [connected.call("GET", f"/activities/{activity_id}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 200, 200]
    assert not {"workout_type", "description"} & set(answers[2].get_json())
    assert answers[3].get_json()["description"] == "there"


def test_missing_and_incomplete_can_pass_with_time(connected: Sandbox) -> None:
    connected.admin(
        "/switches", {"new_activity": {"not_found_for_s": 60, "late_for_s": 120, "late_fields": ["private_note"]}}
    )
    activity_id = connected.record(private_note="mine")
    assert connected.call("GET", f"/activities/{activity_id}").status_code == 404
    connected.admin("/clock", {"advance_s": 90})
    assert "private_note" not in connected.call("GET", f"/activities/{activity_id}").get_json()
    connected.admin("/clock", {"advance_s": 60})
    assert connected.call("GET", f"/activities/{activity_id}").get_json()["private_note"] == "mine"


def test_a_private_note_can_be_shown_and_not_taken(connected: Sandbox) -> None:
    connected.admin("/switches", {"private_note": {"taken": False}})
    activity_id = connected.record(private_note="mine")
    answer = connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "ours"})
    assert (answer.status_code, answer.get_json()["private_note"]) == (200, "mine")


def test_the_list_is_newest_first_in_pages_between_before_and_after(connected: Sandbox) -> None:
    days = [f"2026-11-{day:02}T08:00:00Z" for day in range(1, 11)]
    ids = [connected.record(start=start) for start in days]

    def listed(**query: Any) -> list[int]:
        return [row["id"] for row in connected.call("GET", "/athlete/activities", query_string=query).get_json()]

    newest_first = ids[::-1]
    assert listed() == newest_first
    assert listed(per_page=4) + listed(per_page=4, page=2) + listed(per_page=4, page=3) == newest_first
    assert listed(page=9) == []
    bounds = {index: connected.truth(activity_id)["start"] for index, activity_id in enumerate(ids)}
    third, seventh = int(bounds[2]), int(bounds[6])
    assert listed(after=third, before=seventh) == ids[5:2:-1]


@pytest.mark.parametrize("query", [{"after": 4_000_000_000}, {"per_page": 201}, {"page": 0}, {"before": "yesterday"}])
def test_a_list_that_makes_no_sense_is_400(connected: Sandbox, query: dict[str, Any]) -> None:
    answer = connected.call("GET", "/athlete/activities", query_string=query)
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["field"] == next(iter(query))


def test_an_activity_can_be_made_by_hand_through_the_api(connected: Sandbox) -> None:
    answer = connected.call(
        "POST",
        "/activities",
        data={"name": "Gym", "sport_type": "WeightTraining", "start_date_local": "2026-11-20T18:00:00Z",
              "elapsed_time": 1800, "description": "hips"},
    )  # fmt: skip
    assert answer.status_code == 201
    body = answer.get_json()
    assert (body["manual"], body["description"], body["start_date"]) == (True, "hips", "2026-11-20T17:00:00Z")
    assert connected.call("POST", "/activities", data={"name": "no more"}).status_code == 400


def test_an_inactive_application_meets_403_everywhere(connected: Sandbox) -> None:
    connected.admin("/switches", {"application": "inactive"})
    body = {"message": "Forbidden", "errors": [{"resource": "Application", "field": "Status", "code": "Inactive"}]}
    for answer in (connected.call("GET", "/athlete"), connected.refresh()):
        assert (answer.status_code, answer.get_json()) == (403, body)


def test_an_address_that_is_none_answers_in_json(connected: Sandbox) -> None:
    answer = connected.call("GET", "/nothing/here")
    assert answer.status_code == 404
    Fault.model_validate(answer.get_json())
