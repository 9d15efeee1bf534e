"""Types of the values in a document, for the fields of pydantic models; each refuses a wrong value with a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
)

from adductor.documents.problems import kind_of, shortened

# Situations of this product lie in these years; a date outside is a typing error.
FIRST_YEAR, LAST_YEAR = 2000, 2100

T = TypeVar("T")
_SLUG = re.compile(r"[a-z][a-z0-9_]*\Z")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


class StrictModel(BaseModel):
    """A mapping of a document: no number becomes text, no text a number, and no unknown key is dropped."""

    # Only the outermost model builds its validator, at the first document: a quarter of the time at import.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


Text = Annotated[str, Field(pattern=r"\S")]
# Documents hold lists, models tuples and sets.
Items = Annotated[tuple[T, ...], Strict(False)]
ItemSet = Annotated[frozenset[T], Strict(False), PlainSerializer(sorted, when_used="json")]
Texts = Items[Text]


def _identifier(value: Any) -> Any:
    # A number that stands where an id does (platform ids are numbers) is that id.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _slug(value: Any) -> str:
    if not isinstance(value, str) or not _SLUG.match(value):
        raise ValueError(f"must be a lower-case word like trail_run, not {kind_of(value)}")
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"must be a time like 2026-11-17T07:50:00+00:00, not {kind_of(value)}")  # noqa: TRY004
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{shortened(value)!r} is not a time like 2026-11-17T07:50:00+00:00") from None
    if at.tzinfo is None:
        raise ValueError(f"{shortened(value)!r} has no offset; write it like 2026-11-17T07:50:00+00:00")
    _check_year(at)
    return at


def _day(value: Any) -> date:
    try:
        found = date.fromisoformat(value) if isinstance(value, str) and _DATE.match(value) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"must be a date like 2026-11-27, not {kind_of(value)}")
    _check_year(found)
    return found


def _check_year(found: date) -> None:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"the year {found.year} is not within {FIRST_YEAR} to {LAST_YEAR}")


def clock(value: Any) -> time:
    """Read a local time like ``17:30``. Raises ValueError."""
    match = _CLOCK.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be a local time like '17:30', not {kind_of(value)}")
    return time(int(match[1]), int(match[2]))


def _zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a time zone like Europe/London, not {kind_of(value)}")
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{shortened(value)!r} is not a time zone like Europe/London") from None


def among(choices: Sequence[str]) -> AfterValidator:
    """Allow only these words."""

    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {kind_of(value)}")
        return value

    return AfterValidator(check)


Identifier = Annotated[Text, BeforeValidator(_identifier)]
Slug = Annotated[str, PlainValidator(_slug)]
Moment = Annotated[datetime, PlainValidator(_moment)]
Day = Annotated[date, PlainValidator(_day)]
Clock = Annotated[time, PlainValidator(clock)]
Zone = Annotated[ZoneInfo, PlainValidator(_zone)]
