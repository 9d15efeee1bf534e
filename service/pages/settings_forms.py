"""The sections of the settings page: their fields, and the checks that span fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import available_timezones

from adductor.athletes import channels, situations
from adductor.coaching.rules import in_quiet_hours
from adductor.coaching.situation import Placement
from adductor.store.models import Athlete
from service.context import installation
from service.pages import choice_forms
from service.pages.access import today_of
from service.pages.forms import EMAIL, TARGET, Field, Form, Given, equipment, one_of, optional, read, whole
from service.pages.words import PLACEMENTS, RUN_KINDS, WEEKDAYS

KM_PER_MILE = 1.609344
RACE_KINDS = {"race": "Race", "long": "Long run", "intervals": "Intervals"}
RACE_KINDS |= {"tempo": "Tempo run", "workout": "Other key day"}
PRIORITIES = {"A": "A: the one I train for", "B": "B: I want to do well", "C": "C: just for fun"}
# Where each kind of routine can stand; two channels are joined by a plus. Kept as adductor.athletes.channels reads it.
PLACES = {
    "post_run": ("private_note", "calendar", "description", "mail", "private_note+mail", "pages"),
    "rest_day": ("push", "mail", "private_note", "calendar", "pages"),
    "warm_up": ("mail", "push"),
}
PLACE_WORDS = {
    "private_note": "Private note of the run",
    "calendar": "Calendar (your coach sees it)",
    "description": "Description (others see it)",
    "mail": "E-mail",
    "push": "Notification",
    "private_note+mail": "Private note and e-mail",
    "pages": "Only here, on my pages",
}
_NO_NOTES = frozenset({"mail", "push", "pages"})
_REGIONS = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
_LONGEST_RACE_KM = 500
_RACE_WITHIN_DAYS = 730
_LONGEST_NAME = 120
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def zones(chosen: str) -> list[str]:
    """The time zones of places, and the chosen one whatever it is called."""
    return sorted({chosen, "UTC", *(name for name in available_timezones() if name.startswith(_REGIONS))})


def places_of(athlete: Athlete, placement: str) -> list[str]:
    """The places that work: notes need the permission to write, mail a mail server. None: the placement isn't offered."""
    mail = installation().settings.sends_mail
    written = {channel for channel in channels.WRITTEN if channels.can_write(athlete, [channel])}
    places = [place for place in PLACES[placement] if mail or "mail" not in place]
    works = [place for place in places if place in _NO_NOTES or place.partition("+")[0] in written]
    return [place for place in works if place != "push" or athlete.push_since is not None]


def place_of(athlete: Athlete, placement: str) -> str:
    """The runner's place for a placement, as the form names it; where that doesn't work, the one that is used instead."""
    value, places = (athlete.channels or {}).get(placement), places_of(athlete, placement)
    if value is None and channels.chosen(athlete, Placement(placement)) == (channels.CALENDAR,):
        value = channels.CALENDAR
    place = "+".join(value) if isinstance(value, list) else value
    if place in places:
        return str(place)
    return next((usual for usual in places if usual != "push" and (athlete.email or usual != "mail")), "mail")


def _time(text: str) -> str:
    """Read ``HH:MM``, local wall time; browsers may add seconds."""
    if not _TIME.fullmatch(text[:5]):
        raise ValueError(text)
    return text[:5]


def _dose(form: Form, athlete: Athlete) -> Given:
    given = read(form, TARGET)
    placements = [name for name in PLACEMENTS if form.get(f"placement_{name}")]
    if not placements:
        given.problems["placement_post_run"] = "When: choose at least one; to have none for a while, pause on Home."
    chosen = dict(athlete.channels or {})
    for name in placements:
        place = form.get(f"channel_{name}", "")
        if place not in PLACES[name]:
            given.problems[f"channel_{name}"] = f"{PLACEMENTS[name]}: choose where it should be written."
        elif "mail" in place and not athlete.email:
            given.problems[f"channel_{name}"] = f"{PLACEMENTS[name]}: to get e-mail, first give your address below."
        else:
            chosen[name] = place.split("+") if "+" in place else place
    # What isn't offered stays as it was.
    placements += [name for name in athlete.placements if name not in placements and not places_of(athlete, name)]
    given.changes |= {"placements": placements, "channels": chosen}
    return given


