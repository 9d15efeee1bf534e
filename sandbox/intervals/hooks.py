"""Webhook bodies: which change sends what, to whom, how much later.

Nothing is ever sent for activities that came from Strava, for dormant accounts, or for athletes without a grant.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox import places
from sandbox.intervals.models import CalendarEntry, Grant, LogActivity, WellnessDay
from sandbox.intervals.state import IntervalsWorld

_FITNESS_AFTER_S = 2.0
_FITNESS_ROWS = 30  # mostly future
# What a webhook about a deleted activity still says: no type, no date, no name.
_DELETED_DEFAULTS: dict[str, Any] = {
    "commute": False, "race": False, "file_sport_index": 0, "icu_sweet_spot_min": 0, "icu_sweet_spot_max": 0,
    "has_weather": False, "has_segments": False, "icu_lap_count": 0,
}  # fmt: skip


def stamp(epoch_s: float) -> str:
    """`2026-08-23T07:13:17.277+00:00`."""
    return places.utc(epoch_s).isoformat(timespec="milliseconds")


def post(world: IntervalsWorld, event: dict[str, Any], after_s: float = 0.0) -> None:
    """Send one event to the application, alone or with others in one body."""
    with world.lock:
        world.held_back.append(event)
        if len(world.held_back) >= world.switches.together:
            events, world.held_back = world.held_back, []
            world.courier.send({"secret": world.application.secret, "events": events}, after_s=after_s)


def _send(world: IntervalsWorld, athlete_id: str, kind: str, scope: str, after_s: float = 0.0, **data: Any) -> None:
    """Send the event if the athlete's grant and account let it through."""
    grant = world.grant(athlete_id)
    if grant is None or not grant.allows(scope) or world.athlete(athlete_id).status != "ACTIVE":
        return
    timestamp = stamp(world.clock.now() + after_s)
    post(world, {"athlete_id": athlete_id, "type": kind, "timestamp": timestamp, **data}, after_s)


def as_sent(activity: LogActivity) -> dict[str, Any]:
    """An activity in a webhook: no nulls, no time zone, no intervals; of strength sessions no false values either."""
    bare = activity.fields.get("distance") is None
    return {
        name: value
        for name, value in activity.fields.items()
        if value is not None and name != "timezone" and not (bare and value is False)
    }


def activity_event(world: IntervalsWorld, activity: LogActivity, kind: str, after_s: float = 0.0) -> None:
    """Send ACTIVITY_UPLOADED, _UPDATED, _ANALYZED or _DELETED."""
    if activity.from_strava:
        return
    if kind == "ACTIVITY_DELETED":
        source = activity.fields.get("source")
        body = {"id": activity.id, "icu_athlete_id": activity.athlete_id, "source": source, **_DELETED_DEFAULTS}
    else:
        body = as_sent(activity)
        if kind == "ACTIVITY_UPLOADED" and activity.analyzed_at > world.clock.now():
            body.pop("analyzed", None)
    _send(world, activity.athlete_id, kind, "ACTIVITY:READ", after_s, activity=body)


def uploaded(world: IntervalsWorld, activity: LogActivity) -> None:
    """What a new recording sends: the upload, its analysis if that is late, then fitness and wellness."""
    activity_event(world, activity, "ACTIVITY_UPLOADED")
    if activity.analyzed_at > world.clock.now():
        activity_event(world, activity, "ACTIVITY_ANALYZED", activity.analyzed_at - world.clock.now())
    if activity.from_strava:
        return
    fitness(world, activity.athlete_id)
    today = places.utc(world.clock.now()).date().isoformat()
    day = world.wellness.get(f"{activity.athlete_id} {today}")
    wellness(world, day or WellnessDay(athlete_id=activity.athlete_id, day=today, fields={"steps": 4012}))


def fitness(world: IntervalsWorld, athlete_id: str) -> None:
    """FITNESS_UPDATED: today's row and the future, computed as if nothing were done any more."""
    first = places.utc(world.clock.now()).date()
    rows = []
    for number in range(_FITNESS_ROWS):
        day, left = (first + timedelta(days=number)).isoformat(), 0.97**number
        rows.append({"id": day, "ctl": round(39.5 * left, 2), "atl": round(41.3 * left**4, 2), "rampRate": -0.4,
                     "ctlLoad": 0.0, "atlLoad": 0.0, "sportInfo": [], "updated": stamp(world.clock.now())})  # fmt: skip
    _send(world, athlete_id, "FITNESS_UPDATED", "WELLNESS:READ", _FITNESS_AFTER_S, records=rows)


def wellness(world: IntervalsWorld, day: WellnessDay, times: int = 1) -> None:
    """WELLNESS_UPDATED, so many times."""
    for number in range(times):
        updated = stamp(world.clock.now() + number / 1000)
        record = {"id": day.day, **day.fields, "updated": updated, "tempWeight": False, "tempRestingHR": False}
        after_s = _FITNESS_AFTER_S + number / 1000
        _send(world, day.athlete_id, "WELLNESS_UPDATED", "WELLNESS:READ", after_s, records=[record])


def calendar(
    world: IntervalsWorld,
    athlete_id: str,
    *changed: CalendarEntry,
    deleted: list[int] | None = None,
    after_s: float = 0.0,
) -> None:
    """CALENDAR_UPDATED with the changed entries."""
    events = [entry.fields | {"id": entry.id} for entry in changed]
    data = {"events": events, "deleted_events": deleted or []}
    _send(world, athlete_id, "CALENDAR_UPDATED", "CALENDAR:READ", after_s, **data)


def scope_changed(world: IntervalsWorld, grant: Grant) -> None:
    """APP_SCOPE_CHANGED with the whole new string; empty and deauthorised when the grant has ended."""
    scope = ",".join(grant.scopes) if grant.live else ""
    post(
        world,
        {
            "athlete_id": grant.athlete_id, "type": "APP_SCOPE_CHANGED", "timestamp": stamp(world.clock.now()),
            "client_id": world.config.intervals_client_id, "client_name": "Adductor Coach", "scope": scope,
            "deauthorized": not grant.live,
        },
    )  # fmt: skip


def send_test(world: IntervalsWorld) -> None:
    """TEST, whose athlete is the application's owner."""
    post(world, {"athlete_id": "i900000", "type": "TEST", "timestamp": stamp(world.clock.now())})
