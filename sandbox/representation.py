"""Serialise runners and activities as Strava does: summary or detail, null or absent. No activity has a track."""

# ruff: noqa: SIM905 - a paragraph of names reads better than forty lines of them

from __future__ import annotations

from typing import Any

from sandbox import places
from sandbox.models import Activity, PrivateNoteSwitches, Runner
from sandbox.sports import RUNS, activity_type

# What is always the same here, by its value.
_OF_ATHLETES = dict.fromkeys("username bio state friend follower weight".split()) | {"premium": False, "summit": False}
_OF_SUMMARIES = (
    dict.fromkeys("location_city location_state location_country gear_id".split())
    | dict.fromkeys("achievement_count kudos_count comment_count photo_count pr_count total_photo_count".split(), 0)
    | dict.fromkeys("flagged heartrate_opt_out from_accepted_tag has_kudoed commute hide_from_home".split(), False)
)
_OF_DETAILS = {
    **{name: [] for name in "segment_efforts best_efforts splits_metric splits_standard laps available_zones".split()},
    "photos": {"primary": None, "count": 0},
    "prefer_perceived_exertion": False,
}


def summary_athlete(runner: Runner) -> dict[str, Any]:
    created = places.iso_z(places.utc(runner.created_at))
    return _OF_ATHLETES | {
        "id": runner.id,
        "resource_state": 2,
        "firstname": runner.firstname,
        "lastname": runner.lastname,
        "city": runner.city,
        "country": runner.country,
        "sex": runner.sex,
        "created_at": created,
        "updated_at": created,
        "badge_type_id": 0,
        "profile_medium": "avatar/athlete/medium.png",
        "profile": "avatar/athlete/large.png",
    }


def summary_activity(activity: Activity, runner: Runner) -> dict[str, Any]:
    """A row of `GET /athlete/activities`: without description and private note."""
    start, start_local = _dates(activity)
    speed = round(activity.distance_m / activity.moving_time_s, 3) if activity.moving_time_s else 0.0
    body: dict[str, Any] = _OF_SUMMARIES | {
        "resource_state": 2,
        "athlete": {"id": runner.id, "resource_state": 1},
        "name": activity.name,
        "distance": activity.distance_m,
        "moving_time": activity.moving_time_s,
        "elapsed_time": activity.elapsed_time_s,
        "total_elevation_gain": activity.total_elevation_gain_m,
        "type": activity_type(activity.sport_type),
        "sport_type": activity.sport_type,
        "id": activity.id,
        "start_date": start,
        "start_date_local": start_local,
        "timezone": places.strava_zone(activity.start, activity.timezone),
        "utc_offset": places.utc_offset_s(activity.start, activity.timezone),
        "athlete_count": 1,
        "map": {"id": f"a{activity.id}", "summary_polyline": "", "resource_state": 2},
        "trainer": activity.trainer,
        "manual": activity.manual,
        "private": activity.only_me,
        "visibility": activity.visibility,
        "start_latlng": [],
        "end_latlng": [],
        "average_speed": speed,
        "max_speed": round(speed * 1.35, 3),
        "has_heartrate": activity.average_heartrate is not None,
        "display_hide_heartrate_option": activity.average_heartrate is not None,
        "upload_id": None if activity.manual else activity.id + 1_000_000_000,
        "external_id": None if activity.manual else f"sandbox-{activity.id}.fit",
    }
    if activity.sport_type in RUNS or activity.workout_type is not None:
        body["workout_type"] = activity.workout_type
    if not activity.manual:
        body["upload_id_str"] = str(body["upload_id"])
    if activity.average_heartrate is not None:
        body["average_heartrate"] = activity.average_heartrate
        body["max_heartrate"] = round(activity.average_heartrate * 1.12, 1)
    if activity.suffer_score is not None:
        body["suffer_score"] = activity.suffer_score
    return body


def detailed_activity(activity: Activity, runner: Runner, note: PrivateNoteSwitches) -> dict[str, Any]:
    """`GET /activities/{id}` for its owner."""
    body = summary_activity(activity, runner)
    body |= _OF_DETAILS | {
        "resource_state": 3,
        "map": body["map"] | {"polyline": "", "resource_state": 3},
        # A rule of thumb: 7 kilocalories a minute.
        "calories": round(activity.moving_time_s / 60 * 7, 1),
        "description": activity.description,
        "perceived_exertion": activity.perceived_exertion,
        "embed_token": f"{activity.id:x}",
    }
    if activity.device_name is not None:
        body["device_name"] = activity.device_name
    if note.served:
        if activity.private_note:
            body["private_note"] = activity.private_note
        elif note.when_empty != "absent":
            body["private_note"] = "" if note.when_empty == "empty" else None
    return body


def _dates(activity: Activity) -> tuple[str, str]:
    here = places.local(activity.start, activity.timezone)
    if activity.start_hidden:
        hidden = f"{here:%Y-%m-%d}T00:00:01Z"
        return hidden, hidden
    return places.iso_z(places.utc(activity.start)), places.iso_z(here)
