"""Signed links of mails and private notes: do and answer a routine, confirm an address, end the mails.

Opening a link shows what it would do; only the button (POST) does it, so that the link scanners of mail providers change
nothing. The signed token is the permission: it names one purpose, and a page of another site can't know it, so no CSRF
token is needed. Every POST is idempotent. No answer is for a search engine.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select

from adductor.athletes import answers, decisions, offers
from adductor.athletes.answers import AnswerError
from adductor.athletes.connections import is_account
from adductor.athletes.decisions import Consultation
from adductor.coaching.replies import Said, StillUseful
from adductor.jobs import letters
from adductor.mail.links import LinkError, LinkExpiredError
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import ending, routine
from service.pages.access import Page
from service.pages.words import ANSWERS

blueprint = Blueprint("answers", __name__)


@blueprint.after_request
def _keep_out_of_indexes(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.errorhandler(LinkError)
def _refuse_link(error: LinkError) -> Page:
    if isinstance(error, LinkExpiredError):
        text = "Links in our mails and notes work for a limited time. Your pages have everything that they could do."
        return _message("This link is too old", text), 410
    text = "Perhaps a part of it got lost on the way. Open it again from the mail or note, or use your pages."
    return _message("This link doesn't work", text), 404


@blueprint.get("/r/<key>")
@limits.link
def open_routine(key: str) -> Page:
    """The routine of one suggestion for its runner: timer, finish and answers, in any browser."""
    return routine.show(_keyed(key), request.path, by_key=True)


@blueprint.get("/r/<key>/exercise/<int:place>/<exercise_id>")
@limits.link
def open_exercise(key: str, place: int, exercise_id: str) -> Page:
    """One exercise of the routine, or one in its place."""
    return routine.show_exercise(_keyed(key), f"/r/{key}", place, exercise_id)


@blueprint.post("/r/<key>")
@limits.link
def finish_routine(key: str) -> Page:
    """Save how it went, or that it was not for today."""
    return routine.save(_keyed(key), request.path, source="link")


@blueprint.post("/r/<key>/opened")
@limits.link
def opened(key: str) -> Response:
    """Note that a person has touched the page of the routine; a program that fetches links only reads it."""
    here = installation()
    with here.store.write() as session:
        offers.open_now(session, _keyed(key).public_id, here.clock.now())
    return Response(status=204)


@blueprint.get("/a/<token>")
@limits.link
def ask(token: str) -> Page:
    """Show the answer that the link would give, and a button that gives it."""
    public_id, said = installation().links.read("answer", token)
    return _form(_suggestion(public_id), _said(said))


@blueprint.post("/a/<token>")
@limits.link
def take(token: str) -> Page:
    """Take the answer: the form's, or else the link's."""
    here = installation()
    public_id, linked = here.links.read("answer", token)
    said = _said(request.form.get("said") or linked)
    suggestion = _suggestion(public_id)
    if said is None:
        return _form(suggestion, None, "Choose one of the answers."), 400
    try:
        ended = ending.take(suggestion, said, source="mail", where=request.form.get("where", "").strip())
    except AnswerError as error:
        return _form(suggestion, said, f"{str(error)[:1].upper()}{str(error)[1:]}."), 400
    return render_template("done.html", ended=ended, address=request.path)


@blueprint.route("/useful/<token>", methods=["GET", "POST"])
@limits.link
def useful(token: str) -> Page:
    """Say whether routines are still useful: yes, less often, or a pause."""
    here = installation()
    public_id, linked = here.links.read("useful", token)
    suggestion = _suggestion(public_id)
    if request.method != "POST":
        return render_template("answers/useful.html", said=linked, address=request.path)
    said = request.form.get("said") or linked
    if said not in list(StillUseful):
        return render_template(
            "answers/useful.html", said=None, address=request.path, problem="Choose one of them."
        ), 400
    with here.store.write() as session:
        athlete = decisions.lock(session, suggestion.athlete_id)
        row = session.get(Suggestion, suggestion.id)
        if athlete is None or row is None:
            abort(404)
        coach = Consultation(session, here, athlete, here.clock.now())
        then = answers.still_useful(coach, row, StillUseful(said))
    return _message("Thank you", then)


@blueprint.route("/unsubscribe/<token>", methods=["GET", "POST"])
@limits.link
def unsubscribe(token: str) -> Page:
    """End the mails: by the button, or by the mail program's own (RFC 8058). ``again`` takes it back."""
    here = installation()
    athlete_id, external_id = here.links.read("unsubscribe", token)
    posted = request.method == "POST"
    with here.store.write() if posted else here.store.read() as session:
        athlete = decisions.lock(session, int(athlete_id)) if posted else session.get(Athlete, int(athlete_id))
        # The id may have gone to another athlete since.
        if athlete is None or not is_account(athlete, external_id):
            raise LinkError("the runner has left")
        back_on = posted and request.form.get("again") == "1"
        if posted:
            letters.set_subscribed(athlete, back_on, now=here.clock.now())
        return render_template("answers/unsubscribe.html", ended=athlete.unsubscribed_at is not None, back_on=back_on)


@blueprint.route("/confirm-address/<token>", methods=["GET", "POST"])
@limits.link
def confirm(token: str) -> Page:
    """Confirm the address."""
    here = installation()
    athlete_id, address = here.links.read("confirm", token)
    if request.method != "POST":
        return render_template("answers/confirm.html", address=address)
    with here.store.write() as session:
        athlete = decisions.lock(session, int(athlete_id))
        if athlete is None or not letters.accept_confirmation(athlete, address, now=here.clock.now()):
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


def _keyed(key: str) -> Suggestion:
    links = installation().links
    suggestion = _suggestion(links.read_routine(key))
    links.check_routine(suggestion.created_at)
    return suggestion


def _suggestion(public_id: str) -> Suggestion:
    staying = select(Suggestion).join(Athlete).where(Athlete.leaving_at.is_(None))
    with installation().store.read() as session:
        row = session.scalar(staying.where(Suggestion.public_id == public_id))
    if row is None:
        raise LinkError("the suggestion is gone")
    return row


def _said(text: str | None) -> Said | None:
    return Said(text) if text in ANSWERS else None


def _message(title: str, text: str) -> str:
    return render_template("message.html", title=title, text=text)
