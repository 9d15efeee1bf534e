"""Settings: every choice of the runner; each change can be previewed before it is saved."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from adductor.athletes import channels, situations
from adductor.store.models import PlannedRunRecord
from service import numbers
from service.context import installation
from service.pages import settings_forms, settings_preview
from service.pages.access import Page, blueprint, signed_in, the_athlete, today_of
from service.pages.changes import change_address, changing
from service.pages.forms import Given

_MOST_RACES = 60


@blueprint.get("/settings")
@signed_in
def settings() -> Page:
    """All choices."""
    return _page(), 200


@blueprint.post("/settings/<section>")
@signed_in
def save_settings(section: str) -> Page:
    """Save the choices of one section, or show what they would mean (``do=preview``)."""
    read = settings_forms.FORMS.get(section)
    if read is None:
        abort(404)
    athlete = the_athlete()
    given = read(request.form, athlete)
    if given.problems or request.form.get("do") == "preview":
        meaning = [] if given.problems else settings_preview.of(installation(), athlete.id, section, given.changes)
        return _not_saved(section, given, meaning)
    with changing() as (database, row):
        for name, value in given.changes.items():
            if name == "email":
                change_address(database, row, value)
            else:
                setattr(row, name, value)
    return _saved("Saved.", section)


@blueprint.post("/settings/races/add")
@signed_in
def add_race() -> Page:
    """Add a race or key day, or show what it would mean (``do=preview``)."""
    athlete = the_athlete()
    given = settings_forms.race(request.form, athlete, situations.zone_of(athlete.timezone), today_of(athlete))
    if given.problems or request.form.get("do") == "preview":
        meaning = [] if given.problems else settings_preview.of_race(installation(), athlete.id, given.changes)
        return _not_saved("races", given, meaning)
    race = PlannedRunRecord(athlete_id=athlete.id, **given.changes)
    with changing() as (database, _):
        planned = database.scalars(select(PlannedRunRecord).where(PlannedRunRecord.athlete_id == athlete.id)).all()
        if len(planned) >= _MOST_RACES:
            given.problems["day"] = f"Day: {_MOST_RACES} are planned already; remove one first."
        elif not any((one.start, one.kind) == (race.start, race.kind) for one in planned):  # pressed twice is one race
            database.add(race)
    if given.problems:
        return _not_saved("races", given, [])
    return _saved("Saved. Routines make room for it.", "races")


@blueprint.post(f"/settings/races/<int(max={numbers.LARGEST_ID}):race_id>/remove")
@signed_in
def remove_race(race_id: int) -> Page:
    """Remove a race."""
    with changing() as (database, athlete):
        race = database.get(PlannedRunRecord, race_id)
        if race is None or race.athlete_id != athlete.id:
            abort(404)
        database.delete(race)
    return _saved("Removed.", "races")


def _saved(text: str, section: str) -> Page:
    flash(text, "done")
    return redirect(url_for("pages.settings") + f"#{section}")


def _not_saved(section: str, given: Given, meaning: list[str]) -> Page:
    """The form as it was sent, with its problems or with what it would mean."""
    if request.headers.get("X-Fragment"):
        return render_template("_preview.html", meaning=meaning, problems=given.problems)
    return _page(section, given.problems, meaning), 400 if given.problems else 200


def _page(section: str = "", problems: dict[str, str] | None = None, meaning: list[str] | None = None) -> str:
    athlete = the_athlete()
    here = installation()
    with here.store.read() as database:
        races = database.scalars(
            select(PlannedRunRecord)
            .where(PlannedRunRecord.athlete_id == athlete.id, PlannedRunRecord.start >= here.clock.now())
            .order_by(PlannedRunRecord.start)
        ).all()
    return render_template(
        "settings.html",
        section=section,
        problems=problems or {},
        meaning=meaning or [],
        typed=request.form if section else None,
        races=races,
        forms=settings_forms,
        usual={run["weekday"]: run for run in athlete.usual_runs},
        today=today_of(athlete),
        note_problem=channels.private_note_problem(athlete, installation().clock.now()),
    )
