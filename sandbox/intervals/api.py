"""The routes of intervals.icu's API v1 that the application calls."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, request
from pydantic import ValidationError

from sandbox import places
from sandbox.intervals import activities, calendar, errors, hooks
from sandbox.intervals.activities import ActivityInput
from sandbox.intervals.calls import Caller, call, json_body, world
from sandbox.intervals.models import CalendarEntry, LogActivity
from sandbox.intervals.names import WELLNESS_NULLS

blueprint = Blueprint("intervals_api", __name__, url_prefix="/intervals/api/v1")

_DAYS_OF_CALENDAR = 6


def _today(caller: Caller) -> date:
    here = world()
    return places.local(here.clock.now(), here.person(caller.athlete).timezone).date()


def _day(name: str, default: date | None) -> date:
    """A local date or date and time from the query. Raises 400 for none, 500 with Java text for an odd one."""
    text = request.args.get(name)
    if text is None:
        if default is None:
            raise errors.spring(400, "Bad Request", request.path, hooks.stamp(world().clock.now()))
        return default
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise errors.no_date_time(text, 500) from None


def _fields() -> list[str] | None:
    wanted = [name for text in request.args.getlist("fields") for name in text.split(",") if name]
    return wanted or None


@blueprint.get("/athlete/<athlete_id>")
@call("athlete.get")
def athlete(caller: Caller) -> Any:
    here = world()
    if caller.grant is not None and not caller.grant.allows("SETTINGS:READ"):
        raise errors.access_denied()
    person = here.person(caller.athlete)
    return {
        "id": caller.athlete.id, "name": f"{person.firstname} {person.lastname}", "firstname": person.firstname,
        "lastname": person.lastname, "city": person.city or None, "country": person.country or None, "sex": person.sex,
        "timezone": person.timezone if here.switches.serves_timezone else None, "locale": "en",
        "measurement_preference": person.measurement_preference, "status": caller.athlete.status,
        "icu_resting_hr": 50, "plan": "FREE", "sportSettings": [],
    }  # fmt: skip


# -- activities -------------------------------------------------------------------------------------


@blueprint.get("/athlete/<athlete_id>/activities")
@call("activities.list", "ACTIVITY:READ")
def list_activities(caller: Caller) -> Any:
    here = world()
    oldest, newest = _day("oldest", None), _day("newest", _today(caller) + timedelta(days=1))
    limit = request.args.get("limit", "1000000")
    if not limit.isdecimal():
        raise errors.own(500, f'java.lang.NumberFormatException: For input string: "{limit}"')
    found = [
        activity
        for activity in here.things(LogActivity, caller.athlete.id)
        if oldest.isoformat() <= str(activity.fields["start_date_local"])[:10] <= newest.isoformat()
    ]
    return [activities.as_served(here, activity, _fields()) for activity in reversed(found)][: int(limit)]


def _activity(caller: Caller, activity_id: str) -> LogActivity:
    found = world().activities.get(activity_id)
    if found is None or found.deleted or found.athlete_id != caller.athlete.id:
        raise errors.own(404, "Activity not found")
    return found


@blueprint.get("/activity/<activity_id>")
@call("activities.get", "ACTIVITY:READ")
def get_activity(caller: Caller, activity_id: str) -> Any:
    return activities.as_served(world(), _activity(caller, activity_id), _fields())


@blueprint.put("/activity/<activity_id>")
@call("activities.update", "ACTIVITY:WRITE")
def update_activity(caller: Caller, activity_id: str) -> Any:
    here = world()
    try:
        given = ActivityInput.model_validate(json_body()).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise errors.json_parse_error(str(error.errors()[0]["msg"])) from None
    with here.lock:
        activity = _activity(caller, activity_id)
        if activity.from_strava:
            raise errors.own(422, "Cannot update Strava activities via the API")
        activities.edit(here, activity, given, caller.author)
        return activities.as_served(here, activity)


# -- calendar ---------------------------------------------------------------------------------------


def _entry(caller: Caller, event_id: str) -> CalendarEntry:
    if not event_id.isdecimal():
        raise errors.own(422, f'java.lang.NumberFormatException: For input string: "{event_id}"')
    found = world().entries.get(int(event_id))
    if found is None or found.deleted or found.athlete_id != caller.athlete.id:
        raise errors.own(404, "Event not found")
    return found


@blueprint.get("/athlete/<athlete_id>/events")
@call("events.list", "CALENDAR:READ")
def list_events(caller: Caller) -> Any:
    oldest = _day("oldest", _today(caller))
    newest = _day("newest", oldest + timedelta(days=_DAYS_OF_CALENDAR))
    wanted = [name for text in request.args.getlist("category") for name in text.split(",") if name]
    found = calendar.between(world(), caller.athlete.id, oldest, newest)
    return [calendar.as_served(entry) for entry in found if not wanted or entry.fields["category"] in wanted]


@blueprint.post("/athlete/<athlete_id>/events/bulk")
@call("events.bulk", "CALENDAR:WRITE")
def bulk_events(caller: Caller) -> Any:
    """All or none. Errors of validation come as an array."""
    here, rows = world(), json_body()
    if not isinstance(rows, list):
        raise errors.json_parse_error("Cannot deserialize value of type `java.util.ArrayList`")
    try:
        checked = [calendar.checked(row) for row in rows]
    except errors.IntervalsError as error:
        raise errors.IntervalsError(error.status, [error.body] if error.status == 422 else error.body) from None
    upserts = request.args.get("upsert") == "true"
    store = calendar.upsert if upserts else calendar.make
    with here.lock:
        made = [store(here, caller.athlete.id, fields, caller.author, caller.client_id) for fields in checked]
    return [calendar.as_served(entry) for entry in made]


@blueprint.put("/athlete/<athlete_id>/events/<event_id>")
@call("events.update", "CALENDAR:WRITE")
def update_event(caller: Caller, event_id: str) -> Any:
    here, raw = world(), json_body()
    with here.lock:
        entry = _entry(caller, event_id)
        calendar.change(here, entry, calendar.checked(raw, entry.fields), caller.author)
        return calendar.as_served(entry)


@blueprint.delete("/athlete/<athlete_id>/events/<event_id>")
@call("events.delete", "CALENDAR:WRITE")
def delete_event(caller: Caller, event_id: str) -> Any:
    here = world()
    with here.lock:
        calendar.delete(here, _entry(caller, event_id), caller.author)
    return {}


# -- wellness ---------------------------------------------------------------------------------------


def _served_day(caller: Caller, day: str) -> dict[str, Any]:
    found = world().wellness.get(f"{caller.athlete.id} {day}")
    return WELLNESS_NULLS | (found.fields if found else {}) | {"id": day}


@blueprint.get("/athlete/<athlete_id>/wellness")
@call("wellness.list", "WELLNESS:READ")
def list_wellness(caller: Caller) -> Any:
    here, today, wanted = world(), _today(caller), _fields()
    oldest, newest = _day("oldest", today), _day("newest", today)
    days = sorted(
        day.day
        for day in here.wellness.values()
        if day.athlete_id == caller.athlete.id and oldest.isoformat() <= day.day <= newest.isoformat()
    )
    rows = [_served_day(caller, day) for day in days]
    if wanted is None:
        return rows
    return [{name: row[name] for name in ("id", *wanted) if row.get(name) is not None} for row in rows]
