"""Types of the values in a document, for the fields of pydantic models; each refuses a wrong value with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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


def without_nulls(value: Any) -> Any:
    """Drop the keys of a mapping that hold null: such a key is absent."""
    return {key: given for key, given in value.items() if given is not None} if isinstance(value, Mapping) else value


Text = Annotated[str, Field(pattern=r"\S")]
Flag = Annotated[bool, Strict()]
Keys = Annotated[T, BeforeValidator(without_nulls)]  # a mapping that becomes a dataclass
# Documents hold lists, models tuples and sets.
Items = Annotated[tuple[T, ...], Strict(False)]
ItemSet = Annotated[frozenset[T], Strict(False), PlainSerializer(sorted, when_used="json")]
Texts = Items[Text]


def _identifier(value: Any) -> Any:
    # A number that stands where an id does (platform ids are numbers) is that id.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read_by(read: Callable[[str], Any], expected: str, pattern: str = ".*") -> PlainValidator:
    """Turn a text into a value; refuse other types, other patterns and texts that ``read`` raises for."""

    def validate(value: Any) -> Any:
        text = value if isinstance(value, str) else ""
        try:
            if re.fullmatch(pattern, text, re.ASCII | re.DOTALL):
                return read(text)
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            pass
        raise ValueError(f"must be {expected}, not {kind_of(value)}")

    return PlainValidator(validate)


def _within_years(found: D) -> D:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"the year {found.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _with_offset(found: datetime) -> datetime:
    if found.tzinfo is None:
        raise ValueError(f"{found.isoformat()!r} has no offset; write it like {_TIME}")
    return found


def among(choices: Sequence[str]) -> PlainValidator:
    """Allow only these words."""
    return read_by(lambda word: choices[choices.index(word)], f"one of {', '.join(choices)}")


_TIME = "2026-11-17T07:50:00+00:00"
Identifier = Annotated[Text, BeforeValidator(_identifier)]
Slug = Annotated[str, read_by(str, "a lower-case word like trail_run", r"[a-z][a-z0-9_]*")]
ShortText = Annotated[str, read_by(str, "a line of at most 60 characters", r"(?=.*\S)[^\r\n]{1,60}")]
Moment = Annotated[
    datetime,
    read_by(datetime.fromisoformat, f"a time like {_TIME}"),
    AfterValidator(_with_offset),
    AfterValidator(_within_years),
]
Day = Annotated[
    date,
    read_by(date.fromisoformat, "a date like 2026-11-27", r"\d{4}-\d\d-\d\d"),
    AfterValidator(_within_years),
]
Clock = Annotated[time, read_by(time.fromisoformat, "a local time like '17:30'", r"(?!24)\d\d:\d\d")]
Zone = Annotated[ZoneInfo, read_by(ZoneInfo, "a time zone like Europe/London")]
