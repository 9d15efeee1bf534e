"""What the forms of the settings page may say. Each reads its fields and returns the changes, or what is wrong, by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from werkzeug.datastructures import MultiDict

from adductor.store.models import Athlete
from service import numbers
from service.pages.start import address_problem
from service.pages.words import EQUIPMENT, PLACEMENTS, RUN_KINDS, WEEKDAYS

KM_PER_MILE = 1.609344
MINUTES = (5, 8, 10, 15, 20)
RACE_KINDS = {
    "race": "Race",
    "long": "Long run",
    "intervals": "Intervals",
    "tempo": "Tempo run",
    "workout": "Other key day",
}
PRIORITIES = {"A": "A: the one I train for", "B": "B: I want to do well", "C": "C: just for fun"}
# Where each kind of routine can stand; two channels are joined by a plus. Kept as adductor.athletes.channels reads it.
PLACES = {
    "post_run": ("private_note", "description", "mail", "private_note+mail", "pages"),
    "rest_day": ("mail", "private_note", "pages"),
    "warm_up": ("mail",),
}
PLACE_WORDS = {
    "private_note": "Private note of the run",
    "description": "Description of the run (others can read it)",
    "mail": "E-mail",
    "private_note+mail": "Private note and e-mail",
    "pages": "Only here, on my pages",
}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST_RACE_KM = 500
_OLDEST_YEARS = 110
_RACE_WITHIN_DAYS = 730
_LONGEST_NAME = 120
Form = MultiDict[str, str]


def place_of(athlete: Athlete, placement: str) -> str:
    """The runner's place for a placement, as the form names it; the usual one where nothing was chosen."""
    value = (athlete.channels or {}).get(placement)
    place = "+".join(value) if isinstance(value, list) else value
    if place in PLACES[placement]:
        return str(place)
    return "pages" if placement == "rest_day" and not athlete.email else PLACES[placement][0]


@dataclass(slots=True)
class Given:
    """What a form said: the athlete's columns that change, or what is wrong with which field."""

    changes: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Race:
    """A race or key day to add."""

    start: datetime
    kind: str
    priority: str | None
    distance_km: float | None
    name: str


def dose(form: Form, athlete: Athlete) -> Given:
    """How often, when, where."""
    given = Given()
    target = form.get("target", "")
    if target not in {"1", "2"}:
        given.problems["target"] = "Sessions a week: choose one or two."
    else:
        given.changes["target_sessions_per_week"] = int(target)
    placements = [name for name in PLACEMENTS if form.get(f"placement_{name}")]
    if not placements:
        given.problems["placement_post_run"] = "When: choose at least one; to have none for a while, pause on Home."
    given.changes["placements"] = placements
    channels = dict(athlete.channels or {})
    for name in placements:
        place = form.get(f"channel_{name}", "")
        if place not in PLACES[name]:
            given.problems[f"channel_{name}"] = f"{PLACEMENTS[name]}: choose where it should be written."
        elif "mail" in place and not athlete.email:
            given.problems[f"channel_{name}"] = f"{PLACEMENTS[name]}: to get e-mail, first give your address below."
        else:
            channels[name] = place.split("+") if "+" in place else place
    given.changes["channels"] = channels
    chosen = form.get("minutes", "")
    minutes = numbers.whole(chosen)
    if chosen and minutes not in MINUTES:
        given.problems["minutes"] = "Longest routine: choose one of the lengths."
    else:
        given.changes["minutes_available"] = minutes
    return given


def times(form: Form, athlete: Athlete) -> Given:
    """When prompts may come; local wall time."""
    given = Given()
    for name, column, label in (
        ("prompt", "rest_day_prompt_local", "Rest-day prompt"),
        ("quiet_from", "quiet_from_local", "Quiet from"),
        ("quiet_until", "quiet_until_local", "Quiet until"),
    ):
        value = form.get(name, "").strip()[:5]
        if not _TIME.fullmatch(value):
            given.problems[name] = f"{label}: give a time like 17:30."
        else:
            given.changes[column] = value
    if not given.problems and _is_within(
        given.changes["rest_day_prompt_local"], given.changes["quiet_from_local"], given.changes["quiet_until_local"]
    ):
        given.problems["prompt"] = "Rest-day prompt: this time is inside your quiet hours, so it would never come."
    return given


def equipment(form: Form, athlete: Athlete) -> Given:
    """What is at hand."""
    return Given({"equipment": [name for name, _ in EQUIPMENT if form.get(f"has_{name}")]})


