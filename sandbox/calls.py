"""The middleware of the application's calls: token, limits, faults, Strava's error bodies, the log."""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, g, jsonify, request
from werkzeug.datastructures import MultiDict

from sandbox import connections, errors
from sandbox.activities import edit
from sandbox.base import real_ms_since
from sandbox.faults import Fault
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


def _drop_connection() -> None:
    """Reset the client's connection instead of an answer."""
    sock = request.environ.get("werkzeug.socket")
    if sock is None:
        raise ConnectionAbortedError("the sandbox dropped this call on purpose")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)


def happen(faults: list[Fault], error_body: Callable[[int], Any]) -> Response | None:
    """Apply the faults; returns the answer of a fault that replaces the usual one."""
    answer: Response | None = None
    for fault in faults:
        if fault.delay_ms:
            time.sleep(fault.delay_ms / 1000)
        if fault.drop:
            _drop_connection()
            return Response(status=499)
        if fault.status is not None:
            answer = _faulty_answer(fault, fault.status, error_body)
    return answer


def _faulty_answer(fault: Fault, status: int, error_body: Callable[[int], Any]) -> Response:
    if fault.html is not None:
        return Response(fault.html, status, mimetype="text/html")
    if fault.body is not None:
        return Response(fault.body, status, mimetype="application/json")
    return as_json(error_body(status), status)


def _error_body(status: int) -> Any:
    message = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}.get(status, "Error")
    return {"message": message, "errors": []}


def as_json(body: Any, status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer


class _Progress:
    """The log entry of a call, filled while it is handled."""

    connection: Connection | None = None
    over_limit = False
    counted = False


def endpoint(name: str, *, bearer: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Decorate a view as one of Strava's endpoints. With `bearer` it is given the connection and counts as a call.

    The view returns JSON, or (JSON, status), or a finished Response.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapped(**path: Any) -> Response:
            arrived, start = time.time(), time.perf_counter()
            here, progress = world(), _Progress()
            activity_id = path.get("activity_id")
            hits: list[Fault] = []
            status: int | None = None
            try:
                try:
                    if bearer:
                        _admit(here, progress)
                    runner_id = progress.connection.runner_id if progress.connection else None
                    hits = here.faults.hit(name, runner_id, activity_id)
                    answer = happen([fault for fault in hits if fault.when == "before"], _error_body)
                    if answer is None:
                        result = view(progress.connection, **path) if bearer else view(**path)
                        answer = finished(result)
                        _meddle(here, hits, activity_id, answer)
                        late = happen([fault for fault in hits if fault.when == "after"], _error_body)
                        answer = late or answer
                except errors.StravaError as error:
                    answer = as_json(error.body(), error.status)
                status = None if answer.status_code == 499 else answer.status_code
                # Strava's 401 answers carry no limits.
                if progress.counted and status != 401:
                    with here.lock:
                        answer.headers.update(
                            here.limits.headers(here.switches.tier, here.clock.now(), here.switches.rate_headers)
                        )
                return answer
            finally:
                here.log_call(
                    at=here.clock.now(), real_s=arrived, endpoint=name, method=request.method, path=request.path,
                    status=status, ms=real_ms_since(start), activity_id=activity_id,
                    runner_id=progress.connection.runner_id if progress.connection else g.get("runner_id"),
                    over_limit=progress.over_limit, faults=[fault.id for fault in hits],
                    fields=sorted(parameters()) if request.method in ("PUT", "POST") else [],
                )  # fmt: skip

        return wrapped

    return decorate


def _admit(here: World, progress: _Progress) -> None:
    """Token, application, limits, in that order. Raises Strava's error for the first that fails."""
    progress.connection = connections.by_access_token(here, _bearer())
    progress.counted = True
    progress.over_limit = not here.count_call()
    if here.switches.application == "inactive":
        raise errors.inactive()
    if progress.over_limit:
        raise errors.rate_limited()


def finished(result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if isinstance(result, tuple):
        body, status = result
        return as_json(body, status)
    return as_json(result, 200)


def _meddle(here: World, hits: list[Fault], activity_id: int | None, answer: Response) -> None:
    """Apply a concurrent edit by another application right after a successful GET."""
    if activity_id is None or answer.status_code != 200:
        return
    for fault in hits:
        if fault.edit is None:
            continue
        with here.lock:
            activity = here.activity(activity_id)
            fields = {}
            for field in ("name", "description", "private_note"):
                text = getattr(fault.edit, field)
                if text is not None:
                    fields[field] = text.replace("{old}", getattr(activity, field) or "")
            edit(here, activity, fields, fault.edit.author)
