"""The log of calls and deliveries, events by hand, and long polling for the next change."""

from __future__ import annotations

from typing import Any

from flask import request

from sandbox.admin.common import RefusedError, blueprint, query
from sandbox.admin.counts import call_counts, delivery_counts, limits
from sandbox.calls import world
from sandbox.models import Delivery
from sandbox.state import UnknownError

_WAIT_MAX_S = 300.0


@blueprint.get("/calls")
def calls() -> Any:
    here = world()
    since, limit = query("since", int, 0), query("limit", int, 1000)
    name, activity_id = request.args.get("endpoint"), query("activity_id", int)
    with here.lock:
        found = [
            call.model_dump()
            for call in here.calls
            if call.id > since and name in (None, call.endpoint) and activity_id in (None, call.activity_id)
        ]
        return {"counts": call_counts(), "limits": limits(), "calls": found[-limit:]}


@blueprint.get("/deliveries")
def deliveries() -> Any:
    here = world()
    since, limit = query("since", int, 0), query("limit", int, 1000)
    wanted, object_id = request.args.get("state"), query("object_id", int)
    with here.lock:
        found = [
            delivery.model_dump()
            for delivery in here.deliveries.values()
            if delivery.id > since
            and wanted in (None, delivery.state)
            and object_id in (None, delivery.event.get("object_id"))
        ]
        return {"counts": delivery_counts(), "deliveries": found[-limit:]}


@blueprint.post("/deliveries/<int:delivery_id>/again")
def deliver_again(delivery_id: int) -> Any:
    here = world()
    found = here.deliveries.get(delivery_id)
    if found is None:
        raise UnknownError(f"there is no delivery {delivery_id}")
    return here.courier.again(found).model_dump(), 201


@blueprint.post("/events")
def raw_event() -> Any:
    """Send any JSON object to the callback, unchanged."""
    event = request.get_json(silent=True, force=True)
    if not isinstance(event, dict):
        raise RefusedError("the body has to be a JSON object: the event to send")
    sent: list[Delivery] = world().courier.send(event, note="by hand", plain=True)
    if not sent:
        raise RefusedError("there is no subscription to send an event to")
    return sent[0].model_dump(), 201


@blueprint.get("/wait")
def wait() -> Any:
    """Long polling: answer at the next change (`for=deliveries|calls|note`), at the latest after `timeout_s`."""
    here = world()
    timeout_s = min(query("timeout_s", float, 30.0), _WAIT_MAX_S)
    count, name = query("count", int, 1), request.args.get("endpoint")
    activity_id, since = query("activity_id", int), query("since", int, 0)

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
