"""intervals.icu's calendar and wellness in our words. Pure: raw JSON in, `Told` and `CalendarEntry` out.

Of the calendar only the entries with an ``external_id`` of ours are ours; all others are the athlete's plan, and only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationError

from adductor.platforms.activities import SPORTS
from adductor.platforms.base import CalendarEntry, Told, id_of, storable
from adductor.platforms.fields import (
    LENIENT,
    Answer,
    LocalDay,
    OptionalAmount,
    OptionalDay,
    OptionalText,
    OptionalWall,
    readable,
)
from adductor.platforms.intervals.activities import OwnId

KEY_PREFIX = "adductor-"
_RACES = {"RACE_A": "A", "RACE_B": "B", "RACE_C": "C"}
_PAUSES = {"INJURED": "injured", "SICK": "sick", "HOLIDAY": "away"}
# Of a planned run: from here on it counts as long, or as hard. Judgement; load is about one a minute when easy.
_LONG_MIN = 90
_HARD_LOAD_PER_MIN = 1.2
_MOST_TEXT = 200


class _Entry(Answer):
    id: OwnId
    category: OptionalText = None
    start_date_local: OptionalWall = None
    end_date_local: OptionalDay = None  # exclusive
    name: OptionalText = None
    description: OptionalText = None
    external_id: OptionalText = None
    type: OptionalText = None
    moving_time: OptionalAmount = None
    icu_training_load: OptionalAmount = None
    distance: OptionalAmount = None


_Scale = Annotated[Annotated[int, Field(ge=1, le=4)] | None, LENIENT]


class _Wellness(Answer):
    id: LocalDay
    soreness: _Scale = None
    injury: _Scale = None


def read_entry(raw: Any) -> CalendarEntry:
    """One entry of ours as it stands. Raises ValueError when it is none."""
    try:
        found = _Entry.model_validate(raw)
    except ValidationError:
        raise ValueError("not a calendar entry: no object with an id") from None
    if found.start_date_local is None:
        raise ValueError("not a calendar entry: no day")
    return _as_it_stands(found, found.start_date_local)


def _as_it_stands(found: _Entry, start: datetime) -> CalendarEntry:
    return CalendarEntry(
        id=id_of("intervals", found.id),
        key=found.external_id or "",
        day=start.date(),
        name=storable(found.name or ""),
        text=storable(found.description or ""),
    )


def fields_of(entry: CalendarEntry) -> dict[str, Any]:
    """The fields that make the entry a NOTE: a day needs its midnight, a name must not be empty."""
    return {
        "category": "NOTE",
        "start_date_local": datetime.combine(entry.day, time.min).isoformat(),
        "name": entry.name,
        "description": entry.text,
        "color": "green",
        "external_id": entry.key,
    }


def read_calendar(raw: Any) -> tuple[Told, Sequence[CalendarEntry]]:
    """Sort a list of entries into plan, pauses and ours; what can't be read is left out."""
    plan: list[dict[str, Any]] = []
    pauses: list[dict[str, str]] = []
    ours: list[CalendarEntry] = []
    for each in readable(raw, _Entry):
        start = each.start_date_local
        if start is None:
            continue
        if (each.external_id or "").startswith(KEY_PREFIX):
            ours.append(_as_it_stands(each, start))
        elif each.category in _PAUSES:
            end = each.end_date_local or start.date() + timedelta(days=1)
            pauses.append({"kind": _PAUSES[each.category], "first": start.date().isoformat(), "end": end.isoformat()})
        elif each.category in _RACES or (
            each.category == "WORKOUT" and SPORTS.get(each.type or "", "").endswith("run")
        ):
            plan.append(_planned(each, start))
    return Told(plan=plan, pauses=pauses), ours


def read_wellness(raw: Any, until: date) -> Told:
    """Soreness and injury of each day up to ``until``: rows of the future are forecasts, no facts."""
    days = {}
    for each in readable(raw, _Wellness):
        scales = {name: value for name in ("soreness", "injury") if (value := getattr(each, name)) is not None}
        if scales and each.id <= until:
            days[each.id.isoformat()] = scales
    return Told(wellness=days)


def _planned(entry: _Entry, start: datetime) -> dict[str, Any]:
    minutes = round((entry.moving_time or 0) / 60)
    load = entry.icu_training_load or 0
    priority = _RACES.get(entry.category or "")
    kind = "easy"
    if priority is not None:
        kind = "race"
    elif minutes >= _LONG_MIN:
        kind = "long"
    elif minutes and load / minutes >= _HARD_LOAD_PER_MIN:
        kind = "workout"
    return {
        "day": start.date().isoformat(),
        # An entry for the whole day has midnight: its hour isn't known.
        "at": None if start.time() == time.min else start.strftime("%H:%M"),
        "kind": kind,
        "priority": priority,
        "distance_km": round(entry.distance / 1000, 2) if entry.distance else None,
        "planned_min": minutes or None,
        "name": storable((entry.name or "")[:_MOST_TEXT]),
    }
