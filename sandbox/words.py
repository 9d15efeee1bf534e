"""Figures and names in a runner's words, for the pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Flask

from sandbox import places
from sandbox.activities import Recording
from sandbox.models import Activity, Delivery, Runner
from sandbox.sports import RUNS

_METRES_A_MILE, _FEET_A_METRE = 1609.344, 3.28084


@dataclass(frozen=True, slots=True)
class Preset:
    label: str
    recording: Recording


PRESETS = {
    "easy": Preset("Easy run, 45 min", Recording(minutes=45)),
    "long": Preset("Long run, 1 h 50", Recording(minutes=110, climb_m=140, workout_type="long", title="Long run")),
    "workout": Preset("Intervals, 1 h", Recording(minutes=60, workout_type="workout", title="6 x 800 m")),
    "race": Preset("10 km race", Recording(minutes=44, distance_km=10, workout_type="race", title="10 km race")),
    "strength": Preset("Strength, 30 min", Recording(sport_type="WeightTraining", minutes=30, climb_m=0)),
}

SPORTS_IN_FORM = [
    ("Run", "Run"), ("TrailRun", "Trail run"), ("VirtualRun", "Virtual run"), ("Walk", "Walk"), ("Hike", "Hike"),
    ("Ride", "Ride"), ("Swim", "Swim"), ("WeightTraining", "Weight training"), ("Yoga", "Yoga"),
    ("Pilates", "Pilates"), ("HighIntensityIntervalTraining", "HIIT"), ("Workout", "Workout"),
]  # fmt: skip


def sport_words(sport_type: str) -> str:
    """`TrailRun` as `Trail run`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", sport_type)
    return words[:1] + words[1:].lower()


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if not rest or minutes >= 10 else f"{minutes} min {rest:02} s"


def figures(activity: Activity, runner: Runner) -> list[tuple[str, str]]:
    """(name, value) in the units that the runner reads."""
    found = []
    miles = runner.measurement_preference == "feet"
    unit_m, unit = (_METRES_A_MILE, "mi") if miles else (1000.0, "km")
    if activity.distance_m:
        found.append(("Distance", f"{activity.distance_m / unit_m:.2f} {unit}"))
    found.append(("Time", duration(activity.moving_time_s)))
    if activity.distance_m and activity.sport_type in RUNS | {"Walk", "Hike"}:
        pace_s = round(activity.moving_time_s / (activity.distance_m / unit_m))
        found.append(("Pace", f"{pace_s // 60}:{pace_s % 60:02} /{unit}"))
    if activity.total_elevation_gain_m:
        climb = activity.total_elevation_gain_m * (_FEET_A_METRE if miles else 1)
        found.append(("Climb", f"{climb:.0f} {'ft' if miles else 'm'}"))
    return found


def marks(activity: Activity) -> list[str]:
    """The labels beside the title."""
    kinds = {1: "Race", 2: "Long run", 3: "Workout"}
    found = [kinds[activity.workout_type]] if activity.workout_type in kinds else []
    if activity.trainer:
        found.append("Treadmill" if activity.sport_type in RUNS else "Indoors")
    if activity.manual:
        found.append("Entered by hand")
    if activity.start_hidden:
        found.append("Start time hidden")
    return found


def when(epoch_s: float, zone_name: str, now_s: float) -> str:
    """`Today 17:40`, `Yesterday 6:05`, `Tue 4 Nov 2025, 6:05`, in that zone."""
    moment, now = places.local(epoch_s, zone_name), places.local(now_s, zone_name)
    clock = f"{moment.hour}:{moment.minute:02}"
    days = (now.date() - moment.date()).days
    if days in (0, 1):
        return f"{('Today', 'Yesterday')[days]} {clock}"
    return f"{moment:%a} {moment.day} {moment:%b %Y}, {clock}"


def clock_time(epoch_s: float) -> str:
    """`22 Nov 17:43:12`, UTC."""
    moment = places.utc(epoch_s)
    return f"{moment.day} {moment:%b %H:%M:%S}"


def event_words(delivery: Delivery) -> str:
    """One line of text for an event."""
    event = delivery.event
    if isinstance(event.get("events"), list):
        items = [item for item in event["events"] if isinstance(item, dict)]
        return ", ".join(f"{item.get('athlete_id')}: {item.get('type')}" for item in items)
    updates = event.get("updates")
    if isinstance(updates, dict) and updates.get("authorized") == "false":
        return f"runner {event.get('owner_id')} disconnected"
    text = f"{event.get('object_type', '?')} {event.get('object_id', '?')}: {event.get('aspect_type', '?')}"
    if updates and isinstance(updates, dict):
        text += " (" + ", ".join(f"{key} = {value}" for key, value in updates.items()) + ")"
    return text


def minute(moment: datetime) -> str:
    """For a `datetime-local` field."""
    return moment.strftime("%Y-%m-%dT%H:%M")


def span(seconds: float) -> str:
    """`1 day`, `3 hours`: the largest unit that fits, rounded down; a moment under it counts."""
    seconds = round(seconds / 60) * 60
    for unit, length_s in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length_s:
            count = int(seconds // length_s)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "less than a minute"


def after_days(local_time: str, days: int) -> date:
    """The date so many days after an intervals.icu local time."""
    return (datetime.fromisoformat(local_time) + timedelta(days=days)).date()


def day_words(day: date) -> str:
    """`Sat 5 Dec`."""
    return f"{day:%a} {day.day} {day:%b}"


def register(app: Flask) -> None:
    """Makes these available in the templates."""
    app.jinja_env.filters |= {
        "sport": sport_words, "figures": figures, "marks": marks, "when": when,
        "clock_time": clock_time, "event_words": event_words, "minute": minute, "duration": duration,
        "after_days": after_days, "day_words": day_words, "span": span,
    }  # fmt: skip
