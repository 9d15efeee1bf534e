"""Error pages, as a table: what happened, in two sentences, with its status. Programs get the same as JSON."""

from __future__ import annotations

from flask import g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from werkzeug.exceptions import HTTPException

from adductor import logs
from service import limits
from service.pages.access import Page, blueprint, wants_json

log = logs.get(__name__)
# Their callers read JSON, whatever they say that they accept.
_FOR_PROGRAMS = frozenset(
    {"webhooks.handshake", "webhooks.receive", "ops.alive", "ops.ready", "ops.metrics", "pages.routine_state"}
)
_TEXTS = {
    400: ("That can't be read", "Something in it can't be read. Nothing was changed: go back and try again."),
    401: ("You are signed out", "Sign in and try again."),
    404: ("Nothing here", "This page doesn't exist (any more)."),
    413: ("That was too much", "Nothing was changed: send less text."),
    500: ("That did not work", "Something went wrong on our side; your record is safe. Try again in a minute."),
}
_OLD_FORM = (
    "This form is out of date",
    "Nothing was changed. You may have signed out in another tab: go back, reload the page and send it again.",
)


@blueprint.app_errorhandler(HTTPException)
def refuse(error: HTTPException) -> Page:
    status = error.code or 500
    if status not in _TEXTS:
        return error.get_response(request.environ)
    if status >= 500:
        g.athlete = None  # the page must not ask the database for what may have failed
    return _answer(status, *(_OLD_FORM if isinstance(error, CSRFError) else _TEXTS[status]))


@blueprint.app_errorhandler(429)
def too_often(_: Exception) -> Page:
    wait_s = limits.retry_after_s()
    words = f"{wait_s} seconds" if wait_s < 120 else f"{round(wait_s / 60)} minutes"
    g.athlete = None  # a limited caller costs no query
    return _answer(429, "Too many requests", f"Nothing was changed. Try again in {words}.", retry_after_s=wait_s)


@blueprint.app_errorhandler(OperationalError)
@blueprint.app_errorhandler(NoConnectionError)
def no_database(error: Exception) -> Page:
    route = request.url_rule.rule if request.url_rule else None
    log.error("the database does not answer", route=route, problem=type(error).__name__)
    g.athlete = None
    text = "Our database doesn't answer right now; your record is safe. Try again in a minute."
    return _answer(503, "Not right now", text, retry_after_s=60)


def _answer(status: int, title: str, text: str, *, retry_after_s: int | None = None) -> Page:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    if request.endpoint in _FOR_PROGRAMS or wants_json():
        return jsonify(error=f"{title}. {text}"), status, headers
    return render_template("message.html", title=title, text=text), status, headers
