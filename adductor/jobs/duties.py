"""Periodic duties: the subscription check, a dead man's switch (ADDUCTOR_HEARTBEAT_URL), a weekly mail by choice.

A worker claims a duty by compare-and-set on its row of `heartbeats`. The row's `at` is the time of the claim (athletes'
time), its note what was wrong the last time, in words for the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adductor import __version__, logs
from adductor.installation import Installation
from adductor.jobs import backlog, outages, subscribing
from adductor.mail.messages import POLICY
from adductor.mail.transport import MailLaterError, MailRefusedError, MailUnsureError
from adductor.queue import heartbeats
from adductor.store.models import DecisionRecord, Delivery, Heartbeat, InboxEvent, Letter

log = logs.get(__name__)

_WEEK = timedelta(days=7)
_PING_TIMEOUT_S = 10.0
# Where the web service and the workers note that they are at work; beat's is that a sweep was asked for.
_PARTS = {"beat": "the clock", "clock": "the workers", outages.WEB: "the web service"}


@dataclass(frozen=True)
class Duty:
    """``run`` returns None, or what was wrong: then it runs again after ``retry_after``."""

    part: str  # names the row, and log lines
    every: timedelta
    retry_after: timedelta
    is_wanted: Callable[[Installation], bool]
    run: Callable[[Installation], str | None]

    def is_due(self, row: Heartbeat | None, now: datetime) -> bool:
        """Whether the wait since the last claim is over; a claim in the future is of a clock that was set back."""
        if row is None:
            return True
        return not timedelta(0) <= now - row.at < (self.every if row.note is None else self.retry_after)


def run_due(installation: Installation, duty: Duty) -> bool:
    """Run the duty if it is wanted and due; whether this process ran it."""
    now, store = installation.clock.now(), installation.store
    with store.read() as session:
        if not duty.is_due(session.get(Heartbeat, duty.part), now) or not duty.is_wanted(installation):
            return False
    try:
        with store.write() as session:
            row = session.get(Heartbeat, duty.part, with_for_update=True)
            if not duty.is_due(row, now):
                return False
            before = row.note if row is not None else None
            if row is None:
                session.add(Heartbeat(part=duty.part, at=now))  # not merged: that would find the row of a faster worker
            else:
                row.at = now
    except IntegrityError:  # a faster worker made the row
        return False
    problem = duty.run(installation)
    if problem != before:
        log.warning(f"{duty.part} failed", problem=problem) if problem else log.info(f"{duty.part} works again")
    with store.write() as session:
        session.merge(Heartbeat(part=duty.part, at=now, note=problem))
    return True


def ping(installation: Installation) -> str | None:
    """Ask for ADDUCTOR_HEARTBEAT_URL unless a part is silent. The address is a secret: only its answer is named."""
    import requests  # 4 MB in every worker until it is used

    real_now, url = installation.clock.real_now(), installation.settings.heartbeat_url
    for part, name in _PARTS.items():
        seen = heartbeats.last(installation, part)
        if seen is None or real_now - seen > backlog.SEEN_WITHIN:
            return f"held back: no heartbeat of {name} in the last minute"
    try:  # streamed, and closed unread: an endless body costs nothing
        with requests.get(url.get_secret_value() if url else "", timeout=_PING_TIMEOUT_S, stream=True) as answer:
            return None if answer.ok else f"ADDUCTOR_HEARTBEAT_URL answers {answer.status_code}"
    except (requests.RequestException, ValueError) as error:
        return f"ADDUCTOR_HEARTBEAT_URL can't be reached ({type(error).__name__})"


def send_weekly_mail(installation: Installation) -> str | None:
    """Send the figures of the last seven days to ADDUCTOR_CONTACT; no name and no word of an athlete."""
    settings, now = installation.settings, installation.clock.now()
    with installation.store.read() as session:
        lines = list(_figures(session, installation, now))
    message = EmailMessage(policy=POLICY)
    message["From"] = settings.mail_from
    message["To"] = settings.contact or ""
    message["Subject"] = f"Adductor Coach: the week until {now:%Y-%m-%d}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<week-{now:%Y%m%dT%H%M%S}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    end = "`adductor doctor` checks everything. This mail comes because ADDUCTOR_WEEKLY_MAIL is on."
    message.set_content("\n".join([settings.public_url, "", *lines, "", end, ""]))
    try:
        installation.postbox.hand_over(message)
    except (MailLaterError, MailRefusedError) as error:
        return str(error)
    except MailUnsureError:  # perhaps sent: a second copy is worth less than none
        return None
    return None


def _figures(session: Session, installation: Installation, now: datetime) -> Iterator[str]:
    def count(*where: object) -> int:
        return session.scalar(select(func.count()).where(*where)) or 0  # type: ignore[arg-type]

    since = now - _WEEK
    states = ", ".join(f"{number} {state}" for state, number in sorted(backlog.connections_by_state(session).items()))
    queues = [queue for queue in backlog.queues(session, now) if queue.name in backlog.QUEUES]
    notes = Delivery.channel.in_(("private_note", "description"))
    suggested = DecisionRecord.decision != "none"
    yield f"Runners: {states or 'none'}"
    yield f"Events: {count(InboxEvent.received_at > since)}"
    yield f"Decisions: {count(DecisionRecord.at > since)}, {count(DecisionRecord.at > since, suggested)} with a routine"
    yield f"Notes written: {count(Delivery.written_at > since, notes)}"
    sent = count(Delivery.written_at > since, Delivery.channel == "mail") + count(Letter.sent_at > since)
    yield f"Mails sent: {sent}"
    waiting, given_up = sum(queue.due + queue.later for queue in queues), sum(queue.given_up for queue in queues)
    yield f"Waiting: {waiting}; given up: {given_up}"
    if not installation.settings.uses_sandbox:
        yield f"Subscription: {subscribing.find_problem(session, now) or 'confirmed by Strava'}"
    backup = session.get(Heartbeat, heartbeats.BACKUP)
    yield f"Last backup: {f'{backup.at:%Y-%m-%d %H:%M} UTC' if backup else 'none'}"
    yield f"Version: {__version__}"


PING = Duty(
    "heartbeat ping",
    timedelta(minutes=10),
    timedelta(minutes=1),
    lambda installation: installation.settings.heartbeat_url is not None,
    ping,
)
WEEKLY_MAIL = Duty(
    "weekly mail",
    _WEEK,
    timedelta(hours=6),
    lambda installation: installation.settings.weekly_mail == "on",
    send_weekly_mail,
)
SUBSCRIPTION = Duty(
    subscribing.CHECK, timedelta(hours=1), timedelta(minutes=10), subscribing.is_wanted, subscribing.check
)
DUTIES = (SUBSCRIPTION, PING, WEEKLY_MAIL)


def find_problems(session: Session, installation: Installation) -> list[str]:
    """What was wrong the last time with the ping and the weekly mail, where they are wanted."""
    rows = [
        (duty.part, session.get(Heartbeat, duty.part)) for duty in (PING, WEEKLY_MAIL) if duty.is_wanted(installation)
    ]
    return [f"{part}: {row.note if row else 'not sent yet'}" for part, row in rows if row is None or row.note]
