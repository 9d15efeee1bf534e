"""The middleware of the application's calls: token, limits, faults, Strava's error bodies, the log."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, current_app, request
from werkzeug.datastructures import MultiDict

from sandbox import connections, errors
from sandbox.activities import edit
from sandbox.faults import Fault
from sandbox.handling import Handling
from sandbox.models import Connection
from sandbox.state import World


def world() -> World:
    """The state of the app that serves this request."""
    found = current_app.extensions["sandbox"]
    assert isinstance(found, World)  # noqa: S101 - set once, by create_app
    return found


def parameters() -> MultiDict[str, Any]:
    """Query, form and JSON body as one, as Strava takes them; a body that is no JSON object counts as empty."""
    values: MultiDict[str, Any] = MultiDict(request.args)
    values.update(request.form)
    if request.is_json:
        body = request.get_json(silent=True)
        if isinstance(body, dict):
            for key, value in body.items():
                values[key] = value
    return values


def require_scope(connection: Connection, *scopes: str, permission: str) -> None:
    """Raises Strava's 401 unless one of the scopes was granted."""
    if not set(scopes) & set(connection.scopes):
        raise errors.scope_missing(permission)


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    # Works until 2027-06-01, by Strava's changelog.
    return str(parameters().get("access_token", ""))


def _error_body(status: int) -> Any:
    message = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}.get(status, "Error")
    return {"message": message, "errors": []}


def endpoint(name: str, *, bearer: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Decorate a view as one of Strava's endpoints. With `bearer` it is given the connection and counts as a call."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapped(**path: Any) -> Response:
            here, given = world(), []

            def admit(handling: Handling) -> None:
                if bearer:
                    given.append(_admit(here, handling))

            activity_id: Any = path.get("activity_id")
            handling = Handling(here, name, activity_id, _error_body)
            return handling.run(admit, lambda: view(*given, **path), partial(_meddle, here, activity_id))

        return wrapped

    return decorate


def _admit(here: World, handling: Handling) -> Connection:
    """Token, application, limits, in that order. Raises Strava's error for the first that fails."""
    connection = connections.by_access_token(here, _bearer())
    handling.caller_id = connection.runner_id
    with here.lock:
        handling.over_limit = not here.limits.count(here.switches.tier, here.clock.now())
        handling.headers = here.limits.headers(here.switches.tier, here.clock.now(), here.switches.rate_headers)
    if here.switches.application == "inactive":
        raise errors.inactive()
    if handling.over_limit:
        raise errors.rate_limited()
    return connection


def _meddle(here: World, activity_id: int, fault: Fault) -> None:
    """Apply a concurrent edit by another application right after a successful GET."""
    with here.lock:
        activity = here.activity(activity_id)
        texts = {name: getattr(fault.edit, name) for name in ("name", "description", "private_note")}
        fields = {
            name: text.replace("{old}", getattr(activity, name) or "")
            for name, text in texts.items()
            if text is not None
        }
        edit(here, activity, fields, fault.edit.author)
