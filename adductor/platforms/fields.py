"""Pydantic types for platforms' JSON. Nothing is converted; a null or wrong optional value counts as absent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, PlainValidator, ValidationError, WrapValidator

# Beyond what an activity can have; keeps a broken answer from overflowing a database column.
_YEARS = range(1971, 2100)
_MOST = 10**8  # seconds or metres


class Answer(BaseModel):
    """A JSON object of a platform's. Unknown keys are ignored: live answers hold more than the documentation."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


A = TypeVar("A", bound=Answer)


def readable(raw: Any, kind: type[A]) -> Iterator[A]:
    """The entries of a list that can be read. Raises ValueError when it is none."""
    for each in as_list(raw):
        try:
            yield kind.model_validate(each)
        except ValidationError:
            continue


def as_list(raw: Any) -> list[Any]:
    """Raises ValueError for anything but a list."""
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - as other answers that can't be read
    return raw


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


def _zone(raw: object) -> str:
    """The IANA name in "America/New_York" or "(GMT-05:00) America/New_York"."""
    try:
        return ZoneInfo(raw.rpartition(")")[2].strip() if isinstance(raw, str) else "").key
    except (OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("no time zone") from None


LENIENT = WrapValidator(_or_none)

Instant = Annotated[datetime, PlainValidator(_instant)]
LocalDay = Annotated[date, PlainValidator(lambda raw: _moment(raw).date())]
OptionalInstant = Annotated[Instant | None, LENIENT]
# Wall time, with UTC in place of its zone: an offset or "Z" behind it isn't true.
OptionalWall = Annotated[
    Annotated[datetime, PlainValidator(lambda raw: _moment(raw).replace(tzinfo=UTC))] | None, LENIENT
]
OptionalDay = Annotated[LocalDay | None, LENIENT]
OptionalZone = Annotated[Annotated[str, PlainValidator(_zone)] | None, LENIENT]
# InstanceOf, because pydantic's own str refuses half a surrogate pair: the text would be lost for one bad character.
OptionalText = Annotated[InstanceOf[str] | None, LENIENT]
OptionalFlag = Annotated[bool | None, LENIENT]
OptionalNumber = Annotated[float | None, LENIENT]
OptionalAmount = Annotated[Annotated[float, Field(ge=0, le=_MOST)] | None, LENIENT]
