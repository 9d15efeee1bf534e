"""`/ops`: the backlog, failures with their reasons, and one click to retry. Made from the same figures as `/metrics`."""

from __future__ import annotations

import hmac
import platform
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from adductor import __version__, logs
from adductor.jobs import backlog
from adductor.queue import claims
from adductor.store import migrate
from service import limits, numbers
from service.context import installation
from service.doctor import FailedError
from service.doctor.checks import ON_THE_PAGE
from service.doctor.status import Status, read_status
from service.ops import failures

blueprint = Blueprint("ops", __name__)
log = logs.get(__name__)
Page = str | AnyResponse

QUEUE_NAMES = {
    "events": "Events",
    "deliveries": "Notes and routine mails",
    "letters": "Other mails",
    "prompts": "Runners to look at",
    "reconciliations": "Strava logs to check",
    "revocations": "Access to revoke",
}


@blueprint.get("/ops")
@limits.operators
def board() -> Page:
    """The page. A part that does not answer leaves its figures out, and a concern says why."""
    _let_in()
    here = installation()
    status = read_status(here)
    concerns = list(_concerns(status))
    versions = {"Adductor Coach": __version__, "Python": platform.python_version()}
    failed, leads_to = [], ""
    if "database" not in status.problems:
        with here.store.read() as session:
            failed = failures.failed(session)
        kind = "SQLite" if here.store.is_sqlite else "PostgreSQL"
        versions["Database"] = f"{kind}, at revision {migrate.current(here.store) or 'none'} of {migrate.latest()}"
    if status.subscription is not None:
        parts = urlsplit(status.subscription.callback_url)
        leads_to = f"{parts.scheme}://{parts.netloc}"  # the path is a secret
    return render_template(
        "ops/board.html",
        status=status,
        concerns=concerns,
        failed=failed,
        versions=versions,
        leads_to=leads_to,
        names=QUEUE_NAMES,
    )


@blueprint.post("/ops/again")
@limits.operators
def try_again() -> Page:
    """Let one row (``queue`` and ``id``), or all of a queue that were given up (``queue``), be due now."""
    _let_in()
    here = installation()
    queue, row_id = request.form.get("queue", ""), request.form.get("id", type=numbers.row_id)
    table = backlog.QUEUES.get(queue) or abort(404)
    if row_id is None and "id" in request.form:
        abort(404)
    chosen = (claims.is_failed(table),) if row_id is None else (table.id == row_id, table.state.in_(claims.AT_REST))
    with here.store.write() as session:
        count = claims.retry_rows(session, here, table, *chosen)
    log.info("operator tries again", queue=queue, row=row_id, rows=count)
    if count:
        flash("It is due now." if row_id is not None else f"{count} due now.", "said")
    else:
        flash("Nothing was changed: it has ended meanwhile, or is being done.", "problem")
    return redirect(url_for("ops.board"), 303)


def _let_in() -> None:
    """The operator alone, by HTTP Basic authentication (RFC 7617) with ADDUCTOR_OPS_TOKEN as the password, any name.

    404 without a token set; 401, for which the browser asks, without the right one.
    """
    token, given = installation().settings.ops_token or abort(404), request.authorization
    if given is not None:
        if hmac.compare_digest((given.password or "").encode(), token.get_secret_value().encode()):
            return
        log.warning("operator not let in")
    text = "This page is the operator's: its password is the value of ADDUCTOR_OPS_TOKEN, with any name."
    body = render_template("message.html", title="Operator sign-in", text=text, athlete=None)
    abort(Response(body, 401, {"WWW-Authenticate": 'Basic realm="Operator", charset="UTF-8"'}))


@blueprint.after_request
def _not_listed(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _concerns(status: Status) -> Iterator[tuple[str, FailedError]]:
    """The checks that fail; without the database only those that do without it."""
    for check in ON_THE_PAGE:
        if "database" in check.needs and "database" in status.problems:
            continue
        try:
            check.run(status)
        except FailedError as failure:
            yield check.name, failure
