"""`/ops`: what waits, what failed and why, and one click to try again. Made from the same figures as `/metrics`."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from flask import Response, flash, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError

from adductor import __version__, logs
from adductor.installation import Installation
from adductor.jobs import backlog
from adductor.jobs.backlog import Queue
from adductor.platforms.budget import QUARTERS_A_DAY, opens_at, quarter_of
from adductor.queue import requeue
from adductor.store import migrate
from service import limits
from service.context import installation
from service.ops import concerns, failures, signing_in
from service.ops.concerns import Concern
from service.ops.failures import Row
from service.ops.health import NO_ANSWER, find_problems
from service.ops.routes import blueprint
from service.ops.signing_in import Page, operators_only

log = logs.get(__name__)

QUEUE_NAMES = {
    "events": "Events",
    "deliveries": "Notes and routine mails",
    "letters": "Other mails",
    "prompts": "Runners to look at",
    "reconciliations": "Logs to look through",
    "revocations": "Access to give back",
}


@dataclass(slots=True)
class Window:
    """One window of Strava's rate limit, in calls."""

    name: str
    left: int
    limit: int
    opens_at: datetime


@dataclass(slots=True)
class Board:
    """Everything that the page shows. A part that could not be read is empty, and a concern says why."""

    now: datetime
    real_now: datetime
    problems: dict[str, str]  # of database and broker
    concerns: list[Concern] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    given_up: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    beats: dict[str, datetime] = field(default_factory=dict)
    oldest: list[backlog.Oldest] = field(default_factory=list)
    athletes: dict[str, int] = field(default_factory=dict)
    subscription: tuple[int, str, datetime] | None = None
    budget: list[Window] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


@blueprint.get("/ops")
@operators_only
def board() -> Page:
    """The page."""
    return render_template("ops/board.html", board=_board(installation()), names=QUEUE_NAMES)


@blueprint.route("/ops/sign-in", methods=["GET", "POST"])
@limits.operators
def sign_in() -> Page:
    """The form for the token."""
    signing_in.token_is_set()
    if request.method == "GET":
        return redirect(url_for("ops.board")) if signing_in.signed_in() else render_template("ops/sign_in.html")
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
        count = (
            int(requeue.retry_one(session, here, table, int(row_id)))
            if row_id
            else requeue.retry_failed(session, here, table)
        )
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


def _board(here: Installation) -> Board:
    found = Board(here.clock.now(), here.clock.real_now(), find_problems(here))
    found.versions = {"Adductor Coach": __version__, "Python": platform.python_version()}
    if "database" not in found.problems:
        try:
            _read(here, found)
        except SQLAlchemyError:
            found.problems["database"] = NO_ANSWER  # since the probe
    found.concerns += concerns.of_parts(found.problems, found.beats, found.real_now)
    if "database" not in found.problems:
        state = here.budget("strava").state()
        quarter = quarter_of(found.now)
        next_quarter, next_day = opens_at(quarter + 1), opens_at((quarter // QUARTERS_A_DAY + 1) * QUARTERS_A_DAY)
        names = ("All calls, quarter of an hour", "All calls, day", "Reading, quarter of an hour", "Reading, day")
        amounts = zip(names, state.limits, state.used, strict=True)
        found.budget = [
            Window(name, max(limit - used, 0), limit, next_day if name.endswith("day") else next_quarter)
            for name, limit, used in amounts
        ]
        found.concerns += concerns.of_queues(found.queues, found.now)
        found.concerns += concerns.of_strava(
            state, subscribed=found.subscription is not None, uses_sandbox=here.settings.uses_sandbox
        )
        found.concerns += concerns.of_data(found.oldest, found.now)
    return found


def _read(here: Installation, found: Board) -> None:
    with here.store.read() as session:
        found.queues = backlog.queues(session, found.now)
        found.given_up = failures.given_up(session)
        found.waiting = failures.waiting_after_failure(session)
        found.beats = backlog.heartbeats(session)
        found.oldest = list(backlog.oldest_strava_data(session))
        found.athletes = backlog.connections_by_state(session)
        known = backlog.subscription(session)
    if known is not None:
        parts = urlsplit(known.callback_url)
        found.subscription = (known.subscription_id, f"{parts.scheme}://{parts.netloc}", known.created_at)
    kind = "SQLite" if here.store.is_sqlite else "PostgreSQL"
    found.versions["Database"] = f"{kind}, at revision {migrate.current(here.store) or 'none'} of {migrate.latest()}"
