"""What happens without being asked: rows that nobody took, claims of the dead, and what has been kept long enough."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from adductor import logs
from adductor.installation import Installation
from adductor.pipeline import activities, claims, deliveries, events, heartbeats, inbox, mails
from adductor.store.models import ClockRun, Delivery, InboxEvent, Letter

log = logs.get(__name__)

# How many rows one sweep takes: short enough that a task ends well within its time limit (60 s at 1 s a row at worst).
BATCH = 20


# A letter's key keeps it from being sent twice; a month later nobody asks for it again.
KEEP_LETTERS = timedelta(days=30)


def handle_events(installation: Installation, ids: list[int] | None = None) -> int:
    """Handle what waits in the inbox (of these ids, if given). Returns how many rows were taken."""
    claimed = claims.claim(installation, InboxEvent, ids=ids, limit=BATCH)
    for event in claimed:
        events.handle(installation, event)
    return len(claimed)


def handle_deliveries(installation: Installation) -> int:
    """Deliver what is due. Returns how many rows were taken."""
    claimed = claims.claim(installation, Delivery, limit=BATCH)
    for delivery in claimed:
        deliveries.deliver(installation, delivery)
    return len(claimed)


def handle_letters(installation: Installation) -> int:
    """Send the letters that are due. Returns how many rows were taken."""
    claimed = claims.claim(installation, Letter, limit=BATCH)
    for letter in claimed:
        mails.run_letter(installation, letter)
    return len(claimed)


def sweep(installation: Installation) -> int:
    """One round: give back what the dead held, then take what is due. Returns how many rows were taken."""
    heartbeats.beat(installation, "clock")
    released = claims.release_of_the_dead(installation)
    if released:
        log.warning("claims of ended processes given back", rows=released)
    return handle_events(installation) + handle_deliveries(installation) + handle_letters(installation)


def expire(installation: Installation) -> None:
    """Delete Strava's data that has been kept as long as it may be. Once an hour, whoever comes first."""
    now = installation.clock.now()
    if not first_in_period(installation, "expire", timedelta(hours=1)):
        return
    with installation.store.write() as session:
        rows = activities.expire(session, now)
        old_events = inbox.forget_before(session, now - activities.KEEP)
        # Our own traces of work: they have said what they had to.
        session.execute(delete(ClockRun).where(ClockRun.at < now - activities.KEEP))
        session.execute(
            delete(Letter).where(Letter.created_at < now - KEEP_LETTERS, Letter.state.in_(("done", "failed")))
        )
    log.info("expired", activities=rows, events=old_events)


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
