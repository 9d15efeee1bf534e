"""`/ops`: the backlog, failures with their reasons, and one click to retry. Made from the same figures as `/metrics`."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Response, flash, redirect, render_template, request, url_for

from adductor import __version__, logs
from adductor.jobs import backlog
from adductor.queue import claims
from adductor.store import migrate
from service import limits
from service.context import installation
from service.doctor import FailedError
from service.doctor.checks import ON_THE_PAGE
from service.doctor.status import Status, read_status
from service.ops import failures, signing_in
from service.ops.signing_in import Page, blueprint, operators_only

log = logs.get(__name__)

QUEUE_NAMES = {
    "events": "Events",
    "deliveries": "Notes and routine mails",
    "letters": "Other mails",
    "prompts": "Runners to look at",
    "reconciliations": "Strava logs to check",
    "revocations": "Access to revoke",
}


@blueprint.get("/ops")
@operators_only
def board() -> Page:
    """The page. A part that does not answer leaves its figures out, and a concern says why."""
    here = installation()
    status = read_status(here)
    concerns = list(_concerns(status))
    versions = {"Adductor Coach": __version__, "Python": platform.python_version()}
    given_up, waiting, leads_to = [], [], ""
    if "database" not in status.problems:
        with here.store.read() as session:
            given_up, waiting = failures.given_up(session), failures.waiting_after_failure(session)
        kind = "SQLite" if here.store.is_sqlite else "PostgreSQL"
        versions["Database"] = f"{kind}, at revision {migrate.current(here.store) or 'none'} of {migrate.latest()}"
    if status.subscription is not None:
        parts = urlsplit(status.subscription.callback_url)
        leads_to = f"{parts.scheme}://{parts.netloc}"  # the path is a secret
    return render_template(
        "ops/board.html",
        status=status,
        concerns=concerns,
        given_up=given_up,
        waiting=waiting,
        versions=versions,
        leads_to=leads_to,
        names=QUEUE_NAMES,
    )


@blueprint.route("/ops/sign-in", methods=["GET", "POST"])
@limits.operators
def sign_in() -> Page:
    """The form for the token."""
    signed_in = signing_in.signed_in()
    if request.method == "GET":
        return redirect(url_for("ops.board")) if signed_in else render_template("ops/sign_in.html")
    if not signing_in.is_token(request.form.get("token", "")):
        log.warning("operator not let in")
        return render_template("ops/sign_in.html", wrong=True), 403
    log.info("operator signed in")
    return signing_in.let_in(redirect(url_for("ops.board"), 303))


@blueprint.post("/ops/sign-out")
@operators_only
def sign_out() -> Page:
    """End the sign-in of this browser."""
    return signing_in.let_go(redirect(url_for("ops.sign_in"), 303))


@blueprint.post("/ops/again")
@operators_only
def try_again() -> Page:
    """Let one row (``queue`` and ``id``), or all of a queue that were given up (``queue``), be due now."""
    here = installation()
    queue, row_id = request.form.get("queue", ""), request.form.get("id", "")
    table = backlog.QUEUES.get(queue)
    if table is None or not (row_id == "" or (row_id.isascii() and row_id.isdigit() and len(row_id) < 19)):
        flash("Nothing was changed: there is no such row.", "problem")
        return redirect(url_for("ops.board"), 303)
    with here.store.write() as session:
        if row_id:
            count = claims.retry_rows(session, here, table, table.id == int(row_id), table.state.in_(claims.AT_REST))
        else:
            count = claims.retry_rows(session, here, table, claims.is_failed(table))
    log.info("operator tries again", queue=queue, row=row_id or "all", rows=count)
    if count:
        flash("It is due now." if row_id else f"{count} due now.", "said")
    else:
        flash("Nothing was changed: it has ended meanwhile, or is being done.", "problem")
    return redirect(url_for("ops.board"), 303)


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
