"""Changes of the signed-in runner: one write transaction over the locked row, then the schedule anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort
from sqlalchemy.orm import Session

from adductor.athletes import channels, decisions, reconsider
from adductor.coaching.situation import Placement
from adductor.jobs import letters
from adductor.store.models import Athlete
from service.context import installation
from service.pages.access import the_athlete


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
