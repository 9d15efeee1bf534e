"""Strava's OAuth: authorization page, token exchange and refresh, revocation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, render_template, request

from sandbox import connections, consent, errors
from sandbox.calls import endpoint, parameters, world
from sandbox.connections import SCOPES
from sandbox.models import Connection
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
        if not consent.leads_to_application(self.redirect_uri):
            raise errors.bad_request("Application", "redirect_uri")
        if values.get("response_type") != "code":
            raise errors.bad_request("Authorize", "response_type")
        self.scopes = [scope for scope in values.get("scope", "").split(",") if scope]
        if not self.scopes or not set(self.scopes) <= set(SCOPES):
            raise errors.bad_request("Authorize", "scope")
        self.host = urlsplit(self.redirect_uri).netloc
        self.force = values.get("approval_prompt", "auto") == "force"
        self.state = values.get("state")
        self.values = {
            key: values[key]
            for key in ("client_id", "redirect_uri", "response_type", "scope", "approval_prompt", "state")
            if key in values
        }

    def back(self, **query: str) -> Response:
        """Redirect to the application with the answer."""
        return consent.back(self.redirect_uri, [("state", self.state or ""), *query.items()])


def _grant(asked: _Request, runner_id: int, scopes: list[str]) -> Response:
    here = world()
    if connections.cap_reached(here, runner_id):
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
    return Response(consent.page("/oauth/authorize", SCOPE_WORDS, asked=asked))


@blueprint.post("/authorize")
@endpoint("oauth.authorize")
def answer_authorize() -> Any:
    asked, form = _Request(request.form.to_dict()), request.form
    if form.get("answer") != "authorize":
        return asked.back(error="access_denied")
    # In the order asked for; ticking what was not asked for grants nothing.
    granted = [scope for scope in asked.scopes if scope in form.getlist("granted")]
    runner_id = consent.answered_by()
    if runner_id is None:
        raise errors.bad_request("Athlete", "runner_id")
    return _grant(asked, runner_id, granted)


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
