"""The admin API: JSON for tests and demos, from this machine only. README.md lists the routes."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sandbox import activities, connections, events, places
from sandbox.activities import Changes, Recording, ZoneName, problems_of
from sandbox.calls import world
from sandbox.clock import ClockError
from sandbox.connections import SCOPES
from sandbox.faults import FaultSpec
from sandbox.models import TIERS, Activity, Delivery, Runner, Switches, Tier
from sandbox.state import UnknownError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

B = TypeVar("B", bound=BaseModel)
_WAIT_MAX_S = 300.0


class RefusedError(ValueError):
    """The request makes no sense; each line of `problems` says what and where."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@blueprint.before_request
def _only_from_here() -> Response | None:
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - "unknown", not a bind
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        return _problem(403, "the admin API answers only to this machine (loopback)")
    return None


def _problem(status: int, *problems: str) -> Response:
    answer = jsonify({"problems": list(problems)})
    answer.status_code = status
    return answer


@blueprint.errorhandler(RefusedError)
def _refused(error: RefusedError) -> Response:
    return _problem(400, *error.problems)


@blueprint.errorhandler(UnknownError)
def _unknown(error: UnknownError) -> Response:
    return _problem(404, str(error))


def _body(model: type[B]) -> B:
    """The JSON body as that model; an empty body counts as `{}`."""
    raw: Any = {}
    if request.get_data(cache=True):
        raw = request.get_json(silent=True, force=True)
        if not isinstance(raw, dict):
            raise RefusedError("the body has to be a JSON object")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise RefusedError(*problems_of(error)) from None


def _query(name: str, convert: Callable[[str], Any], default: Any = None) -> Any:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return convert(text)
    except ValueError:
        raise RefusedError(f"{name}: {text!r} is no {convert.__name__}") from None


# -- state, reset, switches, clock ----------------------------------------------------------------------


def _clock() -> dict[str, Any]:
    clock = world().clock
    return {"now": clock.now(), "utc": clock.datetime().isoformat(), "speed": clock.speed}


def _limits() -> dict[str, Any]:
    here = world()
    with here.lock:
        tier, now = here.switches.tier, here.clock.now()
        return {
            "tier": tier.name,
            "overall": {"limit": tier.overall, "used": here.limits.usage("overall", now)},
            "read": {"limit": tier.read, "used": here.limits.usage("read", now)},
            "over_limit": here.limits.over_limit,
            "peak": here.limits.peak,
        }


def _call_counts() -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (name, status), count in sorted(world().call_counts.items(), key=str):
        counts.setdefault(name, {})["dropped" if status is None else str(status)] = count
    return counts


def _delivery_counts() -> dict[str, int]:
    counts = dict.fromkeys(("waiting", "delivered", "failed", "dropped"), 0)
    for delivery in world().deliveries.values():
        counts[delivery.state] += 1
    return counts


@blueprint.get("/state")
def state() -> Any:
    here = world()
    with here.lock:
        return {
            "clock": _clock(),
            "application": {
                "client_id": here.config.client_id,
                "status": here.switches.application,
                "connected_athletes": here.connected_count(),
            },
            "subscription": here.subscription.model_dump() if here.subscription else None,
            "runners": len(here.runners),
            "activities": sum(not a.deleted for a in here.activities.values()),
            "limits": _limits(),
            "calls": _call_counts(),
            "deliveries": _delivery_counts(),
            "faults": [fault.model_dump() for fault in here.faults.all()],
        }


class _Reset(BaseModel):
    model_config = ConfigDict(extra="forbid")
    what: str = Field("everything", pattern="^(everything|faults|switches|calls|deliveries)$")


@blueprint.post("/reset")
def reset() -> Any:
    here, asked = world(), _body(_Reset)
    with here.lock:
        match asked.what:
            case "everything":
                here.reset()
            case "faults":
                here.faults.clear()
            case "switches":
                here.save(Switches())
            case "calls":
                here.forget_calls()
            case "deliveries":
                here.forget_deliveries()
    here.courier.look()
    return state()


@blueprint.get("/switches")
def switches() -> Any:
    return world().switches.model_dump()


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`new` over `old`, key by key all the way down."""
    result = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def change_switches(changes: dict[str, Any]) -> Switches:
    """Raises `RefusedError` for a switch that does not exist or a value that it can't have."""
    here = world()
    with here.lock:
        try:
            changed = Switches.model_validate(merged(here.switches.model_dump(), changes))
        except ValidationError as error:
            raise RefusedError(*problems_of(error)) from None
        here.save(changed)
        asked_seed = changes.get("delivery", {}).get("seed")
        if asked_seed is not None:
            here.courier.seed(asked_seed)
    here.courier.look()
    return changed


@blueprint.post("/switches")
def set_switches() -> Any:
    raw = request.get_json(silent=True, force=True)
    if not isinstance(raw, dict):
        raise RefusedError("the body has to be a JSON object with the switches to change")
    return change_switches(raw).model_dump()


