"""Everything held about one runner: to hand over, and to delete."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, inspect, or_, select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import connection, decisions, platform_calls, revocation
from adductor.installation import Installation
from adductor.notes import block
from adductor.platforms.base import PlatformError, Priority
from adductor.store.models import Athlete, Base, Delivery, InboxEvent, Suggestion, Token

log = logs.get(__name__)

# Nothing that opens a door is handed over, not even to the runner: exports lie around in download folders.
_NEVER_EXPORTED = frozenset({"calendar_key", "lease_until", "lease_holder"})
# A runner who deletes everything waits for it in front of a page; a worker of the web server is replaced after 30 s.
REMOVE_NOTES_WITHIN_S = 20.0
_LOOK_AGAIN_S = 0.05
# A runner who is still leaving after this was left so by a process that ended.
CUT_OFF_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What deleting led to. ``notes_left`` stand in the running log still: it could not be reached for them."""

    notes_removed: int = 0
    notes_left: int = 0
    revoked: bool = False


def export(session: Session, athlete: Athlete) -> dict[str, Any]:
    """Everything held about a runner as plain values for JSON, times in UTC; no tokens and no secret addresses."""
    whole: dict[str, Any] = {"athlete": _plain(athlete)}
    for table in _tables_of_an_athlete():
        owner = inspect(table).columns["athlete_id"]
        rows = session.scalars(select(table).where(owner == athlete.id))
        whole[str(table.__tablename__)] = [_plain(row) for row in rows]
    deliveries = select(Delivery).join(Suggestion).where(Suggestion.athlete_id == athlete.id)
    whole["deliveries"] = [_plain(row) for row in session.scalars(deliveries)]
    whole["events"] = [_plain(row) for row in session.scalars(select(InboxEvent).where(_events_of(athlete)))]
    token = session.get(Token, athlete.id)
    whole["connection"] = None if token is None else {"access_token_expires_at": token.expires_at.isoformat()}
    return whole


def disconnect(installation: Installation, athlete_id: int, *, because: str = "revoked") -> bool:
    """End the connection: the access goes back to Strava, and Strava's data goes from here. Our own record stays.

    Returns whether Strava took the access back; when it can't be reached everything else happens all the same.
    """
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or athlete.disconnected_at is not None:
            return False
        now = installation.clock.now()
        access = revocation.hand_in(session, athlete_id, now)
        connection.disconnect(session, athlete, because=because, now=now)
    # Writing has stopped; only now is there time to wait for Strava.
    return revocation.give_back_now(installation, access)


def forget(installation: Installation, athlete_id: int, *, remove_notes: bool = False) -> Forgotten:
    """Delete everything about a runner, and give the access back to Strava.

    With ``remove_notes`` our blocks are taken out of their activities first, as far as they stand there as we wrote them;
    what the runner edited stays. Raises LookupError for an unknown runner.
    """
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            raise LookupError(f"there is no athlete {athlete_id}")
        # From here on no worker begins to write for this runner.
        athlete.status = "leaving"
        athlete.disconnected_at = installation.clock.now()
    removed = left = 0
    give_up_at = time.monotonic() + REMOVE_NOTES_WITHIN_S
    for delivery, activity_id in _written_in_the_end(installation, athlete_id, give_up_at) if remove_notes else []:
        if time.monotonic() > give_up_at:
            left += 1
            continue
        try:
            removed += _take_out(installation, athlete_id, delivery, activity_id)
        except (PlatformError, platform_calls.LaterError, platform_calls.StopError) as error:
            left += 1
            log.warning("note not removed", athlete=athlete_id, problem=str(error))
    access = None
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None:
            access = revocation.hand_in(session, athlete_id, installation.clock.now())
            session.execute(delete(InboxEvent).where(_events_of(athlete)))
            session.delete(athlete)  # the database takes everything else of theirs with it
    revoked = revocation.give_back_now(installation, access)
    log.info("athlete forgotten", athlete=athlete_id, notes_removed=removed, notes_left=left)
    return Forgotten(removed, left, revoked)


