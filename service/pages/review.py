"""Review: every suggestion and every "no" with its reason, where it was written, and the answer."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select

from adductor.athletes import decisions, situations
from adductor.athletes.answers import AnswerError
from adductor.store.models import DecisionRecord, Delivery
from service import limits, numbers
from service.context import installation
from service.pages import ending, lately, status
from service.pages.access import Page, blueprint, find_suggestion, signed_in, the_athlete

ON_A_PAGE = 25


@blueprint.get("/suggestions")
@signed_in
def suggestions() -> Page:
    """Everything that was decided, newest first."""
    before = request.args.get("before", type=numbers.row_id)
    routines_only = request.args.get("only") == "routines"
    wanted = status.decided(the_athlete(), routines_only=routines_only).limit(ON_A_PAGE + 1)
    if before is not None:
        wanted = wanted.where(DecisionRecord.id < before)
    with installation().store.read() as database:
        rows = database.execute(wanted).all()
        counted = decisions.counted(database, the_athlete().id) if len(rows) <= ON_A_PAGE and not routines_only else ()
    return render_template(
        "suggestions.html",
        days=lately.by_day(rows[:ON_A_PAGE], situations.zone_of(the_athlete().timezone), {}),
        more=rows[ON_A_PAGE - 1][0].id if len(rows) > ON_A_PAGE else None,
        later=before is not None or counted,
        counted=counted,
        routines_only=routines_only,
    )


@blueprint.get("/suggestions/<public_id>")
@limits.secret
@signed_in
def suggestion(public_id: str) -> Page:
    """One suggestion: why, everything considered, the text as written, where it went, the answer."""
    return _page(public_id), 200


@blueprint.post("/suggestions/<public_id>/answer")
@limits.secret
@signed_in
def answer(public_id: str) -> Page:
    """Answer it, or answer it differently."""
    with installation().store.read() as database:
        row = find_suggestion(database, public_id, the_athlete())
    try:
        ended = ending.take(row, ending.said_in_form(), source="page", where="review")
    except AnswerError as error:
        return _page(public_id, problem=f"Your answer was not saved: {error}."), 400
    if ended.referral is None:
        flash(" ".join([ended.title, *ended.words, *ended.changes]), "done")
    return redirect(url_for("pages.home" if ended.referral else "pages.suggestion", public_id=public_id))


def _page(public_id: str, problem: str | None = None) -> str:
    with installation().store.read() as database:
        row = find_suggestion(database, public_id, the_athlete())
        decision = database.get_one(DecisionRecord, row.decision_id)
        deliveries = database.scalars(
            select(Delivery).where(Delivery.suggestion_id == row.id).order_by(Delivery.id)
        ).all()
    return render_template(
        "suggestion.html",
        suggestion=row,
        routine=decisions.routine_of(row),
        decision=decision,
        deliveries=deliveries,
        problem=problem,
        with_proofs=installation().links.with_proofs,
    )
