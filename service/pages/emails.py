"""The runner's e-mail address: kept at once, used only after the runner has confirmed it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from adductor.athletes import channels
from adductor.coaching.situation import Placement
from adductor.installation import Installation
from adductor.jobs import letters
from adductor.store.models import Athlete


def change(installation: Installation, session: Session, athlete: Athlete, address: str | None) -> None:
    """Keep another address (None: none). A new one is unconfirmed until the link in a mail to it was followed."""
    address = (address or "").strip() or None
    athlete.unsubscribed_at = None
    if address == athlete.email and (
        address is None or (athlete.email_confirmed_at is not None and athlete.email_bounced_at is None)
    ):
        return
    _rest_days(athlete, address)
    athlete.email = address
    athlete.email_confirmed_at = None
    athlete.email_bounced_at = None
    if address is not None:
        letters.confirm_address(installation, session, athlete)


def _rest_days(athlete: Athlete, address: str | None) -> None:
    """A rest day has no run to write into: with a first address its routines go there, without one they stand here."""
    chosen = (athlete.channels or {}).get(Placement.REST_DAY)
    if address is None and chosen in (None, channels.MAIL):
        athlete.channels = {**athlete.channels, Placement.REST_DAY: channels.PAGES}
    elif address is not None and athlete.email is None and chosen in (None, channels.PAGES):
        athlete.channels = {**athlete.channels, Placement.REST_DAY: channels.MAIL}
