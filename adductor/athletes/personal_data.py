"""Everything held about one athlete: export and erasure."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, func, inspect, or_, select
from sqlalchemy.orm import Session, joinedload

from adductor import logs
from adductor.athletes import channels, connections, decisions, entries, platform_calls, revocation
from adductor.installation import Installation
from adductor.notes import block
from adductor.platforms.base import PlatformError, Priority, platform_of
from adductor.queue.retry import Final, RetryLater
from adductor.store.models import Athlete, Base, Connection, Delivery, InboxEvent, Suggestion

log = logs.get(__name__)

# Nothing that opens a door is handed over, not even to the runner: exports lie around in download folders.
_NEVER_EXPORTED = frozenset({"calendar_key", "lease_until", "lease_owner"})
# The athlete waits in front of a page for the erasure.
REMOVE_NOTES_WITHIN_S = 20.0
_LOOK_AGAIN_S = 0.05
# An erasure that is unfinished after this was cut off by the end of its process.
CUT_OFF_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of an erasure. ``notes_left`` still stand in the running log, which could not be reached for them."""

    notes_removed: int = 0
    notes_left: int = 0
    revoked: bool = False


def export(session: Session, athlete: Athlete) -> dict[str, Any]:
    """Everything held about an athlete as plain values for JSON, times in UTC; no tokens and no secret addresses."""
    found: dict[str, Any] = {"athlete": _plain(athlete)}
    # Every table with rows of one athlete, also those that come later.
    for table in sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda table: table.__tablename__):
        if "athlete_id" in inspect(table).columns:
            rows = session.scalars(select(table).filter_by(athlete_id=athlete.id))
            found[table.__tablename__] = [_plain(row) for row in rows]
    deliveries = select(Delivery).join(Suggestion).where(Suggestion.athlete_id == athlete.id)
    found["deliveries"] = [_plain(row) for row in session.scalars(deliveries)]
    found["events"] = [
        _plain(row) for row in session.scalars(select(InboxEvent).where(connections.events_of(*athlete.connections)))
    ]
    return found


def disconnect(installation: Installation, athlete_id: int, platform: str | None = None) -> bool:
    """End the athlete's connections, or the one to a platform: tokens are revoked, the platform's data is deleted.

    The athlete's record stays.

    Returns whether the platform took a token back; when it can't be reached everything else happens all the same.
    """
    queued = []
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            return False
        now = installation.clock.now()
        for connection in athlete.connections:
            if connection.disconnected_at is None and platform in (None, connection.platform):
                queued.append(revocation.queue(session, connection.platform, _token_of(connection), now))
                connections.disconnect(session, connection, now)
    # Writing has stopped; only now is there time to wait for the platform.
    return revocation.revoke_now(installation, queued)


def forget(installation: Installation, athlete_id: int, *, remove_notes: bool = False) -> Forgotten:
    """Delete everything about an athlete, and revoke the tokens.

    With ``remove_notes`` our blocks are taken out of their activities first, as far as they stand there as we wrote them; an
    edited one stays. Raises LookupError for an unknown athlete.
    """
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            raise LookupError(f"there is no athlete {athlete_id}")
        # From here on no worker begins to write for this athlete.
        athlete.leaving_at = installation.clock.now()
    removed = left = 0
    give_up_at = time.monotonic() + REMOVE_NOTES_WITHIN_S
    for delivery, activity_id in _written_deliveries(installation, athlete_id, give_up_at) if remove_notes else []:
        if time.monotonic() > give_up_at:
            left += 1
            continue
        try:
            removed += _take_out(installation, athlete, delivery, activity_id)
        except (PlatformError, RetryLater, Final) as error:
            left += 1
            log.warning("note removal failed", athlete=athlete_id, problem=str(error))
    queued = []
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None:
            queued = [
                revocation.queue(session, each.platform, _token_of(each), installation.clock.now())
                for each in athlete.connections
            ]
            session.execute(delete(InboxEvent).where(connections.events_of(*athlete.connections)))
            session.delete(athlete)  # the database deletes the rows that belong to it
    revoked = revocation.revoke_now(installation, queued)
    log.info("athlete forgotten", athlete=athlete_id, notes_removed=removed, notes_left=left)
    return Forgotten(removed, left, revoked)


