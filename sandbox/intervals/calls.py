"""The middleware of calls to intervals.icu: challenge, limits, credentials, scope, faults, error bodies, the log."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request

from sandbox.faults import Fault
from sandbox.handling import Handling
from sandbox.intervals import activities, calendar, errors, hooks
from sandbox.intervals.errors import IntervalsError
from sandbox.intervals.models import Athlete, CalendarEntry, Grant
from sandbox.intervals.state import IntervalsWorld, same_athlete

_LIBRARIES = (
    "python-requests",
    "python-urllib",
    "python-httpx",
    "aiohttp",
    "curl",
    "go-http-client",
    "java/",
    "okhttp",
)


def world() -> IntervalsWorld:
    """The intervals.icu of the app that serves this request."""
    found = current_app.extensions["intervals"]
    assert isinstance(found, IntervalsWorld)  # noqa: S101 - set once, by create_app
    return found


@dataclass(frozen=True)
class Caller:
    """The athlete whose data the credentials open. `client_id`: the application's; None with an API key."""

    athlete: Athlete
    grant: Grant | None
    client_id: int | None

    @property
    def author(self) -> str:
        return world().author(self.client_id)


def _default_body(status: int) -> Any:
    return {"status": status, "error": "java.lang.IllegalStateException: made-up failure"}


def _check_user_agent(here: IntervalsWorld) -> None:
    agent = request.headers.get("User-Agent", "").lower()
    suspicious = not agent or agent.startswith(_LIBRARIES)
    if here.switches.challenge == "all" or (here.switches.challenge == "libraries" and suspicious):
        raise errors.challenge()


def _authenticate(here: IntervalsWorld) -> Caller:
    """Bearer token of the application, or the athlete's own key as the password of `API_KEY`. Raises 401 and 403."""
    given = request.authorization
    if given is not None and given.type == "basic":
        athlete = here.of_key.get(given.password or "")
        if given.username != "API_KEY" or athlete is None or here.athletes[athlete.id].api_key != given.password:
            raise errors.access_denied(here.switches.wrong_key_status)
        return Caller(here.athletes[athlete.id], None, None)
    token = (given.token if given is not None and given.type == "bearer" else None) or ""
    grant = here.grant(here.of_token.get(token, ""))
    if grant is not None and token in grant.tokens:
        return Caller(here.athletes[grant.athlete_id], grant, here.config.intervals_client_id)
    raise errors.access_denied(403 if token in here.of_key else 401)


def _count(here: IntervalsWorld, caller: Caller, handling: Handling) -> None:
    """Count the call in the caller's windows, and tell the headers about them. Raises 429."""
    switches, now = here.switches, here.clock.now()
    limits = switches.key_limits if caller.client_id is None else switches.app_limits
    windows = here.windows[caller.athlete.id if caller.client_id is None else "application"]
    used = [window.add(now) for window in windows]
    if switches.rate_headers == "normal":
        left = [max(limit - count, 0) for limit, count in zip(limits, used, strict=True)]
        handling.headers = {
            "X-RateLimit-Limit": f"{limits[0]},{limits[1]}",
            "X-RateLimit-Remaining": f"{left[0]},{left[1]}",
        }
    # The burst limit protects the real server: it counts real seconds.
    burst = here.this_second.add(time.time())
    if any(count > limit for count, limit in zip(used, limits, strict=True)) or burst > (switches.per_second or burst):
        here.over_limit += 1
        handling.over_limit = True
        window_s = windows[0].length_s
        again = {"Retry-After": str(int(window_s - now % window_s) + 1)} if switches.retry_after else {}
        raise IntervalsError(429, None, again)


def call(
    name: str, scope: str | None = None, *, credentials: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Decorate a view as an endpoint. With `credentials` it is given the `Caller`, who has the scope; a key has all."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapped(**path: Any) -> Response:
            here, given = world(), []
            object_id = path.get("activity_id") or path.get("event_id")

            def admit(handling: Handling) -> None:
                _check_user_agent(here)
                if credentials:
                    with here.lock:
                        caller = _authenticate(here)
                        given.append(caller)
                        handling.caller_id = caller.athlete.id
                        _count(here, caller, handling)
                        _check_rights(caller, path.pop("athlete_id", "0"), scope)

            handling = Handling(here, name, object_id, _default_body)
            return handling.run(
                admit, lambda: view(*given, **path), lambda fault: _meddle(here, given[0], object_id, fault)
            )

        return wrapped

    return decorate


def _check_rights(caller: Caller, athlete_id: str, scope: str | None) -> None:
    if athlete_id != "0" and not same_athlete(athlete_id, caller.athlete.id):
        raise errors.access_denied()
    if scope is not None and caller.grant is not None and not caller.grant.allows(scope):
        raise errors.access_denied()


def _meddle(here: IntervalsWorld, caller: Caller, object_id: str | None, fault: Fault) -> None:
    """Apply an athlete's edit right after the application has read: of that activity or entry, or of its own entries."""
    edit: dict[str, Any] = fault.edit
    with here.lock:
        if fault.endpoint == "activities.get":
            activities.edit(here, here.activities[object_id or ""], edit)
            return
        for entry in here.things(CalendarEntry, caller.athlete.id):
            if entry.fields.get("oauth_client_id"):
                calendar.change(here, entry, edit)


def json_body() -> Any:
    """The JSON body. Raises the 400 for anything else."""
    body = request.get_json(silent=True, force=True)
    if body is None:
        raise errors.json_parse_error("Unexpected character at line 1, column 1")
    return body


def not_found(path: str) -> Response:
    """Spring's 404 for an address that does not exist."""
    return errors.spring(404, "Not Found", path, hooks.stamp(world().clock.now())).answer()
