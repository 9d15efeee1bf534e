"""intervals.icu's activities in our words. Pure: raw JSON in, `LoggedActivity` out.

The same fields come in webhooks (absent where empty) and in REST (null where empty). Ids are text and never numbers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationError

from adductor.coaching.situation import Intensity
from adductor.platforms import activities
from adductor.platforms.base import LoggedActivity, id_of, storable
from adductor.platforms.fields import OptionalAmount, OptionalFlag, OptionalInstant, OptionalText
from adductor.platforms.intervals import FACTS

# Mean intensity in percent of the threshold. A mean can hide intervals: only used when the athlete gave no exertion.
# Judgement: an easy run of the examples has 78.
_EASY_INTENSITY_MAX = 80
_HARD_INTENSITY_MIN = 90
_WEAK_FROM = 4
# An upload is analysed within seconds. Some say that its analysis may follow: it is awaited for this long.
ANALYSED_WITHIN = timedelta(minutes=2)


def _own_id(raw: object) -> str:
    """An id as text: activities and athletes have text, calendar entries and old accounts numbers."""
    text = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if not (text.isascii() and text.isalnum()) or len(text) > 40:
        raise ValueError("no id")
    return text


OwnId = Annotated[str, PlainValidator(_own_id)]


class _Activity(activities.Activity):
    id: OwnId
    icu_athlete_id: OptionalText = None
    type: OptionalText = None
    sub_type: OptionalText = None
    source: OptionalText = None
    race: OptionalFlag = None
    icu_rpe: OptionalAmount = None
    feel: OptionalAmount = None
    icu_intensity: OptionalAmount = None
    created: OptionalInstant = None
    analyzed: OptionalInstant = None


# What a list is asked for; activities have up to 180 fields.
LISTED_FIELDS = ",".join([*sorted(_Activity.model_fields.keys() - {"description"}), "_note"])


def parse_activity(raw: Any, now: datetime) -> LoggedActivity:
    """Read one activity, or the stub that stands for one from Strava. Raises ValueError when it is no activity."""
    try:
        read = _Activity.model_validate(raw)
    except ValidationError:  # its text repeats the answer
        raise ValueError("not an activity: no object with an id") from None
    withheld = read.source == "STRAVA" or not read.type
    # A stub tells only its wall time: good for the day, and taken for UTC without a zone.
    start = read.start_date or read.start_date_local
    analysed = read.analyzed is not None or read.created is None or now - read.created > ANALYSED_WITHIN
    race = bool(read.race) or read.sub_type == "RACE"
    return read.logged(
        read.type or "",
        start,
        withheld=withheld,
        id=id_of("intervals", read.id),
        athlete_id=FACTS.athlete_id(read.icu_athlete_id or ""),
        timezone=read.timezone or _zone_of_offset(read),  # in no webhook, and null at times
        workout="race" if race else None,
        intensity=Intensity.RACE if race else _intensity(read),
        manual=read.source == "MANUAL",
        description=storable(read.description or ""),
        complete=start is not None and (withheld or (read.moving_time is not None and analysed)),
    )


def _zone_of_offset(read: _Activity) -> str | None:
    """A zone of the same hours as the activity's: wall time minus UTC. None for one of half hours."""
    if read.start_date is None or read.start_date_local is None:
        return None
    hours, rest = divmod(read.start_date_local - read.start_date, timedelta(hours=1))
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def _intensity(read: _Activity) -> Intensity:
    by_load = Intensity.UNKNOWN
    if read.icu_intensity:
        by_load = activities.grade(read.icu_intensity, _EASY_INTENSITY_MAX, _HARD_INTENSITY_MIN)
    # `feel` goes from 1 (strong) to 5 (weak): weak counts as hard where no exertion was given, strong says nothing.
    weak = 2 * read.feel if read.feel and read.feel >= _WEAK_FROM else None
    return activities.by_exertion(read.icu_rpe or read.perceived_exertion or weak) or by_load
