"""What platforms say beside activities, in the coach's words: races and planned runs, pauses, hints of soreness and injury.

A connection keeps it as plain values (`base.Told`); each reading replaces the part that it brings. Hints keep a dose light at
most: they name no place of the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adductor.coaching import situation as words
from adductor.platforms import registry
from adductor.platforms.base import Told
from adductor.store.models import Athlete, Connection

# Of an entry for the whole day; a run of unknown hour is taken for one in the morning.
_USUAL_HOUR = time(9)
# A hint speaks for its day and the next: the evening's word counts in the morning.
_HINTS_FOR = timedelta(days=1)
# Scales from 1 (good) to 4, as intervals.icu and others have them: from here on the dose is light.
_LIGHT_FROM = 3
_KEEP_WELLNESS = timedelta(days=14)


def keep(connection: Connection, said: Told, today: date, **more: Any) -> None:
    """Store what a reading brought; the rest stays as it was."""
    kept = dict(connection.told)
    brought = {name: value for name, value in asdict(said).items() if value is not None}
    if said.wellness is not None:
        oldest = (today - _KEEP_WELLNESS).isoformat()
        days = {**kept.get("wellness", {}), **said.wellness}
        brought["wellness"] = {day: scales for day, scales in days.items() if day >= oldest}
    connection.told = {**kept, **brought, **more}


def planned(athlete: Athlete, zone: ZoneInfo) -> Iterator[words.PlannedRun]:
    """The runs and races of the platforms' calendars."""
    for entry in _all(athlete, "plan"):
        hour = time.fromisoformat(entry["at"]) if entry["at"] else _USUAL_HOUR
        start = datetime.combine(date.fromisoformat(entry["day"]), hour, tzinfo=zone).astimezone(UTC)
        yield words.PlannedRun(
            start, entry["kind"], entry["priority"], distance_km=entry["distance_km"], planned_min=entry["planned_min"]
        )


def paused_until(athlete: Athlete, today: date) -> date | None:
    """The first day after an injury or a holiday of the calendar that covers today; the runner's own pause may be longer."""
    ends = [end for _, end in _pauses(athlete, today, ("injured", "away"))]
    return max([*ends, *filter(None, [athlete.paused_until])], default=None)


def is_ill(athlete: Athlete, today: date) -> bool:
    """Whether the runner said so here, or the calendar says so of today."""
    return athlete.illness or any(_pauses(athlete, today, ("sick",)))


def hint(athlete: Athlete, today: date) -> str | None:
    """Why to keep the dose light, by the scales of yesterday and today."""
    for connection in _usable(athlete):
        for day, scales in sorted(connection.told.get("wellness", {}).items(), reverse=True):
            worst = max(scales, key=lambda name: scales[name])
            if today - _HINTS_FOR <= date.fromisoformat(day) <= today and scales[worst] >= _LIGHT_FROM:
                label = registry.LABELS[connection.platform]
                return f"{worst} {scales[worst]} of 4 at {label}"
    return None


def only_withheld(athlete: Athlete) -> Connection | None:
    """The only connection, if its log holds nothing but activities that the platform may not hand on."""
    usable = list(_usable(athlete))
    return usable[0] if len(usable) == 1 and usable[0].told.get("only_withheld") else None


def _pauses(athlete: Athlete, today: date, kinds: tuple[str, ...]) -> Iterator[tuple[date, date]]:
    for pause in _all(athlete, "pauses"):
        first, end = date.fromisoformat(pause["first"]), date.fromisoformat(pause["end"])
        if pause["kind"] in kinds and first <= today < end:
            yield first, end


def _all(athlete: Athlete, part: str) -> Iterator[Any]:
    for connection in _usable(athlete):
        yield from connection.told.get(part, ())


def _usable(athlete: Athlete) -> Iterator[Connection]:
    return (each for each in athlete.connections if each.is_usable)
