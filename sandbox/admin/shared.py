"""What each company's admin API has: state, reset, switches, calls, deliveries, faults, long polling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.activities import problems_of
from sandbox.admin.common import RefusedError, body, json_object, query
from sandbox.base import BaseWorld, UnknownError
from sandbox.faults import BaseFault
from sandbox.models import Delivery

_WAIT_MAX_S = 300.0

W = TypeVar("W", bound=BaseWorld)


def text_or_int(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 19 else text


def _call_counts(here: BaseWorld) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (name, status), count in sorted(here.call_counts.items(), key=str):
        counts.setdefault(name, {})["dropped" if status is None else str(status)] = count
    return counts


def _delivery_counts(here: BaseWorld) -> dict[str, int]:
    counts = dict.fromkeys(("waiting", "delivered", "failed", "dropped"), 0)
    for delivery in here.deliveries.values():
        counts[delivery.state] += 1
    return counts


class _Reset(BaseModel):
    model_config = ConfigDict(extra="forbid")
    what: str = Field("everything", pattern="^(everything|faults|switches|calls|deliveries)$")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`new` over `old`, key by key all the way down."""
    result = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def change_switches(here: BaseWorld, changes: dict[str, Any]) -> None:
    """Raises `RefusedError` for a switch that does not exist or a value that it can't have."""
    with here.lock:
        try:
            changed = type(here.switches).model_validate(_merged(here.switches.model_dump(), changes))
        except ValidationError as error:
            raise RefusedError(*problems_of(error)) from None
        here.save(changed)
        seed = changes.get("delivery", {}).get("seed")
        if seed is not None:
            here.courier.seed(seed)
    here.courier.look()


class _Seed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int | None = None


def register(
    blueprint: Blueprint,
    world: Callable[[], W],
    *,
    fault: type[BaseFault],
    limits: Callable[[], dict[str, Any]],
    state: Callable[[], dict[str, Any]],
    written: Callable[[W], bool],
    about: Callable[[Delivery, int | str], bool],
) -> None:
    """Hang the routes on a blueprint. `state`: what only this company has; `written`: the condition of `for=note`;
    `about`: whether a delivery concerns an id.
    """

    @blueprint.get("/state")
    def whole_state() -> Any:
        here = world()
        with here.lock:
            return state() | {
                "limits": limits(),
                "calls": _call_counts(here),
                "deliveries": _delivery_counts(here),
                "faults": [found.model_dump() for found in here.faults.all()],
            }

    @blueprint.post("/reset")
    def reset() -> Any:
        here, asked = world(), body(_Reset)
        with here.lock:
            match asked.what:
                case "everything":
                    here.reset()
                case "faults":
                    here.faults.clear()
                case "switches":
                    here.save(type(here.switches)())
                case "calls":
                    here.forget_calls()
                case "deliveries":
                    here.forget_deliveries()
        here.courier.look()
        return whole_state()

    @blueprint.get("/switches")
    def switches() -> Any:
        return world().switches.model_dump()

    @blueprint.post("/switches")
    def set_switches() -> Any:
        change_switches(world(), json_object(" with the switches to change"))
        return world().switches.model_dump()

    @blueprint.get("/calls")
    def calls() -> Any:
        here = world()
        since, limit = query("since", int, 0), query("limit", int, 1000)
        with here.lock:
            found = here.calls_of(since, request.args.get("endpoint"), query("activity_id", text_or_int))
            rows = [call.model_dump() for call in found]
            return {"counts": _call_counts(here), "limits": limits(), "calls": rows[-limit:]}

    @blueprint.get("/deliveries")
    def deliveries() -> Any:
        here = world()
        since, limit = query("since", int, 0), query("limit", int, 1000)
        wanted, object_id = request.args.get("state"), query("object_id", text_or_int)
        with here.lock:
            found = [
                delivery.model_dump()
                for delivery in here.deliveries.values()
                if delivery.id > since
                and wanted in (None, delivery.state)
                and (object_id is None or about(delivery, object_id))
            ]
            return {"counts": _delivery_counts(here), "deliveries": found[-limit:]}

    @blueprint.get("/wait")
    def wait() -> Any:
        """Long polling: answer at the next change (`for=deliveries|calls|note`), at the latest after `timeout_s`."""
        here = world()
        timeout_s = min(query("timeout_s", float, 30.0), _WAIT_MAX_S)
        name = request.args.get("endpoint")
        count: int = query("count", int, 1)
        activity_id, since = query("activity_id", text_or_int), query("since", int, 0)

        def called() -> bool:
            made = here.calls_of(since, name, activity_id)
            return sum(call.status is not None and call.status < 400 for call in made) >= count

        conditions: dict[str, Callable[[], bool]] = {
            "deliveries": lambda: not here.waiting,
            "calls": called,
            "note": lambda: written(here),
        }
        wanted = request.args.get("for", "")
        if wanted not in conditions:
            raise RefusedError(f"for: {wanted!r} is none of {', '.join(conditions)}")
        happened = here.wait_until(conditions[wanted], timeout_s)
        return {"happened": happened}, 200 if happened else 504

    @blueprint.get("/faults")
    def faults() -> Any:
        return [found.model_dump() for found in world().faults.all()]

    @blueprint.post("/faults")
    def add_fault() -> Any:
        spec = body(fault)
        if (spec.html is not None or spec.body is not None) and spec.status is None:
            raise RefusedError("status: a body of your own needs a status")
        if spec.edit is not None and spec.endpoint not in fault.edited_after:
            raise RefusedError(f"edit: only {', '.join(fault.edited_after)} can be followed by an edit")
        if not (spec.delay_ms or spec.status or spec.drop or spec.edit):
            raise RefusedError("body: a fault needs an effect: delay_ms, status, drop or edit")
        return world().faults.add(spec).model_dump(), 201

    @blueprint.delete("/faults/<int:fault_id>")
    def remove_fault(fault_id: int) -> Any:
        if not world().faults.remove(fault_id):
            raise UnknownError(f"there is no fault {fault_id}")
        return Response(status=204)

    @blueprint.delete("/faults")
    def clear_faults() -> Any:
        world().faults.clear(body(_Seed).seed)
        return Response(status=204)
