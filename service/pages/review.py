"""Review: every suggestion and every "no" with its reason, what was written where, and the answer."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import answers, decisions
from adductor.coaching.replies import Said
from adductor.notes import wording
from adductor.store.models import Athlete, DecisionRecord, Delivery, Suggestion
from service import limits, numbers
from service.context import installation
from service.pages import words
from service.pages.access import Page, blueprint, local_time, signed_in, the_athlete
from service.pages.changes import changing
from service.pages.forms import Field, optional, read, whole

ON_A_PAGE = 25


@blueprint.get("/suggestions")
@signed_in
def suggestions() -> Page:
    """Everything that was decided, newest first."""
    athlete = the_athlete()
    before = request.args.get("before", type=numbers.row_id)
    wanted = (
        select(DecisionRecord, Suggestion)
        .outerjoin(Suggestion, Suggestion.decision_id == DecisionRecord.id)
        .where(DecisionRecord.athlete_id == athlete.id)
        .order_by(DecisionRecord.id.desc())
        .limit(ON_A_PAGE + 1)
    )
    if before is not None:
        wanted = wanted.where(DecisionRecord.id < before)
    with installation().store.read() as database:
        rows = list(database.execute(wanted).all())
    more = rows[ON_A_PAGE - 1][0].id if len(rows) > ON_A_PAGE else None
    return render_template(
        "suggestions.html",
        rows=rows[:ON_A_PAGE],
        more=more,
        later=before is not None,
        words=words,
        local=local_time(athlete),
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
    here = installation()
    try:
        given = _given()
        with changing(reschedules=False) as (database, athlete):
            row = _of(database, athlete, public_id)
            taken = answers.answer(database, here, athlete, row, given, source="page", now=here.clock.now())
    except answers.AnswerError as error:
        return _page(public_id, problem=f"Your answer was not kept: {error}."), 400
    if taken.decision is not None and taken.decision.decision == "refer":
        return redirect(url_for("pages.home"))
    flash(" ".join(["Kept. Thank you.", *taken.changes]), "done")
    return redirect(url_for("pages.suggestion", public_id=public_id))


def _given() -> answers.Answer:
    given = read(
        request.form,
        Field("said", Said, "choose one of the answers"),
        Field("pain", optional(whole(0, 10)), "pain must be a number from 0 to 10"),
    )
    for problem in given.problems.values():
        raise answers.AnswerError(problem)
    return answers.Answer(given.changes["said"], pain_0_10=given.changes["pain"], where="review")


def _page(public_id: str, problem: str | None = None) -> str:
    athlete = the_athlete()
    with installation().store.read() as database:
        row = _of(database, athlete, public_id)
        decision = database.get_one(DecisionRecord, row.decision_id)
        delivered = database.scalars(
            select(Delivery).where(Delivery.suggestion_id == row.id).order_by(Delivery.id)
        ).all()
    return render_template(
        "suggestion.html",
        suggestion=row,
        routine_title=wording.title(decisions.routine_of(row)),
        decision=decision,
        deliveries=delivered,
        problem=problem,
        words=words,
        local=local_time(athlete),
    )


def _of(database: Session, athlete: Athlete, public_id: str) -> Suggestion:
    """The suggestion, if it is this runner's; else 404."""
    found = database.scalar(
        select(Suggestion).where(Suggestion.public_id == public_id, Suggestion.athlete_id == athlete.id)
    )
    return found or abort(404)
