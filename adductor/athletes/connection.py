"""Connecting and leaving."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import decisions, schedule, tokens
from adductor.installation import Installation
from adductor.platforms.base import Grant
from adductor.queue import claims
from adductor.store.models import Athlete, Delivery, InboxEvent, LoggedActivity, Suggestion, Token

log = logs.get(__name__)


def connect(session: Session, installation: Installation, platform: str, grant: Grant, scopes: str) -> Athlete:
    """The runner as connected now: a new one, or one who comes back and continues where their own record stood."""
    now = installation.clock.now()
    theirs = (
        select(Athlete)
        .where(Athlete.platform == platform, Athlete.platform_athlete_id == grant.athlete_id)
        .with_for_update()
    )
    athlete = session.scalar(theirs)
    if athlete is None:
        # The button pressed twice: whoever comes second waits for the first here, and finds their row.
        insert = sqlite.insert if installation.store.is_sqlite else postgresql.insert
        session.execute(
            insert(Athlete)
            .values(platform=platform, platform_athlete_id=grant.athlete_id, connected_at=now)
            .on_conflict_do_nothing()
        )
        athlete = session.scalars(theirs).one()
    if athlete.status != "connected":
        athlete.history_read_at = None
    # Also of one whom we take for connected: that they left before may still be on its way to us.
    athlete.connected_at = now
    athlete.name = grant.name[:200]
    athlete.units = grant.units
    if grant.timezone:
        athlete.timezone = grant.timezone
    athlete.scopes = scopes[:200]
    athlete.status = "connected"
    athlete.disconnected_at = None
    # The first look only works out when one is due. What was run before now is never written to.
    athlete.reconcile_at = now
    athlete.reconciled_at = None
    schedule.reschedule(athlete, now)
    session.flush()
    session.merge(tokens.store(installation, athlete.id, grant.tokens))
    log.info("athlete connected", athlete=athlete.id, scopes=scopes)
    return athlete


def disconnect(session: Session, athlete: Athlete, *, because: str, now: datetime) -> None:
    """Writing stops at once: tokens and Strava's data go, what waits is called off. The runner's own record stays."""
    athlete.status = because
    athlete.disconnected_at = now
    athlete.next_due_at = None
    athlete.reconcile_at = None
    athlete.name = ""  # Strava's too; connecting again brings it back
    session.execute(delete(Token).where(Token.athlete_id == athlete.id))
    session.execute(delete(LoggedActivity).where(LoggedActivity.athlete_id == athlete.id))
    session.execute(
        update(InboxEvent)
        .where(InboxEvent.owner_id == athlete.platform_athlete_id, InboxEvent.object_type == "activity")
        .values(updates={})  # titles
    )
    waiting = (
        select(Delivery)
        .join(Suggestion)
        .where(Suggestion.athlete_id == athlete.id, Delivery.state.in_(("waiting", "claimed")))
    )
    for delivery in session.scalars(waiting):
        claims.finish(delivery, "disconnected")
    for suggestion in session.scalars(
        select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open")
    ):
        suggestion.status = "withdrawn"
        suggestion.withdrawn_because = "You disconnected."
    log.info("athlete disconnected", athlete=athlete.id, because=because)


def cannot_read(installation: Installation, athlete_id: int) -> None:
    """The runner took the permission to read back: nobody is asked any more, and their page says what is missing."""
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None and athlete.status == "connected":
            athlete.status = "scope_missing"
            athlete.next_due_at = athlete.reconcile_at = None
            log.warning("permission to read is missing", athlete=athlete_id)


def disconnect_now(installation: Installation, athlete_id: int, *, because: str) -> None:
    """As `disconnect`, in a transaction of its own."""
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None and athlete.disconnected_at is None:
            disconnect(session, athlete, because=because, now=installation.clock.now())
