"""Erasure of an athlete: writing stops, notes are removed on request, every row is deleted, the tokens are revoked."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import channels, connections, decisions, personal_data, revocation
from adductor.installation import Installation
from adductor.jobs import deliveries, planned_notes
from adductor.notes import plan
from adductor.queue import claims
from adductor.store.models import Athlete, Delivery, InboxEvent, Suggestion

log = logs.get(__name__)

# The athlete waits in front of a page for the erasure.
REMOVE_NOTES_WITHIN_S = 20.0
_LOOK_AGAIN_S = 0.05
# An erasure that is unfinished after this was cut off by the end of its process.
CUT_OFF_AFTER = timedelta(minutes=10)
_NOT_OURS = ("edited_by_runner", "deleted_by_runner", plan.NOTHING_THERE, "gone")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of an erasure. ``notes_left`` still stand in the running log, which could not be reached for them."""

    notes_removed: int = 0
    notes_left: int = 0
    revoked: bool = False


def forget(installation: Installation, athlete_id: int, *, remove_notes: bool = False) -> Forgotten:
    """Delete everything about an athlete, and revoke the tokens.

    With ``remove_notes`` our blocks are taken out of their activities first, as far as they stand there as we wrote them; an
    edited one stays. What is announced for the days ahead goes in any case. Raises LookupError for an unknown athlete.
    """
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            raise LookupError(f"there is no athlete {athlete_id}")
        # From here on no worker begins to write for this athlete.
        athlete.leaving_at = installation.clock.now()
    removed, left = _remove_notes(installation, athlete_id) if remove_notes else (0, 0)
    planned_removed, planned_left = _remove_planned(installation, athlete_id)
    removed, left = removed + planned_removed, left + planned_left
    queued = []
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None:
            now = installation.clock.now()
            queued = [revocation.queue_token_of(session, each, now) for each in athlete.connections]
            session.execute(delete(InboxEvent).where(connections.events_of(*athlete.connections)))
            session.delete(athlete)  # the database deletes the rows that belong to it
    revoked = revocation.revoke_now(installation, queued)
    log.info("athlete forgotten", athlete=athlete_id, notes_removed=removed, notes_left=left)
    return Forgotten(removed, left, revoked)


def disconnect(installation: Installation, athlete_id: int, platform: str | None = None) -> Forgotten:
    """End the athlete's connections, or the one to a platform; what is announced for the days ahead is removed first."""
    removed, left = _remove_planned(installation, athlete_id, platform)
    return Forgotten(removed, left, personal_data.disconnect(installation, athlete_id, platform))


def finish(installation: Installation) -> int:
    """Finish erasures that were cut off by the end of their process; returns how many."""
    limit = installation.clock.now() - CUT_OFF_AFTER
    with installation.store.read() as session:
        ids = session.scalars(select(Athlete.id).where(Athlete.leaving_at < limit)).all()
    for athlete_id in ids:
        with contextlib.suppress(LookupError):  # finished meanwhile
            forget(installation, athlete_id)
    return len(ids)


def _remove_notes(installation: Installation, athlete_id: int) -> tuple[int, int]:
    """Carry out the removal of each note that stands, once; how many are removed, and how many are left."""
    give_up_at = time.monotonic() + REMOVE_NOTES_WITHIN_S
    _wait_for_writes(installation, athlete_id, give_up_at - REMOVE_NOTES_WITHIN_S / 2)
    with installation.store.write() as session:
        standing = _standing(session, athlete_id)
        for delivery in standing:
            delivery.desired_state = plan.ABSENT
            claims.take(session, installation, delivery)
    for delivery in standing:
        if time.monotonic() < give_up_at:
            deliveries.deliver_now(installation, [delivery])
    with installation.store.read() as session:
        ids = [delivery.id for delivery in standing]
        outcomes = session.scalars(select(Delivery.outcome).where(Delivery.id.in_(ids))).all()
    removed = outcomes.count(plan.REMOVED)
    return removed, len(outcomes) - removed - sum(outcome in _NOT_OURS for outcome in outcomes)


def _remove_planned(installation: Installation, athlete_id: int, platform: str | None = None) -> tuple[int, int]:
    until = time.monotonic() + REMOVE_NOTES_WITHIN_S / 2
    return planned_notes.remove_all(installation, athlete_id, platform, until=until)


def _wait_for_writes(installation: Installation, athlete_id: int, give_up_at: float) -> None:
    """Wait until writes under way have ended: each is one short call."""
    claimed = select(Delivery.id).join(Suggestion).where(Suggestion.athlete_id == athlete_id)
    while time.monotonic() < give_up_at:
        under_way = claimed.where(
            Delivery.state == claims.CLAIMED, Delivery.lease_until > installation.clock.real_now()
        )
        with installation.store.read() as session:
            if session.scalar(under_way.limit(1)) is None:
                return
        time.sleep(_LOOK_AGAIN_S)


def _standing(session: Session, athlete_id: int) -> list[Delivery]:
    """The notes that stand, the latest first; also one whose write was cut off: it may have arrived."""
    written = (
        select(Delivery)
        .join(Suggestion)
        .where(
            Suggestion.athlete_id == athlete_id,
            Delivery.channel.in_(channels.WRITTEN),
            or_(Delivery.written_text.is_not(None), Delivery.unconfirmed_writes > 0, Delivery.crashes > 0),
            or_(Delivery.outcome.is_(None), Delivery.outcome.not_in((plan.REMOVED, *_NOT_OURS))),
        )
    )
    return list(session.scalars(written.order_by(Delivery.id.desc())))
