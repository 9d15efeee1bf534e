"""The runner's e-mail address: kept at once, used only after the runner has confirmed it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from adductor.installation import Installation
from adductor.pipeline import mails
from adductor.store.models import Athlete


def change(installation: Installation, session: Session, athlete: Athlete, address: str | None) -> None:
    """Keep another address (None: none). A new one is unconfirmed until the link in a mail to it was followed."""
    address = (address or "").strip() or None
    athlete.unsubscribed_at = None
    if address == athlete.email and (
        address is None or (athlete.email_confirmed_at is not None and athlete.email_bounced_at is None)
    ):
        return
    athlete.email = address
    athlete.email_confirmed_at = None
    athlete.email_bounced_at = None
    if address is not None:
        mails.confirm_address(installation, session, athlete)
