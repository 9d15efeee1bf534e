"""What happens without being asked: rows that nobody took, claims of the dead, and what has been kept long enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from adductor import logs
from adductor.athletes import activities
from adductor.installation import Installation
from adductor.jobs import deliveries, events, inbox, letters
from adductor.queue import claims, setback
from adductor.store.models import ClockRun, Delivery, InboxEvent, Letter

log = logs.get(__name__)

T = TypeVar("T", InboxEvent, Delivery, Letter)

# How many rows are claimed together. Those that time doesn't reach are given back.
BATCH = 20
# When Strava hangs, a row takes tens of seconds. No further one is begun after this (real time), so that a task ends within
# its own limit of 60 s, and nothing that it has not touched is counted as a crash.
BEGIN_WITHIN_S = 25.0
# Of a sweep: events first, then deliveries, then letters, each to its own point in time.
_SWEEP_SHARES = (0.4, 0.8, 1.0)
# A letter's key keeps it from being sent twice; a month later nobody asks for it again.
KEEP_LETTERS = timedelta(days=30)


def give_up_at(share: float = 1.0) -> float:
    """Until when (by `time.monotonic`) a task that starts now may begin rows."""
    return time.monotonic() + BEGIN_WITHIN_S * share


def handle_events(installation: Installation, ids: list[int] | None = None, *, until: float | None = None) -> int:
    """Handle what waits in the inbox (of these ids, if given). Returns how many rows were begun."""
    return _each(installation, InboxEvent, events.handle, ids, until, first=events.end_those_of_strangers)


def handle_deliveries(installation: Installation, *, until: float | None = None) -> int:
    """Deliver what is due. Returns how many rows were begun."""
    return _each(installation, Delivery, deliveries.deliver, None, until)


def handle_letters(installation: Installation, *, until: float | None = None) -> int:
    """Send the letters that are due. Returns how many rows were begun."""
    return _each(installation, Letter, letters.run_letter, None, until)


def _each(
    installation: Installation,
    table: type[T],
    do: Callable[[Installation, T], None],
    ids: list[int] | None,
    until: float | None,
    *,
    first: Callable[[Installation, list[T]], list[T]] | None = None,
) -> int:
    """Claim rows and do them until the time is up; without ``until`` all of them. Returns how many were begun.

    ``first`` ends what can be ended together. A row that its worker did not survive before is done last and with nothing
    else in hand or beside it: should it end this worker too, it alone is to blame, and not those claimed with it.
    """
    if until is not None and time.monotonic() >= until:
        return 0
    rows = installation.rows
    claimed = claims.claim(installation, table, ids=ids, limit=BATCH)
    suspects = [row for row in claimed if row.crashes]
    left = [row for row in claimed if not row.crashes]

    def one(row: T) -> None:
        do(installation, row)

    try:
        if first is not None and len(left) > 1:
            left = first(installation, left)
        left = rows.each(left, one, until=until)
        if suspects and not left:
            suspect = suspects.pop(0)
            if suspects:
                claims.give_back(installation, table, suspects)
                suspects = []
            if not rows.alone(suspect, one, until=until):
                left = [suspect]
    finally:
        left += suspects
        if left:
            claims.give_back(installation, table, left)
    return len(claimed) - len(left)


def sweep(installation: Installation) -> int:
    """One round: give back what the dead held, then take what is due. Returns how many rows were begun."""
    for_events, for_deliveries, for_letters = (give_up_at(share) for share in _SWEEP_SHARES)
    setback.notice(installation)
    released = claims.release_of_the_dead(installation)
    if released:
        log.warning("claims of ended processes given back", rows=released)
    begun = handle_events(installation, until=for_events)
    begun += handle_deliveries(installation, until=for_deliveries)
    return begun + handle_letters(installation, until=for_letters)


def expire(installation: Installation) -> bool:
    """Delete Strava's data that has been kept as long as it may be. Once an hour, whoever comes first: True for them."""
    now = installation.clock.now()
    if not first_in_period(installation, "expire", timedelta(hours=1)):
        return False
    with installation.store.write() as session:
        rows = activities.expire(session, now)
        old_events = inbox.forget_before(session, now - activities.KEEP)
        # One that still waits is handled when it can be, without its title.
        session.execute(
            update(InboxEvent)
            .where(
                InboxEvent.received_at < now - activities.KEEP,
                InboxEvent.object_type == "activity",
                InboxEvent.state.in_(("waiting", "claimed")),
            )
            .values(updates={})
        )
        # Our own traces of work: they have said what they had to.
        session.execute(delete(ClockRun).where(ClockRun.at < now - activities.KEEP))
        session.execute(
            delete(Letter).where(Letter.created_at < now - KEEP_LETTERS, Letter.state.in_(("done", "failed")))
        )
    log.info("expired", activities=rows, events=old_events)
    return True


def first_in_period(installation: Installation, task: str, length: timedelta) -> bool:
    """True once for each period of that length, however many clocks ask: the key in the database decides."""
    now = installation.clock.now()
    period = _start_of_period(now, length)
    insert = sqlite.insert if installation.store.is_sqlite else postgresql.insert
    with installation.store.write() as session:
        statement = (
            insert(ClockRun).values(task=task, period=period, at=now).on_conflict_do_nothing().returning(ClockRun.task)
        )
        return session.scalar(statement) is not None


def _start_of_period(now: datetime, length: timedelta) -> datetime:
    seconds = length.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
