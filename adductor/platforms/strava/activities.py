"""Strava's activities in our words. Pure: raw JSON in, `LoggedActivity` out.

Parsed here and not by stravalib's models: those refuse a ``suffer_score`` of 64.5 and turn an unknown ``sport_type``
into "Workout". Source of the fields: https://developers.strava.com/docs/reference/ and athletes' answers.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AliasPath, BeforeValidator, Field, PlainValidator, ValidationError

from adductor.coaching.situation import Intensity
from adductor.platforms import sports
from adductor.platforms.base import LoggedActivity, id_of, storable
from adductor.platforms.strava.fields import LENIENT, Answer, Id, OptionalId, OptionalNumber, OptionalText

# workout_type: 1-3 are a run's, 11-12 a ride's; 0, 10, null and absent say nothing.
_WORKOUTS = {1: "race", 2: "long", 3: "workout", 11: "race", 12: "workout"}

# Relative Effort (suffer_score) an hour of moving. Strava publishes no formula; runners who worked it out from their
# data got about 60 an hour for steady zone 2 and 115 for steady zone 3 (A. Aime, "Reverse engineering the Strava Suffer
# Score algorithm", 2017). A mean can hide intervals: only used when the runner gave no exertion.
_EASY_EFFORT_PER_H_MAX = 60
_HARD_EFFORT_PER_H_MIN = 115
_MIN_EFFORT_MOVING_S = 600  # shorter ones give no stable mean

_ZONE = re.compile(r"\)\s*([A-Za-z0-9_+\-/]+)\s*$")
# Stands in for a start that isn't there yet; `complete` is False then.
_NO_START = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond what an activity can have; keeps a broken answer from overflowing a database column.
_YEARS = range(1971, 2100)
_MOST = 10**8  # seconds or metres
_MAX_TITLE_CHARS = 1_000
# Where a strength activity's structured sets may sit; their place in an answer isn't documented (since 2026-05).
_SET_KEYS = ("strength_sets", "exercise_sets", "exercises", "sets", "workout_sets")
_MAX_SET_CHARS = 100_000


def _zone(raw: object) -> str:
    """The IANA name in "(GMT-05:00) America/New_York"."""
    match = _ZONE.search(raw) if isinstance(raw, str) else None
    try:
        return ZoneInfo(match[1] if match else "").key
    except (OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("no time zone") from None


def _instant(raw: object) -> datetime:
    moment = datetime.fromisoformat(raw if isinstance(raw, str) else "")
    if moment.year not in _YEARS:
        raise ValueError("no year of an activity")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


OptionalFlag = Annotated[bool | None, LENIENT]
OptionalZone = Annotated[Annotated[str, PlainValidator(_zone)] | None, LENIENT]
OptionalInstant = Annotated[Annotated[datetime, PlainValidator(_instant)] | None, LENIENT]
OptionalAmount = Annotated[Annotated[float, Field(ge=0, le=_MOST)] | None, LENIENT]
# UTC-12 to UTC+14 are the earth's.
OptionalOffset = Annotated[Annotated[float, Field(ge=-12 * 3600, le=14 * 3600)] | None, LENIENT]


class _Activity(Answer):
    """The fields that are read. One of the wrong type counts as absent."""

    id: Id
    athlete_id: Annotated[OptionalId, Field(validation_alias=AliasPath("athlete", "id"))] = None
    name: OptionalText = None
    sport_type: OptionalText = None
    type: OptionalText = None  # the older and coarser word; it is there when `sport_type` is null
    start_date: OptionalInstant = None
    start_date_local: OptionalInstant = None  # wall time; its "Z" isn't true
    timezone: OptionalZone = None
    utc_offset: OptionalOffset = None  # at the start, with daylight saving time; `timezone` tells the standard one
    moving_time: OptionalAmount = None
    elapsed_time: OptionalAmount = None
    distance: OptionalAmount = None
    total_elevation_gain: OptionalAmount = None
    workout_type: OptionalNumber = None
    perceived_exertion: OptionalNumber = None
    suffer_score: OptionalNumber = None
    manual: OptionalFlag = None
    trainer: OptionalFlag = None
    private_note: OptionalText = None
    # Null in an activity's own answer is an empty one.
    description: Annotated[OptionalText, BeforeValidator(lambda text: "" if text is None else text)] = None


def parse_activity(raw: Any, *, detailed: bool) -> LoggedActivity:
    """Read one activity. ``detailed``: it came from the activity's own address; a summary tells no description.

    Raises ValueError when it isn't an activity at all.
    """
    try:
        read = _Activity.model_validate(raw)
    except ValidationError:  # its text repeats the answer
        raise ValueError("not an activity: no object with an id") from None
    sport_type = read.sport_type or read.type or ""
    title = storable((read.name or "")[:_MAX_TITLE_CHARS])
    start, wall = read.start_date, read.start_date_local
    hidden = start is not None and wall is not None and _is_hidden(start) and _is_hidden(wall)
    if hidden and wall is not None:
        # The date is the local one: read as UTC it would be yesterday's in America.
        start = wall - timedelta(seconds=read.utc_offset or 0)
    sport = sports.SPORTS.get(sport_type, "other")
    if sport == "run" and read.trainer:
        sport = "treadmill_run"
    body_part, ours = _strength(raw, title) if sport == "strength" else (None, False)
    workout = _WORKOUTS.get(int(read.workout_type)) if read.workout_type is not None else None
    return LoggedActivity(
        id=id_of("strava", read.id),
        athlete_id=str(read.athlete_id or ""),
        title=title,
        sport=sport,
        start=start or _NO_START,
        # A virtual world's zone isn't the athlete's.
        timezone=None if sport_type.startswith("Virtual") else read.timezone,
        # Strava tells 0 where it can't work the moving time out of a recording (old devices): the elapsed one is nearer.
        moving_s=int(read.moving_time or (read.elapsed_time if read.distance else 0) or 0),
        elapsed_s=int(read.elapsed_time if read.elapsed_time is not None else read.moving_time or 0),
        distance_m=read.distance or 0.0,
        elevation_gain_m=read.total_elevation_gain or 0.0,
        workout=workout,
        intensity=_intensity(read, workout),
        manual=bool(read.manual),
        private_note=read.private_note,
        description=read.description if detailed else None,
        body_part=body_part,
        is_adductor_session=ours,
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
    exertion, effort, moving_s = read.perceived_exertion, read.suffer_score, read.moving_time or 0
    if exertion is not None and 0 < exertion <= 10:
        return sports.grade(exertion, sports.EASY_RPE_MAX, sports.HARD_RPE_MIN)
    if effort is not None and effort > 0 and moving_s >= _MIN_EFFORT_MOVING_S:
        return sports.grade(effort / (moving_s / 3600), _EASY_EFFORT_PER_H_MAX, _HARD_EFFORT_PER_H_MIN)
    return Intensity.UNKNOWN


def _strength(raw: dict[str, Any], title: str) -> tuple[str | None, bool]:
    """The body part of strength work, and whether it was ours: from its structured sets and its title."""
    sets = json.dumps([raw[key] for key in _SET_KEYS if key in raw], ensure_ascii=False)
    words = f"{title} {sets[:_MAX_SET_CHARS].replace('_', ' ')}"
    return sports.strength(words)


def _is_hidden(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 1)


def _looks_like_default(wall: datetime | None, moving_s: float | None) -> bool:
    """On the full hour and of round length (5 min): typed into a form afterwards, so the time of day proves nothing."""
    return wall is not None and moving_s is not None and (wall.minute, wall.second) == (0, 0) and moving_s % 300 == 0
