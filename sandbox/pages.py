"""The pages for people: the feed with its buttons, the mailbox. `control` has the log and the faults."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from pydantic import ValidationError

from sandbox import activities, connections, mailbox, places
from sandbox.activities import Changes, Recording, problems_of
from sandbox.calls import world
from sandbox.models import Activity, Runner
from sandbox.session import chosen_runner_id, remember_runner
from sandbox.sports import SPORT_TYPES
from sandbox.words import PRESETS, SPORTS_IN_FORM

blueprint = Blueprint("pages", __name__)

ACTIVITIES_SHOWN = 50
RUNNERS_SHOWN = 100


def chosen_runner() -> Runner:
    """The runner chosen in this browser; the first made-up one without a valid choice."""
    here = world()
    runner_id = chosen_runner_id()
    with here.lock:
        return here.runners.get(runner_id or 0) or here.runners[min(here.runners)]


def _feed(status: int = 200, problems: tuple[str, ...] = ()) -> Response:
    here, runner = world(), chosen_runner()
    with here.lock:
        found = here.activities_of(runner.id)
        page = render_template(
            "feed.html",
            tab="feed",
            runner=runner,
            runners=sorted(here.runners.values(), key=lambda r: r.id)[:RUNNERS_SHOWN],
            found=found[:ACTIVITIES_SHOWN],
            left_out=max(0, len(found) - ACTIVITIES_SHOWN),
            connection=here.connection(runner.id),
            subscribed=here.subscription is not None,
            private_note_served=here.switches.private_note.served,
            edits=here.edits,
            version=here.journal.changes,
            presets=PRESETS,
            sports=SPORTS_IN_FORM,
            all_sports=sorted(set(SPORT_TYPES) - {value for value, _ in SPORTS_IN_FORM}),
            problems=problems,
            form=request.form,
            now_local=places.local(here.clock.now(), runner.timezone),
        )
    answer = Response(page, status)
    remember_runner(answer, runner.id)
    return answer


@blueprint.get("/")
def feed() -> Any:
    return _feed()


@blueprint.get("/feed/version")
def version() -> Any:
    return Response(str(world().journal.changes), mimetype="text/plain")


@blueprint.post("/runner")
def choose_runner() -> Any:
    here, text = world(), request.form.get("runner_id", "")
    if not text.isdecimal() or int(text) not in here.runners:
        return _feed(400, ("There is no such runner; choose one from the list.",))
    page = "intervals_pages.calendar" if request.form.get("back") == "calendar" else "pages.feed"
    answer = redirect(url_for(page), 303)
    remember_runner(answer, int(text))  # type: ignore[arg-type]  # werkzeug's Response in Flask's clothes
    return answer


_FLAGS = ("trainer", "manual", "hide_start")


def recording_of(form: dict[str, str]) -> Recording:
    """The filled-in form as a recording. Raises pydantic's ValidationError."""
    if form.get("preset") in PRESETS:
        return PRESETS[form["preset"]].recording
    given: dict[str, Any] = {
        key: form[key].strip()
        for key in ("sport_type", "minutes", "distance_km", "climb_m", "workout_type", "title", "visibility")
        if form.get(key, "").strip()
    }
    given |= {flag: True for flag in _FLAGS if flag in form}
    for key in ("description", "private_note"):
        if form.get(key):
            given[key] = form[key]
    if form.get("when") == "at" and form.get("start_local"):
        given["start_local"] = form["start_local"]
    return Recording.model_validate(given)


@blueprint.post("/record")
def record() -> Any:
    try:
        recording = recording_of(request.form.to_dict())
    except ValidationError as error:
        return _feed(400, tuple(problems_of(error)))
    activity = activities.record(world(), chosen_runner(), recording)
    return redirect(url_for("pages.feed", _anchor=f"a{activity.id}"), 303)


def _own(activity_id: int) -> Activity:
    activity = world().activities.get(activity_id)
    if activity is None or activity.deleted or activity.runner_id != chosen_runner().id:
        abort(404)
    return activity


def _back_to(activity_id: int) -> Any:
    return redirect(url_for("pages.feed", _anchor=f"a{activity_id}"), 303)


@blueprint.get("/activities/<int:activity_id>")
def show(activity_id: int) -> Any:
    """The target of "View on Strava": redirects to the activity in its runner's feed."""
    activity = world().activities.get(activity_id)
    if activity is None or activity.deleted:
        abort(404)
    answer = _back_to(activity_id)
    remember_runner(answer, activity.runner_id)
    return answer


@blueprint.post("/activities/<int:activity_id>/edit")
def edit(activity_id: int) -> Any:
    activity, form = _own(activity_id), request.form
    given: dict[str, Any] = {
        key: form[key] for key in ("title", "description", "private_note", "sport_type") if key in form
    }
    # A browser sends every line of a text field with \r\n; untouched text must not count as an edit.
    for key, old in (("description", activity.description), ("private_note", activity.private_note)):
        if key in given and _lines(given[key]) == _lines(old or ""):
            del given[key]
    try:
        changes = Changes.model_validate(given)
    except ValidationError as error:
        return _feed(400, tuple(problems_of(error)))
    activities.edit(world(), activity, changes.as_fields(), activities.THE_RUNNER)
    return _back_to(activity_id)


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


@blueprint.post("/activities/<int:activity_id>/visibility")
def visibility(activity_id: int) -> Any:
    activity = _own(activity_id)
    fields = {"visibility": "everyone" if activity.only_me else "only_me"}
    activities.edit(world(), activity, fields, activities.THE_RUNNER)
    return _back_to(activity_id)


@blueprint.post("/activities/<int:activity_id>/delete")
def delete(activity_id: int) -> Any:
    activities.delete(world(), _own(activity_id))
    return redirect(url_for("pages.feed"), 303)


@blueprint.post("/disconnect")
def disconnect() -> Any:
    connections.disconnect(world(), chosen_runner().id)
    return redirect(url_for("pages.feed"), 303)


@blueprint.get("/mailbox")
def mails() -> Any:
    mail_dir = world().config.mail_dir
    found = mailbox.newest_first(mail_dir)
    name = request.args.get("mail", "")
    shown = next((mail for mail in found if mail.name == name), found[0] if found else None)
    return render_template(
        "mailbox.html", tab="mailbox", mails=found, shown=shown, picked=bool(name), mail_dir=mail_dir
    )


@blueprint.get("/mailbox/html")
def mail_html() -> Any:
    mail = mailbox.one(world().config.mail_dir, request.args.get("mail", ""))
    if mail is None or mail.html is None:
        abort(404)
    answer = Response(mailbox.as_page(mail.html), mimetype="text/html")
    # No scripts, nothing from outside: the sandbox did not write this page.
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )
    return answer


def not_found() -> Any:
    """The 404 page."""
    return render_template("not_found.html", tab=""), 404
