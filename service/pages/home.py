"""Home: what's next and why, the week, the ladder, the weeks on target; a pause; the end of a hold."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import answers, decisions
from adductor.store.models import Athlete, DecisionRecord, Suggestion
from service.context import installation
from service.pages import status
from service.pages.access import Page, blueprint, local_time, signed_in, the_athlete, today_of
from service.pages.changes import changing
from service.pages.chart import in_words, weeks_chart
from service.pages.words import LEVELS, ROUTINES

PAUSES_DAYS = {"1": 7, "2": 14, "4": 28}
LONGEST_PAUSE_DAYS = 365
_LATELY = 3


@blueprint.get("/home")
@signed_in
def home() -> Page:
    """The runner's dashboard."""
    here = installation()
    athlete = the_athlete()
    now = here.clock.now()
    today = today_of(athlete)
    with here.store.read() as database:
        situation = status.situation_now(database, athlete, now)
        expected = status.ahead(here, situation)
        weeks = status.weeks(database, athlete, now)
        strip = status.strip(database, athlete, expected, now)
        waiting = _waiting(database, athlete, today)
        latest = _latest_referral(database, athlete)
        lately = database.execute(
            select(DecisionRecord, Suggestion)
            .outerjoin(Suggestion, Suggestion.decision_id == DecisionRecord.id)
            .where(DecisionRecord.athlete_id == athlete.id)
            .order_by(DecisionRecord.at.desc(), DecisionRecord.id.desc())
            .limit(_LATELY)
        ).all()
    shown = weeks[-status.WEEKS_SHOWN :]
    target = athlete.target_sessions_per_week
    return render_template(
        "home.html",
        state=state_of(athlete, today, waiting, new=not lately, this_week=weeks[-1].sessions),
        today=today,
        waiting=waiting,
        waiting_routine=decisions.routine_of(waiting) if waiting else None,
        referral=latest,
        next=status.what_is_next(here, situation, expected),
        strip=strip,
        ladder=status.ladder(here, athlete),
        levels=LEVELS,
        this_week=weeks[-1].sessions,
        streak=status.on_target_in_a_row(weeks, target),
        chart=weeks_chart(shown, target),
        chart_words=in_words(shown, target),
        weeks=shown,
        lately=lately,
        routines=ROUTINES,
        local=local_time(athlete),
    )


def state_of(athlete: Athlete, today: date, waiting: Suggestion | None, *, new: bool, this_week: int) -> str:
    """In which of its states the page is: what matters most comes first."""
    if athlete.hold_since is not None:
        return "hold"
    if athlete.clearance_needed:
        return "clearance"
    if athlete.paused_until is not None and athlete.paused_until > today:
        return "paused"
    if waiting is not None:
        return "waiting"
    if new:
        return "new"
    return "on_target" if this_week >= athlete.target_sessions_per_week else "between"


@blueprint.post("/pause")
@signed_in
def pause() -> Page:
    """No routines for a while, or again from now on."""
    until = None
    if request.form.get("end") != "1":
        until = _until(today_of(the_athlete()))
        if until is None:
            flash("Pause until: choose a day between tomorrow and a year from now.", "problem")
            return redirect(url_for("pages.home") + "#pause")
    with changing() as (_, row):
        answers.pause(row, until)
    flash(f"Paused until {until:%A %-d %B}." if until else "Routines may come again.", "done")
    return redirect(url_for("pages.home"))


@blueprint.post("/hold/clear")
@signed_in
def clear_hold() -> Page:
    """The runner says that it is sorted."""
    if request.form.get("sorted") != "yes":
        text = "It is sorted: tick the box to say that you have no pain, or that a professional cleared you."
        flash(text, "problem")
        return redirect(url_for("pages.home"))
    with changing() as (_, row):
        answers.clear_hold(row, now=installation().clock.now())
    flash("Good to have you back. Routines start gently.", "done")
    return redirect(url_for("pages.home"))


def _until(today: date) -> date | None:
    weeks = PAUSES_DAYS.get(request.form.get("weeks", ""))
    if weeks is not None:
        return today + timedelta(days=weeks)
    try:
        until = date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return None
    return until if today < until <= today + timedelta(days=LONGEST_PAUSE_DAYS) else None


def _waiting(database: Session, athlete: Athlete, today: date) -> Suggestion | None:
    return database.scalar(
        select(Suggestion)
        .where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date == today)
        .order_by(Suggestion.created_at.desc())
        .limit(1)
    )


def _latest_referral(database: Session, athlete: Athlete) -> DecisionRecord | None:
    if athlete.hold_since is None:
        return None
    return database.scalar(
        select(DecisionRecord)
        .where(DecisionRecord.athlete_id == athlete.id, DecisionRecord.decision == "refer")
        .order_by(DecisionRecord.id.desc())
        .limit(1)
    )
