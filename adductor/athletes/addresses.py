"""What becomes of a runner's mail address: confirmed by its link, then used, until they unsubscribe."""

from __future__ import annotations

from datetime import datetime

from adductor import logs
from adductor.athletes import schedule
from adductor.store.models import Athlete

log = logs.get(__name__)


def confirm(athlete: Athlete, address: str, *, now: datetime) -> bool:
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
