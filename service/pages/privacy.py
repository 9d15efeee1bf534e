"""Privacy: what is held and until when, taking it along, disconnecting, deleting everything."""

from __future__ import annotations

import json

from flask import Response, render_template, request, session
from sqlalchemy import func, select

from adductor.athletes import personal_data
from adductor.jobs import leaving
from adductor.store.models import Delivery, Suggestion
from service import limits
from service.context import installation
from service.pages.access import Page, blueprint, current_athlete, platform_label, signed_in, the_athlete

_CONFIRM = "delete"


@blueprint.get("/privacy")
def privacy() -> Page:
    """What is held, and until when; for a runner also the ways out."""
    return _page(None)


@blueprint.get("/privacy/export")
@limits.exports
@signed_in
def export() -> Page:
    """Everything held about the runner, as a JSON file."""
    with installation().store.read() as database:
        whole = personal_data.export(database, the_athlete())
    headers = {"Content-Disposition": 'attachment; filename="adductor-coach.json"', "Cache-Control": "no-store"}
    return Response(json.dumps(whole, ensure_ascii=False, indent=2), mimetype="application/json", headers=headers)


@blueprint.post("/privacy/disconnect")
@signed_in
def disconnect() -> Page:
    """End the connection; the runner's own record stays for when they come back."""
    platform = platform_label()
    done = leaving.disconnect(installation(), the_athlete().id)
    session.clear()
    text = "Nothing is written any more, and what we had read from your running logs is deleted. "
    text += f"Your own record stays, in case you come back.{still_there(done, platform)}"
    return _gone("Disconnected", text, platform, revoked=done.revoked)


@blueprint.post("/privacy/delete")
@signed_in
def leave() -> Page:
    """Delete everything, with or without taking our notes out of the log."""
    if request.form.get("confirm", "").strip().lower() != _CONFIRM:
        return _page(f"Confirm: type the word {_CONFIRM} to delete everything. Nothing was deleted."), 400
    remove_notes = request.form.get("notes") == "remove"
    platform = platform_label()
    done = leaving.forget(installation(), the_athlete().id, remove_notes=remove_notes)
    session.clear()
    text = "We hold nothing about you any more."
    if remove_notes:
        text += f" Notes removed from your activities: {done.notes_removed}."
    text += still_there(done, platform)
    return _gone("Everything is deleted", text, platform, revoked=done.revoked)


def still_there(done: leaving.Forgotten, platform: str) -> str:
    """How many of our notes are left behind; "" for none."""
    if not done.notes_left:
        return ""
    return f" {done.notes_left} of our notes could not be reached and still stand; you can delete them in {platform}."


def _gone(title: str, text: str, platform: str, *, revoked: bool) -> str:
    if not revoked:
        text += f" {platform} could not be told just now: you can also end the access there, under Settings, My Apps."
    # The page after it has no runner.
    return render_template("message.html", title=title, text=text, athlete=None)


def _page(problem: str | None) -> str:
    athlete = current_athlete()
    notes = 0
    if athlete is not None:
        of_athlete = (Suggestion.athlete_id == athlete.id, Delivery.outcome == "written", Delivery.channel != "mail")
        with installation().store.read() as database:
            notes = database.scalar(select(func.count(Delivery.id)).join(Suggestion).where(*of_athlete)) or 0
    return render_template("privacy.html", problem=problem, notes=notes)
