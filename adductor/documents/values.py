"""Types of the values in a document, for the fields of pydantic models; each refuses a wrong value with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

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

from adductor.documents.problems import kind_of

# Situations of this product lie in these years; a date outside is a typing error.
FIRST_YEAR, LAST_YEAR = 2000, 2100

T = TypeVar("T")
D = TypeVar("D", bound=date)


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


def _read_by(read: Callable[[str], Any], expected: str) -> PlainValidator:
    """Turn a text into a value; refuse other types and texts that ``read`` raises for."""

    def validate(value: Any) -> Any:
        try:
            return read(value if isinstance(value, str) else "")
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            raise ValueError(f"must be {expected}, not {kind_of(value)}") from None

    return PlainValidator(validate)


def _matching(pattern: str, read: Callable[[str], T]) -> Callable[[str], T]:
    def read_match(text: str) -> T:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(text)
        return read(text)

    return read_match


def _within_years(found: D) -> D:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"the year {found.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _with_offset(found: datetime) -> datetime:
    if found.tzinfo is None:
        raise ValueError(f"{found.isoformat()!r} has no offset; write it like {_TIME}")
    return found


def among(choices: Sequence[str]) -> AfterValidator:
    """Allow only these words."""

    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {kind_of(value)}")
        return value

    return AfterValidator(check)


_TIME = "2026-11-17T07:50:00+00:00"
Identifier = Annotated[Text, BeforeValidator(_identifier)]
Slug = Annotated[str, _read_by(_matching(r"[a-z][a-z0-9_]*", str), "a lower-case word like trail_run")]
Moment = Annotated[
    datetime,
    _read_by(datetime.fromisoformat, f"a time like {_TIME}"),
    AfterValidator(_with_offset),
    AfterValidator(_within_years),
]
Day = Annotated[
    date,
    _read_by(_matching(r"\d{4}-\d\d-\d\d", date.fromisoformat), "a date like 2026-11-27"),
    AfterValidator(_within_years),
]
Clock = Annotated[time, _read_by(_matching(r"\d\d:\d\d", time.fromisoformat), "a local time like '17:30'")]
Zone = Annotated[ZoneInfo, _read_by(ZoneInfo, "a time zone like Europe/London")]
