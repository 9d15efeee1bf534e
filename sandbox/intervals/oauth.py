"""OAuth of intervals.icu: consent with scopes to untick, a code for two minutes, a token that never expires."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request

from sandbox import consent
from sandbox.intervals import errors, hooks
from sandbox.intervals.calls import Caller, call, world
from sandbox.intervals.models import SCOPES, Grant, GrantCode
from sandbox.intervals.state import IntervalsWorld
from sandbox.session import remember_runner

blueprint = Blueprint("intervals_oauth", __name__, url_prefix="/intervals")

_CODE_LIFETIME_S = 120
SCOPE_WORDS = {
    "ACTIVITY:READ": "See your activities", "ACTIVITY:WRITE": "See and change your activities",
    "CALENDAR:READ": "See your calendar", "CALENDAR:WRITE": "See and change your calendar",
    "WELLNESS:READ": "See your wellness data", "WELLNESS:WRITE": "See and change your wellness data",
    "SETTINGS:READ": "See your settings", "SETTINGS:WRITE": "See and change your settings",
    "LIBRARY:READ": "See your workout library", "LIBRARY:WRITE": "See and change your workout library",
    "CHATS:READ": "See your messages", "CHATS:WRITE": "See and write messages for you",
}  # fmt: skip


class _Asked:
    """A validated authorization request; `problem` says in a sentence why there is no consent to give."""

    def __init__(self, values: dict[str, str]) -> None:
        here = world()
        asked = [scope for scope in values.get("scope", "").split(",") if scope]
        self.scopes = [scope for scope in asked if scope in SCOPES]
        self.redirect_uri = values.get("redirect_uri", "")
        self.host = urlsplit(self.redirect_uri).netloc
        self.values = {key: values[key] for key in ("client_id", "redirect_uri", "scope", "state") if key in values}
        self.problem = None
        if here.switches.application == "pending" or values.get("client_id") != str(here.config.intervals_client_id):
            self.problem = "Unknown client: there is no approved application with this client_id."
        elif not consent.leads_to_application(self.redirect_uri):
            self.problem = "The redirect_uri is none of the application's."
        elif not self.scopes or len(self.scopes) < len(asked):
            self.problem = "The scope holds nothing to grant, or something unknown."

    def back(self, **query: str) -> Response:
        """Redirect to the application. The redirect never says which scopes were granted."""
        state = {"state": self.values["state"]} if "state" in self.values else {}
        return consent.back(self.redirect_uri, (query | state).items())


def _refused(problem: str) -> Response:
    return Response(render_template("intervals/refused.html", tab="calendar", problem=problem), 400)


@blueprint.get("/oauth/authorize")
def authorize() -> Any:
    asked = _Asked(request.args.to_dict())
    if asked.problem is not None:
        return _refused(asked.problem)
    return consent.page("/intervals/oauth/authorize", SCOPE_WORDS, asked=asked, tab="calendar")


@blueprint.post("/oauth/authorize")
def answer_authorize() -> Any:
    asked, here, form = _Asked(request.form.to_dict()), world(), request.form
    if asked.problem is not None:
        return _refused(asked.problem)
    if form.get("answer") != "authorize":
        return asked.back(error="access_denied")
    granted = [scope for scope in asked.scopes if scope in form.getlist("granted")]
    runner_id = consent.answered_by()
    if runner_id is None:
        return _refused("There is no such athlete.")
    code = GrantCode(
        code=secrets.token_hex(16), athlete_id=here.athlete_of(runner_id).id, scopes=granted,
        expires_at=here.clock.now() + _CODE_LIFETIME_S,
    )  # fmt: skip
    here.save(code)
    answer = asked.back(code=code.code)
    remember_runner(answer, runner_id)
    return answer


def connect(here: IntervalsWorld, athlete_id: str, scopes: list[str]) -> Grant:
    """A grant with a new token; the older one ends."""
    with here.lock:
        grant = Grant(athlete_id=athlete_id, scopes=scopes, tokens=[secrets.token_hex(20)])
        here.save(grant)
        return grant


def change_scopes(here: IntervalsWorld, athlete_id: str, scopes: list[str], *, announce: bool = True) -> bool:
    """The athlete changes what the application may do; nothing left ends the grant. False if there was none."""
    with here.lock:
        grant = here.grant(athlete_id)
        if grant is None:
            return False
        grant.scopes, grant.live = scopes, bool(scopes)
        here.save(grant)
        if announce:
            hooks.scope_changed(here, grant)
        return True


@blueprint.post("/api/oauth/token")
@call("oauth.token", credentials=False)
def token() -> Any:
    here, given = world(), request.form
    if given.get("client_id") != str(here.config.intervals_client_id) or here.switches.application == "pending":
        raise errors.own(404, "Client not found")
    if not secrets.compare_digest(given.get("client_secret", ""), here.config.intervals_client_secret):
        raise errors.access_denied(401)
    with here.lock:
        code = here.codes.get(given.get("code", ""))
        if code is None or code.expires_at <= here.clock.now():
            raise errors.own(404, "Code not found (expired?)")
        here.drop_code(code)
        grant = connect(here, code.athlete_id, code.scopes)
        person = here.person(here.athletes[grant.athlete_id])
    return {
        "token_type": "Bearer",
        "access_token": grant.tokens[-1],
        "scope": ",".join(grant.scopes),
        "athlete": {"id": grant.athlete_id, "name": f"{person.firstname} {person.lastname}"},
    }


@blueprint.delete("/api/v1/disconnect-app")
@call("oauth.disconnect")
def disconnect(caller: Caller) -> Any:
    change_scopes(world(), caller.athlete.id, [])
    return {}


@blueprint.route("/oauth/token", methods=["GET", "POST"])
def wrong_token_path() -> Any:
    return Response(status=405)
