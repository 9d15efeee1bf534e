"""The guided routine, under two addresses.

``/routine/<id>`` may stand in a text that others read: it opens for everybody, shows nothing of the runner, and only the
signed-in runner finishes it. ``/r/<key>`` (service/answers.py) is for the runner alone and needs no session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from flask import abort, jsonify, make_response, render_template, request, session, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from adductor import coaching, drawings
from adductor.athletes import decisions, situations
from adductor.athletes.answers import AnswerError
from adductor.catalogue.models import Exercise
from adductor.coaching import swaps
from adductor.coaching.replies import Said
from adductor.coaching.situation import Athlete as CoachedAthlete
from adductor.coaching.situation import Dose, ExerciseProgress, Routine, RoutineItem
from adductor.notes import wording
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import ending
from service.pages.access import Page, blueprint, current_athlete, find_suggestion, wants_json
from service.pages.assets import compressed

ALL_FIVE = "five"


class Load(NamedTuple):
    """The band or weight of an exercise: its name, the last load in the runner's words, and the next one in ours."""

    name: str
    last: str
    told: str


@dataclass(frozen=True, slots=True)
class Step:
    """One exercise of a routine as the page shows it."""

    place: int
    item: RoutineItem
    exercise: Exercise | None  # None: one of the runner's own
    effort: str
    positions: tuple[tuple[str, float], ...]  # of a hold in several: what each is called, its moment in the drawing, s
    alternatives: tuple[tuple[str, RoutineItem], ...]  # way, and the item


@blueprint.get("/routine/<public_id>")
@limits.link
def routine(public_id: str) -> Page:
    """The steps, for everybody."""
    response = make_response(show(_suggestion(public_id), request.path))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def show(suggestion: Suggestion, address: str, *, by_key: bool = False) -> Page:
    """The steps; with a script one at a time with a timer, without one as a list. ``swap=2:exercise`` exchanges.

    ``address`` is where the page stands, and where its form goes.
    """
    asked = request.args.get("all") == ALL_FIVE
    made = _asked_for(suggestion, request.args)
    steps = [_step(made, place, fixed=asked) for place in range(len(made.items))]
    shown = {item.exercise for step in steps for item in (step.item, *(other for _, other in step.alternatives))}
    drawn = shown.intersection(drawings.exercise_ids())
    pairs = zip(() if asked else decisions.routine_of(suggestion).items, steps, strict=False)
    page = render_template(
        "routine.html",
        suggestion=suggestion,
        routine=made,
        steps=steps,
        swapped=[f"{step.place + 1}:{step.item.exercise}" for was, step in pairs if was.exercise != step.item.exercise],
        drawings_css=url_for("pages.drawings_css", of=",".join(sorted(drawn))),
        address=address,
        by_key=by_key,
        mine=_is_mine(suggestion),
        asked=asked,
        all_five=_all_five(suggestion),
        loads=_loads(suggestion, made) if by_key or _is_mine(suggestion) else {},
        # The sandbox and the tests live in a faster time; the timer lives with them.
        speed=installation().settings.clock_speed,
    )
    # Compression can't be used to guess the form's token: the page holds no text of a sender's.
    return compressed(Response(page, mimetype="text/html"))


@blueprint.get("/routine/<public_id>/exercise/<int:place>/<exercise_id>")
@limits.link
def routine_exercise(public_id: str, place: int, exercise_id: str) -> Page:
    """One exercise of the routine, or one in its place."""
    return show_exercise(_suggestion(public_id), f"/routine/{public_id}", place, exercise_id)


def show_exercise(suggestion: Suggestion, address: str, place: int, exercise_id: str) -> Page:
    """One exercise of the routine, or what may take its place: to be put into the page, also offline."""
    made = _swapped(suggestion, [f"{place + 1}:{exercise_id}"])
    step = _step(made, place, decisions.routine_of(suggestion))
    return render_template("_step.html", address=address, step=step, mine=_is_mine(suggestion), loads={})


@blueprint.get("/routine/<public_id>/state")
@limits.secret
def routine_state(public_id: str) -> Response:
    """Whether this browser may finish the routine now, and the CSRF token for it."""
    suggestion = _suggestion(public_id)
    response = jsonify(signed_in=current_athlete() is not None, mine=_is_mine(suggestion), csrf_token=generate_csrf())
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/routine/<public_id>")
@limits.secret
def finish(public_id: str) -> Page:
    """Save how it went, for the signed-in runner."""
    suggestion = _suggestion(public_id)
    if current_athlete() is None:
        session["after_sign_in"] = url_for("pages.routine", public_id=public_id)
        return _not_saved("Sign in, then send it again: only you can finish your routine.", 401)
    if not _is_mine(suggestion):
        return _not_saved("This routine belongs to another runner, so your answer was not saved.", 403)
    return save(suggestion, request.path, source="page")


