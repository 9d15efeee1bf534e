"""Home: what's next and why, the week, the ladder, the weeks on target; the check-in; a pause; the end of a hold."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select

from adductor import coaching
from adductor.athletes import answers, decisions, situations
from adductor.coaching import progression
from adductor.store.models import Athlete, CheckInRecord, DecisionRecord, Suggestion
from service.context import installation
from service.pages import ending, lately, status
from service.pages.access import Page, blueprint, signed_in, the_athlete, today_of
from service.pages.forms import PLACE, Field, changing, optional, read, whole
from service.pages.settings_forms import place_of
from service.pages.words import EQUIPMENT, SIGNS

PAUSES_DAYS = {"1": 7, "2": 14, "4": 28}
LONGEST_PAUSE_DAYS = 365
# The answer to "is today a day to train?", from 0, 3 and 6 on (Thorborg 2017, five-second squeeze).
_SQUEEZE_ANSWERS = (
    (6, "No: not today."),
    (3, "Yes, gently: squeezes only, until it is 2 or less."),
    (0, "Yes: today is a day to train."),
)
_THINGS = dict(EQUIPMENT)
_LATELY_LINES = 7
_LATELY_DAYS = 14  # runs are held for seven of them
_SCORES = tuple(
    Field(name, optional(whole(low, high)), f"{label}: choose a number from {low} to {high}.", column)
    for name, column, label, low, high in (
        ("pain", "pain_0_10", "Hip or groin pain, or elsewhere", 0, 10),
        ("squeeze", "squeeze_pain_0_10", "Pain while squeezing", 0, 10),
        ("soreness", "adductor_soreness_0_10", "Soreness of the inner thighs", 0, 10),
        ("feeling", "feeling_1_5", "How you feel", 1, 5),
    )
)


@blueprint.get("/home")
@signed_in
def home() -> Page:
    """The runner's dashboard."""
    here = installation()
    athlete = the_athlete()
    now = here.clock.now()
    today = today_of(athlete)
    routines_only = request.args.get("only") == "routines"
    with here.store.read() as database:
        situation = situations.looking_ahead(database, athlete, now)
        expected = coaching.forecast(situation, here.catalogue, status.DAYS_AHEAD)
        weeks = status.weeks(database, athlete, now)
        race = status.next_race(database, athlete, today)
        recorded = status.recorded(database, athlete, situation)
        strip = status.strip(database, athlete, situation, expected, recorded)
        waiting = database.scalar(
            select(Suggestion)
            .where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date == today)
            .order_by(Suggestion.created_at.desc())
            .limit(1)
        )
        referral = status.latest_referral(database, athlete) if athlete.hold_since else None
        since = now - timedelta(days=_LATELY_DAYS)
        decided = database.execute(
            status.decided(athlete, routines_only=routines_only).where(DecisionRecord.at > since)
        ).all()
        new = database.scalar(select(DecisionRecord.id).where(DecisionRecord.athlete_id == athlete.id).limit(1)) is None
        squeeze_is_due = status.squeeze_is_due(database, athlete, now)
        maintenance = status.maintenance(database, athlete, now)
        asked = status.latest_silent(database, situation, athlete)
    return render_template(
        "home.html",
        state=_state(athlete, today, waiting, new=new, this_week=weeks[-1].sessions),
        place=place_of(athlete, "post_run"),
        place_on_rest_days=place_of(athlete, "rest_day"),
        today=today,
        waiting=waiting,
        waiting_routine=decisions.routine_of(waiting) if waiting else None,
        referral=referral,
        hold_of_number=situation.athlete.hold is not None and coaching.is_from_a_number(situation.athlete.hold),
        next=status.what_is_next(here.catalogue, situation, expected),
        strip=strip,
        stage=here.catalogue.stage(athlete.programme_stage),
        stages=here.catalogue.stages,
        rungs=status.rungs(here.catalogue, athlete),
        this_week=weeks[-1].sessions,
        streak=status.on_target_in_a_row(weeks, athlete.target_sessions_per_week),
        weeks=weeks[-status.WEEKS_SHOWN :],
        race=race,
        lately=lately.by_day(decided, situation.athlete.timezone, {} if routines_only else recorded)[:_LATELY_LINES],
        routines_only=routines_only,
        useful_address=urlsplit(here.links.useful(asked, None, now)).path if asked else None,
        squeeze_is_due=squeeze_is_due,
        maintenance=maintenance,
        opens=progression.one_thing(here.catalogue, situations.athlete_of(athlete), _THINGS),
        things=_THINGS,
        exercises=here.catalogue.exercises,
    )


def _state(athlete: Athlete, today: date, waiting: Suggestion | None, *, new: bool, this_week: int) -> str:
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


@blueprint.route("/check-in", methods=["GET", "POST"])
@signed_in
def check_in() -> Page:
    """Save a check-in, of two taps on Home or of the page with everything; the coach answers it at once."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        record, problems = _record()
        if not problems:
            with changing() as coach:
                refers = answers.check_in(coach, record).decision == "refer"
            if not refers and record.squeeze_pain_0_10 is not None:
                flash(next(text for least, text in _SQUEEZE_ANSWERS if record.squeeze_pain_0_10 >= least), "done")
            elif not refers:
                flash(ending.day_to_train(the_athlete().id), "done")
            return redirect(url_for("pages.home"))
    page = render_template("check_in.html", problems=problems, given=request.form)
    return page, 400 if problems else 200


def _record() -> tuple[CheckInRecord, dict[str, str]]:
    given = read(request.form, *_SCORES, PLACE)
    signs = set(request.form.getlist("sign"))
    if unknown := signs - SIGNS.keys():
        given.problems["sign"] = f"Warning signs: “{sorted(unknown)[0]}” is not one of them."
    pain, place = given.changes.pop("pain_0_10", None), given.changes.pop("place", "hip_groin")
    given.changes[answers.PAIN_COLUMNS[place]] = pain
    if not given.problems and not signs and not any(score is not None for score in given.changes.values()):
        given.problems["pain"] = _SCORES[0].problem
    return CheckInRecord(**given.changes, red_flags=sorted(signs)), given.problems


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
    with changing() as coach:
        answers.pause(coach, until)
    flash(f"Paused until {until:%A %-d %B}." if until else "Routines are back on.", "done")
    return redirect(url_for("pages.home"))


@blueprint.post("/hold/clear")
@signed_in
def clear_hold() -> Page:
    """A professional has cleared the runner: two light sessions, then one level lower."""
    if request.form.get("sorted") != "yes":
        text = "Tick the box to say that a professional has cleared you."
        flash(text, "problem")
        return redirect(url_for("pages.home"))
    with changing() as coach:
        answers.clear_hold(coach)
    flash("Good to have you back. Two light sessions come first.", "done")
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
