"""Connecting to a platform: OAuth (out and back with a code) or the runner's own API key, and a page for every failure.

A runner who is signed in adds the account to what is connected already.
"""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from adductor import logs
from adductor.athletes import connections
from adductor.platforms import registry
from adductor.platforms.base import ConnectsByKey, ErrorKind, Grant, PlatformError
from adductor.queue import heartbeats
from service import limits
from service.context import installation
from service.pages.access import current_athlete, remember

blueprint = Blueprint("connect", __name__)
log = logs.get(__name__)

# Where signing in may lead back to; anything else would be an open redirect.
_ROUTINE = re.compile(r"/routine/[A-Za-z0-9_-]{1,24}")
_KEY = re.compile(r"[A-Za-z0-9._-]{8,200}")
# The problems of templates/connect_problem.html: by kind of error, and the status of those that no failed call explains.
_PROBLEMS = {
    ErrorKind.CAP: "full",
    ErrorKind.INACTIVE: "inactive",
    ErrorKind.MISCONFIGURED: "misconfigured",
    ErrorKind.SCOPE_MISSING: "scope",
    **dict.fromkeys((ErrorKind.REFUSED, ErrorKind.REVOKED, ErrorKind.NOT_FOUND), "expired"),
}
_STATUS = {"denied": 200, "scope": 400, "expired": 400, "key": 400, "dormant": 400, "other": 409, "full": 403}
_PLATFORM = f"<any({','.join(registry.NAMES)}):platform>"


@blueprint.get(f"/connect/{_PLATFORM}")
@limits.connecting
def start(platform: str) -> Response | tuple[str, int]:
    """Out to the platform. The state ties the way back to this browser and is good once."""
    session["oauth_state"] = secrets.token_urlsafe(24)
    back_to = request.args.get("next", "")
    if _ROUTINE.fullmatch(back_to):
        session["after_sign_in"] = back_to
    here = installation()
    callback_url = here.settings.public_url + url_for("connect.callback", platform=platform)
    force = request.args.get("again") == "1"
    try:
        address = here.platform(platform).authorize_url(
            redirect_uri=callback_url, state=session["oauth_state"], force=force
        )
    except RuntimeError:  # this installation has no application there
        if registry.offers_keys(here.settings, platform):
            return redirect(url_for("pages.start"))  # its field takes the key
        return _failed("misconfigured", platform)[0], 404
    return redirect(address)


@blueprint.get(f"/connect/{_PLATFORM}/callback")
@limits.connecting
def callback(platform: str) -> Response | tuple[str, int]:
    """Back from the platform."""
    expected = session.pop("oauth_state", "")
    given = request.args.get("state", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        return _failed("expired", platform)
    if "error" in request.args:
        return _failed("denied", platform)
    in_redirect = request.args.get("scope")
    if in_redirect is not None and not _may_read(platform, in_redirect):
        return _failed("scope", platform)
    here = installation()
    try:
        grant = here.platform(platform).exchange_code(request.args.get("code", ""))
    except (PlatformError, RuntimeError) as error:
        return _failed_call(platform, error)
    return _connected(platform, grant, grant.scopes if grant.scopes is not None else in_redirect or "")


@blueprint.post(f"/connect/{_PLATFORM}/key")
@limits.connecting
def by_key(platform: str) -> Response | tuple[str, int]:
    """Try the runner's own API key at once, and keep it encrypted."""
    try:
        adapter = installation().platform(platform)
    except RuntimeError:
        abort(404)
    if not isinstance(adapter, ConnectsByKey) or not registry.offers_keys(installation().settings, platform):
        abort(404)
    api_key = request.form.get("api_key", "").strip()
    if not _KEY.fullmatch(api_key):
        return _failed("key", platform)
    try:
        grant = adapter.try_key(api_key)
    except PlatformError as error:
        return _failed_call(platform, error)
    return _connected(platform, grant, grant.scopes or "")


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget this browser; the connection stays."""
    session.clear()
    return redirect(url_for("pages.start"))


def _connected(platform: str, grant: Grant, scopes: str) -> Response | tuple[str, int]:
    """Store the connection, sign in, and say what doesn't work without the permissions that were left out."""
    if not _may_read(platform, scopes):
        return _failed("scope", platform)
    here, athlete = installation(), current_athlete()
    adds = athlete is not None and (athlete.connection_at(platform) is None or len(athlete.connections) > 1)
    adds_to = athlete.id if athlete is not None and adds else None
    try:
        with here.store.write() as database:
            row = connections.connect(database, here, platform, grant, scopes, to_athlete=adds_to)
            confirmed = row.confirmed_at is not None
    except connections.OtherAthleteError:
        return _failed("other", platform)
    back_to = session.get("after_sign_in")
    if adds_to is None:
        remember(row.id, grant.external_id)
    lacking = [words for scope, words in registry.FACTS[platform].scope_words.items() if scope not in scopes.split(",")]
    if lacking:
        flash(
            f"{registry.LABELS[platform]} is connected. Without the boxes that you unticked {'; '.join(lacking)}.",
            "done",
        )
    if not confirmed:
        return redirect(url_for("pages.welcome"))
    if adds_to is not None:
        return redirect(url_for("pages.settings"))
    return redirect(back_to if isinstance(back_to, str) and _ROUTINE.fullmatch(back_to) else url_for("pages.home"))


def _may_read(platform: str, scopes: str) -> bool:
    return set(scopes.replace(",", " ").split()) >= registry.FACTS[platform].read_scopes


def _failed_call(platform: str, error: Exception) -> tuple[str, int]:
    if not isinstance(error, PlatformError):
        return _failed("misconfigured", platform)
    log.warning("connect failed", platform=platform, kind=str(error.kind), problem=error.message)
    if error.kind is ErrorKind.CAP:
        heartbeats.turned_away(installation())
    known = next((detail for detail in error.details if detail in ("key", "dormant")), None)
    return _failed(known or _PROBLEMS.get(error.kind, "unreachable"), platform)


def _failed(problem: str, platform: str) -> tuple[str, int]:
    page = render_template("connect_problem.html", problem=problem, platform=platform, label=registry.LABELS[platform])
    return page, _STATUS.get(problem, 502)