def _tables_of_an_athlete() -> list[type[Base]]:
    """Every table with rows of one runner, also those that come later; the tokens are told apart, without their keys."""
    mapped = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda table: str(table.__tablename__))
    return [table for table in mapped if table is not Token and "athlete_id" in inspect(table).columns]


def finish_leaving(installation: Installation) -> int:
    """Delete the runners whose deleting was cut off by the end of its process. Returns how many."""
    with installation.store.read() as session:
        ids = session.scalars(
            select(Athlete.id).where(
                Athlete.status == "leaving", Athlete.disconnected_at < installation.clock.now() - CUT_OFF_AFTER
            )
        ).all()
    for athlete_id in ids:
        with contextlib.suppress(LookupError):  # gone meanwhile
            forget(installation, athlete_id)
    return len(ids)


def _written_in_the_end(installation: Installation, athlete_id: int, give_up_at: float) -> list[tuple[Delivery, int]]:
    """The notes that stand, after what was being written when the runner left has come to its end."""
    while time.monotonic() < give_up_at - REMOVE_NOTES_WITHIN_S / 2:
        with installation.store.read() as session:
            at_work = session.scalars(
                select(Delivery.lease_holder)
                .join(Suggestion)
                .where(
                    Suggestion.athlete_id == athlete_id,
                    Delivery.state == "claimed",
                    Delivery.lease_until > installation.clock.real_now(),
                )
            ).all()
        if not any(holder and not installation.holder.gone(holder) for holder in at_work):
            break
        time.sleep(_LOOK_AGAIN_S)  # bounded by give_up_at: a write is one short call
    with installation.store.read() as session:
        return _written(session, athlete_id)


def _written(session: Session, athlete_id: int) -> list[tuple[Delivery, int]]:
    rows = session.execute(
        select(Delivery, Suggestion.activity_id)
        .join(Suggestion)
        .where(
            Suggestion.athlete_id == athlete_id,
            Delivery.channel.in_(("private_note", "description")),
            # Also one whose write was cut off: nobody knows whether it arrived.
            or_(Delivery.written_text.is_not(None), Delivery.unsure_handovers > 0, Delivery.crashes > 0),
            or_(
                Delivery.outcome.is_(None),
                Delivery.outcome.not_in(("removed", "edited_by_runner", "deleted_by_runner")),
            ),
        )
        .order_by(Delivery.id.desc())
    )
    found = []
    for delivery, activity_id in rows:
        stands_in = getattr(delivery, "activity_id", None) or activity_id
        if stands_in is not None:
            found.append((delivery, int(stands_in)))
    return found


def _take_out(installation: Installation, athlete_id: int, delivery: Delivery, activity_id: int) -> int:
    """Remove one block; returns 1 if one was there."""
    field = delivery.placed_in or delivery.channel

    def read(token: str) -> Any:
        return installation.strava.get_activity(token, activity_id, priority=Priority.CONNECT)

    activity = platform_calls.call(installation, athlete_id, delivery.attempts, read)
    text = getattr(activity, field) or ""
    taken = block.remove(text, known=delivery.known_texts, separated=delivery.separated is not False)
    if taken.placing is not block.Placing.WRITE:
        return 0

    def write(token: str) -> Any:
        changed = {"private_note": taken.text} if field == "private_note" else {"description": taken.text}
        return installation.strava.update_activity(token, activity_id, priority=Priority.CONNECT, **changed)

    platform_calls.call(installation, athlete_id, delivery.attempts, write)
    return 1


def _events_of(athlete: Athlete) -> Any:
    return (InboxEvent.platform == athlete.platform) & (InboxEvent.owner_id == athlete.platform_athlete_id)


def _plain(row: Base) -> dict[str, Any]:
    columns = inspect(type(row)).columns
    return {
        column.key: _value(getattr(row, column.key))
        for column in columns
        if column.key not in _NEVER_EXPORTED and not column.key.endswith("_sealed")
    }


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
