"""Form fields as data: a field reads one input into a column, or says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from werkzeug.datastructures import MultiDict

from adductor.mail import messages
from service.pages.words import EQUIPMENT

Form = MultiDict[str, str]
Reader = Callable[[str], Any]
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``read`` gets its stripped text and raises ValueError or LookupError; ``problem`` says what is wrong."""

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
        except (ValueError, LookupError):
            given.problems[one.name] = one.problem
    return given


def one_of(options: Iterable[Any]) -> Reader:
    """The option that reads like the text."""
    return {str(option): option for option in options}.__getitem__


def whole(low: int, high: int) -> Reader:
    """A whole number between two others."""
    return one_of(range(low, high + 1))


def optional(reader: Reader) -> Reader:
    """None for an empty field."""
    return lambda text: reader(text) if text else None


def time_of_day(text: str) -> str:
    """``HH:MM``, local wall time; browsers may add seconds."""
    if not _TIME.fullmatch(text[:5]):
        raise ValueError(text)
    return text[:5]


def zone(text: str) -> str:
    """The name of an IANA time zone."""
    return str(one_of(available_timezones())(text))


def _address(text: str) -> str:
    messages.checked_address(text)
    return text


def equipment(form: Form) -> list[str]:
    """The ids of the equipment that is ticked."""
    return [name for name, _ in EQUIPMENT if form.get(f"has_{name}")]


TARGET = Field("target", whole(1, 2), "Sessions a week: choose one or two.", "target_sessions_per_week")
EMAIL = Field(
    "email", optional(_address), "E-mail: this doesn't look like an address; it should look like you@example.org."
)
