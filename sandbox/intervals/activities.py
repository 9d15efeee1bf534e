"""Activities: record, edit, delete them, and serve them as the API does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox import activities as at_strava
from sandbox import places
from sandbox.intervals import hooks
from sandbox.intervals.models import THE_ATHLETE, Athlete, CalendarEntry, Change, LogActivity, Thing
from sandbox.intervals.names import ACTIVITY_NULLS
from sandbox.intervals.state import IntervalsWorld
from sandbox.sports import MOVING, RUNS, USUAL_SPEED_M_PER_S

Source = Literal[
    "STRAVA", "UPLOAD", "MANUAL", "GARMIN_CONNECT", "OAUTH_CLIENT", "DROPBOX", "POLAR", "SUUNTO", "COROS", "WAHOO", "ZWIFT",
    "ZEPP", "CONCEPT2", "HUAWEI",
]  # fmt: skip
_ANALYZED_AFTER_S = 40.0
# Percent of the threshold, by kind of run.
_INTENSITY = {"default": 72.0, "long": 70.0, "workout": 88.0, "race": 98.0}


class Recording(at_strava.Recording):
    """An activity as an athlete records it, with what only intervals.icu knows. Any text is a sport here."""

    sport_type: str = Field("Run", min_length=1, max_length=60)
    source: Source = "GARMIN_CONNECT"
    rpe: int | None = Field(None, ge=1, le=10)
    feel: int | None = Field(None, ge=1, le=5, description="1 is strong, 5 weak")
    part: int = Field(0, ge=0, description="which part of a multisport file")
    also_on_strava: bool = False

    def for_strava(self) -> at_strava.Recording:
        names = set(at_strava.Recording.model_fields)
        return at_strava.Recording.model_validate(self.model_dump(include=names, exclude_unset=True))


class ActivityInput(BaseModel):
    """A partial PUT: null changes nothing, "" clears a text, -1 a number."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str | None = None
    description: str | None = None
    type: str | None = None
    sub_type: Literal["NONE", "COMMUTE", "WARMUP", "COOLDOWN", "RACE"] | None = None
    icu_rpe: int | None = None
    feel: int | None = None
    perceived_exertion: float | None = None
    kg_lifted: float | None = None
    race: bool | None = None
    trainer: bool | None = None
    commute: bool | None = None
    tags: list[str] | None = None
    paired_event_id: int | None = None


def record(world: IntervalsWorld, athlete: Athlete, recording: Recording) -> LogActivity:
    """Record the activity, at Strava too if asked, and send what such an upload sends."""
    person, now = world.person(athlete), world.clock.now()
    with world.lock:
        twin = at_strava.record(world.people, person, recording.for_strava()) if recording.also_on_strava else None
        zone_name = recording.timezone or person.timezone
        elapsed_s = round((recording.elapsed_minutes or recording.minutes) * 60)
        start = now - elapsed_s
        if recording.start is not None:
            start = recording.start.timestamp()
        elif recording.start_local is not None:
            start = recording.start_local.replace(tzinfo=places.zone(zone_name)).timestamp()
        start = float(int(start))
        fields = _measured(recording, start, zone_name) | {
            "created": hooks.stamp(now - 5), "icu_sync_date": hooks.stamp(now - 5), "icu_athlete_id": athlete.id,
            "analyzed": hooks.stamp(now),
        }  # fmt: skip
        number = world.next_id("activity")
        from_strava = recording.source == "STRAVA"
        late_s = 0.0 if world.switches.uploaded_analyzed else _ANALYZED_AFTER_S
        if late_s:
            fields["analyzed"] = hooks.stamp(now + late_s)
        activity = LogActivity(
            id=str(twin.id if twin else 19_487_000_000 + number) if from_strava else f"i{number}",
            athlete_id=athlete.id,
            fields=fields,
            analyzed_at=now + late_s if late_s else 0.0,
        )
        activity.fields["id"] = activity.id
        _pair(world, activity)
        world.save(activity)
        if not recording.silent:
            hooks.uploaded(world, activity)
    return activity


