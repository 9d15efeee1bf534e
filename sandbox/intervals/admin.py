"""The admin API of the made-up intervals.icu, under `/intervals/admin`; README.md lists the routes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from flask import Blueprint, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.activities import problems_of
from sandbox.admin import shared
from sandbox.admin.common import RefusedError, body, guard, json_object, problem, query
from sandbox.admin.people import NewRunner, make_runner
from sandbox.base import UnknownError
from sandbox.faults import BaseFault
from sandbox.intervals import activities, calendar, hooks, oauth
from sandbox.intervals.activities import Recording
from sandbox.intervals.calls import world
from sandbox.intervals.errors import IntervalsError
from sandbox.intervals.models import (
    SCOPES,
    THE_ATHLETE,
    Application,
    Athlete,
    CalendarEntry,
    LogActivity,
    Status,
    Thing,
    WellnessDay,
)
from sandbox.intervals.state import IntervalsWorld, same_athlete
from sandbox.models import Delivery

blueprint = Blueprint("intervals_admin", __name__, url_prefix="/intervals/admin")
guard(blueprint)
blueprint.register_error_handler(IntervalsError, lambda error: problem(400, str(error)))

OURS = ["ACTIVITY:WRITE", "CALENDAR:WRITE", "WELLNESS:READ"]


class IntervalsFault(BaseFault):
    """A fault of intervals.icu. `edit`: fields that the athlete sets right after the application's read."""

    edited_after: ClassVar[tuple[str, ...]] = ("activities.get", "events.list")
    endpoint: Literal[
        "*", "oauth.token", "oauth.disconnect", "athlete.get", "activities.list", "activities.get",
        "activities.update", "events.list", "events.bulk",
        "events.update", "events.delete", "wellness.list",
    ]  # fmt: skip
    edit: dict[str, Any] | None = None


def limits() -> dict[str, Any]:
    here = world()
    now = here.clock.now()
    used = {name: [window.usage(now) for window in windows] for name, windows in here.windows.items()}
    return {
        "app": here.switches.app_limits,
        "key": here.switches.key_limits,
        "used": used,
        "over_limit": here.over_limit,
    }


def own_entries(here: IntervalsWorld, athlete_id: str) -> list[CalendarEntry]:
    """The entries that were made through the API."""
    return [entry for entry in here.things(CalendarEntry, athlete_id) if entry.history[0].author != THE_ATHLETE]


def _written(here: IntervalsWorld) -> bool:
    """`athlete_id`: that many (`count`) entries by an application stand; `activity_id`: one wrote into the activity."""
    activity = here.activities.get(request.args.get("activity_id", ""))
    if activity is not None:
        return any(change.author != THE_ATHLETE for change in activity.history)
    athlete = here.athlete(request.args.get("athlete_id", ""))
    wanted: int = query("count", int, 1)
    return len(own_entries(here, athlete.id)) >= wanted


def _id_of(activity: Any) -> Any:
    return activity.get("id") if isinstance(activity, dict) else None


def _about(delivery: Delivery, object_id: int | str) -> bool:
    """Whether an event of the delivery concerns that activity or athlete."""
    events = delivery.event.get("events")
    return isinstance(events, list) and any(
        isinstance(event, dict)
        and (
            _id_of(event.get("activity")) == str(object_id)
            or same_athlete(str(event.get("athlete_id")), str(object_id))
        )
        for event in events
    )


# -- state ------------------------------------------------------------------------------------------


def _state() -> dict[str, Any]:
    here = world()
    with here.lock:
        return {
            "application": _application(here),
            "athletes": len(here.athletes),
            "activities": sum(not activity.deleted for activity in here.activities.values()),
            "entries": sum(not entry.deleted for entry in here.entries.values()),
        }


shared.register(
    blueprint, world, fault=IntervalsFault, limits=limits, state=_state, written=_written, about=_about,
)  # fmt: skip


