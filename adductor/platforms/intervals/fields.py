"""Pydantic types for intervals.icu's JSON: null and absent mean the same, and a wrong type counts as absent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, PlainValidator, ValidationError, WrapValidator

# Beyond what an activity can have; keeps a broken answer from overflowing a database column.
_YEARS = range(1971, 2100)
_MOST = 10**8  # seconds or metres


class Answer(BaseModel):
    """A JSON object of intervals.icu's. Unknown keys are ignored: live answers hold more than the documentation."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


def _or_none(value: Any, validate: Any) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


def _moment(raw: object) -> datetime:
    moment = datetime.fromisoformat(raw if isinstance(raw, str) else "")
    if moment.year not in _YEARS:
        raise ValueError("no year of an activity")
    return moment


def _instant(raw: object) -> datetime:
    moment = _moment(raw)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)


def _wall(raw: object) -> datetime:
    return _moment(raw).replace(tzinfo=None)


def _day(raw: object) -> date:
    return _moment(raw).date()


def _zone(raw: object) -> str:
    try:
        return ZoneInfo(raw if isinstance(raw, str) else "").key
    except (OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("no time zone") from None


def _own_id(raw: object) -> str:
    """An id as text: activities and athletes have text, calendar entries and old accounts numbers."""
    if isinstance(raw, bool) or not isinstance(raw, str | int) or not 1 <= len(str(raw)) <= 40:
        raise ValueError("no id")
    if not str(raw).isascii() or not str(raw).isalnum():
        raise ValueError("no id")
    return str(raw)


LENIENT = WrapValidator(_or_none)  # a wrong value counts as absent

OwnId = Annotated[str, PlainValidator(_own_id)]
Instant = Annotated[datetime, PlainValidator(_instant)]
LocalDay = Annotated[date, PlainValidator(_day)]
OptionalInstant = Annotated[Instant | None, LENIENT]
OptionalWall = Annotated[Annotated[datetime, PlainValidator(_wall)] | None, LENIENT]
OptionalDay = Annotated[LocalDay | None, LENIENT]
OptionalZone = Annotated[Annotated[str, PlainValidator(_zone)] | None, LENIENT]
OptionalText = Annotated[InstanceOf[str] | None, LENIENT]
OptionalFlag = Annotated[bool | None, LENIENT]
OptionalAmount = Annotated[Annotated[float, Field(ge=0, le=_MOST)] | None, LENIENT]
OptionalScale = Annotated[Annotated[int, Field(ge=1, le=4)] | None, LENIENT]
