"""Activities: record, edit, delete and restore them; each sends the event that Strava would send."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox import events, places
from sandbox.models import Activity, Edit, Runner, TextSwitches, Visibility
from sandbox.sports import MOVING, RUNS, SPORT_TYPES, USUAL_SPEED_M_PER_S, WORKOUT_TYPES
from sandbox.state import World

THE_RUNNER = "runner"


def known_sport(value: str) -> str:
    if value not in SPORT_TYPES:
        raise ValueError(f"not a sport of Strava's: {value!r}; one of {', '.join(SPORT_TYPES)}")
    return value


def known_zone(value: str) -> str:
    if value not in places.known_zones():
        raise ValueError(f"not an IANA time zone: {value!r}; for example Europe/Berlin")
    return value


SportType = Annotated[str, AfterValidator(known_sport)]
ZoneName = Annotated[str, AfterValidator(known_zone)]


class Recording(BaseModel):
    """An activity as a runner records it. Without a start it has just finished."""

    model_config = ConfigDict(extra="forbid")

    sport_type: SportType = "Run"
    minutes: float = Field(45, gt=0, le=48 * 60, description="moving time")
    elapsed_minutes: float | None = Field(None, gt=0, le=96 * 60, description="at least the moving time")
    distance_km: float | None = Field(None, ge=0, le=2_000, description="null: from the sport's usual pace")
    climb_m: float = Field(40, ge=0, le=20_000)
    start: AwareDatetime | None = Field(None, description="with offset or Z")
    start_local: datetime | None = Field(None, description="wall time in `timezone`, without offset")
    timezone: ZoneName | None = Field(None, description="null: where the runner lives")
    workout_type: Literal["default", "race", "long", "workout"] | None = "default"
    trainer: bool = False
    manual: bool = False
    title: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = None
    private_note: str = ""
    visibility: Visibility = "everyone"
    hide_start: bool = False
    perceived_exertion: float | None = Field(None, ge=1, le=10)
    suffer_score: float | None = Field(None, ge=0)
    average_heartrate: float | None = Field(None, gt=20, lt=260)
    silent: bool = Field(False, description="no event: as if the application had been down or not subscribed")

    @model_validator(mode="after")
    def _make_sense(self) -> Recording:
        for moment in (self.start, self.start_local):
            if moment is not None and not 1970 < moment.year < 2100:
                raise ValueError("an activity starts between 1971 and 2099")
        if self.start is not None and self.start_local is not None:
            raise ValueError("give start or start_local, not both")
        if self.start_local is not None and self.start_local.tzinfo is not None:
            raise ValueError("start_local is wall time without an offset; use start for a time with one")
        if self.elapsed_minutes is not None and self.elapsed_minutes < self.minutes:
            raise ValueError("elapsed_minutes can't be less than minutes (the moving time)")
        return self


class Changes(BaseModel):
    """A partial update of an activity by its runner or another application; absent fields stay."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = None
    private_note: str | None = None
    sport_type: SportType | None = None
    visibility: Visibility | None = None
    workout_type: Literal["default", "race", "long", "workout"] | None = None
    trainer: bool | None = None
    hide_start: bool | None = None
    perceived_exertion: float | None = None

    def as_fields(self) -> dict[str, Any]:
        """The fields of `Activity` to set."""
        given = self.model_dump(exclude_unset=True)
        renamed = {"title": "name", "hide_start": "start_hidden"}
        fields = {renamed.get(key, key): value for key, value in given.items()}
        if fields.get("workout_type") is not None:
            fields["workout_type"] = WORKOUT_TYPES[fields["workout_type"]]
        for key in ("name", "sport_type", "visibility", "trainer", "start_hidden"):
            if fields.get(key, ...) is None:
                del fields[key]
        if fields.get("private_note", ...) is None:
            fields["private_note"] = ""
        return fields


def problems_of(error: ValidationError) -> list[str]:
    """Pydantic's validation errors, one line each: location and message."""
    return [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]


def default_title(recording: Recording, start_local: datetime) -> str:
    """The default title, by the local hour, as Strava gives it."""
    hour = start_local.hour
    part = "Morning" if 4 <= hour < 11 else "Lunch" if hour < 14 else "Afternoon" if hour < 18 else "Evening"
    if hour < 4 or hour >= 22:
        part = "Night"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", recording.sport_type)
    return f"{part} {words}"


