"""After a choice of the runner changed: what is announced is looked at again, and when the clock should look next."""

from __future__ import annotations

from sqlalchemy.orm import Session

from adductor.athletes import reconsider
from adductor.installation import Installation
from adductor.store.models import Athlete


def after_change(installation: Installation, session: Session, athlete: Athlete) -> None:
    """To be called in the transaction that changed the choice, with the athlete locked."""
    reconsider.reconsider(session, installation, athlete, now=installation.clock.now())
