"""Connecting to Strava (OAuth 2.0 authorization code): out to its page, back with a code, and a page for every failure."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class _Failure:
    """One way in which connecting ends without a connection."""

    title: str
    meaning: str
    step: str
    status: int
    again: bool = False


_DENIED = _Failure(
    "You said no, and that is fine",
    "Strava was not connected, and nothing was read or written.",
    "If you change your mind, connect again.",
    200,
    again=True,
)
_SCOPE = _Failure(
    "One more tick is needed",
    "Without “View data about your activities, including private” we can't see when a run is done.",
    "Connect again and leave that box ticked.",
    400,
    again=True,
)
_EXPIRED = _Failure(
    "That took too long, or was used twice",
    "Strava's answer can be used once, within a short time.",
    "Connect again; it takes a few seconds.",
    400,
    again=True,
)
_MISCONFIGURED = _Failure(
    "This installation isn't set up right",
    "Strava doesn't accept its application id or secret.",
    "Tell whoever runs it; `adductor doctor` says more.",
    502,
)
_UNREACHABLE = _Failure("Strava doesn't answer right now", "Nothing was connected.", "Try again in a few minutes.", 502)
_BY_KIND = {
    ErrorKind.CAP: _Failure(
        "This installation is full",
        "Strava allows this application a fixed number of runners, and that number is reached.",
        "Ask whoever runs it to request a higher limit from Strava.",
        403,
    ),
    ErrorKind.INACTIVE: _Failure(
        "Strava has switched this application off",
        "That happens when the Strava subscription of its owner has ended. It is not about your account.",
        "Tell whoever runs it; until then nothing can be connected.",
        502,
    ),
    ErrorKind.MISCONFIGURED: _MISCONFIGURED,
    ErrorKind.REFUSED: _EXPIRED,
    ErrorKind.REVOKED: _EXPIRED,
    ErrorKind.NOT_FOUND: _EXPIRED,
    ErrorKind.SCOPE_MISSING: _SCOPE,
}


@blueprint.get("/connect/strava")
@limits.connecting
def start() -> Response | tuple[str, int]:
    """Out to Strava. The state ties the way back to this browser and is good once."""
    session["oauth_state"] = secrets.token_urlsafe(24)
    back_to = request.args.get("next", "")
    if _ROUTINE.fullmatch(back_to):
        session["after_sign_in"] = back_to
    try:
        strava = installation().platform("strava")
    except RuntimeError:
        return _failed(_MISCONFIGURED)
    target = strava.authorize_url(
        redirect_uri=installation().settings.public_url + url_for("connect.callback"),
        state=session["oauth_state"],
        force=request.args.get("again") == "1",
    )
    return redirect(target)


@blueprint.get("/connect/strava/callback")
@limits.connecting
def callback() -> Response | tuple[str, int]:
    """Back from Strava."""
    expected = session.pop("oauth_state", "")
    given = request.args.get("state", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        return _failed(_EXPIRED)
    if "error" in request.args:
        return _failed(_DENIED)
    scopes = request.args.get("scope", "")
    if not set(scopes.replace(",", " ").split()) >= _MUST_HAVE:
        return _failed(_SCOPE)
    here = installation()
    try:
        grant = here.platform("strava").exchange_code(request.args.get("code", ""))
    except PlatformError as error:
        log.warning("connect failed", kind=str(error.kind), problem=error.message)
        if error.kind is ErrorKind.CAP:
            heartbeats.turned_away(here)
        return _failed(_BY_KIND.get(error.kind, _UNREACHABLE))
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


def _failed(failure: _Failure) -> tuple[str, int]:
    return render_template("connect_problem.html", failure=failure), failure.status
