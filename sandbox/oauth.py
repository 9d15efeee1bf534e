"""Strava's OAuth: authorization page, token exchange and refresh, revocation."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, g, redirect, render_template, request

from sandbox import connections, errors, places
from sandbox.activities import known_zone
from sandbox.calls import endpoint, parameters, world
from sandbox.connections import SCOPES
from sandbox.models import Connection, Runner
from sandbox.representation import summary_athlete
from sandbox.session import chosen_runner_id, remember_runner

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")

# The permissions of each scope, in words for runners.
SCOPE_WORDS = {
    "read": "See your public profile",
    "read_all": "See your private routes, segments and events",
    "profile:read_all": "See your whole profile, also what is private",
    "profile:write": "Change your weight and favourite segments",
    "activity:read": "See your activities, except those for only you",
    "activity:read_all": "See all your activities, also those for only you",
    "activity:write": "Write into your activities",
}


class _Request:
    """A validated authorization request. Raises Strava's errors for an invalid one."""

    def __init__(self, values: dict[str, str]) -> None:
        config = world().config
        if values.get("client_id") != str(config.client_id):
            raise errors.bad_request("Application", "client_id")
        self.redirect_uri = values.get("redirect_uri", "")
        target = urlsplit(self.redirect_uri)
        # Strava always allows these two, and the application's callback domain.
        allowed = {"localhost", "127.0.0.1", urlsplit(config.app_url or "").hostname}
        if target.scheme not in ("http", "https") or target.hostname not in allowed:
            raise errors.bad_request("Application", "redirect_uri")
        if values.get("response_type") != "code":
            raise errors.bad_request("Authorize", "response_type")
        self.scopes = [scope for scope in values.get("scope", "").split(",") if scope]
        if not self.scopes or not set(self.scopes) <= set(SCOPES):
            raise errors.bad_request("Authorize", "scope")
        self.host = target.netloc
        self.force = values.get("approval_prompt", "auto") == "force"
        self.state = values.get("state")
        self.values = {
            key: values[key]
            for key in ("client_id", "redirect_uri", "response_type", "scope", "approval_prompt", "state")
            if key in values
        }

    def back(self, **query: str) -> Response:
        """Redirect to the application with the answer."""
        target = urlsplit(self.redirect_uri)
        pairs = parse_qsl(target.query, keep_blank_values=True)
        pairs += [("state", self.state or ""), *query.items()]
        answer = redirect(urlunsplit(target._replace(query=urlencode(pairs, safe=":,"))), 302)
        assert isinstance(answer, Response)  # noqa: S101 - Flask's redirect returns Flask's Response
        return answer


def _grant(asked: _Request, runner_id: int, scopes: list[str]) -> Response:
    here = world()
    if here.switches.athlete_cap_at == "authorize" and connections.cap_reached(here, runner_id):
        return Response(render_template("cap.html", app_url=here.config.app_url), 403)
    code = connections.issue_code(here, runner_id, scopes)
    answer = asked.back(code=code, scope=",".join(scopes))
    remember_runner(answer, runner_id)
    return answer


@blueprint.get("/authorize")
@endpoint("oauth.authorize")
def authorize() -> Any:
    asked, here = _Request(request.args.to_dict()), world()
    if here.switches.application == "inactive":
        raise errors.inactive()
    runner_id = chosen_runner_id()
    connection = here.connection(runner_id) if runner_id is not None else None
    if connection is not None and not asked.force and set(asked.scopes) <= set(connection.scopes):
        return _grant(asked, connection.runner_id, connection.scopes)
    runners = sorted(here.runners.values(), key=lambda runner: runner.id)
    return Response(
        render_template(
            "authorize.html",
            asked=asked,
            action="/oauth/authorize",
            runners=runners[:50],
            chosen=runner_id if runner_id in here.runners else runners[0].id,
            words=SCOPE_WORDS,
            zones=sorted(places.known_zones()),
        )
    )


@blueprint.post("/authorize")
@endpoint("oauth.authorize")
def answer_authorize() -> Any:
    asked, here, form = _Request(request.form.to_dict()), world(), request.form
    if form.get("answer") != "authorize":
        return asked.back(error="access_denied")
    # In the order asked for; ticking what was not asked for grants nothing.
    granted = [scope for scope in asked.scopes if scope in form.getlist("granted")]
    if form.get("runner_id") == "new":
        runner_id = new_runner(form.get("firstname", ""), form.get("timezone", "")).id
    else:
        runner_id = int(form["runner_id"]) if form.get("runner_id", "").isdecimal() else 0
        if runner_id not in here.runners:
            raise errors.bad_request("Athlete", "runner_id")
    return _grant(asked, runner_id, granted)


def new_runner(firstname: str, timezone: str) -> Runner:
    """A made-up person by the form's fields. Raises Strava's error for an unknown time zone."""
    here = world()
    try:
        zone_name = known_zone(timezone or "UTC")
    except ValueError:
        raise errors.bad_request("Athlete", "timezone") from None
    runner = Runner(
        id=here.next_id("runner"), firstname=firstname.strip()[:60] or "New", lastname="Runner",
        city=zone_name.rpartition("/")[2].replace("_", " "), country="", timezone=zone_name,
        created_at=here.clock.now(),
    )  # fmt: skip
    here.save(runner)
    return runner


def _token_body(connection: Connection) -> dict[str, Any]:
    token = connection.access_tokens[-1]
    g.runner_id = connection.runner_id  # for the log: no bearer names the runner here
    return {
        "token_type": "Bearer",
        "access_token": token.token,
        "expires_at": int(token.expires_at),
        "expires_in": max(0, int(token.expires_at - world().clock.now())),
        "refresh_token": connection.refresh_token,
    }


@blueprint.post("/token")
@endpoint("oauth.token")
def token() -> Any:
    given, here = parameters(), world()
    connections.check_client(here, given.get("client_id", ""), given.get("client_secret", ""))
    if here.switches.application == "inactive":
        raise errors.inactive()
    match given.get("grant_type"):
        case "authorization_code":
            with here.lock:
                connection = connections.redeem_code(here, str(given.get("code", "")))
                return _token_body(connection) | {"athlete": summary_athlete(here.runner(connection.runner_id))}
        case "refresh_token":
            with here.lock:
                return _token_body(connections.refresh(here, str(given.get("refresh_token", ""))))
        case _:
            raise errors.bad_request("Application", "grant_type")


@blueprint.post("/revoke")
@endpoint("oauth.revoke")
def revoke() -> Any:
    given, here = request.authorization, world()
    if given is None or given.type != "basic":
        raise errors.unauthorized("Application", "client_id")
    connections.check_client(here, given.username or "", given.password or "")
    with here.lock:
        connection = connections.holder_of(here, str(parameters().get("token", "")))
        if connection is not None:
            connections.disconnect(here, connection.runner_id)
    # RFC 7009: also for an unknown token.
    return Response(status=200)