def _application(here: IntervalsWorld) -> dict[str, Any]:
    return {"client_id": here.config.intervals_client_id, **here.application.model_dump()}


@blueprint.get("/application")
def application() -> Any:
    return _application(world())


@blueprint.post("/application")
def set_application() -> Any:
    """The webhook's URL, the secret (a new one is a rotation), the optional Authorization header."""
    here = world()
    try:
        here.save(Application.model_validate(here.application.model_dump() | json_object()))
    except ValidationError as error:
        raise RefusedError(*problems_of(error)) from None
    return _application(here)


@blueprint.post("/application/test")
def send_test() -> Any:
    """The TEST event; its athlete is the application's owner."""
    hooks.send_test(world())
    return {"sent": world().callback_url is not None}


# -- athletes ---------------------------------------------------------------------------------------


def _athlete_json(athlete: Athlete) -> dict[str, Any]:
    here = world()
    grant = here.grant(athlete.id)
    return athlete.model_dump() | {
        "runner": here.person(athlete).model_dump(),
        "connected": grant is not None,
        "scopes": grant.scopes if grant else [],
        "access_token": grant.tokens[-1] if grant else None,
    }


class _Asked(BaseModel):
    """What the calls about athletes take; each uses some of it."""

    model_config = ConfigDict(extra="forbid")
    id: str | None = Field(None, pattern=r"^i?\d{1,12}$")
    runner_id: int | None = Field(None, description="a person who is at Strava already")
    runner: NewRunner = Field(default_factory=NewRunner)
    scopes: list[Literal[SCOPES]] = Field(default_factory=lambda: list(OURS))  # type: ignore[valid-type]
    silent: bool = False
    status: Status | None = None
    api_key: str | None = Field(None, min_length=1)


def _make_athlete(asked: _Asked) -> Athlete:
    here = world()
    if asked.id is not None and any(same_athlete(asked.id, known) for known in here.athletes):
        raise RefusedError(f"id: there is an athlete {asked.id} already")
    person = here.people.runner(asked.runner_id) if asked.runner_id else make_runner(asked.runner)
    return here.of_runner.get(person.id) or here.open_account(person.id, asked.id)


@blueprint.post("/athletes")
def new_athlete() -> Any:
    return _athlete_json(_make_athlete(body(_Asked))), 201


@blueprint.post("/connected-athletes")
def connected_athlete() -> Any:
    """An athlete with a grant, without a browser."""
    asked = body(_Asked)
    athlete = _make_athlete(asked)
    oauth.connect(world(), athlete.id, asked.scopes)
    return _athlete_json(athlete), 201


@blueprint.get("/athletes/<athlete_id>")
def athlete(athlete_id: str) -> Any:
    return _athlete_json(world().athlete(athlete_id))


@blueprint.post("/athletes/<athlete_id>")
def change_athlete(athlete_id: str) -> Any:
    """The account becomes dormant or active; the key is replaced."""
    asked = body(_Asked).model_dump(include={"status", "api_key"}, exclude_none=True)
    world().save(world().athlete(athlete_id).model_copy(update=asked))
    return athlete(athlete_id)


@blueprint.post("/athletes/<athlete_id>/<any(connect, scopes):what>")
def grant(athlete_id: str, what: str) -> Any:
    """A new consent without a browser, or other scopes; an empty list of scopes disconnects."""
    here, asked = world(), body(_Asked)
    known = here.athlete(athlete_id).id
    if what == "connect":
        oauth.connect(here, known, asked.scopes)
    else:
        oauth.change_scopes(here, known, asked.scopes, announce=not asked.silent)
    return athlete(athlete_id)


# -- activities and calendar ------------------------------------------------------------------------


@blueprint.get("/athletes/<athlete_id>/activities")
def activities_of(athlete_id: str) -> Any:
    here = world()
    found = here.things(LogActivity, here.athlete(athlete_id).id)
    return [activity.model_dump() for activity in reversed(found)]


