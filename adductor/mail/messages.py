"""Transactional mail: messages of a due routine, and letters. HTML and text, with the drawings inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from adductor import drawings
from adductor.coaching.replies import REPLIES, STILL_USEFUL, Said, StillUseful, replies_to
from adductor.coaching.situation import Placement, Routine
from adductor.notes import wording

# evidence.md section 9's wording; the same as in every page's footer.
WELLNESS = (
    "General strength exercises for healthy adults who run. Not medical advice, not a medical device. Stop if it hurts. "
    "If you have an injury, are pregnant or recently gave birth, or are unsure, ask a professional first."
)
# Links in headers must stay in one piece: folding would break a long one. RFC 5322 allows 998 characters.
POLICY = SMTP.clone(max_line_length=990)
_MAX_ADDRESS_CHARS = 254  # RFC 5321, section 4.5.3.1.3
# Not all that RFC 5321 allows, but all that mail providers give: no quoting, no comments, no control characters.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)

_TEMPLATES = Environment(
    loader=PackageLoader("adductor.mail"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.globals.update(drawings=drawings, wording=wording, wellness=WELLNESS)
# The beginnings of heading and subject.
_WHEN = {
    Placement.POST_RUN: ("After your run", "After your run"),
    Placement.REST_DAY: ("A rest day", "For your rest day"),
    Placement.WARM_UP: ("Before your run", "Before your run"),
}


class AddressError(ValueError):
    """Not an address that mail can go to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every mail has: from whom, to whom, when (aware), and the links of its footer."""

    sender: str
    to: str
    at: datetime
    unsubscribe_link: str
    settings_link: str
    run_by: str = ""


@dataclass(frozen=True, slots=True)
class _Letter:
    subject: str
    paragraphs: tuple[str, ...]
    button: str
    because: str


_LETTERS = {
    "confirm": _Letter(
        "Is this your address?",
        (
            "Adductor Coach was asked to send strength routines to this address.",
            "If that was you, please confirm it within three days. If it wasn't, do nothing, and no further mail comes.",
        ),
        "Yes, send routines here",
        "This is the only mail to an address that is not confirmed.",
    ),
    "reconnect": _Letter(
        "Please connect again",
        (
            "Your running log has refused our calls for some time, so your connection rests. Nothing is read or written "
            "until you connect again, and you keep your level.",
            "Connecting again takes a few seconds.",
        ),
        "Connect again",
        "You get this because you connected your running log with us.",
    ),
    "refer": _Letter(
        "Your routines are stopped", (), "How they come back", "You get this because of what you told us about pain."
    ),
}


def checked_address(text: str) -> str:
    """The address as it can stand in a header, its domain in ASCII. Raises AddressError."""
    local, at, domain = text.strip().rpartition("@")
    try:
        address = f"{local}{at}{domain.encode('idna').decode()}" if domain else local
    except UnicodeError:
        address = ""
    if len(address) > _MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(address) or ".." in local or local[:1] == ".":
        raise AddressError("This doesn't look like a mail address; give one like anna@example.org.")
    return address


def routine_mail(
    frame: Frame,
    *,
    public_id: str,
    placement: Placement,
    routine: Routine,
    reason: str,
    routine_link: str,
    answer_link: Callable[[Said], str],
    useful_link: Callable[[StillUseful], str] | None = None,
    own_sentence: str | None = None,
) -> EmailMessage:
    """Transactional mail: a due routine. Its Message-ID follows the suggestion, so that mail programs drop a second copy.

    ``answer_link`` gives the link of each answer, ``useful_link`` that of each reply to whether routines are still useful, in
    a mail that asks. ``own_sentence``: the runner's own.
    """
    heading, subject = _WHEN[placement]
    values = {
        "subject": f"{subject}: {wording.title(routine)}",
        "heading": f"{heading}: {routine.minutes} minutes",
        "why": wording.sentence(reason),
        "items": routine.items,
        "routine_link": routine_link,
        "replies": [(REPLIES[said].label, answer_link(said)) for said in replies_to(placement)],
        "useful": [(label, useful_link(said)) for said, label in STILL_USEFUL.items()] if useful_link else [],
        "own_sentence": own_sentence,
        "because": "You get this because you asked for routines by mail.",
    }
    pictures = list(dict.fromkeys(item.exercise for item in routine.items if item.name is None))
    return _message(frame, "routine", f"routine-{public_id}", values, pictures)


def letter_mail(frame: Frame, kind: str, *, key: str, link: str, words: str = "") -> EmailMessage:
    """Transactional mail of a kind in `_LETTERS`, sent once under its key. ``words``: the coach's, of a referral."""
    letter = _LETTERS[kind]
    values = {
        "subject": letter.subject,
        "paragraphs": [*letter.paragraphs, words] if words else letter.paragraphs,
        "button": {"text": letter.button, "link": link},
        "because": letter.because,
    }
    return _message(frame, "letter", f"{kind}-{key}", values, unsubscribable=kind != "confirm")


def _message(
    frame: Frame,
    template: str,
    key: str,
    values: dict[str, Any],
    pictures: Sequence[str] = (),
    *,
    unsubscribable: bool = True,
) -> EmailMessage:
    name, address = parseaddr(frame.sender)
    host = address.rpartition("@")[2] or "localhost"
    picture_ids = {exercise: f"{exercise.replace('_', '-')}@{host}" for exercise in pictures}
    values = {
        "heading": values["subject"],
        **values,
        "picture_ids": picture_ids,
        "unsubscribe_link": frame.unsubscribe_link if unsubscribable else None,
        "settings_link": frame.settings_link,
        "run_by": frame.run_by,
    }
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=frame.to)
    message["Subject"] = values["subject"]
    message["Date"] = format_datetime(frame.at)
    message["Message-ID"] = f"<{key}@{host}>"
    # Holiday answers and the like should not come back (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribable:
        message["List-Unsubscribe"] = f"<{frame.unsubscribe_link}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text, html = (_TEMPLATES.get_template(f"{template}.{kind}").render(values) for kind in ("txt", "html"))
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    with_pictures = message.get_payload(1)
    for exercise, picture_id in picture_ids.items():
        names = {"cid": f"<{picture_id}>", "filename": f"{exercise}.png"}
        with_pictures.add_related(  # type: ignore[union-attr]
            drawings.png(exercise), "image", "png", disposition="inline", **names
        )
    return message