def save(suggestion: Suggestion, address: str, *, source: str) -> Page:
    """Save how it went. Idempotent: the page's offline queue may send it more than once."""
    try:
        made = _asked_for(suggestion, request.form)
        said = ending.said_in_form(Said.DONE)
        ended = ending.take(suggestion, said, source=source, where="routine", routine=made)
    except AnswerError as error:
        return _not_saved(f"Your answer was not saved: {error}.", 400)
    if not wants_json():
        return render_template("done.html", ended=ended, address=address)
    words = render_template("_done.html", ended=ended, address=address)
    return jsonify(saved=True, repeated=ended.repeated, changes=list(ended.changes), words=words)


def _suggestion(public_id: str) -> Suggestion:
    with installation().store.read() as database:
        return find_suggestion(database, public_id)


def _is_mine(suggestion: Suggestion) -> bool:
    athlete = current_athlete()
    return athlete is not None and athlete.id == suggestion.athlete_id


def _asked_for(suggestion: Suggestion, asked: MultiDict[str, str]) -> Routine:
    """The routine with the swaps that the page or its form asks for, or all five at the article's dose; else 400."""
    if asked.get("all") == ALL_FIVE:
        return _all_five(suggestion) or abort(400)
    return _swapped(suggestion, asked.getlist("swap"))


def _all_five(suggestion: Suggestion) -> Routine | None:
    """The five isolation exercises of the article, on request, in place of a full routine."""
    if suggestion.dose != Dose.FULL:
        return None
    return coaching.all_five(installation().catalogue, _runner(suggestion))


def _runner(suggestion: Suggestion) -> CoachedAthlete:
    with installation().store.read() as database:
        return situations.athlete_of(database.get_one(Athlete, suggestion.athlete_id))


def _loads(suggestion: Suggestion, made: Routine) -> dict[str, Load]:
    """The exercises of a routine that take a band or a weight."""
    known, runner = installation().catalogue.exercises, _runner(suggestion)
    progress = {mine.exercise: mine for mine in runner.progress}
    loads = {}
    for item in made.items:
        if item.name is not None or coaching.can_be_loaded(known[item.exercise], runner):
            mine = progress.get(item.exercise, ExerciseProgress(item.exercise))
            told = coaching.next_load(mine) or (f"Last time {mine.load}." if mine.load else "")
            loads[item.exercise] = Load(wording.name_of(item), mine.load or "", told)
    return loads


def _swapped(suggestion: Suggestion, wanted: list[str]) -> Routine:
    """The routine with the asked swaps (``2:exercise`` = the second exercise); 400 for one that isn't on offer."""
    made = decisions.routine_of(suggestion)
    catalogue = installation().catalogue
    for wish in wanted:
        place, _, exercise_id = wish.partition(":")
        try:
            made = swaps.swap(catalogue, made, int(place) - 1, exercise_id)
        except (LookupError, ValueError):
            abort(400)
    return made


def _step(made: Routine, place: int, original: Routine | None = None, *, fixed: bool = False) -> Step:
    """The step at this place. In place of another exercise than ``original`` has, only the way back is offered.

    ``fixed``: nothing is offered in its place.
    """
    catalogue = installation().catalogue
    item = made.items[place]
    if item.name is not None:
        return Step(place, item, None, "", (), ())
    if original is not None and original.items[place].exercise != item.exercise:
        offered = [("Back to", original.items[place])]
    else:
        found = () if fixed else swaps.alternatives(catalogue, made, place)
        offered = [(one.way.replace("_", " ").capitalize(), one.item) for one in found]
    exercise = catalogue.exercises[item.exercise]
    # The catalogue says only in one place of what the percentage is.
    effort = (exercise.effort or {}).get({"activation": "warm_up"}.get(made.dose, str(made.dose)), "")
    effort = "" if item.advice else effort.replace(" of best effort", "").replace("%", "% of your hardest", 1)
    # The timer names positions in the drawing's words, so that text and drawing agree.
    drawn = drawings.words(item.exercise)
    named = item.positions > 1 and item.positions == len(drawn.captions)
    positions = tuple(zip(drawn.captions, drawn.moments_s, strict=True)) if named else ()
    return Step(place, item, exercise, effort, positions, tuple(offered))


def _not_saved(text: str, status: int) -> Page:
    if wants_json():
        return jsonify(saved=False, problem=text), status
    return render_template("message.html", title="Not saved yet", text=text, sign_in=status == 401), status
