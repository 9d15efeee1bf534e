"""Form fields as data, and the transaction that keeps what the signed-in runner has sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import abort, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from adductor.athletes import answers, channels, decisions
from adductor.athletes.decisions import Consultation
from adductor.coaching.situation import Placement
from adductor.jobs import letters
from adductor.mail import messages
from adductor.store.models import Athlete
from service.context import installation
from service.pages.access import the_athlete
from service.pages.words import EQUIPMENT

Form = MultiDict[str, str]
Reader = Callable[[str], Any]


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


def equipment(form: Form) -> list[str]:
    """The ids of the equipment that is ticked."""
    return [name for name, _ in EQUIPMENT if form.get(f"has_{name}")]


TARGET = Field("target", whole(1, 2), "Sessions a week: choose one or two.", "target_sessions_per_week")
PLACE = Field("place", lambda text: one_of(answers.PAIN_COLUMNS)(text or "hip_groin"), "choose where it hurts")
PAIN = Field("pain", optional(whole(0, 10)), "pain must be a number from 0 to 10", "pain_0_10")
EMAIL = Field(
    "email",
    optional(messages.checked_address),
    "E-mail: this doesn't look like an address; it should look like you@example.org.",
)


@contextmanager
def changing(*, reschedules: bool = True) -> Iterator[Consultation]:
    """A write transaction with the runner's row locked; 401 if the row is gone.

    At its end, what is announced is checked against the new choices, and the next time to look is worked out.
    """
    here = installation()
    with here.store.write() as database:
        athlete = decisions.lock(database, the_athlete().id) or abort(401)
        coach = Consultation(database, here, athlete, here.clock.now())
        yield coach
        if reschedules:
            decisions.reconsider(coach)


def read_answer(*fields: Field, **values: Any) -> answers.Answer:
    """The answer of the form; ``values`` are those of `Answer` that are no fields. Raises AnswerError."""
    given = read(request.form, *fields)
    for problem in given.problems.values():
        raise answers.AnswerError(problem)
    return answers.Answer(**values, **given.changes, red_flags=frozenset(request.form.getlist("sign")))


def change_address(database: Session, athlete: Athlete, address: str | None) -> None:
    """Keep another e-mail address (None: none). A new one is unconfirmed until the link in a mail to it is used."""
    athlete.unsubscribed_at = None
    usable = athlete.email_confirmed_at is not None and athlete.email_bounced_at is None
    if address == athlete.email and (address is None or usable):
        return
    # A rest day has no run to write into: its routines go to a first address, and without one to the pages.
    by_mail = address is not None and installation().settings.sends_mail
    before, after = (channels.PAGES, channels.MAIL) if by_mail else (channels.MAIL, channels.PAGES)
    is_first_or_last = address is None or athlete.email is None
    if is_first_or_last and (athlete.channels or {}).get(Placement.REST_DAY) in (None, before):
        athlete.channels = {**(athlete.channels or {}), Placement.REST_DAY: after}
    athlete.email = address
    athlete.email_confirmed_at = None
    athlete.email_bounced_at = None
    if address is not None:
        letters.confirm_address(installation(), database, athlete)
