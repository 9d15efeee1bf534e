"""The routes of Strava's API v3 that the application calls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from sandbox import activities, errors, events
from sandbox.calls import endpoint, parameters, require_scope, world
from sandbox.models import Activity, Connection
from sandbox.representation import detailed_activity, summary_activity
from sandbox.sports import ACTIVITY_TYPES, SPORT_TYPES

blueprint = Blueprint("api", __name__, url_prefix="/api/v3")

# Strava, "Pagination".
PER_PAGE, PER_PAGE_MAX = 30, 200


def _number(name: str, default: int | None, low: int = 0, high: int = 2**53) -> int | None:
    text = parameters().get(name)
    if text in (None, ""):
        return default
    try:
        number = int(str(text))
    except ValueError:
        raise errors.bad_request("Activity", name) from None
    if not low <= number <= high:
        raise errors.bad_request("Activity", name)
    return number


@blueprint.get("/athlete/activities")
@endpoint("activities.list", bearer=True)
def list_activities(connection: Connection) -> Any:
    require_scope(connection, "activity:read", "activity:read_all", permission="activity:read_permission")
    here = world()
    before, after = _number("before", None), _number("after", None)
    page = _number("page", 1, low=1) or 1
    per_page = _number("per_page", PER_PAGE, low=1, high=PER_PAGE_MAX) or PER_PAGE
    if after is not None and after > here.clock.now():
        raise errors.bad_request("Activity", "after")
    runner = here.runner(connection.runner_id)
    found = [
        activity
        for activity in here.activities_of(connection.runner_id)
        if events.may_see(connection, only_me=activity.only_me)
        and (before is None or activity.start < before)
        and (after is None or activity.start > after)
    ]
    return [summary_activity(activity, runner) for activity in found[(page - 1) * per_page : page * per_page]]


def _own(connection: Connection, activity_id: int) -> Activity:
    """The activity if this connection may know that it exists; Strava's 404 otherwise."""
    activity = world().activities.get(activity_id)
    if (
        activity is None
        or activity.deleted
        or activity.runner_id != connection.runner_id
        or not events.may_see(connection, only_me=activity.only_me)
    ):
        raise errors.not_found("Activity")
    return activity


def _detail(activity: Activity) -> dict[str, Any]:
    here = world()
    return detailed_activity(activity, here.runner(activity.runner_id), here.switches.private_note)


@blueprint.get("/activities/<int:activity_id>")
@endpoint("activities.get", bearer=True)
def get_activity(connection: Connection, activity_id: int) -> Any:
    require_scope(connection, "activity:read", "activity:read_all", permission="activity:read_permission")
    here = world()
    with here.lock:
        activity = _own(connection, activity_id)
        read, now = activity.reads, here.clock.now()
        if read < max(activity.not_found_reads, activity.late_reads):
            activity.reads += 1
            here.save(activity)
        if read < activity.not_found_reads or now < activity.not_found_until:
            raise errors.not_found("Activity")
        body = _detail(activity)
        if read < activity.late_reads or now < activity.late_until:
            for field in activity.late_fields:
                body.pop(field, None)
        return body


def _updates(given: Any) -> dict[str, Any]:
    """The fields that an application may set; all others are ignored silently, as Strava does."""
    switches = world().switches
    fields: dict[str, Any] = {}
    if given.get("name") not in (None, ""):
        fields["name"] = _text(given["name"])
    if "description" in given:
        fields["description"] = activities.as_strava_keeps_it(_text(given["description"]), switches.text)
    if "private_note" in given and switches.private_note.served and switches.private_note.taken:
        fields["private_note"] = activities.as_strava_keeps_it(_text(given["private_note"]), switches.text)
    for name, allowed in (("type", ACTIVITY_TYPES), ("sport_type", SPORT_TYPES)):
        if name in given:
            if given[name] not in allowed:
                raise errors.bad_request("Activity", name)
            fields["sport_type"] = given[name]
    return fields


def _text(value: Any) -> str:
    return "" if value is None else str(value)


@blueprint.put("/activities/<int:activity_id>")
@endpoint("activities.update", bearer=True)
def update_activity(connection: Connection, activity_id: int) -> Any:
    require_scope(connection, "activity:write", permission="activity:write_permission")
    here = world()
    with here.lock:
        activity = _own(connection, activity_id)
        given = parameters()
        sent = {name: _text(given[name]) for name in ("description", "private_note") if name in given}
        activities.edit(here, activity, _updates(given), f"app {here.config.client_id}", sent=sent)
        return _detail(activity)
