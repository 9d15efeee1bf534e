"""Settings: every choice of the runner; each change can be looked at before it is kept."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from adductor.athletes import decisions, situations
from adductor.store.models import Athlete, PlannedRunRecord
from service import numbers
from service.context import installation
from service.pages import emails, reschedule, settings_forms, settings_preview
from service.pages.access import Page, blueprint, local_time, signed_in, the_athlete, today_of
from service.pages.words import EQUIPMENT, NOT_IN_EVERY_HOME, PLACEMENTS, RUN_KINDS, WEEKDAYS

_MOST_RACES = 60


@blueprint.get("/settings")
@signed_in
def settings() -> Page:
    """All choices."""
    return _page(), 200


@blueprint.post("/settings/<section>")
@signed_in
def save_settings(section: str) -> Page:
    """Keep the choices of one section, or show what they would mean (``do=preview``)."""
    read = settings_forms.FORMS.get(section)
    if read is None:
        abort(404)
    athlete = the_athlete()
    given = read(request.form, athlete)
    if request.form.get("do") == "preview":
        meaning = [] if given.problems else settings_preview.of(installation(), athlete.id, section, given.changes)
        if request.headers.get("X-Fragment"):
            return render_template("_preview.html", meaning=meaning, problems=given.problems)
        return _page(section, given.problems, meaning), 400 if given.problems else 200
    if given.problems:
        return _page(section, given.problems), 400
    _keep(athlete.id, given.changes)
    flash("Saved.", "done")
    return redirect(url_for("pages.settings") + f"#{section}")


@blueprint.post("/settings/races/add")
@signed_in
def add_race() -> Page:
    """A race or key day: around it the routines make room."""
    here = installation()
    athlete = the_athlete()
    zone = situations.zone_of(athlete.timezone)
    race, problems = settings_forms.race(request.form, athlete, zone, today_of(athlete))
    if race is not None and request.form.get("do") == "preview":
        meaning = settings_preview.of_race(here, athlete.id, race)
        if request.headers.get("X-Fragment"):
            return render_template("_preview.html", meaning=meaning, problems={})
        return _page("races", {}, meaning), 200
    if race is None:
        if request.headers.get("X-Fragment"):
            return render_template("_preview.html", meaning=[], problems=problems)
        return _page("races", problems), 400
    with here.store.write() as database:
        row = decisions.lock(database, athlete.id)
        if row is None:
            abort(401)
        planned = database.scalars(select(PlannedRunRecord).where(PlannedRunRecord.athlete_id == athlete.id)).all()
        if len(planned) >= _MOST_RACES:
            return _page("races", {"day": f"Day: {_MOST_RACES} are planned already; remove one first."}), 400
        same = any(one.start == race.start and one.kind == race.kind for one in planned)
        if not same:  # pressed twice is still one race
            database.add(
                PlannedRunRecord(
                    athlete_id=athlete.id,
                    start=race.start,
                    kind=race.kind,
                    priority=race.priority,
                    distance_km=race.distance_km,
                    name=race.name,
                )
            )
            database.flush()
        reschedule.after_change(here, database, row)
    flash("Saved. Routines make room for it.", "done")
    return redirect(url_for("pages.settings") + "#races")


@blueprint.post(f"/settings/races/<int(max={numbers.LARGEST_ID}):race_id>/remove")
@signed_in
def remove_race(race_id: int) -> Page:
    """It is off."""
    here = installation()
    with here.store.write() as database:
        athlete = decisions.lock(database, the_athlete().id)
        race = database.get(PlannedRunRecord, race_id)
        if athlete is None or race is None or race.athlete_id != athlete.id:
            abort(404)
        database.delete(race)
        database.flush()
        reschedule.after_change(here, database, athlete)
    flash("Removed.", "done")
    return redirect(url_for("pages.settings") + "#races")


def _keep(athlete_id: int, changes: dict[str, Any]) -> None:
    here = installation()
    with here.store.write() as database:
        row = decisions.lock(database, athlete_id)
        if row is None:
            abort(401)
        apply(row, changes)
        if "email" in changes:
            emails.change(here, database, row, changes["email"])
        reschedule.after_change(here, database, row)


def apply(row: Athlete, changes: dict[str, Any]) -> None:
    """Set the columns; the address has its own way, since it must be confirmed."""
    for name, value in changes.items():
        if name != "email":
            setattr(row, name, value)


def _page(section: str = "", problems: dict[str, str] | None = None, meaning: list[str] | None = None) -> str:
    here = installation()
    athlete = the_athlete()
    now = here.clock.now()
    with here.store.read() as database:
        races = database.scalars(
            select(PlannedRunRecord)
            .where(PlannedRunRecord.athlete_id == athlete.id, PlannedRunRecord.start >= now)
            .order_by(PlannedRunRecord.start)
        ).all()
    # What was typed stays in its fields while something is wrong with it, or while it is only looked at.
    typed = request.form if section else None
    return render_template(
        "settings.html",
        section=section,
        problems=problems or {},
        meaning=meaning or [],
        typed=typed,
        races=races,
        forms=settings_forms,
        equipment=EQUIPMENT,
        not_in_every_home=NOT_IN_EVERY_HOME,
        placements=PLACEMENTS,
        weekdays=WEEKDAYS,
        run_kinds=RUN_KINDS,
        usual={run["weekday"]: run for run in athlete.usual_runs},
        today=today_of(athlete),
        local=local_time(athlete),
        can_write="activity:write" in athlete.connection.scopes,
    )
