"""Settings: every choice of the runner; each change can be previewed before it is saved."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import browsers, channels, told
from adductor.jobs import leaving, planned_notes
from adductor.platforms import registry
from adductor.store.models import Athlete, PlannedRunRecord
from service import numbers
from service.context import installation
from service.pages import choice_forms, privacy, settings_forms, settings_preview, status
from service.pages.access import Page, blueprint, signed_in, the_athlete, today_of
from service.pages.forms import Field, Given, change_address, changing, one_of, read

_MOST_RACES = 60


@blueprint.get("/settings")
@signed_in
def settings() -> Page:
    """All choices."""
    return _page("", Given(), []), 200


@blueprint.post("/settings/<section>")
@blueprint.post("/settings/races/add", defaults={"section": "races"})
@signed_in
def save_settings(section: str) -> Page:
    """Save the choices of one section, or show what they would mean (``do=preview``). A script gets the meaning of both."""
    read_form = settings_forms.FORMS.get(section)
    if read_form is None:
        abort(404)
    athlete = the_athlete()
    given = read_form(request.form, athlete)
    meaning: list[str] = []
    previews, by_script = request.form.get("do") == "preview", bool(request.headers.get("X-Fragment"))
    if not given.problems and (previews or by_script):
        meaning = settings_preview.of(installation(), athlete.id, section, given.changes)
    if not given.problems and not previews:
        with changing() as coach:
            # Once more, on the locked row: a list grows by one each time.
            given = read_form(request.form, coach.athlete)
            if not given.problems:
                _keep(coach.session, coach.athlete, section, given)
    if by_script:
        return render_template("_preview.html", meaning=meaning, problems=given.problems, saved=not previews)
    if given.problems or previews:
        return _page(section, given, meaning), 400 if given.problems else 200
    return _saved("Saved. Routines make room for it." if section == "races" else "Saved.", section)


@blueprint.post(f"/settings/races/<int(max={numbers.LARGEST_ID}):race_id>/remove")
@signed_in
def remove_race(race_id: int) -> Page:
    """Remove a race."""
    with changing() as coach:
        race = coach.session.get(PlannedRunRecord, race_id)
        if race is None or race.athlete_id != coach.athlete.id:
            abort(404)
        coach.session.delete(race)
    return _saved("Removed.", "races")


@blueprint.post("/settings/logs/<platform>/leave")
@signed_in
def leave_log(platform: str) -> Page:
    """Leave one of several logs; the others go on, and the runner's own record stays."""
    athlete = the_athlete()
    usable = [each.platform for each in athlete.connections if each.is_usable]
    if platform not in usable or len(usable) < 2:
        abort(404)
    done = leaving.disconnect(installation(), athlete.id, platform)
    label = registry.LABELS[platform]
    return _saved(f"{label} is left. What we had read there is deleted.{privacy.still_there(done, label)}", "logs")


@blueprint.post("/settings/logs/<platform>/plan")
@signed_in
def show_plan(platform: str) -> Page:
    """Show the week ahead in the calendar of a log, or no longer."""
    wanted = request.form.get("shown") == "1"
    with changing(reschedules=False) as coach:
        connection = coach.athlete.connection_at(platform)
        if connection is None or not planned_notes.may_choose(connection):
            abort(404)
        planned_notes.choose(connection, wanted=wanted, now=coach.now)
    text = "The week ahead is on its way into" if wanted else "The week ahead goes from"
    return _saved(f"{text} your {registry.LABELS[platform]} calendar; it takes some minutes.", "logs")


