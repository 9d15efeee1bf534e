"""Transactional mail: routines, confirmations of addresses, referrals, requests to connect again.

1. Check that the mail is still wanted and that now is a time for it.
2. Give sender and recipient to the mail server.
3. Store that the text goes out now, then send it.
4. Store that the server took it.

A kill between 3 and 4 leaves open whether the server took the mail. The next attempt sends it once more under the same
Message-ID, by which mail programs recognise it; after a second such end the mail is left. A folder instead of a server
overwrites the same file.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from email.message import EmailMessage

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from adductor import logs
from adductor.athletes import channels, decisions, schedule, situations
from adductor.coaching import situation as words
from adductor.coaching.constants import WARM_UP_LEAD_MIN
from adductor.coaching.rules import in_quiet_hours
from adductor.installation import Installation
from adductor.mail import messages
from adductor.mail.messages import Frame
from adductor.mail.transport import AddressRefusedError, MailLaterError, MailRefusedError, MailUnsureError
from adductor.queue import claims
from adductor.queue.retry import Final, RetryLater
from adductor.queue.worker import Job
from adductor.store.models import Athlete, Connection, Delivery, Letter, Suggestion

log = logs.get(__name__)

# How often a mail may go out without a stored answer: the first time, and once more.
MOST_UNCONFIRMED = 2
# Judgement: one, a typing error, and one more.
MOST_CONFIRMATIONS = 3
CONFIRMATIONS_EVERY = timedelta(days=1)
_WARM_UP_GOOD_FOR = timedelta(minutes=WARM_UP_LEAD_MIN)
SENT, PUSHED = "sent", "pushed"
MAYBE_SENT = "maybe_sent"


def send_routine(installation: Installation, delivery: Delivery) -> str:
    """Send the mail of a claimed delivery. Returns the outcome. Raises RetryLater and Final."""
    suggestion, athlete = read(installation, delivery)
    if not channels.can_mail(athlete) or athlete.email is None:
        return "no_address"
    links = installation.links
    message = messages.routine_mail(
        _frame(installation, athlete, athlete.email, suggestion.created_at),
        public_id=suggestion.public_id,
        placement=words.Placement(suggestion.placement),
        routine=decisions.routine_of(suggestion),
        reason=suggestion.reason,
        routine_link=links.runner_routine(suggestion.public_id),
        answer_link=lambda said: links.answer(suggestion.public_id, said, suggestion.created_at),
        useful_link=(lambda said: links.useful(suggestion.public_id, said, suggestion.created_at))
        if suggestion.asks_if_useful
        else None,
        own_sentence=athlete.if_then,
    )
    return _hand_over(installation, delivery, message)


def read(installation: Installation, delivery: Delivery) -> tuple[Suggestion, Athlete]:
    """What a claimed message is about. Raises Final when it is not to go any more, RetryLater in the quiet hours."""
    now = installation.clock.now()
    with installation.store.read() as session:
        row = session.get_one(Delivery, delivery.id, options=[joinedload(Delivery.suggestion)])
        suggestion = row.suggestion
        athlete = session.get_one(Athlete, suggestion.athlete_id)
    if row.written_at is not None:
        raise Final(SENT if row.channel == channels.MAIL else PUSHED, "it was sent before")
    if row.desired_state == "absent" or suggestion.status != "open":
        raise Final("never_written", "it was taken back before it was sent")
    if not athlete.is_connected:
        raise Final("disconnected", "the runner is not connected")
    at = goes_at(athlete, suggestion, now)
    if at is None:
        raise Final("too_late", "its moment has passed")
    if at > now:
        raise RetryLater("quiet hours", wait=at - now)
    return suggestion, athlete


def confirm_address(installation: Installation, session: Session, athlete: Athlete) -> None:
    """Send the one mail that an unconfirmed address gets, with the link that confirms it. The caller commits.

    At most three a day for one athlete, so that a form can't fill a stranger's mailbox; a further one waits.
    Raises AddressError for what can't be an address.
    """
    if athlete.email is None or athlete.email_confirmed_at is not None:
        return
    athlete.email = messages.checked_address(athlete.email)
    now = installation.clock.now()
    earlier = session.scalars(
        select(Letter.due_at)
        .where(Letter.athlete_id == athlete.id, Letter.kind == "confirm", Letter.due_at > now - CONFIRMATIONS_EVERY)
        .order_by(Letter.due_at)
    ).all()
    due_at = earlier[-MOST_CONFIRMATIONS] + CONFIRMATIONS_EVERY if len(earlier) >= MOST_CONFIRMATIONS else now
    channels.write_letter(session, athlete, "confirm", now, due_at=due_at)


def accept_confirmation(athlete: Athlete, address: str, *, now: datetime) -> bool:
    """The link of the confirmation mail was used. False when the runner has given another address since."""
    if athlete.email != address:
        return False
    if athlete.email_confirmed_at is None:
        athlete.email_confirmed_at = now
        athlete.email_bounced_at = None
        log.info("address confirmed", athlete=athlete.id)
    schedule.reschedule(athlete, now)
    return True


def set_subscribed(athlete: Athlete, subscribed: bool, *, now: datetime) -> None:
    """End the mails or let them come again; notes and pages stay."""
    athlete.unsubscribed_at = None if subscribed else athlete.unsubscribed_at or now
    schedule.reschedule(athlete, now)


def send_letter(installation: Installation, letter: Letter) -> str:
    """Send a claimed letter; returns the outcome. Raises RetryLater and Final."""
    with installation.store.read() as session:
        athlete = session.get_one(Athlete, letter.athlete_id)
    can_mail, public_url = channels.can_mail(athlete), installation.settings.public_url
    if letter.kind == "confirm":
        wanted = athlete.email == letter.to and athlete.email_confirmed_at is None
        link = installation.links.confirm(athlete.id, letter.to, letter.created_at)
    elif letter.kind == "reconnect":
        resting = next((each for each in athlete.connections if each.state == Connection.RESTING), None)
        wanted = can_mail and resting is not None
        # A key is given on the first page.
        link = f"{public_url}/" if resting is None or resting.by_key else f"{public_url}/connect/{resting.platform}"
    else:
        wanted = can_mail and athlete.is_connected
        link = f"{public_url}/home"
    if not wanted:
        return "no_longer_wanted"
    frame = _frame(installation, athlete, letter.to, letter.created_at)
    message = messages.letter_mail(frame, letter.kind, key=letter.key, link=link, words=letter.words)
    return _hand_over(installation, letter, message)


def _hand_over(installation: Installation, claimed: Delivery | Letter, message: EmailMessage) -> str:
    if claimed.unconfirmed_writes >= MOST_UNCONFIRMED:
        return MAYBE_SENT
    going_out = False

    def about_to() -> None:
        nonlocal going_out
        _count_handover(installation, claimed, +1)
        going_out = True

    try:
        installation.postbox.hand_over(message, about_to=about_to)
    except AddressRefusedError as error:
        _mark_bounced(installation, claimed)
        raise Final("address_refused", str(error)) from error
    except MailUnsureError as error:
        raise RetryLater(str(error)) from error
    except (MailLaterError, MailRefusedError) as error:
        if going_out:
            _count_handover(installation, claimed, -1)  # the server has said that it didn't take it
        if isinstance(error, MailRefusedError):
            raise Final("mail_refused", str(error)) from error
        raise RetryLater(str(error)) from error
    return SENT


def _count_handover(installation: Installation, claimed: Delivery | Letter, by: int) -> None:
    """Store that the text goes out (or certainly didn't). Raises Final when another worker holds the row."""
    with installation.store.write() as session:
        row = claims.reload(session, claimed)
        if row is None:
            raise Final("taken_over", "another worker took this over")
        if by > 0 and isinstance(row, Delivery) and row.desired_state == "absent":
            raise Final("never_written", "it was taken back before it was sent")
        row.unconfirmed_writes += by


def _mark_bounced(installation: Installation, claimed: Delivery | Letter) -> None:
    with installation.store.write() as session:
        about = claimed if isinstance(claimed, Letter) else session.get_one(Suggestion, claimed.suggestion_id)
        athlete = decisions.lock(session, about.athlete_id)
        if athlete is not None:
            athlete.email_bounced_at = installation.clock.now()
            log.warning("mail bounced", athlete=athlete.id)


def goes_at(athlete: Athlete, suggestion: Suggestion, now: datetime) -> datetime | None:
    """When the mail may go: now, or at the end of the quiet hours if that is today; None once its moment has passed."""
    local = now.astimezone(situations.zone_of(athlete.timezone))
    warm_up = suggestion.placement == words.Placement.WARM_UP
    if local.date() > suggestion.local_date or (warm_up and now - suggestion.created_at > _WARM_UP_GOOD_FOR):
        return None
    quiet = time.fromisoformat(athlete.quiet_from_local), time.fromisoformat(athlete.quiet_until_local)
    if not in_quiet_hours(local.time(), quiet):
        return now
    ends = datetime.combine(local.date(), quiet[1], tzinfo=local.tzinfo)
    return situations.instant(ends) if ends > local else None


def _frame(installation: Installation, athlete: Athlete, to: str, at: datetime) -> Frame:
    settings = installation.settings
    return Frame(
        sender=settings.mail_from,
        to=to,
        at=at,
        unsubscribe_link=installation.links.unsubscribe(athlete.id, athlete.connection.external_id, at),
        settings_link=f"{settings.public_url}/settings",
        run_by=settings.run_by,
    )


JOB: Job[Letter] = Job("letter", Letter, send_letter, created_at=lambda letter: letter.created_at)
