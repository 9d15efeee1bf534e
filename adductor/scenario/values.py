"""The values of a scenario: each reader takes one value and returns what it means, or says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Situations of this product lie in these years; a date outside is a slip of the pen.
FIRST_YEAR, LAST_YEAR = 2000, 2100

E = TypeVar("E", bound=StrEnum)
Reader = Callable[[Any], Any]
_SLUG = re.compile(r"[a-z][a-z0-9_]*\Z")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


class WrongValueError(ValueError):
    """One value is wrong; the caller knows where it stands."""


def kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {shortened(value)!r}"
    if isinstance(value, int | float):
        return f"the number {shortened(str(value))}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else type(value).__name__


def shortened(words: str) -> str:
    return words if len(words) <= 40 else words[:37] + "..."


def shown(key: object) -> str:
    """A key in a path: as it is where that can be read on one line, else quoted."""
    name = str(key)
    plain = name.strip() and name.isprintable() and ":" not in name and len(name) <= 60
    return name if plain else repr(shortened(name))


def flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise WrongValueError(f"must be true or false, not {kind_of(value)}")
    return bool(value)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongValueError(f"must be text, not {kind_of(value)}")
    return value


def identifier(value: Any) -> str:
    # A number that stands where an id does (platform ids are numbers) is that id.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def slug(value: Any) -> str:
    if not isinstance(value, str) or not _SLUG.match(value):
        raise WrongValueError(f"must be a lower-case word like trail_run, not {kind_of(value)}")
    return value


def whole(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if not isinstance(value, int) or value is True or value is False:
            raise WrongValueError(f"must be a whole number, not {kind_of(value)}")
        if not low <= value <= high:
            raise WrongValueError(f"{shortened(str(value))} is not within {low} to {high}")
        return value

    return read


def number(low: float, high: float) -> Reader:
    def read(value: Any) -> float:
        if not isinstance(value, int | float) or value is True or value is False:
            raise WrongValueError(f"must be a number, not {kind_of(value)}")
        if not low <= value <= high:  # neither NaN nor infinity is
            raise WrongValueError(f"{shortened(str(value))} is not within {low:g} to {high:g}")
        return value

    return read


def among(choices: Sequence[str]) -> Reader:
    known = frozenset(choices)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise WrongValueError(f"must be one of {', '.join(choices)}, not {kind_of(value)}")
        return value

    return read


def enum(type_: type[E]) -> Reader:
    members = {member.value: member for member in type_}

    def read(value: Any) -> E:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise WrongValueError(f"must be one of {', '.join(members)}, not {kind_of(value)}")
        return member

    return read


def moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise WrongValueError(f"must be a time like 2026-11-17T07:50:00+00:00, not {kind_of(value)}")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise WrongValueError(f"{shortened(value)!r} is not a time like 2026-11-17T07:50:00+00:00") from None
    if at.tzinfo is None:
        raise WrongValueError(f"{shortened(value)!r} has no offset; write it like 2026-11-17T07:50:00+00:00")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise WrongValueError(f"the year {at.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return at


def day(value: Any) -> date:
    found = _date_of(value) if isinstance(value, str) else None
    if found is None:
        raise WrongValueError(f"must be a date like 2026-11-27, not {kind_of(value)}")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise WrongValueError(f"the year {found.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return found


@lru_cache(maxsize=512)
def _date_of(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if len(written) == len("2026-11-27") else None
    except ValueError:
        return None


@lru_cache(maxsize=512)
def clock_of(written: str) -> time | None:
    match = _CLOCK.match(written)
    return time(int(match[1]), int(match[2])) if match else None


def clock(value: Any) -> time:
    found = clock_of(value) if isinstance(value, str) else None
    if found is None:
        raise WrongValueError(f"must be a local time like '17:30', not {kind_of(value)}")
    return found


def zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or not value:
        raise WrongValueError(f"must be a time zone like Europe/London, not {kind_of(value)}")
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongValueError(f"{shortened(value)!r} is not a time zone like Europe/London") from None