@blueprint.route("/leave-out/<exercise_id>", methods=["GET", "POST"])
@signed_in
def leave_out(exercise_id: str) -> Page:
    """Not this exercise: its reason, after a look at what takes its place."""
    here, athlete = installation(), the_athlete()
    exercise = here.catalogue.exercises.get(exercise_id) or abort(404)
    given = Given()
    if request.method == "POST":
        given = read(request.form, Field("reason", one_of(choice_forms.REASONS), "Why: choose one of the reasons."))
    if not choice_forms.may_be_left_out(here.catalogue, athlete, exercise):
        given.problems["reason"] = f"{exercise.name}: {choice_forms.LAST_ONE}"
    if request.method == "POST" and not given.problems:
        reason = given.changes["reason"]
        with changing() as coach:
            coach.athlete.left_out = {**coach.athlete.left_out, exercise_id: reason}
        told = " If it hurts, tell us how much in a check-in." if reason == "pain" else ""
        return _saved(f"Left out from the next routine on: {exercise.name}.{told}", "left-out")
    meaning = settings_preview.of(here, athlete.id, "left_out", {"left_out": {**athlete.left_out, exercise_id: ""}})
    meaning.insert(0, choice_forms.in_place_of(here.catalogue, athlete, exercise))
    page = render_template(
        "leave_out.html", exercise=exercise, meaning=meaning, problems=given.problems, choices=choice_forms
    )
    return page, 400 if given.problems and request.method == "POST" else 200


@blueprint.post("/leave-out/<exercise_id>/undo")
@signed_in
def take_in_again(exercise_id: str) -> Page:
    """The exercise may come again."""
    with changing() as coach:
        kept = coach.athlete.left_out
        if exercise_id not in kept:
            abort(404)
        coach.athlete.left_out = {id_: reason for id_, reason in kept.items() if id_ != exercise_id}
    return _saved("It may come up again.", "left-out")


@blueprint.post("/settings/own/<own_id>/remove")
@signed_in
def remove_own(own_id: str) -> Page:
    """Remove an exercise of the runner's own."""
    with changing() as coach:
        kept = coach.athlete.own_exercises
        if own_id not in {one["id"] for one in kept}:
            abort(404)
        coach.athlete.own_exercises = [one for one in kept if one["id"] != own_id]
    return _saved("Removed.", "own")


def _keep(database: Session, athlete: Athlete, section: str, given: Given) -> None:
    if section == "races":
        race = PlannedRunRecord(athlete_id=athlete.id, **given.changes)
        planned = database.scalars(select(PlannedRunRecord).where(PlannedRunRecord.athlete_id == athlete.id)).all()
        if len(planned) >= _MOST_RACES:
            given.problems["day"] = f"Day: {_MOST_RACES} are planned already; remove one first."
        elif not any((one.start, one.kind) == (race.start, race.kind) for one in planned):  # pressed twice is one race
            database.add(race)
        return
    for name, value in given.changes.items():
        if name == "email":
            change_address(database, athlete, value)
        else:
            if name == "timezone" and value != athlete.timezone:
                athlete.timezone_from = installation().clock.now()  # an activity from before doesn't know better
            setattr(athlete, name, value)


def only_withheld(athlete: Athlete) -> str | None:
    """What to connect instead when a log holds only what its platform may not hand on."""
    connection = told.only_withheld(athlete)
    if connection is None:
        return None
    label = registry.LABELS[connection.platform]
    return (
        f"All activities that {label} holds of you come from Strava, and {label} may not hand those on. Connect your watch "
        f"with {label} itself, or add Strava here."
    )


def _saved(text: str, section: str) -> Page:
    flash(text, "done")
    return redirect(url_for("pages.settings", open=section) + f"#{section}")


def _page(section: str, given: Given, meaning: list[str]) -> str:
    """The page; ``section`` stands as it was sent, with its problems or with what it would mean."""
    athlete = the_athlete()
    now = installation().clock.now()
    with installation().store.read() as database:
        races = database.scalars(
            select(PlannedRunRecord)
            .where(PlannedRunRecord.athlete_id == athlete.id, PlannedRunRecord.start >= now)
            .order_by(PlannedRunRecord.start)
        ).all()
        subscribed = browsers.of_athlete(database, athlete.id)
        maintenance = status.maintenance(database, athlete, now)
    return render_template(
        "settings.html",
        maintenance=maintenance,
        section=section,
        problems=given.problems,
        meaning=meaning,
        typed=request.form if section else None,
        races=races,
        browsers=subscribed,
        forms=settings_forms,
        choices=choice_forms,
        catalogue=installation().catalogue,
        usual={run["weekday"]: run for run in athlete.usual_runs},
        today=today_of(athlete),
        only_withheld=only_withheld(athlete),
        may_show_plan=planned_notes.may_choose,
        note_problem=channels.private_note_problem(athlete, now, mails=installation().settings.sends_mail),
    )
