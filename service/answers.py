"""Signed links of mails and private notes: answer a routine, confirm an address, end the mails.

Opening a link shows what it would do; only the button (POST) does it, so that the link scanners of mail providers change
nothing. The signed token is the permission: it names one purpose, and a page of another site can't know it, so no CSRF
token is needed. Every POST is idempotent.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import addresses, answers, decisions
from adductor.athletes.answers import AnswerError, Taken
from adductor.athletes.connections import is_account
from adductor.athletes.decisions import Consultation
from adductor.coaching.replies import REPLIES, Said
from adductor.mail.links import LinkError, LinkExpiredError
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import status
from service.pages.forms import PLACE, Field, read_answer, whole
from service.pages.words import ANSWERS

blueprint = Blueprint("answers", __name__)
_PAIN = Field("pain", whole(0, 10), "choose how strong the pain was, from 0 to 10", "pain_0_10")
Page = str | tuple[str, int] | Response


@blueprint.errorhandler(LinkError)
def _refuse_link(error: LinkError) -> Page:
    if isinstance(error, LinkExpiredError):
        text = "Links in our mails and notes work for a limited time. Your pages have everything that they could do."
        return _message("This link is too old", text), 410
    text = "Perhaps a part of it got lost on the way. Open it again from the mail or note, or use your pages."
    return _message("This link doesn't work", text), 404


@blueprint.get("/a/<token>")
@limits.link
def ask(token: str) -> Page:
    """Show the answer that the link would give, and a button that gives it."""
    public_id, said = installation().links.read_answer(token)
    return _form(_suggestion(public_id), _said(said))


@blueprint.post("/a/<token>")
@limits.link
def take(token: str) -> Page:
    """Take the answer: the form's, or else the link's."""
    here = installation()
    public_id, linked = here.links.read_answer(token)
    said = _said(request.form.get("said") or linked)
    suggestion = _suggestion(public_id)
    if said is None:
        return _form(suggestion, None, "Choose one of the answers."), 400
    try:
        given = read_answer(
            *([_PAIN, PLACE] if said is Said.PAIN else ()), said=said, where=request.form.get("where", "").strip()
        )
    except AnswerError as error:
        return _form(suggestion, said, f"{str(error)[:1].upper()}{str(error)[1:]}."), 400
    with here.store.write() as session:
        athlete = decisions.lock(session, suggestion.athlete_id)
        row = session.get(Suggestion, suggestion.id)
        if athlete is None or row is None:
            abort(404)
        taken = answers.answer(Consultation(session, here, athlete, here.clock.now()), row, given, source="mail")
        referral = _referral(session, athlete, taken)
    return render_template("answers/taken.html", thanks=REPLIES[said].thanks, changes=taken.changes, referral=referral)


@blueprint.route("/unsubscribe/<token>", methods=["GET", "POST"])
@limits.link
def unsubscribe(token: str) -> Page:
    """End the mails: by the button, or by the mail program's own (RFC 8058). ``again`` takes it back."""
    here = installation()
    athlete_id, external_id = here.links.read_unsubscribe(token)
    posted = request.method == "POST"
    with here.store.write() if posted else here.store.read() as session:
        athlete = decisions.lock(session, athlete_id) if posted else session.get(Athlete, athlete_id)
        # The id may have gone to another athlete since.
        if athlete is None or not is_account(athlete, external_id):
            raise LinkError("the runner has left")
        if posted:
            addresses.set_subscribed(athlete, request.form.get("again") == "1", now=here.clock.now())
        return render_template("answers/unsubscribe.html", ended=athlete.unsubscribed_at is not None)


@blueprint.route("/confirm-address/<token>", methods=["GET", "POST"])
@limits.link
def confirm(token: str) -> Page:
    """Confirm the address."""
    here = installation()
    athlete_id, address = here.links.read_confirm(token)
    if request.method != "POST":
        return render_template("answers/confirm.html", address=address)
    with here.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not addresses.confirm(athlete, address, now=here.clock.now()):
            text = "Another address was given since. The mail to that one has the link that works."
            return _message("This address is no longer asked for", text), 410
    return _message("Your address is confirmed", f"Routines that you chose to have by mail go to {address}.")


def _form(suggestion: Suggestion, said: Said | None, problem: str | None = None) -> str:
    routine = decisions.routine_of(suggestion)
    # Pain needs its questions answered, so it has a page of its own.
    pain_link = installation().links.answer(suggestion.public_id, Said.PAIN, suggestion.created_at)
    return render_template(
        "answers/ask.html",
        routine=routine,
        said=said,
        others=[other for other in Said if other is not said],
        pain_token=pain_link.rpartition("/")[2],
        problem=problem,
        given=request.form,
    )


def _referral(session: Session, athlete: Athlete, taken: Taken) -> str | None:
    """The coach's referral if this answer led to it, also when the same answer comes a second time."""
    if taken.decision is not None:
        return taken.decision.reason if taken.decision.decision == "refer" else None
    return status.latest_referral(session, athlete) if taken.repeated and athlete.hold_since is not None else None


def _suggestion(public_id: str) -> Suggestion:
    with installation().store.read() as session:
        row = session.scalar(select(Suggestion).where(Suggestion.public_id == public_id))
    if row is None:
        raise LinkError("the suggestion is gone")
    return row


def _said(text: str | None) -> Said | None:
    return Said(text) if text in ANSWERS else None


def _message(title: str, text: str) -> str:
    return render_template("message.html", title=title, text=text)