def runs(form: Form, athlete: Athlete) -> Given:
    """The runs of a usual week; local wall time."""
    given = Given()
    usual = []
    for weekday, name in enumerate(WEEKDAYS):
        at = form.get(f"run_{weekday}", "").strip()[:5]
        kind = form.get(f"kind_{weekday}", "easy")
        if not at:
            continue
        if not _TIME.fullmatch(at):
            given.problems[f"run_{weekday}"] = f"{name}: give a time like 18:00, or leave it empty."
        elif kind not in RUN_KINDS:
            given.problems[f"kind_{weekday}"] = f"{name}: choose one of the kinds of run."
        else:
            usual.append({"weekday": weekday, "at": at, "kind": kind})
    given.changes["usual_runs"] = usual
    return given


def email(form: Form, athlete: Athlete) -> Given:
    """The address. Empty: none, and no routine goes by mail any more."""
    given = Given()
    address = form.get("email", "").strip()
    if wrong := address_problem(address):
        given.problems["email"] = wrong
        return given
    given.changes["email"] = address or None
    return given


def you(form: Form, athlete: Athlete) -> Given:
    """Units, time zone, and what the coach must know to be careful."""
    given = Given()
    units = form.get("units", "")
    if units not in {"metric", "imperial"}:
        given.problems["units"] = "Units: choose kilometres or miles."
    given.changes["units"] = units
    zone = form.get("timezone", "").strip()
    if zone not in available_timezones():
        given.problems["timezone"] = "Time zone: give one like Europe/Berlin."
    given.changes["timezone"] = zone
    said = form.get("age", "").strip()
    age = numbers.whole(said)
    if said and not (age is not None and 0 < age <= _OLDEST_YEARS):
        given.problems["age"] = f"Age: give whole years up to {_OLDEST_YEARS}, or leave it empty."
    else:
        given.changes["age_years"] = age
    given.changes["illness"] = form.get("illness") == "1"
    given.changes["clearance_needed"] = form.get("condition") == "1"
    given.changes["plyometrics_cleared"] = form.get("jumping") == "1"
    return given


FORMS: dict[str, Callable[[Form, Athlete], Given]] = {
    "dose": dose,
    "times": times,
    "equipment": equipment,
    "runs": runs,
    "email": email,
    "you": you,
}


def race(form: Form, athlete: Athlete, zone: ZoneInfo, today: date) -> tuple[Race | None, dict[str, str]]:
    """A race or key day in the runner's own units and local time."""
    problems = {}
    day = None
    try:
        day = date.fromisoformat(form.get("day", ""))
    except ValueError:
        problems["day"] = "Day: give a date."
    if day is not None and not today <= day <= today + timedelta(days=_RACE_WITHIN_DAYS):
        problems["day"] = "Day: give one from today to two years ahead."
    at = form.get("at", "").strip()[:5] or "09:00"
    if not _TIME.fullmatch(at):
        problems["at"] = "Start: give a time like 09:00."
    kind = form.get("kind", "")
    if kind not in RACE_KINDS:
        problems["kind"] = "What: choose one of the kinds."
    priority = form.get("priority", "") if kind == "race" else None
    if kind == "race" and priority not in PRIORITIES:
        problems["priority"] = "How important: choose A, B or C."
    distance_km = None
    distance = form.get("distance", "").strip().replace(",", ".")
    if distance:
        try:
            distance_km = float(distance) * (KM_PER_MILE if athlete.units == "imperial" else 1)
        except ValueError:
            distance_km = -1.0
        if not 0 < distance_km <= _LONGEST_RACE_KM:
            problems["distance"] = "Distance: give a number like 21.1, or leave it empty."
    name = " ".join(form.get("name", "").split())
    if len(name) > _LONGEST_NAME or not name.isprintable():
        problems["name"] = f"Name: use at most {_LONGEST_NAME} letters."
    if problems or day is None:
        return None, problems
    start = datetime.combine(day, datetime.strptime(at, "%H:%M").time(), tzinfo=zone)  # noqa: DTZ007 - only its time
    return Race(start, kind, priority or None, distance_km, name), {}


def _is_within(at: str, start: str, end: str) -> bool:
    """Whether a time lies in hours that may reach over midnight; ``HH:MM`` compares as text."""
    return start <= at < end if start <= end else at >= start or at < end
