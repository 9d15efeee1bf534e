"""The catalogue: the article's own wording, our reading of it, how to do it, and where it comes from."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response

from adductor.catalogue.models import Exercise
from adductor.notes import wording
from service.context import installation
from service.pages.access import Page, blueprint
from service.pages.assets import compressed


@blueprint.get("/exercises")
def exercises() -> Page:
    """All exercises, by stage."""
    catalogue = installation().catalogue
    page = render_template(
        "exercises.html",
        catalogue=catalogue,
        by_stage=[
            (stage, [exercise for exercise in catalogue.exercises.values() if exercise.stage == stage.number])
            for stage in catalogue.stages
        ],
        dose=dose_in_words,
        short=wording.short_name,
    )
    # Eighteen drawings: a quarter of the bytes. No form stands on this page, so it holds no secret.
    return compressed(Response(page, mimetype="text/html"))


def dose_in_words(exercise: Exercise) -> str:
    """``1 to 3 sets of 8-12 each side``: from the first sessions to the aim."""
    dose = exercise.dose
    count = dose.count
    span = str(count.min) if count.min == count.max else f"{count.min}–{count.max}"
    first, aim = dose.sets.start, dose.sets.target
    sets = f"{aim} sets" if first == aim else f"{first} to {aim} sets"
    side = " each side" if exercise.per_side else ""
    if dose.hold_s is None:
        return f"{sets} of {span}{side}"
    held = str(dose.hold_s.min) if dose.hold_s.min == dose.hold_s.max else f"{dose.hold_s.min}–{dose.hold_s.max}"
    what = f"{held} s in each of {dose.positions} positions" if dose.positions > 1 else f"{span} holds of {held} s"
    return f"{sets} of {what}{side}"
