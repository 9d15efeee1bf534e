"""Pages for what can't be shown: missing, not yours, out of date."""

from __future__ import annotations

from flask import g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from werkzeug.wrappers import Response

from adductor import logs
from service import limits
from service.pages.access import Page, blueprint

log = logs.get(__name__)
# Their callers read JSON, whatever they say that they accept.
_FOR_PROGRAMS = frozenset(
    {"webhooks.handshake", "webhooks.receive", "ops.alive", "ops.ready", "ops.metrics", "pages.routine_state"}
)


@blueprint.app_errorhandler(400)
def not_understood(_: Exception) -> Page:
    text = "Something in it can't be read. Nothing was changed: go back and try again."
    return _answer("That can't be read", text, 400)


@blueprint.app_errorhandler(404)
def not_found(_: Exception) -> Page:
    return render_template("message.html", title="Nothing here", text="This page doesn't exist, or no longer."), 404


@blueprint.app_errorhandler(CSRFError)
def form_out_of_date(_: Exception) -> Page:
    text = "Nothing was changed. You may have signed out in another tab: go back, reload the page and send it again."
    return render_template("message.html", title="This form is out of date", text=text), 400


@blueprint.app_errorhandler(401)
def not_signed_in(_: Exception) -> Page:
    return render_template("message.html", title="You are signed out", text="Sign in and try again."), 401


@blueprint.app_errorhandler(413)
def too_much(_: Exception) -> Page:
    return _answer("That was too much", "Nothing was changed: send less text.", 413)


@blueprint.app_errorhandler(429)
def too_often(_: Exception) -> Page:
    wait_s = limits.retry_after_s()
    words = f"{wait_s} seconds" if wait_s < 120 else f"{round(wait_s / 60)} minutes"
    g.athlete = None  # no look into the database for whoever asks too often
    answer, status = _answer("Too many requests", f"Nothing was changed. Try again in {words}.", 429)
    return answer, status, {"Retry-After": str(wait_s)}


@blueprint.app_errorhandler(OperationalError)
@blueprint.app_errorhandler(NoConnectionError)
def no_database(error: Exception) -> Page:
    log.error("the database does not answer", route=_route(), problem=type(error).__name__)
    g.athlete = None  # who it is stands in the database, too
    text = "Our database doesn't answer right now; your record is safe. Try again in a minute."
    answer, status = _answer("Not right now", text, 503)
    return answer, status, {"Retry-After": "60"}


@blueprint.app_errorhandler(500)
def our_fault(_: Exception) -> Page:
    g.athlete = None  # whatever failed may fail again
    text = "Something went wrong on our side; your record is safe. Try again in a minute."
    return _answer("That did not work", text, 500)


def _answer(title: str, text: str, status: int) -> tuple[str | Response, int]:
    if request.endpoint in _FOR_PROGRAMS or request.accept_mimetypes.best == "application/json":
        return jsonify(error=f"{title}. {text}"), status
    return render_template("message.html", title=title, text=text), status


def _route() -> str | None:
    return request.url_rule.rule if request.url_rule else None