def finish_leaving(installation: Installation) -> int:
    """Finish erasures that were cut off by the end of their process; returns how many."""
    limit = installation.clock.now() - CUT_OFF_AFTER
    with installation.store.read() as session:
        ids = session.scalars(select(Athlete.id).where(Athlete.leaving_at < limit)).all()
    for athlete_id in ids:
        with contextlib.suppress(LookupError):  # finished meanwhile
            forget(installation, athlete_id)
    return len(ids)


def _written_deliveries(installation: Installation, athlete_id: int, give_up_at: float) -> list[tuple[Delivery, str]]:
    """The notes that stand, each with its activity, after writes under way have ended."""
    claimed = (
        select(Delivery.id).join(Suggestion).where(Suggestion.athlete_id == athlete_id, Delivery.state == "claimed")
    )
    while time.monotonic() < give_up_at - REMOVE_NOTES_WITHIN_S / 2:
        under_way = claimed.where(Delivery.lease_until > installation.clock.real_now()).limit(1)
        with installation.store.read() as session:
            if session.scalar(under_way) is None:
                break
        time.sleep(_LOOK_AGAIN_S)  # bounded by give_up_at: a write is one short call
    stands_in = func.coalesce(Delivery.activity_id, Suggestion.activity_id)
    written = (
        select(Delivery, stands_in)
        .join(Suggestion)
        .options(joinedload(Delivery.suggestion))
        .where(
            Suggestion.athlete_id == athlete_id,
            Delivery.channel.in_(channels.WRITTEN),
            or_(stands_in.is_not(None), Delivery.channel == channels.CALENDAR),
            # Also one whose write was cut off: it may have arrived.
            or_(Delivery.written_text.is_not(None), Delivery.unconfirmed_writes > 0, Delivery.crashes > 0),
            func.coalesce(Delivery.outcome, "").not_in(("removed", "edited_by_runner", "deleted_by_runner")),
        )
        .order_by(Delivery.id.desc())
    )
    with installation.store.read() as session:
        return [(delivery, activity_id or "") for delivery, activity_id in session.execute(written)]


def _take_out(installation: Installation, athlete: Athlete, delivery: Delivery, activity_id: str) -> int:
    """Remove one block; returns 1 if one was there."""
    field = delivery.placed_in or delivery.channel
    if field == channels.CALENDAR:
        return _take_entry_out(installation, athlete, delivery)
    connection = athlete.connection_at(platform_of(activity_id)) or athlete.connection
    activity = platform_calls.read(installation, connection, activity_id, Priority.CONNECT)
    text = getattr(activity, field, None) or ""
    identity = block.Identity(delivery.block, tuple(delivery.known_texts), block.keys_in(delivery.block))
    taken = block.remove(text, identity, separated=delivery.separated is not False)
    if taken.placing is not block.Placing.WRITE:
        return 0
    platform_calls.call(
        installation,
        connection,
        Priority.CONNECT,
        lambda platform, caller: platform.update_activity(caller, activity_id, field, taken.text),
    )
    return 1


def _take_entry_out(installation: Installation, athlete: Athlete, delivery: Delivery) -> int:
    connection = channels.writer(athlete, channels.CALENDAR)
    if connection is None:
        return 0
    entry = entries.read(installation, connection, entries.expected(delivery, delivery.suggestion), Priority.CONNECT)
    identity = block.Identity(delivery.block, tuple(delivery.known_texts), block.keys_in(delivery.block))
    taken = block.remove(entry.whole if entry is not None else "", identity)
    if entry is None or taken.placing is not block.Placing.WRITE or taken.text.strip():
        return 0
    entries.remove(installation, connection, entry, Priority.CONNECT)
    return 1


def _token_of(connection: Connection) -> bytes | None:
    """The token that is given back: of platforms without refresh tokens the access token."""
    return connection.refresh_encrypted or connection.access_encrypted


def _plain(row: Base) -> dict[str, Any]:
    names = (column.key for column in inspect(type(row)).columns)
    values = {name: getattr(row, name) for name in names if name not in _NEVER_EXPORTED}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if not name.endswith("_encrypted")
    }
