"""The calendar: validate, make, edit and delete entries; each sends CALENDAR_UPDATED."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.intervals import errors, hooks
from sandbox.intervals.activities import write
from sandbox.intervals.models import THE_ATHLETE, CalendarEntry, Category
from sandbox.intervals.names import EVENT_FALSE, EVENT_NULLS
from sandbox.intervals.state import IntervalsWorld

_NEEDS_TYPE = ("WORKOUT", "RACE_A", "RACE_B", "RACE_C")
_NAME_MAX = 80
_STEP = re.compile(r"^- (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\b(.*)$", re.MULTILINE)


class EntryInput(BaseModel):
    """An entry as an application sends it; unknown fields are ignored, null changes nothing."""

    model_config = ConfigDict(extra="ignore", strict=True)

    category: Category | None = None
    start_date_local: str | None = None
    end_date_local: str | None = None
    name: str | None = None
    description: str | None = None
    color: str | None = None
    type: str | None = None
    external_id: str | None = None
    tags: list[str] | None = None
    indoor: bool | None = None
    moving_time: int | None = None
    distance: float | None = None
    icu_training_load: int | None = None
    load_target: int | None = None
    time_target: int | None = None
    training_availability: Literal["NORMAL", "LIMITED", "UNAVAILABLE"] | None = None
    max_training_time: int | None = None
    sub_type: str | None = None
    not_on_fitness_chart: bool | None = None
    show_as_note: bool | None = None
    hide_from_athlete: bool | None = None
    athlete_cannot_edit: bool | None = None


def local_time(text: str) -> datetime:
    """A local date and time. Raises the 422 for a bare date or anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if "T" in text and moment.tzinfo is None and 1970 < moment.year < 2100:
            return moment
    except ValueError:
        pass
    raise errors.no_date_time(text)


def checked(raw: Any, old: dict[str, Any] | None = None) -> dict[str, Any]:
    """The fields of an entry to make, or to change in `old`. Raises the API's 400 and 422."""
    try:
        given = EntryInput.model_validate(raw).model_dump(exclude_none=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise errors.json_parse_error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    whole = (old or {}) | given
    if "start_date_local" not in whole:
        raise errors.own(422, "start_date_local is required")
    start = local_time(whole["start_date_local"])
    if old is None or "start_date_local" in given or "end_date_local" in given:
        end = given.get("end_date_local")
        length = timedelta(days=1)
        if old is not None:
            length = local_time(old["end_date_local"]) - local_time(old["start_date_local"])
        given["end_date_local"] = (local_time(end) if end else start + length).isoformat()
    if "category" not in whole:
        raise errors.own(422, "category is required")
    if not whole.get("name", "").strip():
        raise errors.own(422, "Name is required")
    if len(whole["name"]) > _NAME_MAX:
        raise errors.own(422, "Name is too long")
    if whole["category"] in _NEEDS_TYPE and not whole.get("type"):
        raise errors.own(422, "type is required")
    if whole["category"] == "WORKOUT" and "description" in given:
        given |= _parsed(given["description"])
    return given


def _parsed(description: str) -> dict[str, Any]:
    """Lines such as `- 10m easy` of a workout become steps that are pushed to watches."""
    steps = []
    for hours, minutes, seconds, words in _STEP.findall(description):
        duration = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        if duration:
            steps.append({"duration": duration, "text": words.strip()})
    if not steps:
        return {}
    return {"workout_doc": {"steps": steps}, "moving_time": sum(step["duration"] for step in steps)}


def make(
    world: IntervalsWorld,
    athlete_id: str,
    fields: dict[str, Any],
    author: str = THE_ATHLETE,
    client_id: int | None = None,
) -> CalendarEntry:
    """A new entry of checked fields."""
    with world.lock:
        number = world.next_id("entry")
        kept = {"training_availability": "NORMAL"} | fields
        entry = CalendarEntry(id=number, athlete_id=athlete_id, fields={})
        write(
            world,
            entry,
            kept
            | {
                "id": number, "calendar_id": 1, "uid": str(uuid.uuid4()), "athlete_id": athlete_id,
                "created_by_id": athlete_id, "oauth_client_id": client_id, "updated": hooks.stamp(world.clock.now()),
            },
            author,
        )  # fmt: skip
        world.save(entry)
        _announce(world, entry, author)
        return entry


def change(world: IntervalsWorld, entry: CalendarEntry, fields: dict[str, Any], author: str = THE_ATHLETE) -> None:
    """Set checked fields; an empty text is kept as one."""
    with world.lock:
        if write(world, entry, fields, author):
            entry.fields["updated"] = hooks.stamp(world.clock.now())
            world.save(entry)
            _announce(world, entry, author)


def delete(world: IntervalsWorld, entry: CalendarEntry, author: str = THE_ATHLETE) -> None:
    with world.lock:
        entry.deleted = True
        write(world, entry, {"deleted_at": hooks.stamp(world.clock.now())}, author)
        world.save(entry)
        if author == THE_ATHLETE or world.switches.echo:
            hooks.calendar(world, entry.athlete_id, deleted=[entry.id])
        if world.switches.resurrect_after_s is not None:
            hooks.calendar(world, entry.athlete_id, entry, after_s=world.switches.resurrect_after_s)


def _announce(world: IntervalsWorld, entry: CalendarEntry, author: str) -> None:
    if author == THE_ATHLETE or world.switches.echo:
        hooks.calendar(world, entry.athlete_id, entry)


def upsert(
    world: IntervalsWorld, athlete_id: str, fields: dict[str, Any], author: str, client_id: int | None
) -> CalendarEntry:
    """Change the live entry with that `external_id` made by the same application, or make one."""
    external_id = fields.get("external_id")
    blind = client_id is None and world.switches.key_upsert == "blind"
    with world.lock:
        for entry in world.things(CalendarEntry, athlete_id):
            same = entry.fields.get("external_id") == external_id and entry.fields.get("oauth_client_id") == client_id
            if external_id and same and not blind:
                change(world, entry, fields, author)
                return entry
        return make(world, athlete_id, fields, author, client_id)


def between(world: IntervalsWorld, athlete_id: str, oldest: date, newest: date) -> list[CalendarEntry]:
    """The entries of those days, inclusive; one of several days belongs to each of them."""
    found = []
    for entry in world.things(CalendarEntry, athlete_id):
        start, end = (local_time(entry.fields[name]) for name in ("start_date_local", "end_date_local"))
        last = max(start, end - timedelta(seconds=1)).date()
        if start.date() <= newest and last >= oldest:
            found.append(entry)
    return found


def as_served(entry: CalendarEntry) -> dict[str, Any]:
    return EVENT_NULLS | EVENT_FALSE | {name: value for name, value in entry.fields.items() if name != "deleted_at"}