def record(world: World, runner: Runner, recording: Recording) -> Activity:
    """Record the activity and send its create event, unless it is silent."""
    zone_name = recording.timezone or runner.timezone
    moving_s = round(recording.minutes * 60)
    elapsed_s = round((recording.elapsed_minutes or recording.minutes) * 60)
    if recording.start is not None:
        start = recording.start.timestamp()
    elif recording.start_local is not None:
        start = recording.start_local.replace(tzinfo=places.zone(zone_name)).timestamp()
    else:
        start = world.clock.now() - elapsed_s
    moves = recording.sport_type in MOVING
    if recording.distance_km is not None:
        distance_m = recording.distance_km * 1000
    else:
        distance_m = moving_s * USUAL_SPEED_M_PER_S.get(recording.sport_type, 2.0) if moves else 0.0
    is_run = recording.sport_type in RUNS
    switches = world.switches.new_activity
    with world.lock:
        activity = Activity(
            id=world.next_id("activity"),
            runner_id=runner.id,
            name=recording.title or default_title(recording, places.local(start, zone_name)),
            sport_type=recording.sport_type,
            start=float(int(start)),
            timezone=zone_name,
            moving_time_s=moving_s,
            elapsed_time_s=elapsed_s,
            distance_m=round(distance_m, 1),
            total_elevation_gain_m=round(recording.climb_m, 1) if moves and not recording.trainer else 0.0,
            workout_type=WORKOUT_TYPES[recording.workout_type] if recording.workout_type and is_run else None,
            trainer=recording.trainer,
            manual=recording.manual,
            description=recording.description,
            private_note=recording.private_note,
            visibility=recording.visibility,
            start_hidden=recording.hide_start,
            perceived_exertion=recording.perceived_exertion,
            suffer_score=recording.suffer_score,
            average_heartrate=recording.average_heartrate,
            device_name=None if recording.manual else "Made-up Watch",
            created_at=world.clock.now(),
            not_found_reads=switches.not_found_reads,
            late_fields=switches.late_fields,
            late_reads=switches.late_reads,
            not_found_until=world.clock.now() + switches.not_found_for_s if switches.not_found_for_s else 0.0,
            late_until=world.clock.now() + switches.late_for_s if switches.late_for_s else 0.0,
        )
        world.save(activity)
        if not recording.silent:
            events.created(world, activity)
    return activity


def edit(
    world: World,
    activity: Activity,
    fields: dict[str, Any],
    author: str,
    *,
    sent: dict[str, Any] | None = None,
) -> set[str]:
    """Set fields, record the edit, send the event. Returns the changed fields.

    `sent`: the fields as an application sent them, where they may be kept as something else.
    """
    with world.lock:
        was_only_me = activity.only_me
        changed = set()
        for name, value in fields.items():
            before = getattr(activity, name)
            if before == value:
                continue
            setattr(activity, name, value)
            changed.add(name)
            as_sent = (sent or {}).get(name, value)
            world.save(
                Edit(
                    id=world.next_id("edit"), activity_id=activity.id, at=world.clock.now(), author=author,
                    field=name, before=before, after=value, sent=None if as_sent == value else as_sent,
                )
            )  # fmt: skip
        if changed:
            world.save(activity)
            world.notify()
            events.updated(world, activity, changed, was_only_me=was_only_me)
        return changed


def delete(world: World, activity: Activity) -> None:
    with world.lock:
        if activity.deleted:
            return
        activity.deleted = True
        world.save(activity)
        events.deleted(world, activity)


def restore(world: World, activity: Activity) -> None:
    """Undo a deletion; applications see a new create event with the old id."""
    with world.lock:
        if not activity.deleted:
            return
        activity.deleted = False
        world.save(activity)
        events.created(world, activity)


_LINK = re.compile(r"https?://\S+")
_DECIMAL_LINE = re.compile(r"^.*\d\.\d.*(?:\r?\n|$)", re.MULTILINE)


def as_strava_keeps_it(text: str, switches: TextSwitches) -> str:
    """Alter an application's text by the `text` switches, as Strava has been seen to do."""
    if switches.strip_links:
        text = _LINK.sub("", text)
    if switches.strip_decimals:
        text = _DECIMAL_LINE.sub("", text)
    if switches.trim_trailing:
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n")).rstrip("\n")
    if switches.crlf:
        text = re.sub(r"\r?\n", "\r\n", text)
    return text