@blueprint.post("/tier")
def set_tier() -> Any:
    raw = request.get_json(silent=True, force=True)
    if not isinstance(raw, dict):
        raise RefusedError('the body has to be {"tier": "1" | "10" | "unlimited"} or a tier of your own')
    if set(raw) == {"tier"}:
        name = str(raw["tier"])
        if name not in TIERS:
            raise RefusedError(f"tier: {name!r} is none of {', '.join(TIERS)}")
        tier = TIERS[name]
    else:
        try:
            tier = Tier.model_validate({"name": "custom"} | raw)
        except ValidationError as error:
            raise RefusedError(*problems_of(error)) from None
    change_switches({"tier": tier.model_dump()})
    return _limits()


class _SetClock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    now: AwareDatetime | float | None = None
    advance_s: float = 0.0
    speed: float | None = Field(None, gt=0, le=1_000_000)


@blueprint.get("/clock")
def clock() -> Any:
    return _clock()


@blueprint.post("/clock")
def set_clock() -> Any:
    asked = _body(_SetClock)
    now = asked.now if isinstance(asked.now, float) or asked.now is None else asked.now.timestamp()
    try:
        world().clock.set(now=now, advance_s=asked.advance_s, speed=asked.speed)
    except ClockError as error:
        raise RefusedError(str(error)) from None
    return _clock()


# -- runners and connections ----------------------------------------------------------------------------


class NewRunner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    firstname: str = Field("Robin", min_length=1, max_length=60)
    lastname: str = Field("Runner", max_length=60)
    city: str = ""
    country: str = ""
    sex: str | None = Field(None, pattern="^[FM]$")
    timezone: ZoneName = "UTC"
    latitude: float = Field(0.0, ge=-90, le=90)
    longitude: float = Field(0.0, ge=-180, le=180)
    measurement_preference: str = Field("meters", pattern="^(feet|meters)$")
    weight_kg: float | None = Field(None, gt=20, lt=300)


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
    return _runner_json(make_runner(_body(NewRunner))), 201


@blueprint.get("/runners/<int:runner_id>")
def runner(runner_id: int) -> Any:
    return _runner_json(world().runner(runner_id))


class _Connect(BaseModel):
    model_config = ConfigDict(extra="forbid")
    scopes: list[str] = ["read", "activity:read_all", "activity:write"]
    runner: NewRunner | None = None


def _connect(runner_id: int, scopes: list[str]) -> dict[str, Any]:
    here = world()
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise RefusedError(f"scopes: {', '.join(sorted(unknown))} is none of {', '.join(SCOPES)}")
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
    return _connect(runner_id, _body(_Connect).scopes)


@blueprint.post("/connected-athletes")
def connected_athlete() -> Any:
    """A new runner, connected at once: mass tests need no browser. The athlete cap does not stop this."""
    asked = _body(_Connect)
    made = make_runner(asked.runner or NewRunner())
    return _connect(made.id, asked.scopes) | {"runner": _runner_json(made)}, 201


class _Silently(BaseModel):
    model_config = ConfigDict(extra="forbid")
    silent: bool = False


@blueprint.post("/runners/<int:runner_id>/disconnect")
def disconnect_runner(runner_id: int) -> Any:
    here = world()
    here.runner(runner_id)
    return {"disconnected": connections.disconnect(here, runner_id, silent=_body(_Silently).silent)}


@blueprint.post("/runners/<int:runner_id>/expire-tokens")
def expire_tokens(runner_id: int) -> Any:
    here = world()
    here.runner(runner_id)
    connections.expire_access_tokens(here, runner_id)
    return {"expired": True}


# -- activities -----------------------------------------------------------------------------------------


def truth(activity: Activity) -> dict[str, Any]:
    """Everything about an activity, whoever may see it, with its history."""
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
    return truth(activities.record(here, here.runner(runner_id), _body(Recording))), 201


class _Many(BaseModel):
    model_config = ConfigDict(extra="forbid")
    activities: list[Recording] = Field(max_length=20_000)


@blueprint.post("/runners/<int:runner_id>/activities/many")
def record_many(runner_id: int) -> Any:
    here, asked = world(), _body(_Many)
    owner = here.runner(runner_id)
    with here.lock, here.journal.together():
        made = [activities.record(here, owner, recording).id for recording in asked.activities]
    return {"ids": made}, 201


@blueprint.get("/activities/<int:activity_id>")
def activity(activity_id: int) -> Any:
    here = world()
    with here.lock:
        return truth(here.activity(activity_id))


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid")
    author: str = activities.THE_RUNNER
    silent: bool = False
    changes: Changes


@blueprint.post("/activities/<int:activity_id>/edit")
def edit(activity_id: int) -> Any:
    here, asked = world(), _body(_Edit)
    with here.lock:
        found = here.activity(activity_id)
        activities.edit(here, found, asked.changes.as_fields(), asked.author, silent=asked.silent)
        return truth(found)


@blueprint.post("/activities/<int:activity_id>/private")
def make_private(activity_id: int) -> Any:
    here = world()
    with here.lock:
        found = here.activity(activity_id)
        activities.edit(here, found, {"visibility": "only_me"}, activities.THE_RUNNER)
        return truth(found)


