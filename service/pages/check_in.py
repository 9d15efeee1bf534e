"""Check-in: how the hips and groin are, in two taps on Home, or with everything on a page of its own."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for

from adductor.athletes import answers
from adductor.store.models import CheckInRecord
from service.context import installation
from service.pages.access import Page, blueprint, signed_in
from service.pages.changes import changing
from service.pages.forms import Field, optional, read, whole
from service.pages.words import SIGNS

_SCORES = tuple(
    Field(name, optional(whole(low, high)), f"{label}: choose a number from {low} to {high}.", column)
    for name, column, label, low, high in (
        ("pain", "hip_groin_pain_0_10", "Hip or groin pain", 0, 10),
        ("soreness", "adductor_soreness_0_10", "Soreness of the inner thighs", 0, 10),
        ("feeling", "feeling_1_5", "How you feel", 1, 5),
    )
)


@blueprint.route("/check-in", methods=["GET", "POST"])
@signed_in
def check_in() -> Page:
    """Save a check-in; the coach answers it at once."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        record, problems = _record()
        if not problems:
            with changing() as (database, athlete):
                now = installation().clock.now()
                decision = answers.check_in(database, installation(), athlete, record, now=now)
                refers = decision.decision == "refer"
            if not refers:
                flash("Kept. Thank you: the next routine takes it into account.", "done")
            return redirect(url_for("pages.home"))
    page = render_template("check_in.html", problems=problems, signs=SIGNS, given=request.form)
    return page, 400 if problems else 200


def _record() -> tuple[CheckInRecord, dict[str, str]]:
    given = read(request.form, *_SCORES)
    signs = set(request.form.getlist("sign"))
    if unknown := signs - SIGNS.keys():
        given.problems["sign"] = f"Warning signs: “{sorted(unknown)[0]}” is not one of them."
    if not given.problems and not signs and not any(score is not None for score in given.changes.values()):
        given.problems["pain"] = "Hip or groin pain: choose a number from 0 to 10."
    return CheckInRecord(**given.changes, red_flags=sorted(signs)), given.problems
