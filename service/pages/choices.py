"""Leaving an exercise out, with what takes its place; taking that back; removing an exercise of the runner's own."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for

from service.context import installation
from service.pages import choice_forms, settings_preview
from service.pages.access import Page, blueprint, signed_in, the_athlete
from service.pages.forms import Field, Given, changing, one_of, read


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
        flash(f"Left out from the next routine on: {exercise.name}.{told}", "done")
        return redirect(url_for("pages.settings", open="left-out") + "#left-out")
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
    flash("It may come up again.", "done")
    return redirect(url_for("pages.settings", open="left-out") + "#left-out")


@blueprint.post("/settings/own/<own_id>/remove")
@signed_in
def remove_own(own_id: str) -> Page:
    """Remove an exercise of the runner's own."""
    with changing() as coach:
        kept = coach.athlete.own_exercises
        if own_id not in {one["id"] for one in kept}:
            abort(404)
        coach.athlete.own_exercises = [one for one in kept if one["id"] != own_id]
    flash("Removed.", "done")
    return redirect(url_for("pages.settings", open="own") + "#own")