@blueprint.post("/activities/<int:activity_id>/public")
def make_public(activity_id: int) -> Any:
    here = world()
    with here.lock:
        found = here.activity(activity_id)
        activities.edit(here, found, {"visibility": "everyone"}, activities.THE_RUNNER)
        return truth(found)


@blueprint.delete("/activities/<int:activity_id>")
def delete(activity_id: int) -> Any:
    here = world()
    found = here.activity(activity_id)
    activities.delete(here, found, silent=_body(_Silently).silent)
    return truth(found)


@blueprint.post("/activities/<int:activity_id>/restore")
def restore(activity_id: int) -> Any:
    here = world()
    found = here.activity(activity_id)
    activities.restore(here, found)
    return truth(found)


@blueprint.post("/activities/<int:activity_id>/announce")
def announce(activity_id: int) -> Any:
    """The create event once more, as if it had come late or twice."""
    here = world()
    found = here.activity(activity_id)
    with here.lock:
        events.created(here, found)
    return truth(found)


# -- faults ---------------------------------------------------------------------------------------------


@blueprint.get("/faults")
def faults() -> Any:
    return [fault.model_dump() for fault in world().faults.all()]


@blueprint.post("/faults")
def add_fault() -> Any:
    spec = _body(FaultSpec)
    if (spec.html is not None or spec.body is not None) and spec.status is None:
        raise RefusedError("status: a body of your own needs a status")
    if spec.edit is not None and spec.endpoint != "activities.get":
        raise RefusedError("edit: only activities.get can have someone edit after it")
    if not (spec.delay_ms or spec.status or spec.drop or spec.edit):
        raise RefusedError("body: a fault needs an effect: delay_ms, status, drop or edit")
    return world().faults.add(spec).model_dump(), 201


@blueprint.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> Any:
    if not world().faults.remove(fault_id):
        raise UnknownError(f"there is no fault {fault_id}")
    return Response(status=204)


class _Seed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int | None = None


@blueprint.delete("/faults")
def clear_faults() -> Any:
    world().faults.clear(_body(_Seed).seed)
    return Response(status=204)


# -- logs, deliveries, waiting --------------------------------------------------------------------------


@blueprint.get("/calls")
def calls() -> Any:
    here = world()
    since, limit = _query("since", int, 0), _query("limit", int, 1000)
    name, activity_id = request.args.get("endpoint"), _query("activity_id", int)
    with here.lock:
        found = [
            call.model_dump()
            for call in here.calls
            if call.id > since and name in (None, call.endpoint) and activity_id in (None, call.activity_id)
        ]
        return {"counts": _call_counts(), "limits": _limits(), "calls": found[-limit:]}


@blueprint.get("/deliveries")
def deliveries() -> Any:
    here = world()
    since, limit = _query("since", int, 0), _query("limit", int, 1000)
    wanted, object_id = request.args.get("state"), _query("object_id", int)
    with here.lock:
        found = [
            delivery.model_dump()
            for delivery in here.deliveries.values()
            if delivery.id > since
            and wanted in (None, delivery.state)
            and object_id in (None, delivery.event.get("object_id"))
        ]
        return {"counts": _delivery_counts(), "deliveries": found[-limit:]}


@blueprint.post("/deliveries/<int:delivery_id>/again")
def deliver_again(delivery_id: int) -> Any:
    here = world()
    found = here.deliveries.get(delivery_id)
    if found is None:
        raise UnknownError(f"there is no delivery {delivery_id}")
    return here.courier.again(found).model_dump(), 201


@blueprint.post("/events")
def raw_event() -> Any:
    """Sends any JSON object to the callback, as it is."""
    event = request.get_json(silent=True, force=True)
    if not isinstance(event, dict):
        raise RefusedError("the body has to be a JSON object: the event to send")
    sent: list[Delivery] = world().courier.send(event, note="by hand", plain=True)
    if not sent:
        raise RefusedError("there is no subscription to send an event to")
    return sent[0].model_dump(), 201


@blueprint.get("/wait")
def wait() -> Any:
    """Answers as soon as something has happened: `for=deliveries|calls|note`, at the latest after `timeout_s`."""
    here = world()
    timeout_s = min(_query("timeout_s", float, 30.0), _WAIT_MAX_S)
    count, name = _query("count", int, 1), request.args.get("endpoint")
    activity_id, since = _query("activity_id", int), _query("since", int, 0)

    def quiet() -> bool:
        return not here.waiting

    def called() -> bool:
        made = sum(
            call.id > since
            and name in (None, call.endpoint)
            and activity_id in (None, call.activity_id)
            and call.status is not None
            and call.status < 400
            for call in here.calls
        )
        return bool(made >= count)

    def written() -> bool:
        return any(e.author.startswith("app ") for e in here.edits.get(activity_id or 0, []))

    conditions = {"deliveries": quiet, "calls": called, "note": written}
    wanted = request.args.get("for", "")
    if wanted not in conditions:
        raise RefusedError(f"for: {wanted!r} is none of {', '.join(conditions)}")
    happened: bool = here.wait_until(conditions[wanted], timeout_s)
    return {"happened": happened}, 200 if happened else 504