def _measured(recording: Recording, start: float, zone_name: str) -> dict[str, Any]:
    sport, moving_s = recording.sport_type, round(recording.minutes * 60)
    local = places.local(start, zone_name)
    name = recording.title or at_strava.default_title(recording, local)
    intensity = _INTENSITY.get(recording.workout_type or "default", 72.0)
    load = round(recording.minutes / 60 * intensity**2 / 100)
    fields: dict[str, Any] = {
        "start_date_local": local.strftime("%Y-%m-%dT%H:%M:%S"),
        "type": sport,
        "name": name,
        "start_date": places.iso_z(places.utc(start)),
        "moving_time": moving_s,
        "elapsed_time": round((recording.elapsed_minutes or recording.minutes) * 60),
        "trainer": recording.trainer,
        "commute": False,
        "race": recording.workout_type == "race",
        "has_heartrate": not recording.manual,
        "timezone": zone_name,
        "source": "MANUAL" if recording.manual else recording.source,
        "file_sport_index": recording.part,
        "icu_training_load": load,
        "icu_intensity": intensity,
        "trimp": round(load * 1.3, 2),
        "icu_rpe": recording.rpe,
        "feel": recording.feel,
        "session_rpe": recording.rpe and round(recording.rpe * recording.minutes),
        "description": recording.description,
        "sub_type": "RACE" if recording.workout_type == "race" else None,
    }
    if not recording.manual:
        heart = round(recording.average_heartrate or 110 + intensity * 0.45)
        fields |= {"average_heartrate": heart, "max_heartrate": round(heart * 1.12), "calories": round(moving_s / 6),
                   "device_name": "Garmin Forerunner 265", "external_id": f"{2099 * 10**7 + int(start) % 10**7}",
                   "file_type": "fit", "hr_load": load, "hr_load_type": "HRSS"}  # fmt: skip
    if sport in MOVING:
        speed = USUAL_SPEED_M_PER_S.get(sport, 2.0)
        distance_m = moving_s * speed if recording.distance_km is None else recording.distance_km * 1000
        speed = distance_m / moving_s
        fields |= {"distance": round(distance_m, 2), "average_speed": round(speed, 3), "max_speed": round(speed * 1.35, 3),
                   "pace": round(speed, 5), "gap": round(speed * 1.01, 5), "total_elevation_gain": recording.climb_m,
                   "total_elevation_loss": recording.climb_m}  # fmt: skip
    if sport in RUNS:
        # Half of the steps a minute: one foot only.
        fields |= {"average_cadence": 84.9, "pace_load": load, "pace_load_type": "RUN", "gap_model": "STRAVA_RUN"}
    return {field: value for field, value in fields.items() if value is not None}


def _pair(world: IntervalsWorld, activity: LogActivity) -> None:
    """Pair it with the plan: same day and type. A NOTE never pairs."""
    day, sport = activity.fields.get("start_date_local", "")[:10], activity.fields.get("type")
    for entry in world.things(CalendarEntry, activity.athlete_id):
        planned = entry.fields
        if (
            planned["category"] == "WORKOUT"
            and planned["start_date_local"][:10] == day
            and planned.get("type") == sport
        ):
            activity.fields |= {"paired_event_id": entry.id, "compliance": 97.0}


def write(world: IntervalsWorld, thing: Thing, fields: dict[str, Any], author: str) -> bool:
    """Set fields (None removes one) and record the edit. False if nothing changed. The caller sends the event."""
    with world.lock:
        before = {name: thing.fields.get(name) for name in fields}
        if before == fields:
            return False
        thing.history.append(Change(at=world.clock.now(), author=author, before=before, after=fields))
        merged = thing.fields | fields
        thing.fields = {name: value for name, value in merged.items() if value is not None}
        return True


def edit(world: IntervalsWorld, activity: LogActivity, given: dict[str, Any], author: str = THE_ATHLETE) -> None:
    """Apply a partial update and send ACTIVITY_UPDATED; an application's own only with the switch `echo`."""
    fields = {name: None if value in ("", -1) else value for name, value in given.items() if value is not None}
    if "icu_rpe" in fields:
        minutes = activity.fields.get("moving_time", 0) / 60
        fields["session_rpe"] = fields["icu_rpe"] and round(fields["icu_rpe"] * minutes)
    with world.lock:
        if write(world, activity, fields, author):
            world.save(activity)
            if author == THE_ATHLETE or world.switches.echo:
                hooks.activity_event(world, activity, "ACTIVITY_UPDATED")


def delete(world: IntervalsWorld, activity: LogActivity) -> None:
    with world.lock:
        activity.deleted = True
        world.save(activity)
        hooks.activity_event(world, activity, "ACTIVITY_DELETED")


def as_served(world: IntervalsWorld, activity: LogActivity, wanted: list[str] | None = None) -> dict[str, Any]:
    """An activity in REST: nulls where there is no value, none with `fields=`. A stub for one from Strava."""
    switches = world.switches
    if activity.from_strava:
        said = {"source": "STRAVA", "_note": "STRAVA activities are not available via the API"}
        return {
            "id": activity.id, "icu_athlete_id": activity.athlete_id,
            "start_date_local": activity.fields["start_date_local"],
            **(said if switches.stub_source else dict.fromkeys(said)),
        }  # fmt: skip
    body = ACTIVITY_NULLS | activity.fields
    if activity.analyzed_at > world.clock.now():
        body["analyzed"] = None
    if not switches.serves_timezone:
        body["timezone"] = None
    if wanted is None:
        return body
    return {name: body[name] for name in wanted if body.get(name) is not None}