def _times(form: Form, _: Athlete) -> Given:
    given = read(
        form,
        Field("prompt", _time, "Rest-day prompt: give a time like 17:30.", "rest_day_prompt_local"),
        Field("quiet_from", _time, "Quiet from: give a time like 17:30.", "quiet_from_local"),
        Field("quiet_until", _time, "Quiet until: give a time like 17:30.", "quiet_until_local"),
    )
    if not given.problems:
        prompt, start, end = (time.fromisoformat(text) for text in given.changes.values())
        if in_quiet_hours(prompt, (start, end)):
            given.problems["prompt"] = "Rest-day prompt: this time is inside your quiet hours, so it would never come."
    return given


def kind_of(run: dict[str, str]) -> str:
    """A usual run's kind as the form names it: ``race_a`` is a race of priority A, ``race`` one for fun."""
    return "_".join(part for part in (run.get("kind", "easy"), run.get("priority", "").lower()) if part)


def _runs(form: Form, _: Athlete) -> Given:
    """The runs of a usual week; days without a time have none."""
    given, usual = Given(), []
    for weekday, name in enumerate(WEEKDAYS):
        run = read(
            form,
            Field(f"run_{weekday}", optional(_time), f"{name}: give a time like 18:00, or leave it empty.", "at"),
            Field(f"kind_{weekday}", lambda text: one_of(RUN_KINDS)(text or "easy"), f"{name}: choose a kind.", "kind"),
        )
        if f"run_{weekday}" in run.problems or run.changes["at"]:
            given.problems |= run.problems
            kind, _, priority = run.changes.get("kind", "").partition("_")
            of_a_race = {"priority": priority.upper()} if priority else {}
            usual.append({"weekday": weekday, "at": run.changes.get("at"), "kind": kind, **of_a_race})
    given.changes["usual_runs"] = usual
    return given


def _you(form: Form, _: Athlete) -> Given:
    return read(
        form,
        Field("units", one_of(("metric", "imperial")), "Units: choose kilometres or miles."),
        Field("timezone", lambda text: one_of(available_timezones())(text), "Time zone: choose one of the list."),
        Field("age", optional(whole(1, 110)), "Age: give whole years up to 110, or leave it empty.", "age_years"),
        Field("illness", bool),
        Field("condition", bool, column="clearance_needed"),
        Field("jumping", bool, column="plyometrics_cleared"),
    )


def _race(form: Form, athlete: Athlete) -> Given:
    """A race or key day in the runner's own units and local time, as columns of a planned run."""
    today = today_of(athlete)

    def day(text: str) -> date:
        found = date.fromisoformat(text)
        if not today <= found <= today + timedelta(days=_RACE_WITHIN_DAYS):
            raise ValueError(text)
        return found

    def kilometres(text: str) -> float:
        distance = float(text.replace(",", ".")) * (KM_PER_MILE if athlete.units == "imperial" else 1)
        if not 0 < distance <= _LONGEST_RACE_KM:
            raise ValueError(text)
        return distance

    def name(text: str) -> str:
        text = " ".join(text.split())
        if len(text) > _LONGEST_NAME or not text.isprintable():
            raise ValueError(text)
        return text

    is_race = form.get("kind") == "race"
    given = read(
        form,
        Field("day", day, "Day: give a date from today to two years ahead."),
        Field("at", lambda text: _time(text or "09:00"), "Start: give a time like 09:00."),
        Field("kind", one_of(RACE_KINDS), "What: choose one of the kinds."),
        Field("priority", one_of(PRIORITIES) if is_race else lambda _: None, "How important: choose A, B or C."),
        Field("distance", optional(kilometres), "Distance: give a number like 21.1, or leave it empty.", "distance_km"),
        Field("name", name, f"Name: use at most {_LONGEST_NAME} letters."),
    )
    if not given.problems:
        start, zone = time.fromisoformat(given.changes.pop("at")), situations.zone_of(athlete.timezone)
        given.changes["start"] = datetime.combine(given.changes.pop("day"), start, tzinfo=zone)
    return given


# Each section's columns: those of the athlete, but for the races, each of which is a planned run.
FORMS: dict[str, Callable[[Form, Athlete], Given]] = {
    "dose": _dose,
    "times": _times,
    "equipment": lambda form, _: Given({"equipment": equipment(form)}),
    "runs": _runs,
    "races": _race,
    "email": lambda form, _: read(form, EMAIL),
    "you": _you,
    **choice_forms.FORMS,
}
