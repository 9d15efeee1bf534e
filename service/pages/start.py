"""The way in: what this is, the exercises, and the first answers. Before them nothing is written anywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, redirect, render_template, request, url_for

from adductor import coaching
from adductor.athletes import channels, situations
from adductor.coaching import situation as words
from adductor.notes import wording
from service.context import installation
from service.pages.access import Page, blueprint, current_athlete, signed_in, the_athlete, today_of
from service.pages.assets import compressed
from service.pages.forms import (
    EMAIL,
    TARGET,
    Field,
    Given,
    change_address,
    changing,
    equipment,
    one_of,
    optional,
    read,
    whole,
)
from service.pages.settings_forms import places_of
from service.pages.words import PLACES

# The runner of the previews: an easy run has just ended; on the second level the last session was three days ago.
_PREVIEW_ATHLETE = words.Athlete(timezone=ZoneInfo("UTC"), screening_completed=True)
_PREVIEW_RUN = words.Activity("preview", "run", datetime(2026, 6, 3, 9, tzinfo=UTC), 45, intensity=words.Intensity.EASY)
_LONG_RUN_AT = "09:00"  # judgement: the day matters; the settings have the time
_FIRST_ANSWERS = (
    Field("pain", one_of(("yes", "no")), "Pain now: please answer yes or no."),
    Field("condition", one_of(("yes", "no")), "Injury, pregnancy or medical advice: please answer yes or no."),
    TARGET,
    Field("place", one_of(PLACES), "Where to write: choose one of the places."),
    Field("long_run_day", optional(whole(0, 6)), "Long run: choose a day, or no fixed day."),
    EMAIL,
)


@blueprint.get("/")
def start() -> Page:
    """What this is, and the one button."""
    if current_athlete() is not None:
        return redirect(url_for("pages.home"))
    return render_template("start.html", preview=_preview(None, stage=2))


@blueprint.get("/exercises")
def exercises() -> Page:
    """The catalogue by stage: the article's own wording, our reading of it, how to do it, and where it comes from."""
    page = render_template("exercises.html", catalogue=installation().catalogue)
    # Twenty drawings: a quarter of the bytes. No form stands on this page, so it holds no secret.
    return compressed(Response(page, mimetype="text/html"))


@blueprint.route("/welcome", methods=["GET", "POST"])
@signed_in
def welcome() -> Page:
    """The first answers."""
    given = Given()
    if request.method == "POST":
        given = read(request.form, *_FIRST_ANSWERS)
        if given.changes.get("place") == "mail" and not given.changes.get("email"):
            given.problems.setdefault("email", "E-mail: to get routines there, give an address.")
        if not given.problems:
            _keep(given.changes)
            return redirect(url_for("pages.home"))
    have = frozenset(_equipment() or ()) if request.method == "POST" else None
    usable = places_of(the_athlete(), "post_run")
    offered = [place for place in usable if place in channels.WRITTEN] or usable
    # An e-mail needs an address first.
    usual = next(place for place in offered if place != channels.MAIL)
    shown = {"problems": given.problems, "given": request.form, "preview": _preview(have)}
    return render_template("welcome.html", places=offered, usual=usual, **shown), 400 if given.problems else 200


def _preview(have: frozenset[str] | None, stage: int = 1) -> str:
    """A real note: the coach decides about a made-up run with this equipment, and its own words stand in the block."""
    here, run = installation(), _PREVIEW_RUN
    done = stage > 1
    session = words.Session(run.start - timedelta(days=3), "strength_full", rpe_1_10=7, pain_during_0_10=0)
    verdict = coaching.decide(
        words.Situation(
            replace(_PREVIEW_ATHLETE, equipment=have, programme_stage=stage, sessions_completed_total=9 * done),
            words.Event(words.EventType.ACTIVITY_UPLOADED, run.id),
            run.start + timedelta(minutes=run.moving_min),
            activities=(replace(run, id="earlier", start=session.completed_at), run),
            sessions=(session,) * done,
        ),
        here.catalogue,
    )
    if verdict.routine is None:
        raise RuntimeError(f"the run of the preview gets no routine: {verdict.reason}")
    block = wording.note_block(verdict.routine, verdict.reason, None)
    return wording.with_private_link(block, f"{here.settings.public_url}/r/…")


def _equipment() -> list[str] | None:
    return equipment(request.form) if request.form.get("equipment_answered") else None


def _keep(said: dict[str, Any]) -> None:
    with changing() as coach:
        athlete, now = coach.athlete, coach.now
        zone = request.form.get("timezone", "")  # the browser's, where it runs scripts: known before any activity
        if situations.zone_of(zone).key == zone:
            athlete.timezone, athlete.timezone_from = zone, now
        athlete.screening_completed_at = now
        athlete.clearance_needed = "yes" in (said["pain"], said["condition"])
        athlete.target_sessions_per_week = said["target_sessions_per_week"]
        # Until there is an address, what belongs to no run stands on the runner's pages, or in the calendar of their choice.
        rest_day = channels.CALENDAR if said["place"] == channels.CALENDAR else channels.PAGES
        athlete.channels = {"rest_day": rest_day, **(athlete.channels or {}), "post_run": said["place"]}
        athlete.equipment = _equipment()
        day = said["long_run_day"]
        if day is not None:
            others = [run for run in athlete.usual_runs or [] if run["weekday"] != day]
            athlete.usual_runs = [*others, {"weekday": day, "at": _LONG_RUN_AT, "kind": "long"}]
        athlete.confirmed_at = athlete.confirmed_at or now
        athlete.programme_started_on = athlete.programme_started_on or today_of(athlete)
        if said["email"]:
            change_address(coach.session, athlete, said["email"])
