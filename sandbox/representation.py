"""Serialise runners and activities as Strava does: summary or detail, null or absent."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from sandbox import places
from sandbox.models import Activity, PrivateNoteSwitches, Runner
from sandbox.sports import MOVING, RUNS, activity_type


def summary_athlete(runner: Runner) -> dict[str, Any]:
    created = places.iso_z(places.utc(runner.created_at))
    return {
        "id": runner.id,
        "username": None,
        "resource_state": 2,
        "firstname": runner.firstname,
        "lastname": runner.lastname,
        "bio": None,
        "city": runner.city,
        "state": None,
        "country": runner.country,
        "sex": runner.sex,
        "premium": False,
        "summit": False,
        "created_at": created,
        "updated_at": created,
        "badge_type_id": 0,
        "weight": runner.weight_kg,
        "profile_medium": "avatar/athlete/medium.png",
        "profile": "avatar/athlete/large.png",
        "friend": None,
        "follower": None,
    }


def detailed_athlete(runner: Runner) -> dict[str, Any]:
    return summary_athlete(runner) | {
        "resource_state": 3,
        "blocked": False,
        "can_follow": True,
        "follower_count": 0,
        "friend_count": 0,
        "mutual_friend_count": 0,
        "athlete_type": 1,
        "date_preference": "%m/%d/%Y",
        "measurement_preference": runner.measurement_preference,
        "clubs": [],
        "postable_clubs_count": 0,
        "ftp": None,
        "bikes": [],
        "shoes": [],
        "is_winback_via_upload": False,
        "is_winback_via_view": False,
    }


@lru_cache(maxsize=4096)
def _map(latitude: float, longitude: float, distance_m: float, seed: int) -> tuple[list[tuple[float, float]], str]:
    points = places.loop(latitude, longitude, distance_m, seed)
    return points, places.polyline(points)


def track(activity: Activity, runner: Runner) -> tuple[list[tuple[float, float]], str]:
    """The recorded points and their polyline; empty without a satellite fix."""
    if activity.manual or activity.trainer or activity.sport_type not in MOVING:
        return [], ""
    if activity.sport_type.startswith("Virtual"):
        return [], ""
    return _map(runner.latitude, runner.longitude, activity.distance_m, activity.id)


def summary_activity(activity: Activity, runner: Runner) -> dict[str, Any]:
    """A row of `GET /athlete/activities`: without description and private note."""
    points, line = track(activity, runner)
    start, start_local = _dates(activity)
    speed = round(activity.distance_m / activity.moving_time_s, 3) if activity.moving_time_s else 0.0
    body: dict[str, Any] = {
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
        "location_city": None,
        "location_state": None,
        "location_country": None,
        "achievement_count": 0,
        "kudos_count": 0,
        "comment_count": 0,
        "athlete_count": 1,
        "photo_count": 0,
        "map": {"id": f"a{activity.id}", "summary_polyline": line, "resource_state": 2},
        "trainer": activity.trainer,
        "commute": activity.commute,
        "manual": activity.manual,
        "private": activity.only_me,
        "visibility": activity.visibility,
        "flagged": False,
        "hide_from_home": activity.hide_from_home,
        "gear_id": activity.gear_id,
        "start_latlng": list(points[0]) if points else [],
        "end_latlng": list(points[-1]) if points else [],
        "average_speed": speed,
        "max_speed": round(speed * 1.35, 3),
        "has_heartrate": activity.average_heartrate is not None,
        "heartrate_opt_out": False,
        "display_hide_heartrate_option": activity.average_heartrate is not None,
        "upload_id": None if activity.manual else activity.id + 1_000_000_000,
        "external_id": None if activity.manual else f"sandbox-{activity.id}.fit",
        "from_accepted_tag": False,
        "pr_count": 0,
        "total_photo_count": 0,
        "has_kudoed": False,
    }
    if activity.sport_type in RUNS or activity.workout_type is not None:
        body["workout_type"] = activity.workout_type
    if not activity.manual:
        body["upload_id_str"] = str(body["upload_id"])
        body["elev_high"] = round(20.0 + activity.total_elevation_gain_m / 3, 1)
        body["elev_low"] = 20.0
    if activity.average_heartrate is not None:
        body["average_heartrate"] = activity.average_heartrate
        body["max_heartrate"] = round(activity.average_heartrate * 1.12, 1)
    if activity.suffer_score is not None:
        body["suffer_score"] = activity.suffer_score
    return body


def detailed_activity(activity: Activity, runner: Runner, note: PrivateNoteSwitches) -> dict[str, Any]:
    """`GET /activities/{id}` for its owner."""
    body = summary_activity(activity, runner)
    points, line = track(activity, runner)
    body |= {
        "resource_state": 3,
        "map": {"id": f"a{activity.id}", "polyline": line, "resource_state": 3, "summary_polyline": line},
        # Made with a rule of thumb: one kilocalorie a kilogram and kilometre, 7 a minute when standing still.
        "calories": round(
            (runner.weight_kg or 68) * activity.distance_m / 1000 if points else activity.moving_time_s / 60 * 7, 1
        ),
        "description": activity.description,
        "perceived_exertion": activity.perceived_exertion,
        "prefer_perceived_exertion": False,
        "segment_efforts": [],
        "best_efforts": [],
        "splits_metric": _splits(activity, 1000.0) if points else [],
        "splits_standard": _splits(activity, 1609.34) if points else [],
        "laps": [_lap(activity, runner)],
        "photos": {"primary": None, "count": 0},
        "stats_visibility": [
            {"type": kind, "visibility": "everyone"} for kind in ("heart_rate", "pace", "power", "speed", "calories")
        ],
        "embed_token": f"{activity.id:x}",
        "available_zones": [],
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


def _splits(activity: Activity, length_m: float) -> list[dict[str, Any]]:
    splits: list[dict[str, Any]] = []
    left_m = activity.distance_m
    pace_s_per_m = activity.moving_time_s / activity.distance_m if activity.distance_m else 0.0
    while left_m > 1 and len(splits) < 500:
        distance_m = min(length_m, left_m)
        seconds = round(distance_m * pace_s_per_m)
        splits.append(
            {
                "distance": round(distance_m, 1),
                "elapsed_time": seconds,
                "elevation_difference": 0.0,
                "moving_time": seconds,
                "split": len(splits) + 1,
                "average_speed": round(1 / pace_s_per_m, 2) if pace_s_per_m else 0.0,
                "average_grade_adjusted_speed": None,
                "pace_zone": 0,
            }
        )
        left_m -= distance_m
    return splits


def _lap(activity: Activity, runner: Runner) -> dict[str, Any]:
    start, start_local = _dates(activity)
    return {
        "id": activity.id + 2_000_000_000,
        "resource_state": 2,
        "name": "Lap 1",
        "activity": {"id": activity.id, "visibility": activity.visibility, "resource_state": 1},
        "athlete": {"id": runner.id, "resource_state": 1},
        "elapsed_time": activity.elapsed_time_s,
        "moving_time": activity.moving_time_s,
        "start_date": start,
        "start_date_local": start_local,
        "distance": activity.distance_m,
        "average_speed": round(activity.distance_m / activity.moving_time_s, 2) if activity.moving_time_s else 0.0,
        "max_speed": 0.0,
        "lap_index": 1,
        "split": 1,
        "start_index": 0,
        "end_index": max(activity.elapsed_time_s - 1, 0),
        "total_elevation_gain": activity.total_elevation_gain_m,
        "pace_zone": 0,
    }


def local_date(activity: Activity) -> dt.date:
    """The local date of the activity."""
    return places.local(activity.start, activity.timezone).date()
