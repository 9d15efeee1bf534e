"""Runners, their connection, their activities."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox import activities, connections, events, places
from sandbox.activities import Changes, Recording, ZoneName
from sandbox.admin.common import blueprint, body, problem, query
from sandbox.calls import world
from sandbox.connections import SCOPES
from sandbox.models import Activity, Runner


class NewRunner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    firstname: str = Field("Robin", min_length=1, max_length=60)
    lastname: str = Field("Runner", max_length=60)
    city: str = ""
    country: str = ""
    sex: str | None = Field(None, pattern="^[FM]$")
    timezone: ZoneName = "UTC"
    measurement_preference: str = Field("meters", pattern="^(feet|meters)$")


def make_runner(asked: NewRunner) -> Runner:
    here = world()
    runner = Runner(id=here.next_id("runner"), created_at=here.clock.now(), **asked.model_dump())
    here.save(runner)
    return runner


def _runner_json(runner: Runner) -> dict[str, Any]:
    connection = world().connection(runner.id)
    return runner.model_dump() | {
        "connected": connection is not None,
        "scopes": connection.scopes if connection else [],
    }


@blueprint.get("/runners")
def runners() -> Any:
    return [_runner_json(runner) for runner in world().runners.values()]


@blueprint.post("/runners")
def new_runner() -> Any:
    return _runner_json(make_runner(body(NewRunner))), 201


@blueprint.get("/runners/<int:runner_id>")
def runner(runner_id: int) -> Any:
    return _runner_json(world().runner(runner_id))


class _Connect(BaseModel):
    model_config = ConfigDict(extra="forbid")
    scopes: list[str] = ["read", "activity:read_all", "activity:write"]
    runner: NewRunner | None = None

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: list[str]) -> list[str]:
        if unknown := set(scopes) - set(SCOPES):
            raise ValueError(f"{', '.join(sorted(unknown))} is none of {', '.join(SCOPES)}")
        return scopes


def _connect(runner_id: int, scopes: list[str]) -> dict[str, Any]:
    here = world()
    connection = connections.connect(here, here.runner(runner_id).id, scopes)
    token = connection.access_tokens[-1]
    return {
        "runner_id": runner_id,
        "scopes": connection.scopes,
        "access_token": token.token,
        "refresh_token": connection.refresh_token,
        "expires_at": int(token.expires_at),
    }


@blueprint.post("/runners/<int:runner_id>/connect")
def connect_runner(runner_id: int) -> Any:
    return _connect(runner_id, body(_Connect).scopes)


@blueprint.post("/connected-athletes")
def connected_athlete() -> Any:
    """Create a runner and connect it without a browser. The athlete cap does not apply."""
    asked = body(_Connect)
    made = make_runner(asked.runner or NewRunner())
    return _connect(made.id, asked.scopes) | {"runner": _runner_json(made)}, 201


@blueprint.post("/runners/<int:runner_id>/disconnect")
def disconnect_runner(runner_id: int) -> Any:
    here = world()
    here.runner(runner_id)
    return {"disconnected": connections.disconnect(here, runner_id)}


@blueprint.post("/runners/<int:runner_id>/expire-tokens")
def expire_tokens(runner_id: int) -> Any:
    here = world()
    here.runner(runner_id)
    connections.expire_access_tokens(here, runner_id)
    return {"expired": True}


def truth(activity: Activity) -> dict[str, Any]:
    """All fields of an activity, of any visibility, with its history."""
    here = world()
    return activity.model_dump() | {
        "start_utc": places.iso_z(places.utc(activity.start)),
        "edits": [edit.model_dump() for edit in here.edits.get(activity.id, [])],
    }


@blueprint.get("/runners/<int:runner_id>/activities")
def activities_of(runner_id: int) -> Any:
    here = world()
    with here.lock:
        return [truth(activity) for activity in here.activities_of(here.runner(runner_id).id)]


@blueprint.post("/runners/<int:runner_id>/activities")
def record(runner_id: int) -> Any:
    here = world()
    return truth(activities.record(here, here.runner(runner_id), body(Recording))), 201


class _Many(BaseModel):
    model_config = ConfigDict(extra="forbid")
    activities: list[Recording] = Field(max_length=20_000)


@blueprint.post("/runners/<int:runner_id>/activities/many")
def record_many(runner_id: int) -> Any:
    here, asked = world(), body(_Many)
    owner = here.runner(runner_id)
    with here.lock, here.journal.together():
        made = [activities.record(here, owner, recording).id for recording in asked.activities]
    return {"ids": made}, 201


@blueprint.get("/activities")
def all_activities() -> Any:
    """A page of the activities of all runners, deleted ones too, by id; it begins after the id `after`."""
    here = world()
    after, limit = query("after", int, 0), query("limit", int, 200)
    with here.lock:
        ids = sorted(number for number in here.activities if number > after)[: max(limit, 0)]
        return [truth(here.activities[number]) for number in ids]


@blueprint.get("/activities/<int:activity_id>")
def activity(activity_id: int) -> Any:
    here = world()
    with here.lock:
        return truth(here.activity(activity_id))


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid")
    author: str = activities.THE_RUNNER
    changes: Changes
    # Compare-and-set: the edit is saved only while these texts are unchanged.
    if_unchanged: dict[Literal["description", "private_note"], str | None] | None = None


@blueprint.post("/activities/<int:activity_id>/edit")
def edit(activity_id: int) -> Any:
    here, asked = world(), body(_Edit)
    with here.lock:
        found = here.activity(activity_id)
        for name, text in (asked.if_unchanged or {}).items():
            if getattr(found, name) != text:
                return problem(409, f"{name}: it has changed meanwhile; read it again")
        activities.edit(here, found, asked.changes.as_fields(), asked.author)
        return truth(found)


@blueprint.post("/activities/<int:activity_id>/<any(private, public):how>")
def show_or_hide(activity_id: int, how: str) -> Any:
    here = world()
    with here.lock:
        found = here.activity(activity_id)
        visibility = "only_me" if how == "private" else "everyone"
        activities.edit(here, found, {"visibility": visibility}, activities.THE_RUNNER)
        return truth(found)


@blueprint.delete("/activities/<int:activity_id>")
def delete(activity_id: int) -> Any:
    here = world()
    found = here.activity(activity_id)
    activities.delete(here, found)
    return truth(found)


@blueprint.post("/activities/<int:activity_id>/<any(restore, announce):how>")
def create_again(activity_id: int, how: str) -> Any:
    """Undo a deletion, or send the create event once more: a late or duplicate one."""
    here = world()
    with here.lock:
        found = here.activity(activity_id)
        if how == "restore":
            activities.restore(here, found)
        else:
            events.created(here, found)
        return truth(found)
