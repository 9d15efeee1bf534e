"""Strava's activities in our words. Pure: raw JSON in, `LoggedActivity` out.

Parsed here and not by stravalib's models: those refuse a ``suffer_score`` of 64.5 and turn an unknown ``sport_type``
into "Workout". Source of the fields: https://developers.strava.com/docs/reference/ and what athletes' answers hold.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adductor.coaching.situation import Intensity
from adductor.platforms.base import LoggedActivity, storable

# Strava's sport types (swagger, 2026-11) whose name isn't simply our word. What isn't listed becomes "other".
_SPORTS = {
    "Run": "run",
    "TrailRun": "trail_run",
    "VirtualRun": "virtual_run",
    "Walk": "walk",
    "Snowshoe": "hike",
    "Hike": "hike",
    "Swim": "swim",
    "Rowing": "row",
    "VirtualRow": "row",
    "Elliptical": "elliptical",
    "NordicSki": "nordic_ski",
    "RollerSki": "nordic_ski",
    "BackcountrySki": "ski",
    "AlpineSki": "ski",
    "Soccer": "soccer",
}
_RIDES = "Ride VirtualRide GravelRide MountainBikeRide EBikeRide EMountainBikeRide Velomobile Handcycle"
_SPORTS |= dict.fromkeys(_RIDES.split(), "ride")
# Strava has no finer word for strength work: the title has to tell the body part.
_STRENGTH = "WeightTraining Workout Crossfit Pilates Yoga HighIntensityIntervalTraining PhysicalTherapy"
_SPORTS |= dict.fromkeys(_STRENGTH.split(), "strength")

# workout_type: 1-3 are a run's, 11-12 a ride's; 0, 10, null and absent say nothing.
_WORKOUTS = {1: "race", 2: "long", 3: "workout", 11: "race", 12: "workout"}

# Perceived exertion 1-10 as training zones: up to 4 is below the first ventilatory threshold, from 7 above the second
# (Seiler & Kjerland, Scand J Med Sci Sports 2006;16:49-56).
_EASY_RPE_MAX = 4
_HARD_RPE_MIN = 7

# Relative Effort (suffer_score) an hour of moving. Strava publishes no formula; runners who worked it out from their
# data got about 60 an hour for steady zone 2 and 115 for steady zone 3 (A. Aime, "Reverse engineering the Strava Suffer
# Score algorithm", 2017). A mean can hide intervals: only used when the runner gave no exertion.
_EASY_EFFORT_PER_H_MAX = 60
_HARD_EFFORT_PER_H_MIN = 115
_MIN_EFFORT_MOVING_S = 600  # shorter ones give no stable mean

# Stems, so that they hold in English, German, French, Spanish, Italian and Dutch.
_ADDUCTOR_WORDS = re.compile(
    r"\badd?u[ckt]t|\bcopenhagen|\bkopenhagen|\bgroin|\bleisten|\bhip(?:s|_|\b)(?!\W?(?:thrust|hinge|hop|flexor))",
    re.IGNORECASE,
)
# Hip thrusts and hinges work the back of the leg.
_BODY_PARTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("full", re.compile(r"\b(full|whole|total)[ -]?body\b|\bganzk(ö|oe)rper", re.IGNORECASE)),
    (
        "lower",
        re.compile(
            r"\blegs?\b|\bleg day\b|\blower\b|\bsquats?\b|\bdeadlifts?\b|\blunges?\b|\bglutes?\b|\bcalf\b|\bcalves\b"
            r"|\bhamstrings?\b|\bquads?\b|\bhip[ -]?(thrusts?|hinges?)\b|\bbeine?\b|\bbeintraining\b",
            re.IGNORECASE,
        ),
    ),
    (
        "upper",
        re.compile(
            r"\bupper\b|\barms?\b|\bchest\b|\bback day\b|\bshoulders?\b|\bbiceps?\b|\btriceps?\b|\bbench\b"
            r"|\bpull[ -]?ups?\b|\bpush[ -]?ups?\b|\boberk(ö|oe)rper",
            re.IGNORECASE,
        ),
    ),
    ("core", re.compile(r"\bcore\b|\babs\b|\bplanks?\b|\brumpf", re.IGNORECASE)),
)

_ZONE = re.compile(r"\)\s*([A-Za-z0-9_+\-/]+)\s*$")
# Stands in for a start that isn't there yet; `complete` is False then.
_NO_START = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond what an activity can have; keeps a broken answer from overflowing a database column.
_YEARS = range(1971, 2100)
_MAX_SECONDS = 10**8
_MAX_METRES = 10**8
_MAX_ID = 2**63 - 1
_MAX_TITLE_CHARS = 1_000
_MAX_SPORT_TYPE_CHARS = 64
# Where a strength activity's structured sets may sit and how deep; anything else in an answer isn't searched.
_SET_KEYS = ("strength_sets", "exercise_sets", "exercises", "sets", "workout_sets")
_MAX_SET_NODES = 2_000


def parse_activity(raw: object, *, detailed: bool, athlete_id: int | None = None) -> LoggedActivity:
    """Read one activity. ``detailed``: it came from the activity's own address, so a null description is an empty one.

    ``athlete_id`` stands in where the answer names no athlete. Raises ValueError when it isn't an activity at all.
    Fields of the wrong type count as absent.
    """
    if not isinstance(raw, dict):
        raise ValueError("not an activity: not a JSON object")  # noqa: TRY004 - an answer's content, not a caller's type
    activity_id = _id(raw.get("id"))
    if activity_id is None:
        raise ValueError("not an activity: no id")
    athlete = raw.get("athlete")
    owner = _id(athlete.get("id")) if isinstance(athlete, dict) else None

    # `type` is the older and coarser word; it is there when `sport_type` is null.
    sport_type = storable((_text(raw.get("sport_type")) or _text(raw.get("type")) or "")[:_MAX_SPORT_TYPE_CHARS])
    title = storable((_text(raw.get("name")) or "")[:_MAX_TITLE_CHARS])
    trainer = raw.get("trainer") is True
    manual = raw.get("manual") is True
    moving_s = _seconds(raw.get("moving_time"))
    elapsed_s = _seconds(raw.get("elapsed_time"))
    given_start = _instant(raw.get("start_date"))
    wall = _instant(raw.get("start_date_local"))
    zone = _zone(raw.get("timezone"))
    offset_s = _utc_offset_s(raw.get("utc_offset"), given_start, wall, zone)
    hidden = given_start is not None and wall is not None and _is_hidden(given_start) and _is_hidden(wall)
    start = given_start
    if hidden and wall is not None:
        # The date is the local one: read as UTC it would be yesterday's in America.
        start = wall - timedelta(seconds=offset_s)
    sport = _sport(sport_type, trainer=trainer)
    body_part, ours = _strength(raw, title) if sport == "strength" else (None, False)
    workout = _workout(raw.get("workout_type"))
    return LoggedActivity(
        id=activity_id,
        athlete_id=owner if owner is not None else (athlete_id or 0),
        title=title,
        sport=sport,
        sport_type=sport_type,
        start=start or _NO_START,
        start_hidden=hidden,
        # A virtual world's zone isn't the athlete's.
        timezone=None if sport_type.startswith("Virtual") else zone,
        utc_offset_s=offset_s,
        moving_s=moving_s or 0,
        elapsed_s=elapsed_s if elapsed_s is not None else (moving_s or 0),
        distance_m=_metres(raw.get("distance")),
        elevation_gain_m=_metres(raw.get("total_elevation_gain")),
        workout=workout,
        intensity=_intensity(raw, workout, moving_s or 0),
        manual=manual,
        trainer=trainer,
        private=raw.get("private") is True or raw.get("visibility") == "only_me",
        private_note=_text(raw.get("private_note")),
        description=_description(raw, detailed=detailed),
        body_part=body_part,
        is_adductor_session=ours,
        time_unreliable=hidden or (manual and _looks_like_default(wall or start, moving_s)),
        complete=bool(sport_type) and start is not None and moving_s is not None,
    )


def _sport(sport_type: str, *, trainer: bool) -> str:
    sport = _SPORTS.get(sport_type, "other")
    return "treadmill_run" if sport == "run" and trainer else sport


def _workout(raw: object) -> str | None:
    number = _number(raw)
    return _WORKOUTS.get(int(number)) if number is not None else None


def _intensity(raw: dict[str, Any], workout: str | None, moving_s: int) -> Intensity:
    """How hard, from the surest source: the runner's tag, the runner's exertion, Relative Effort; else unknown.

    "Long" says nothing about how hard; heart rate alone neither, without the runner's zones.
    """
    if workout == "race":
        return Intensity.RACE
    if workout == "workout":
        return Intensity.HARD
    exertion = _number(raw.get("perceived_exertion"))
    if exertion is not None and 0 < exertion <= 10:
        return _grade(exertion, _EASY_RPE_MAX, _HARD_RPE_MIN)
    effort = _number(raw.get("suffer_score"))
    if effort is not None and effort > 0 and moving_s >= _MIN_EFFORT_MOVING_S:
        return _grade(effort / (moving_s / 3600), _EASY_EFFORT_PER_H_MAX, _HARD_EFFORT_PER_H_MIN)
    return Intensity.UNKNOWN


def _grade(value: float, easy_max: float, hard_min: float) -> Intensity:
    if value <= easy_max:
        return Intensity.EASY
    return Intensity.HARD if value >= hard_min else Intensity.MODERATE


def _strength(raw: dict[str, Any], title: str) -> tuple[str | None, bool]:
    """The body part of strength work, and whether it was ours: from its structured sets and its title.

    Where our words stand beside others ("Leg day + Copenhagen planks") both hold.
    """
    words = f"{title} {_set_names(raw)}"
    ours = bool(_ADDUCTOR_WORDS.search(words))
    for part, pattern in _BODY_PARTS:
        if pattern.search(words):
            # A Copenhagen plank is no core session.
            return ("lower" if ours and part == "core" else part), ours
    return ("lower" if ours else None), ours


def _set_names(raw: dict[str, Any]) -> str:
    """The exercise names of structured sets, as words. Their place in an answer isn't documented (since 2026-05)."""
    names: list[str] = []
    waiting: list[Any] = [raw[key] for key in _SET_KEYS if key in raw]
    seen = 0
    while waiting and seen < _MAX_SET_NODES:
        node = waiting.pop()
        seen += 1
        if isinstance(node, dict):
            waiting.extend(list(node.values())[:_MAX_SET_NODES])
        elif isinstance(node, list):
            waiting.extend(node[:_MAX_SET_NODES])
        elif isinstance(node, str):
            names.append(node[:100].replace("_", " "))
    return " ".join(names)


