"""Strava's activities in our words. Pure: raw JSON in, `LoggedActivity` out.

Parsed here and not by stravalib's models: those refuse a ``suffer_score`` of 64.5 and turn an unknown ``sport_type``
into "Workout". Source of the fields: https://developers.strava.com/docs/reference/ and athletes' answers.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AliasPath, Field, ValidationError

from adductor.coaching.situation import Intensity
from adductor.platforms import activities
from adductor.platforms.base import LoggedActivity, id_of
from adductor.platforms.fields import LENIENT, OptionalFlag, OptionalNumber, OptionalText
from adductor.platforms.strava.webhooks import Id

# workout_type: 1-3 are a run's, 11-12 a ride's; 0, 10, null and absent say nothing.
_WORKOUTS = {1: "race", 2: "long", 3: "workout", 11: "race", 12: "workout"}

# Relative Effort (suffer_score) an hour of moving. Strava publishes no formula; runners who worked it out from their
# data got about 60 an hour for steady zone 2 and 115 for steady zone 3 (A. Aime, "Reverse engineering the Strava Suffer
# Score algorithm", 2017). A mean can hide intervals: only used when the runner gave no exertion.
_EASY_EFFORT_PER_H_MAX = 60
_HARD_EFFORT_PER_H_MIN = 115
_MIN_EFFORT_MOVING_S = 600  # shorter ones give no stable mean

# Where a strength activity's structured sets may sit; their place in an answer isn't documented (since 2026-05).
_SET_KEYS = ("strength_sets", "exercise_sets", "exercises", "sets", "workout_sets")
_MAX_SET_CHARS = 100_000


class _Activity(activities.Activity):
    """The fields that are read. One of the wrong type counts as absent."""

    id: Id
    athlete_id: Annotated[Id | None, LENIENT, Field(validation_alias=AliasPath("athlete", "id"))] = None
    sport_type: OptionalText = None
    type: OptionalText = None  # the older and coarser word; it is there when `sport_type` is null
    # At the start, with daylight saving time; `timezone` tells the standard one. UTC-12 to UTC+14 are the earth's.
    utc_offset: Annotated[Annotated[float, Field(ge=-12 * 3600, le=14 * 3600)] | None, LENIENT] = None
    workout_type: OptionalNumber = None
    suffer_score: OptionalNumber = None
    manual: OptionalFlag = None
    private_note: OptionalText = None


def parse_activity(raw: Any, *, detailed: bool) -> LoggedActivity:
    """Read one activity. ``detailed``: it came from the activity's own address; a summary tells no description.

    Raises ValueError when it isn't an activity at all.
    """
    try:
        read = _Activity.model_validate(raw)
    except ValidationError:  # its text repeats the answer
        raise ValueError("not an activity: no object with an id") from None
    sport_type = read.sport_type or read.type or ""
    start, wall = read.start_date, read.start_date_local
    hidden = start is not None and wall is not None and _is_hidden(start) and _is_hidden(wall)
    if hidden and wall is not None:
        # The date is the local one: read as UTC it would be yesterday's in America.
        start = wall - timedelta(seconds=read.utc_offset or 0)
    workout = _WORKOUTS.get(int(read.workout_type)) if read.workout_type is not None else None
    # Null in an activity's own answer is an empty one; absent or of a wrong type it is unknown.
    description = "" if raw.get("description", ...) is None else read.description
    sets = json.dumps([raw[key] for key in _SET_KEYS if key in raw], ensure_ascii=False)
    return read.logged(
        sport_type,
        start,
        words=sets[:_MAX_SET_CHARS].replace("_", " "),
        id=id_of("strava", read.id),
        athlete_id=str(read.athlete_id or ""),
        # Strava tells 0 where it can't work the moving time out of a recording (old devices): the elapsed one is nearer.
        moving_s=int(read.moving_time or (read.elapsed_time if read.distance else 0) or 0),
        workout=workout,
        intensity=_intensity(read, workout),
        manual=bool(read.manual),
        private_note=read.private_note,
        description=description if detailed else None,
        time_unreliable=hidden or bool(read.manual and _looks_like_default(wall or start, read.moving_time)),
        complete=bool(sport_type) and start is not None and read.moving_time is not None,
    )


def _intensity(read: _Activity, workout: str | None) -> Intensity:
    """Intensity from the surest source: the runner's tag, the runner's exertion, Relative Effort; else unknown.

    "Long" says nothing about how hard; heart rate alone neither, without the runner's zones.
    """
    if workout == "race":
        return Intensity.RACE
    if workout == "workout":
        return Intensity.HARD
    effort, moving_s = read.suffer_score or 0, read.moving_time or 0
    by_effort = Intensity.UNKNOWN
    if effort > 0 and moving_s >= _MIN_EFFORT_MOVING_S:
        by_effort = activities.grade(effort / (moving_s / 3600), _EASY_EFFORT_PER_H_MAX, _HARD_EFFORT_PER_H_MIN)
    return activities.by_exertion(read.perceived_exertion) or by_effort


def _is_hidden(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 1)


def _looks_like_default(wall: datetime | None, moving_s: float | None) -> bool:
    """On the full hour and of round length (5 min): typed into a form afterwards, so the time of day proves nothing."""
    return wall is not None and moving_s is not None and (wall.minute, wall.second) == (0, 0) and moving_s % 300 == 0
