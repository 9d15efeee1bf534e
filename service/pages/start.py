"""The way in: what this is, and the first answers. Before them nothing is written anywhere."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for

from adductor import drawings
from adductor.athletes import decisions, situations
from adductor.coaching.routine import Wish, build
from adductor.coaching.situation import Dose, Placement
from adductor.mail import messages
from adductor.notes import wording
from adductor.store.models import Athlete
from service.context import installation
from service.pages import emails, reschedule
from service.pages.access import Page, blueprint, current_athlete, signed_in, the_athlete
from service.pages.words import EQUIPMENT, NOT_IN_EVERY_HOME, PLACES

# What the first routine of a runner without a history says; the coach's own words come with the run.
_PREVIEW_REASON = "easy run done, your first session; kept light: the first two sessions are light"


@blueprint.get("/")
def start() -> Page:
    """What this is, and the one button."""
    if current_athlete() is not None:
        return redirect(url_for("pages.home"))
    return render_template("start.html", preview=preview(None, stage=2), svg=drawings.svg)


@blueprint.route("/welcome", methods=["GET", "POST"])
@signed_in
def welcome() -> Page:
    """The first answers."""
    athlete = the_athlete()
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _first_answers(athlete.id)
        if not problems:
            return redirect(url_for("pages.home"))
    page = render_template(
        "welcome.html",
        problems=problems,
        equipment=EQUIPMENT,
        not_in_every_home=NOT_IN_EVERY_HOME,
        places=PLACES,
        given=request.form,
        can_write="activity:write" in athlete.connection.scopes,
        preview=preview(frozenset(_equipment() or ()) if request.method == "POST" else None),
    )
    return page, 400 if problems else 200


def preview(equipment: frozenset[str] | None, stage: int = 1) -> str:
    """A real block: the coach's routine for this equipment in the words of the note."""
    here = installation()
    dose = Dose.LIGHT if stage == 1 else Dose.FULL
    wish = Wish(stage=stage, placement=Placement.POST_RUN, dose=dose, equipment=equipment)
    reason = _PREVIEW_REASON if stage == 1 else "easy run done, 3 days since the last one, 1 of 2 this week"
    link = f"{here.settings.public_url}/routine/…"
    return wording.note_block(build(here.catalogue, wish), reason, link)


def address_problem(address: str) -> str | None:
    """What is wrong with an e-mail address, or None. Whether somebody reads it only a mail can tell."""
    if not address:
        return None
    try:
        messages.checked_address(address)
    except messages.AddressError:
        return "E-mail: this doesn't look like an address; it should look like you@example.org."
    return None


def _equipment() -> list[str] | None:
    if not request.form.get("equipment_answered"):
        return None
    return [name for name, _ in EQUIPMENT if request.form.get(f"has_{name}")]


def _first_answers(athlete_id: int) -> dict[str, str]:
    form = request.form
    problems = {}
    if form.get("pain") not in {"yes", "no"}:
        problems["pain"] = "Pain now: please answer yes or no."
    if form.get("condition") not in {"yes", "no"}:
        problems["condition"] = "Injury, pregnancy or medical advice: please answer yes or no."
    target = form.get("target", "")
    if target not in {"1", "2"}:
        problems["target"] = "Sessions a week: choose one or two."
    place = form.get("place", "")
    if place not in {name for name, _ in PLACES}:
        problems["place"] = "Where to write: choose one of the two."
    address = form.get("email", "").strip()
    if wrong := address_problem(address):
        problems["email"] = wrong
    if problems:
        return problems
    here = installation()
    with here.store.write() as database:
        athlete = decisions.lock(database, athlete_id)
        if athlete is None:
            abort(401)
        _store(athlete, target=int(target), place=place)
        reschedule.after_change(here, database, athlete)
        if address:
            emails.change(here, database, athlete, address)
    return {}


def _store(athlete: Athlete, *, target: int, place: str) -> None:
    now = installation().clock.now()
    athlete.screening_completed_at = now
    athlete.clearance_needed = "yes" in (request.form["pain"], request.form["condition"])
    athlete.target_sessions_per_week = target
    # Until there is an address, what belongs to no run stands on the runner's pages.
    athlete.channels = {"rest_day": "pages", **(athlete.channels or {}), "post_run": place}
    athlete.equipment = _equipment()
    athlete.confirmed_at = athlete.confirmed_at or now
    athlete.programme_started_on = (
        athlete.programme_started_on or now.astimezone(situations.zone_of(athlete.timezone)).date()
    )
