"""Browsers that take Web Push messages for an athlete: subscribed, listed, removed. Addresses and keys are encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import channels, decisions
from adductor.coaching.situation import Placement
from adductor.installation import Installation
from adductor.push import PushSubscription
from adductor.store.models import Athlete, BrowserSubscription

log = logs.get(__name__)

MOST = 10  # judgement: a runner's phones and computers; the oldest makes room


def subscribe(
    session: Session, installation: Installation, athlete: Athlete, given: PushSubscription, now: datetime
) -> None:
    """Store a browser's subscription. A browser that took another athlete's messages takes only this one's from now on.

    With the first one, rest-day routines that went by mail or to the pages come as notifications. Raises SubscriptionError.
    """
    installation.pusher.check(given)
    row = session.scalar(select(BrowserSubscription).filter_by(endpoint_hash=_hash(given.endpoint)))
    if row is None:
        known = of_athlete(session, athlete.id)
        remove(session, athlete.id, [each.id for each in known[: max(len(known) + 1 - MOST, 0)]])
        row = BrowserSubscription(endpoint_hash=_hash(given.endpoint), created_at=now)
        row.service = urlsplit(given.endpoint).hostname or ""
        session.add(row)
    row.athlete_id = athlete.id
    row.subscription_encrypted = installation.vault.encrypt("\n".join(astuple(given)))
    if athlete.push_since is None:
        athlete.push_since = now
        if not channels.NOTES & set(channels.chosen(athlete, Placement.REST_DAY)):
            athlete.channels = {**(athlete.channels or {}), Placement.REST_DAY: channels.PUSH}
        log.info("notifications began", athlete=athlete.id)


def of_athlete(session: Session, athlete_id: int) -> Sequence[BrowserSubscription]:
    """The athlete's browsers, oldest first."""
    wanted = select(BrowserSubscription).filter_by(athlete_id=athlete_id).order_by(BrowserSubscription.id)
    return session.scalars(wanted).all()


def remove(session: Session, athlete_id: int, ids: Sequence[int]) -> None:
    """Remove browsers of the athlete. After the last one the other channels take over."""
    athlete = decisions.lock(session, athlete_id)
    rows = of_athlete(session, athlete_id)
    for row in rows:
        if row.id in ids:
            session.delete(row)
    if athlete is not None and all(row.id in ids for row in rows):
        athlete.push_since = None
    session.flush()


def find(session: Session, athlete_id: int, endpoint: str) -> BrowserSubscription | None:
    """The athlete's browser with this address."""
    wanted = select(BrowserSubscription).filter_by(endpoint_hash=_hash(endpoint), athlete_id=athlete_id)
    return session.scalar(wanted)


def read(installation: Installation, row: BrowserSubscription) -> PushSubscription:
    """The browser's subscription, decrypted."""
    return PushSubscription(*installation.vault.decrypt(row.subscription_encrypted).split("\n"))


def _hash(endpoint: str) -> str:
    return sha256(endpoint.encode()).hexdigest()