@blueprint.post("/athletes/<athlete_id>/activities")
def record(athlete_id: str) -> Any:
    here = world()
    return activities.record(here, here.athlete(athlete_id), body(Recording)).model_dump(), 201


@blueprint.get("/athletes/<athlete_id>/events")
def entries_of(athlete_id: str) -> Any:
    here = world()
    return [entry.model_dump() for entry in here.things(CalendarEntry, here.athlete(athlete_id).id)]


@blueprint.post("/athletes/<athlete_id>/events")
def make_entry(athlete_id: str) -> Any:
    """The athlete plans something. The fields of the API."""
    here = world()
    fields = calendar.checked(json_object())
    return calendar.make(here, here.athlete(athlete_id).id, fields).model_dump(), 201


def _thing(kind: str, thing_id: str) -> Thing:
    here = world()
    found: Thing | None = None
    if kind == "activities":
        found = here.activities.get(thing_id)
    elif kind == "entries" and thing_id.isdecimal():
        found = here.entries.get(int(thing_id))
    if found is None:
        raise UnknownError(f"there is no {thing_id} among the {kind}")
    return found


@blueprint.get("/<any(activities, entries):kind>/<thing_id>")
def truth(kind: str, thing_id: str) -> Any:
    """All fields and the history, of a deleted one too."""
    return _thing(kind, thing_id).model_dump()


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid")
    author: str = THE_ATHLETE
    changes: dict[str, Any]


@blueprint.post("/<any(activities, entries):kind>/<thing_id>/edit")
def edit(kind: str, thing_id: str) -> Any:
    here, asked, found = world(), body(_Edit), _thing(kind, thing_id)
    if isinstance(found, CalendarEntry):
        calendar.change(here, found, calendar.checked(asked.changes, found.fields), asked.author)
    elif isinstance(found, LogActivity):
        activities.edit(here, found, asked.changes, asked.author)
    return found.model_dump()


@blueprint.delete("/<any(activities, entries):kind>/<thing_id>")
def delete(kind: str, thing_id: str) -> Any:
    found = _thing(kind, thing_id)
    if isinstance(found, CalendarEntry):
        calendar.delete(world(), found)
    elif isinstance(found, LogActivity):
        activities.delete(world(), found)
    return found.model_dump()


@blueprint.post("/<any(activities, entries):kind>/<thing_id>/announce")
def announce(kind: str, thing_id: str) -> Any:
    """The event once more: ACTIVITY_UPLOADED, or CALENDAR_UPDATED with an entry that may be deleted."""
    here, found = world(), _thing(kind, thing_id)
    if isinstance(found, CalendarEntry):
        hooks.calendar(here, found.athlete_id, found)
    elif isinstance(found, LogActivity):
        hooks.activity_event(here, found, request.args.get("type", "ACTIVITY_UPLOADED"))
    return found.model_dump()


# -- wellness ---------------------------------------------------------------------------------------


class _Wellness(BaseModel):
    model_config = ConfigDict(extra="forbid")
    day: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    fields: dict[str, Any] = Field(default_factory=dict)
    times: int = Field(1, ge=0, le=10_000, description="how many events")


def log_wellness(
    here: IntervalsWorld, athlete: Athlete, day: str, fields: dict[str, Any], times: int = 1
) -> WellnessDay:
    """Set fields of a day (None removes one) and send WELLNESS_UPDATED."""
    with here.lock:
        old = here.wellness.get(f"{athlete.id} {day}")
        merged_fields = (old.fields if old else {}) | fields
        kept = {name: value for name, value in merged_fields.items() if value is not None}
        made = WellnessDay(athlete_id=athlete.id, day=day, fields=kept)
        here.save(made)
        hooks.wellness(here, made, times)
        return made


@blueprint.post("/athletes/<athlete_id>/wellness")
def wellness(athlete_id: str) -> Any:
    here, asked = world(), body(_Wellness)
    made = log_wellness(here, here.athlete(athlete_id), asked.day, asked.fields, asked.times)
    return made.model_dump(), 201
