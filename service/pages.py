"""The runner's pages: the way in, the first questions, home, what was decided and why, and the routine itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from adductor.channels import wording
from adductor.pipeline import decisions, situations
from adductor.store.models import Athlete, DecisionRecord, Delivery, Suggestion
from service.app import installation

blueprint = Blueprint("pages", __name__)
P = ParamSpec("P")
Page = str | Response | tuple[str, int]

# What a home may have; ids of the catalogue's equipment, in the words of the question.
EQUIPMENT = (
    ("long_band", "A long resistance band"),
    ("ball", "A ball, or a firm pillow"),
    ("chair", "A sturdy chair, bench or sofa"),
    ("slider", "A slider, or a towel or sock on tile or hardwood"),
    ("step", "A step or stair"),
    ("dumbbell", "A dumbbell or kettlebell"),
)
PLACES = (
    ("private_note", "In the private note of my run (only I see it)"),
    ("description", "In the description of my run (everybody who sees the run can read it)"),
)
_SHOWN_DECISIONS = 12


def signed_in(page: Callable[P, Page]) -> Callable[P, Page]:
    """Pages of a runner: whoever isn't signed in is sent to the start."""

    @functools.wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        athlete = current_athlete()
        if athlete is None:
            return redirect(url_for("pages.start"))
        if athlete.confirmed_at is None and request.endpoint != "pages.welcome":
            return redirect(url_for("pages.welcome"))
        return page(*args, **kwargs)

    return guarded


def current_athlete() -> Athlete | None:
    """The runner whose browser this is, while they are connected."""
    athlete_id = session.get("athlete")
    if not isinstance(athlete_id, int):
        return None
    with installation().store.read() as database:
        athlete = database.get(Athlete, athlete_id)
    return athlete if athlete is not None and athlete.status == "connected" else None


def _athlete() -> Athlete:
    athlete = current_athlete()
    if athlete is None:
        abort(401)
    return athlete


@blueprint.get("/")
def start() -> Page:
    """What this is, and the one button."""
    if current_athlete() is not None:
        return redirect(url_for("pages.home"))
    return render_template("start.html")


@blueprint.route("/welcome", methods=["GET", "POST"])
@signed_in
def welcome() -> Page:
    """The first answers. Before them nothing is written anywhere."""
    athlete = _athlete()
    problems: list[str] = []
    if request.method == "POST":
        problems = _first_answers(athlete.id)
        if not problems:
            return redirect(url_for("pages.home"))
    page = render_template(
        "welcome.html",
        athlete=athlete,
        problems=problems,
        equipment=EQUIPMENT,
        places=PLACES,
        given=request.form,
        can_write="activity:write" in athlete.scopes,
    )
    return page, 400 if problems else 200


def _first_answers(athlete_id: int) -> list[str]:
    form = request.form
    problems = []
    health = {name: form.get(name) for name in ("pain", "condition")}
    if any(answer not in {"yes", "no"} for answer in health.values()):
        problems.append("Please answer both health questions.")
    target = form.get("target", "")
    if target not in {"1", "2"}:
        problems.append("Choose one or two sessions a week.")
    place = form.get("place", "")
    if place not in {name for name, _ in PLACES}:
        problems.append("Choose where the routines should be written.")
    if problems:
        return problems
    here = installation()
    now = here.clock.now()
    with here.store.write() as database:
        athlete = decisions.lock(database, athlete_id)
        if athlete is None:
            abort(401)
        athlete.screening_completed_at = now
        athlete.clearance_needed = "yes" in health.values()
        athlete.target_sessions_per_week = int(target)
        athlete.channels = {"post_run": place}
        asked = [name for name, _ in EQUIPMENT if form.get(f"has_{name}")]
        athlete.equipment = asked if form.get("equipment_answered") else None
        athlete.confirmed_at = athlete.confirmed_at or now
        athlete.programme_started_on = (
            athlete.programme_started_on or now.astimezone(situations.zone_of(athlete.timezone)).date()
        )
    return []


@blueprint.get("/home")
@signed_in
def home() -> Page:
    """Where the runner stands, and what was decided lately."""
    athlete = _athlete()
    with installation().store.read() as database:
        rows = database.scalars(
            select(DecisionRecord)
            .where(DecisionRecord.athlete_id == athlete.id)
            .order_by(DecisionRecord.at.desc(), DecisionRecord.id.desc())
            .limit(_SHOWN_DECISIONS)
        ).all()
        suggestions = {
            suggestion.decision_id: suggestion
            for suggestion in database.scalars(
                select(Suggestion).where(
                    Suggestion.athlete_id == athlete.id, Suggestion.decision_id.in_([row.id for row in rows])
                )
            )
        }
    return render_template(
        "home.html", athlete=athlete, decisions=rows, suggestions=suggestions, local=_local_time(athlete)
    )


@blueprint.get("/suggestions/<public_id>")
@signed_in
def suggestion(public_id: str) -> Page:
    """One suggestion: why, everything considered, the text as written, where it went."""
    athlete = _athlete()
    with installation().store.read() as database:
        row = database.scalar(
            select(Suggestion).where(Suggestion.public_id == public_id, Suggestion.athlete_id == athlete.id)
        )
        if row is None:
            abort(404)
        decision = database.get_one(DecisionRecord, row.decision_id)
        delivered = database.scalars(select(Delivery).where(Delivery.suggestion_id == row.id)).all()
    return render_template(
        "suggestion.html",
        athlete=athlete,
        suggestion=row,
        decision=decision,
        deliveries=delivered,
        local=_local_time(athlete),
    )


@blueprint.get("/routine/<public_id>")
def routine(public_id: str) -> Page:
    """The steps. Holds nothing of the runner's, so the link in a note works without signing in."""
    here = installation()
    with here.store.read() as database:
        row = database.scalar(select(Suggestion).where(Suggestion.public_id == public_id))
    if row is None:
        abort(404)
    made = decisions.routine_of(row)
    steps = [
        {
            "item": item,
            "name": wording.short_name(item.exercise),
            "dose": wording.dose_of(item),
            "exercise": here.catalogue.exercises[item.exercise],
        }
        for item in made.items
    ]
    return render_template("routine.html", routine=made, title=wording.title(made), steps=steps)


@blueprint.get("/privacy")
def privacy() -> Page:
    """What is held, and until when."""
    return render_template("privacy.html")


@blueprint.app_errorhandler(404)
def not_found(_: Exception) -> Page:
    return render_template("message.html", title="Nothing here", text="This page doesn't exist, or no longer."), 404


def _local_time(athlete: Athlete) -> Callable[[datetime], str]:
    zone = situations.zone_of(athlete.timezone)
    return lambda moment: f"{moment.astimezone(zone):%A %-d %B, %H:%M}"
