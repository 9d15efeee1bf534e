"""Strava's activities in our words: what each field means, and what an answer may lack."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adductor.coaching.situation import Intensity
from adductor.platforms.base import LoggedActivity
from adductor.platforms.strava.activities import parse_activity
from tests.platforms.conftest import ANYTHING

EASY_RUN: dict[str, Any] = {
    "id": 16_000_000_001,
    "athlete": {"id": 134_815, "resource_state": 1},
    "name": "Morning Run",
    "sport_type": "Run",
    "start_date": "2026-07-19T11:03:27Z",
    "start_date_local": "2026-07-19T07:03:27Z",
    "timezone": "(GMT-05:00) America/New_York",
    "utc_offset": -14400.0,
    "moving_time": 2_700,
    "elapsed_time": 2_790,
    "distance": 8_046.7,
    "total_elevation_gain": 41.0,
    "workout_type": 0,
    "manual": False,
    "description": None,
    "private_note": "legs ok\r\n\U0001f60a",
}


def detail(**changes: Any) -> LoggedActivity:
    return parse_activity({k: v for k, v in (EASY_RUN | changes).items() if v is not ...}, detailed=True)


def test_run_is_read_whole() -> None:
    assert detail(perceived_exertion=3) == LoggedActivity(
        id="strava:16000000001",
        athlete_id="134815",
        title="Morning Run",
        sport="run",
        start=datetime(2026, 7, 19, 11, 3, 27, tzinfo=UTC),
        timezone="America/New_York",
        moving_s=2_700,
        elapsed_s=2_790,
        distance_m=8_046.7,
        elevation_gain_m=41,
        workout=None,
        intensity=Intensity.EASY,
        manual=False,
        private_note="legs ok\r\n\U0001f60a",
        description="",
        body_part=None,
        is_adductor_session=False,
        time_unreliable=False,
        complete=True,
    )


@pytest.mark.parametrize(
    ("sport", "sport_types"),
    [
        ("run", "Run"),
        ("trail_run", "TrailRun"),
        ("virtual_run", "VirtualRun"),
        ("walk", "Walk"),
        ("hike", "Hike"),
        ("ride", "GravelRide VirtualRide"),
        ("strength", "WeightTraining Workout Crossfit Pilates Yoga HighIntensityIntervalTraining"),
        ("swim", "Swim"),
        ("other", "Padel SomethingNewOf2027"),
    ],
)
def test_sport_gets_the_coachs_word_also_from_type_where_sport_type_is_missing(sport: str, sport_types: str) -> None:
    for sport_type in sport_types.split():
        assert detail(sport_type=sport_type, type="Ride").sport == sport
        assert detail(sport_type=sport_type, trainer=True).sport == ("treadmill_run" if sport == "run" else sport)
        for absent in (..., None, "", 5):
            activity = detail(sport_type=absent, type=sport_type)
            assert (activity.sport, activity.complete) == (sport, True)


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "wall", "offset_s", "read"),
    [
        # Read as UTC it would be the evening of the 18th in New York.
        ("2026-07-19T00:00:01Z", "2026-07-19T00:00:01Z", -14_400, datetime(2026, 7, 19, 4, 0, 1, tzinfo=UTC)),
        ("2026-07-19T00:00:01Z", "2026-07-19T00:00:01Z", 10**9, datetime(2026, 7, 19, 0, 0, 1, tzinfo=UTC)),
        # A second past midnight, local time, alone proves nothing.
        ("2026-07-19T04:00:01Z", "2026-07-19T00:00:01Z", -14_400, None),
    ],
)
def test_hidden_start_keeps_its_local_day(start: str, wall: str, offset_s: float, read: datetime | None) -> None:
    activity = detail(start_date=start, start_date_local=wall, utc_offset=offset_s)
    assert activity.time_unreliable is (read is not None)
    assert activity.start == (read or datetime.fromisoformat(start))


@pytest.mark.parametrize(
    ("raw", "zone"),
    [
        ("(GMT+05:30) Asia/Kolkata", "Asia/Kolkata"),
        ("(GMT-03:00) America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("(GMT+00:00) Etc/GMT-14", "Etc/GMT-14"),
        *((f"(GMT+01:00) {name}", None) for name in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd")),
        *((raw, None) for raw in ("nonsense", "", None, 5)),
    ],
)
def test_zone_is_an_iana_name_or_unknown_and_never_a_virtual_worlds(raw: Any, zone: str | None) -> None:
    assert detail(timezone=raw).timezone == zone
    for sport_type in ("VirtualRun", "VirtualRide"):
        virtual = detail(timezone=raw, sport_type=sport_type)
        assert (virtual.timezone, virtual.start) == (None, detail().start)


def test_only_a_manual_entry_that_looks_like_a_forms_default_has_an_unreliable_time() -> None:
    default = {"manual": True, "start_date_local": "2026-07-19T12:00:00Z", "moving_time": 1_800}
    assert detail(**default).time_unreliable
    for change in ({"moving_time": 1_847}, {"start_date_local": "2026-07-19T12:17:00Z"}, {"manual": False}):
        assert not detail(**default | change).time_unreliable


# --- how hard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "workout", "intensity"),
    [
        ({"workout_type": 1, "perceived_exertion": 2}, "race", Intensity.RACE),
        ({"workout_type": 3}, "workout", Intensity.HARD),
        ({"workout_type": 2}, "long", Intensity.UNKNOWN),
        ({"workout_type": 2, "perceived_exertion": 5.0}, "long", Intensity.MODERATE),
        *(({"workout_type": value}, None, Intensity.UNKNOWN) for value in (None, ..., 10, "1")),
        ({"perceived_exertion": 4}, None, Intensity.EASY),
        ({"perceived_exertion": 6}, None, Intensity.MODERATE),
        ({"perceived_exertion": 7}, None, Intensity.HARD),
        *(({"perceived_exertion": value}, None, Intensity.UNKNOWN) for value in (None, 0, 99)),
        # 45 minutes moving: 64.5 is 86 an hour
        ({"suffer_score": 64.5}, None, Intensity.MODERATE),
        ({"suffer_score": 30}, None, Intensity.EASY),
        ({"suffer_score": 110.0}, None, Intensity.HARD),
        ({"suffer_score": 110.0, "perceived_exertion": 3}, None, Intensity.EASY),
        ({"suffer_score": 40.0, "moving_time": 540}, None, Intensity.UNKNOWN),
        ({"suffer_score": 0}, None, Intensity.UNKNOWN),
        ({"average_heartrate": 171.2}, None, Intensity.UNKNOWN),
    ],
)
def test_intensity_comes_from_the_surest_source_and_is_unknown_without_one(
    changes: dict[str, Any], workout: str | None, intensity: Intensity
) -> None:
    activity = detail(**changes)
    assert (activity.workout, activity.intensity) == (workout, intensity)


# --- what strength work it was ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body_part", "ours", "titles"),
    [
        ("lower", True, "Adductor routine|Copenhagen planks|Hip & groin|Adduktoren zu Hause|Leg day + copenhagen"),
        ("full", True, "Full body with adductor machine"),
        ("lower", False, "Hip thrusts and squats|Leg day"),
        ("upper", False, "Upper body|Bench & biceps"),
        ("full", False, "Full-body circuit"),
        ("core", False, "Core 15 min"),
        (None, False, "Morning Workout|Hip hop class|Championship Yoga|Shipping day legwork"),
    ],
)
def test_strength_title_tells_the_body_part_as_far_as_it_does(body_part: str | None, ours: bool, titles: str) -> None:
    for title in titles.split("|"):
        activity = detail(sport_type="WeightTraining", name=title)
        assert (activity.body_part, activity.is_adductor_session) == (body_part, ours), title
        run = detail(name=title)  # is no session of ours whatever its title says
        assert (run.body_part, run.is_adductor_session) == (None, False), title
    sets = [{"exercise": {"name": "MACHINE_HIP_ADDUCTION"}, "reps": 12, "weight": 40.0}]
    assert detail(sport_type="WeightTraining", name="Evening", strength_sets=sets).is_adductor_session


# --- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "note", "description"),
    [(..., None, None), (None, None, ""), ("", "", ""), ("a\r\n\ud83d", "a\r\n\ud83d", "a\r\n\ud83d"), (5, None, None)],
)
def test_absent_private_note_is_unknown_and_null_description_of_a_detail_is_empty(
    given: Any, note: str | None, description: str | None
) -> None:
    activity = detail(private_note=given, description=given)
    assert (activity.private_note, activity.description) == (note, description)
    assert parse_activity({"id": 7, "description": given}, detailed=False).description is None


# --- what may be missing --------------------------------------------------------------------------------------------


def test_moving_time_of_zero_in_a_recording_with_a_distance_is_not_believed() -> None:
    for distance, moving_s in ((9000, 2880), (0, 0)):
        assert detail(moving_time=0, elapsed_time=2880, distance=distance).moving_s == moving_s


@pytest.mark.parametrize("field", ["sport_type", "start_date", "moving_time"])
@pytest.mark.parametrize("value", [..., None, "", [], {}])
def test_without_what_a_decision_needs_an_activity_is_not_complete(field: str, value: Any) -> None:
    assert not detail(**{"type": None, field: value}).complete


def test_activity_of_almost_nothing_is_read_and_incomplete() -> None:
    activity = parse_activity({"id": 7}, detailed=True)
    assert (activity.id, activity.athlete_id, activity.complete) == ("strava:7", "", False)
    assert (activity.intensity, activity.private_note, activity.description) == (Intensity.UNKNOWN, None, None)
    for start in ("0001-01-01T00:00:01Z", "9999-12-31T23:59:59-14:00"):  # the ends of the calendar
        assert not detail(start_date=start, start_date_local=start).complete
    assert detail(name="a\0b\ud83d").title == "a\ufffdb\ufffd"  # can be stored


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"id": None}, {"id": "7"}, {"id": True}, {"id": 2**63}])
def test_object_without_id_is_not_an_activity(raw: Any) -> None:
    with pytest.raises(ValueError, match="not an activity"):
        parse_activity(raw, detailed=True)


FIELDS = [*EASY_RUN, "type", "trainer", "perceived_exertion", "suffer_score", "exercise_sets"]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), st.booleans())
def test_anything_in_any_field_is_read_into_storable_values(changes: dict[str, Any], detailed: bool) -> None:
    raw = json.loads(json.dumps(EASY_RUN | changes | {"id": 7}))
    activity = parse_activity(raw, detailed=detailed)
    assert activity.start.tzinfo is UTC
    assert 0 <= activity.moving_s <= 10**8
    assert 0 <= activity.distance_m <= 10**8
    assert isinstance(activity.title, str)
