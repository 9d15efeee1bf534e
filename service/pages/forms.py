"""Form fields as data: a field reads one input into a column, or says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from werkzeug.datastructures import MultiDict

from adductor.mail import messages
from service import numbers
from service.pages.words import EQUIPMENT

Form = MultiDict[str, str]
Reader = Callable[[str], Any]
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``read`` gets its stripped text and raises ValueError; ``problem`` is the sentence for that case."""

    name: str
    read: Reader
    problem: str = ""
    column: str = ""  # where it isn't the field's name


@dataclass(slots=True)
class Given:
    """The values of a form by column, and its problems by field."""

    changes: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read(form: Form, *fields: Field) -> Given:
    """Read all fields; every wrong one is named."""
    given = Given()
    for one in fields:
        try:
            given.changes[one.column or one.name] = one.read(form.get(one.name, "").strip())
        except ValueError:
            given.problems[one.name] = one.problem
    return given


def one_of(options: object) -> Reader:
    """One of these texts, as it is."""

    def reader(text: str) -> str:
        if text not in options:  # type: ignore[operator]
            raise ValueError(text)
        return text

    return reader


def whole(low: int, high: int) -> Reader:
    """A whole number between two others."""

    def reader(text: str) -> int:
        number = numbers.whole(text)
        if number is None or not low <= number <= high:
            raise ValueError(text)
        return number

    return reader


def optional(reader: Reader) -> Reader:
    """None for an empty field."""
    return lambda text: reader(text) if text else None


def time_of_day(text: str) -> str:
    """``HH:MM``, local wall time; browsers may add seconds."""
    if not _TIME.fullmatch(text[:5]):
        raise ValueError(text)
    return text[:5]


def ticked(text: str) -> bool:
    """Whether a checkbox is on."""
    return text == "1"


def zone(text: str) -> str:
    """The name of an IANA time zone."""
    return str(one_of(available_timezones())(text))


def _address(text: str) -> str:
    messages.checked_address(text)
    return text


def equipment(form: Form) -> list[str]:
    """The ids of the equipment that is ticked."""
    return [name for name, _ in EQUIPMENT if form.get(f"has_{name}")]


TARGET = Field(
    "target", lambda text: int(one_of("12")(text)), "Sessions a week: choose one or two.", "target_sessions_per_week"
)
EMAIL = Field(
    "email",
    optional(_address),
    "E-mail: this doesn't look like an address; it should look like you@example.org.",
)
