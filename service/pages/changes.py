"""Changes of the signed-in runner: one write transaction over the locked row, then the schedule anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from flask import abort, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from adductor.athletes import answers, channels, decisions, reconsider
from adductor.coaching.situation import Placement, Routine
from adductor.jobs import letters
from adductor.store.models import Athlete
from service.context import installation
from service.pages.access import find_suggestion, the_athlete
from service.pages.forms import Field, read


@contextmanager
def changing(*, reschedules: bool = True) -> Iterator[tuple[Session, Athlete]]:
    """A transaction with the runner's row locked; 401 if the row is gone.

    At its end, what is announced is checked against the new choices, and the next time to look is worked out.
    """
    here = installation()
    with here.store.write() as database:
        athlete = decisions.lock(database, the_athlete().id)
        if athlete is None:
            abort(401)
        yield database, athlete
        if reschedules:
            database.flush()
            reconsider.reconsider(database, here, athlete, now=here.clock.now())


def read_answer(*fields: Field, **values: Any) -> answers.Answer:
    """The answer of the form; ``values`` are those of `Answer` that are no fields. Raises AnswerError."""
    given = read(request.form, *fields)
    for problem in given.problems.values():
        raise answers.AnswerError(problem)
    return answers.Answer(**values, **given.changes, red_flags=frozenset(request.form.getlist("sign")))


def take_answer(public_id: str, *fields: Field, routine: Routine | None = None, **values: Any) -> answers.Taken:
    """Take the form's answer to a suggestion of the runner, with the routine as it was done. Raises AnswerError."""
    answer = read_answer(*fields, **values)
    here = installation()
    with changing(reschedules=False) as (database, athlete):
        row = find_suggestion(database, public_id, athlete)
        if routine is not None and row.status == "open":
            # The ladder counts what was done; what was written stays with the delivery.
            row.routine = asdict(routine)
        return answers.answer(database, here, athlete, row, answer, source="page", now=here.clock.now())


def page_after(public_id: str, taken: answers.Taken) -> str:
    """The address that follows an answer: Home, which shows a referral, or the suggestion."""
    refers = taken.decision is not None and taken.decision.decision == "refer"
    return url_for("pages.home") if refers else url_for("pages.suggestion", public_id=public_id)


def answered(public_id: str, taken: answers.Taken, thanks: str) -> Response:
    """Redirect to the page after an answer, which says what changed."""
    target = page_after(public_id, taken)
    if target != url_for("pages.home"):
        flash(" ".join([thanks, *taken.changes]), "done")
    return redirect(target)


def change_address(database: Session, athlete: Athlete, address: str | None) -> None:
    """Keep another e-mail address (None: none). A new one is unconfirmed until the link in a mail to it is used."""
    athlete.unsubscribed_at = None
    usable = athlete.email_confirmed_at is not None and athlete.email_bounced_at is None
    if address == athlete.email and (address is None or usable):
        return
    # A rest day has no run to write into: its routines go to a first address, and without one to the pages.
    chosen = (athlete.channels or {}).get(Placement.REST_DAY)
    if address is None and chosen in (None, channels.MAIL):
        athlete.channels = {**athlete.channels, Placement.REST_DAY: channels.PAGES}
    elif address is not None and athlete.email is None and chosen in (None, channels.PAGES):
        athlete.channels = {**athlete.channels, Placement.REST_DAY: channels.MAIL}
    athlete.email = address
    athlete.email_confirmed_at = None
    athlete.email_bounced_at = None
    if address is not None:
        letters.confirm_address(installation(), database, athlete)