def _description(raw: dict[str, Any], *, detailed: bool) -> str | None:
    if not detailed or "description" not in raw:
        return None
    return "" if raw["description"] is None else _text(raw["description"])


def _is_hidden(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 1)


def _looks_like_default(wall: datetime | None, moving_s: int | None) -> bool:
    """On the full hour and of round length (5 min): typed into a form afterwards, so the time of day proves nothing."""
    return wall is not None and moving_s is not None and (wall.minute, wall.second) == (0, 0) and moving_s % 300 == 0


def _zone(raw: object) -> str | None:
    """The IANA name in "(GMT-05:00) America/New_York"; the offset in it is the standard one all year, so unused."""
    text = _text(raw)
    match = _ZONE.search(text) if text else None
    if match is None:
        return None
    try:
        return ZoneInfo(match[1]).key
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None


def _utc_offset_s(raw: object, start: datetime | None, wall: datetime | None, zone: str | None) -> float:
    given = _number(raw)
    # UTC-12 to UTC+14 are the earth's.
    if given is not None and abs(given) <= 14 * 3600:
        return given
    if start is not None and zone is not None:
        offset = ZoneInfo(zone).utcoffset(start.astimezone(ZoneInfo(zone)))
        return offset.total_seconds() if offset else 0.0
    if start is not None and wall is not None and abs((wall - start).total_seconds()) <= 14 * 3600:
        return (wall - start).total_seconds()
    return 0.0


def _instant(raw: object) -> datetime | None:
    text = _text(raw)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    # start_date_local carries a "Z" that isn't true; its callers know.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _id(raw: object) -> int | None:
    return raw if type(raw) is int and 0 < raw <= _MAX_ID else None


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        return float(raw) if math.isfinite(raw) else None
    except OverflowError:
        return None


def _seconds(raw: object) -> int | None:
    number = _number(raw)
    return int(number) if number is not None and 0 <= number <= _MAX_SECONDS else None


def _metres(raw: object) -> float:
    number = _number(raw)
    return number if number is not None and 0 <= number <= _MAX_METRES else 0.0
