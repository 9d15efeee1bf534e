"""intervals.icu's activities in our words. Pure: raw JSON in, `LoggedActivity` out.

The same fields come in webhooks (absent where empty) and in REST (null where empty). Ids are text and never numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from adductor.coaching.situation import Intensity
from adductor.platforms import sports
from adductor.platforms.base import UNKNOWN_SPORT, LoggedActivity, id_of, storable
from adductor.platforms.intervals import FACTS
from adductor.platforms.intervals.fields import (
    Answer,
    OptionalAmount,
    OptionalFlag,
    OptionalInstant,
    OptionalText,
    OptionalWall,
    OptionalZone,
    OwnId,
)

# Mean intensity in percent of the threshold. A mean can hide intervals: only used when the athlete gave no exertion.
# Judgement: an easy run of the examples has 78.
_EASY_INTENSITY_MAX = 80
_HARD_INTENSITY_MIN = 90
# An upload is analysed within seconds. Some say that its analysis may follow: it is awaited for this long.
ANALYSED_WITHIN = timedelta(minutes=2)
# Stands in for a start that isn't there yet; `complete` is False then.
_NO_START = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TITLE_CHARS = 1_000
# What a list is asked for; activities have up to 180 fields.
LISTED_FIELDS = (
    "id", "icu_athlete_id", "start_date", "start_date_local", "timezone", "type", "sub_type", "source", "name",
    "moving_time", "elapsed_time", "distance", "total_elevation_gain", "trainer", "race", "icu_rpe",
    "perceived_exertion", "icu_intensity", "created", "analyzed", "_note",
)  # fmt: skip


class _Activity(Answer):
    id: OwnId
    icu_athlete_id: OptionalText = None
    start_date: OptionalInstant = None
    start_date_local: OptionalWall = None
    timezone: OptionalZone = None  # in no webhook, and null at times
    type: OptionalText = None
    sub_type: OptionalText = None
    source: OptionalText = None
    name: OptionalText = None
    description: OptionalText = None
    moving_time: OptionalAmount = None
    elapsed_time: OptionalAmount = None
    distance: OptionalAmount = None
    total_elevation_gain: OptionalAmount = None
    trainer: OptionalFlag = None
    race: OptionalFlag = None
    icu_rpe: OptionalAmount = None
    perceived_exertion: OptionalAmount = None
    icu_intensity: OptionalAmount = None
    created: OptionalInstant = None
    analyzed: OptionalInstant = None


def parse_activity(raw: Any, now: datetime) -> LoggedActivity:
    """Read one activity, or the stub that stands for one from Strava. Raises ValueError when it is no activity."""
    try:
        read = _Activity.model_validate(raw)
    except ValidationError:  # its text repeats the answer
        raise ValueError("not an activity: no object with an id") from None
    withheld = read.source == "STRAVA" or not read.type
    kind = read.type or ""
    title = storable((read.name or "")[:_MAX_TITLE_CHARS])
    sport = UNKNOWN_SPORT if withheld else sports.SPORTS.get(kind, "other")
    if sport == "run" and read.trainer:
        sport = "treadmill_run"
    body_part, ours = sports.strength(title) if sport == "strength" else (None, False)
    start = read.start_date or _instant_of(read)
    analysed = read.analyzed is not None or read.created is None or now - read.created > ANALYSED_WITHIN
    race = bool(read.race) or read.sub_type == "RACE"
    return LoggedActivity(
        id=id_of("intervals", read.id),
        athlete_id=FACTS.athlete_id(read.icu_athlete_id or ""),
        title=title,
        sport=sport,
        start=start or _NO_START,
        timezone=None if kind.startswith("Virtual") else read.timezone or _zone_of_offset(read),
        moving_s=int(read.moving_time or 0),
        elapsed_s=int(read.elapsed_time if read.elapsed_time is not None else read.moving_time or 0),
        distance_m=read.distance or 0.0,
        elevation_gain_m=read.total_elevation_gain or 0.0,
        workout="race" if race else None,
        intensity=Intensity.RACE if race else _intensity(read),
        manual=read.source == "MANUAL",
        private_note=None,
        description=storable(read.description or ""),
        body_part=body_part,
        is_adductor_session=ours,
        time_unreliable=False,
        complete=start is not None and (withheld or (read.moving_time is not None and analysed)),
    )


def _instant_of(read: _Activity) -> datetime | None:
    """The start of a stub, which tells only its wall time: good for the day, and taken for UTC without a zone."""
    return None if read.start_date_local is None else read.start_date_local.replace(tzinfo=UTC)


def _zone_of_offset(read: _Activity) -> str | None:
    """A zone of the same hours as the activity's: wall time minus UTC. None for one of half hours."""
    if read.start_date is None or read.start_date_local is None:
        return None
    hours, rest = divmod(read.start_date_local.replace(tzinfo=UTC) - read.start_date, timedelta(hours=1))
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def _intensity(read: _Activity) -> Intensity:
    exertion = read.icu_rpe or read.perceived_exertion
    if exertion is not None and 0 < exertion <= 10:
        return sports.grade(exertion, sports.EASY_RPE_MAX, sports.HARD_RPE_MIN)
    if read.icu_intensity is not None and read.icu_intensity > 0:
        return sports.grade(read.icu_intensity, _EASY_INTENSITY_MAX, _HARD_INTENSITY_MIN)
    return Intensity.UNKNOWN
