"""Connecting to Strava (OAuth 2.0 authorization code): out to its page, back with a code, and a page for every failure."""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from adductor import logs
from adductor.athletes import connections
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import heartbeats
from service import limits
from service.context import installation
from service.pages.access import remember

blueprint = Blueprint("connect", __name__)
log = logs.get(__name__)

# Without these nothing can be seen; without writing, routines go by mail.
_MUST_HAVE = frozenset({"read", "activity:read_all"})
# Where signing in may lead back to; anything else would be an open redirect.
_ROUTINE = re.compile(r"/routine/[A-Za-z0-9_-]{1,24}")
# The problems of templates/connect_problem.html: by kind of error, and the status of those that no failed call explains.
_PROBLEMS = {
    ErrorKind.CAP: "full",
    ErrorKind.INACTIVE: "inactive",
    ErrorKind.MISCONFIGURED: "misconfigured",
    ErrorKind.SCOPE_MISSING: "scope",
    **dict.fromkeys((ErrorKind.REFUSED, ErrorKind.REVOKED, ErrorKind.NOT_FOUND), "expired"),
}
_STATUS = {"denied": 200, "scope": 400, "expired": 400, "full": 403}


@blueprint.get("/connect/strava")
@limits.connecting
def start() -> Response | tuple[str, int]:
    """Out to Strava. The state ties the way back to this browser and is good once."""
    session["oauth_state"] = secrets.token_urlsafe(24)
    back_to = request.args.get("next", "")
    if _ROUTINE.fullmatch(back_to):
        session["after_sign_in"] = back_to
    here = installation()
    try:
        strava = here.platform("strava")
    except RuntimeError:
        return _failed("misconfigured")
    callback_url = here.settings.public_url + url_for("connect.callback")
    force = request.args.get("again") == "1"
    return redirect(strava.authorize_url(redirect_uri=callback_url, state=session["oauth_state"], force=force))


@blueprint.get("/connect/strava/callback")
@limits.connecting
def callback() -> Response | tuple[str, int]:
    """Back from Strava."""
    expected = session.pop("oauth_state", "")
    given = request.args.get("state", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        return _failed("expired")
    if "error" in request.args:
        return _failed("denied")
    scopes = request.args.get("scope", "")
    if not set(scopes.replace(",", " ").split()) >= _MUST_HAVE:
        return _failed("scope")
    here = installation()
    try:
        grant = here.platform("strava").exchange_code(request.args.get("code", ""))
    except PlatformError as error:
        log.warning("connect failed", kind=str(error.kind), problem=error.message)
        if error.kind is ErrorKind.CAP:
            heartbeats.turned_away(here)
        return _failed(_PROBLEMS.get(error.kind, "unreachable"))
    with here.store.write() as database:
        athlete = connections.connect(database, here, "strava", grant, scopes)
        whose, confirmed = (athlete.id, athlete.connection.external_id), athlete.confirmed_at is not None
    back_to = session.get("after_sign_in")
    remember(*whose)
    if not confirmed:
        return redirect(url_for("pages.welcome"))
    return redirect(back_to if isinstance(back_to, str) and _ROUTINE.fullmatch(back_to) else url_for("pages.home"))


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget this browser; the connection stays."""
    session.clear()
    return redirect(url_for("pages.start"))


def _failed(problem: str) -> tuple[str, int]:
    return render_template("connect_problem.html", problem=problem), _STATUS.get(problem, 502)
