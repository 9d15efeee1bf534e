"""Check-in: how the hips and groin are, in two taps on Home, or with everything on a page of its own."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for

from adductor.athletes import answers, decisions
from adductor.coaching.constants import RED_FLAGS
from adductor.store.models import CheckInRecord
from service import numbers
from service.context import installation
from service.pages import reschedule
from service.pages.access import Page, blueprint, signed_in, the_athlete
from service.pages.words import SIGNS

_SCORES = {
    "pain": ("hip_groin_pain_0_10", "Hip or groin pain", 0, 10),
    "soreness": ("adductor_soreness_0_10", "Soreness of the inner thighs", 0, 10),
    "feeling": ("feeling_1_5", "How you feel", 1, 5),
}


@blueprint.route("/check-in", methods=["GET", "POST"])
@signed_in
def check_in() -> Page:
    """Is today a day to train? Kept, and answered by the coach at once."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        record, problems = _record()
        if not problems:
            return _keep(record)
    return render_template(
        "check_in.html", problems=problems, signs=SIGNS, given=request.form
    ), 400 if problems else 200


def _keep(record: CheckInRecord) -> Page:
    here = installation()
    with here.store.write() as database:
        athlete = decisions.lock(database, the_athlete().id)
        if athlete is None:
            abort(401)
        decision = answers.check_in(database, here, athlete, record, now=here.clock.now())
        reschedule.after_change(here, database, athlete)
    if decision.decision == "refer":
        return redirect(url_for("pages.home"))
    flash("Kept. Thank you: the next routine takes it into account.", "done")
    return redirect(url_for("pages.home"))


def _record() -> tuple[CheckInRecord, dict[str, str]]:
    problems = {}
    values: dict[str, int] = {}
    for field, (column, label, low, high) in _SCORES.items():
        given = request.form.get(field, "").strip()
        if not given:
            continue
        number = numbers.whole(given)
        if number is None or not low <= number <= high:
            problems[field] = f"{label}: choose a number from {low} to {high}."
            continue
        values[column] = number
    signs = request.form.getlist("sign")
    if unknown := set(signs) - set(RED_FLAGS):
        problems["sign"] = f"Warning signs: “{sorted(unknown)[0]}” is not one of them."
    if not values and not signs and not problems:
        problems["pain"] = "Hip or groin pain: choose a number from 0 to 10."
    return CheckInRecord(**values, red_flags=sorted(set(signs))), problems
