"""Links of mails and private notes: answers, confirming an address, ending the mails.

Opening a link shows what it would do; only the button (POST) does it, so that the link scanners of mail providers change
nothing. The signed token is the permission: it names one purpose, and a page of another site can't know it, so no CSRF
token is needed. Doing the same twice changes nothing.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import addresses, answers, decisions
from adductor.athletes.answers import Answer, AnswerError, Said, Taken
from adductor.athletes.connections import is_account
from adductor.coaching.constants import RED_FLAGS
from adductor.mail.links import LinkError, LinkExpiredError
from adductor.notes import wording
from adductor.store.models import Athlete, DecisionRecord, Suggestion
from service import limits, numbers
from service.context import installation

blueprint = Blueprint("answers", __name__)
log = logs.get(__name__)
Page = str | tuple[str, int] | Response

SAID = {
    Said.DONE: "Done",
    Said.TOO_EASY: "Too easy",
    Said.TOO_HARD: "Too hard",
    Said.NOT_TODAY: "Not today",
    Said.PAIN: "It hurt",
}
_THANKS = {
    Said.DONE: "Noted: done.",
    Said.TOO_EASY: "Noted: it was too easy.",
    Said.TOO_HARD: "Noted: it was too hard.",
    Said.NOT_TODAY: "Noted: not today. The next routine comes when it fits.",
    Said.PAIN: "Noted: it hurt.",
}
_SIGNS = {flag: text[:1].upper() + text[1:] for flag, text in RED_FLAGS.items()}


@blueprint.errorhandler(LinkExpiredError)
def _expired(_: Exception) -> Page:
    text = "Links in our mails and notes work for a limited time. Your pages have everything that they could do."
    return _message("This link is too old", text), 410


@blueprint.errorhandler(LinkError)
def _not_ours(_: Exception) -> Page:
    text = "Perhaps a part of it got lost on the way. Open it again from the mail or note, or use your pages."
    return _message("This link doesn't work", text), 404


@blueprint.get("/a/<token>")
@limits.link
def ask(token: str) -> Page:
    """What the link would answer, and a button that does."""
    public_id, said = installation().links.read_answer(token)
    return _form(_suggestion(public_id), _said(said), {})


@blueprint.post("/a/<token>")
@limits.link
def take(token: str) -> Page:
    """Take the answer. The link may choose it, the form may choose another."""
    here = installation()
    public_id, linked = here.links.read_answer(token)
    said = _said(request.form.get("said") or linked)
    suggestion = _suggestion(public_id)
    if said is None:
        return _form(suggestion, None, {"said": "Choose one of the answers."}), 400
    try:
        given = _given(said)
    except AnswerError as error:
        return _form(suggestion, said, {"pain": f"{str(error)[:1].upper()}{str(error)[1:]}."}), 400
    now = here.clock.now()
    with here.store.write() as session:
        athlete = decisions.lock(session, suggestion.athlete_id)
        row = session.get(Suggestion, suggestion.id)
        if athlete is None or row is None:
            abort(404)
        taken = answers.answer(session, here, athlete, row, given, source="mail", now=now)
        refers = _referral(session, athlete, taken)
    return render_template(
        "answers/taken.html",
        thanks=_THANKS[said],
        changes=taken.changes,
        referral=refers,
        suggestion=suggestion,
    )


@blueprint.get("/unsubscribe/<token>")
@limits.link
def ask_to_unsubscribe(token: str) -> Page:
    """A button that ends the mails."""
    athlete = _athlete(*installation().links.read_unsubscribe(token))
    return render_template("answers/unsubscribe.html", ended=athlete.unsubscribed_at is not None)


@blueprint.post("/unsubscribe/<token>")
@limits.link
def unsubscribe(token: str) -> Page:
    """End the mails: by the button, or by the mail program's own (RFC 8058). ``again`` takes it back."""
    here = installation()
    athlete_id, external_id = here.links.read_unsubscribe(token)
    again = request.form.get("again") == "1"
    with here.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not is_account(athlete, external_id):
            raise LinkError("the runner has left")
        change = addresses.subscribe_again if again else addresses.unsubscribe
        change(athlete, now=here.clock.now())
    return render_template("answers/unsubscribe.html", ended=not again)


@blueprint.get("/confirm-address/<token>")
@limits.link
def ask_to_confirm(token: str) -> Page:
    """A button that confirms the address."""
    _, address = installation().links.read_confirm(token)
    return render_template("answers/confirm.html", address=address)


@blueprint.post("/confirm-address/<token>")
@limits.link
def confirm(token: str) -> Page:
    """The address is the runner's."""
    here = installation()
    athlete_id, address = here.links.read_confirm(token)
    with here.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not addresses.confirm(athlete, address, now=here.clock.now()):
            text = "Another address was given since. The mail to that one has the link that works."
            return _message("This address is no longer asked for", text), 410
    return _message("Your address is confirmed", f"Routines that you chose to have by mail go to {address}.")


def _form(suggestion: Suggestion, said: Said | None, problems: dict[str, str]) -> str:
    here = installation()
    routine = decisions.routine_of(suggestion)
    # Pain needs its questions answered, so it has a page of its own.
    pain_link = here.links.answer(suggestion.public_id, Said.PAIN, suggestion.created_at)
    steps = [f"{wording.short_name(item.exercise)}: {wording.dose_of(item)}" for item in routine.items]
    return render_template(
        "answers/ask.html",
        suggestion=suggestion,
        title=wording.title(routine),
        steps=steps,
        said=said,
        words=SAID,
        others=[other for other in SAID if other is not said],
        signs=_SIGNS,
        pain_token=pain_link.rpartition("/")[2],
        problems=problems,
        given=request.form,
    )


def _given(said: Said) -> Answer:
    """The answer as the form gives it. Raises AnswerError."""
    form = request.form
    pain: int | None = None
    if said is Said.PAIN:
        pain = numbers.whole(form.get("pain", ""))
        if pain is None:
            raise AnswerError("choose how strong the pain was, from 0 to 10")
    signs = frozenset(form.getlist("sign")) if said is Said.PAIN else frozenset()
    return Answer(said, pain_0_10=pain, red_flags=signs, where=form.get("where", "").strip())


def _referral(session: Session, athlete: Athlete, taken: Taken) -> str | None:
    """The coach's word if this answer led to it, also when the same answer comes a second time."""
    if taken.decision is not None:
        return taken.decision.reason if taken.decision.decision == "refer" else None
    if taken.repeated and athlete.hold_since is not None:
        reason: str | None = session.scalar(
            select(DecisionRecord.reason)
            .where(DecisionRecord.athlete_id == athlete.id, DecisionRecord.decision == "refer")
            .order_by(DecisionRecord.id.desc())
            .limit(1)
        )
        return reason
    return None


def _suggestion(public_id: str) -> Suggestion:
    with installation().store.read() as session:
        row = session.scalar(select(Suggestion).where(Suggestion.public_id == public_id))
    if row is None:
        raise LinkError("the suggestion is gone")
    return row


def _athlete(athlete_id: int, external_id: str) -> Athlete:
    with installation().store.read() as session:
        row = session.get(Athlete, athlete_id)
    if row is None or not is_account(row, external_id):
        raise LinkError("the runner has left")
    return row


def _said(text: str | None) -> Said | None:
    try:
        return Said(text) if text else None
    except ValueError:
        return None


def _message(title: str, text: str) -> str:
    return render_template("message.html", title=title, text=text)
