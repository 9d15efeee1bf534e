"""Retention: an hourly job deletes the platforms' data, then checks that none is older than the platform allows.

It also compacts our own record: an old "no" becomes part of a daily count.
The check goes by when rows were read or received, not by the columns by which they are deleted.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import activities, situations
from adductor.installation import Installation
from adductor.platforms import registry
from adductor.store.models import Athlete, ClockRun, DecisionRecord, InboxEvent, Letter, LoggedActivity, NoCount

log = logs.get(__name__)

# Strava API agreement, in force since 2026-06-01. We delete two hours before (`activities.KEEP`), once an hour.
LIMIT = timedelta(days=7)
# A letter's key keeps it from being sent twice; a month later it is not asked for again.
KEEP_LETTERS = timedelta(days=30)
# Rows of one transaction, which holds SQLite's one writer; and for how long an hour's job goes on (a task may run 60 s).
BATCH = 1_000
COUNT_FOR_S = 20.0


def oldest(session: Session) -> dict[str, datetime | None]:
    """The oldest row of each table that holds Strava's data, by an index: activities since they were read, events (their
    titles are Strava's) since they came. None: there is none.

    An event that still waits to be handled counts only while it holds anything but its own numbers.
    """
    counts = or_(InboxEvent.state.in_(("done", "failed")), InboxEvent.updates != {})
    event = select(InboxEvent.received_at).where(counts).order_by(InboxEvent.received_at).limit(1)
    # Other platforms allow more: their rows go by their own expiry.
    strict = [
        LoggedActivity.platform_id.startswith(f"{name}:")
        for name, facts in registry.FACTS.items()
        if facts.keep <= LIMIT
    ]
    activity = select(func.min(LoggedActivity.fetched_at)).where(or_(*strict))
    return {"activities": session.scalar(activity), "inbox_events": session.scalar(event)}


def check(installation: Installation) -> timedelta:
    """Log the ages, as an error when the agreement is broken; returns the highest."""
    now = installation.clock.now()
    with installation.store.read() as session:
        ages = {table: max(now - (at or now), timedelta(0)) for table, at in oldest(session).items()}
    held = ", ".join(f"{table} {round(age / timedelta(hours=1), 1)} h" for table, age in ages.items())
    if max(ages.values()) > LIMIT:
        log.error("retention exceeded", held=held, limit_days=LIMIT.days)
    else:
        log.info("retention checked", held=held)
    return max(ages.values())


def expire(installation: Installation) -> bool:
    """Delete what has been kept as long as it may be, once an hour; True for the call that did it."""
    now = installation.clock.now()
    hour = ClockRun(task="expire", period=now.replace(minute=0, second=0, microsecond=0), at=now)
    try:  # the key decides, however many clocks ask
        with installation.store.write() as session:
            if session.get(ClockRun, (hour.task, hour.period)) is not None:
                return False
            session.add(hour)
    except IntegrityError:
        return False
    limit = now - activities.KEEP
    ended, old = ("done", "failed"), InboxEvent.received_at < limit
    with installation.store.write() as session:
        session.execute(delete(LoggedActivity).where(LoggedActivity.expires_at <= now))
        session.execute(delete(InboxEvent).where(old, InboxEvent.state.in_(ended)))
        # Titles in events are the platform's data. An event that still waits is handled when it can be, without its title.
        session.execute(update(InboxEvent).where(old, InboxEvent.object_type != "athlete").values(updates={}))
        session.execute(delete(ClockRun).where(ClockRun.at < limit))
        session.execute(delete(Letter).where(Letter.created_at < now - KEEP_LETTERS, Letter.state.in_(ended)))
    log.info("expired data deleted", received_before=limit.isoformat(), counted=_count_old(installation, now))
    return True


def _count_old(installation: Installation, now: datetime) -> int:
    """Replace decisions that were an old "no" by counts, batch by batch; returns how many rows went."""
    before = now - timedelta(days=installation.settings.keep_reasons_days)
    until, counted = time.monotonic() + COUNT_FOR_S, 0
    while time.monotonic() < until:
        with installation.store.write() as session:
            batch = _count_batch(session, before)
        counted += batch
        if batch < BATCH:
            break
    return counted


def _count_batch(session: Session, before: datetime) -> int:
    row = DecisionRecord
    old = (
        select(row.id, row.athlete_id, row.at, row.rule, Athlete.timezone)
        .join(Athlete, Athlete.id == row.athlete_id)
        # As text: SQLite would not recognise the partial index's condition with a parameter.
        .where(text("decisions.decision = 'none'"), row.at < before)
        .order_by(row.at)
        .limit(BATCH)
        .with_for_update(of=row)
    )
    found = session.execute(old).all()
    zoned = ((one, one.at.astimezone(situations.zone_of(one.timezone)).date()) for one in found)
    counts = Counter((one.athlete_id, day, one.rule) for one, day in zoned)
    if counts:
        insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(NoCount)
        key, total = ("athlete_id", "day", "rule"), NoCount.count + insert.excluded.count
        upsert = insert.on_conflict_do_update(index_elements=key, set_={"count": total})
        session.execute(upsert, [{**dict(zip(key, of, strict=True)), "count": n} for of, n in counts.items()])
        session.execute(delete(row).where(row.id.in_([one.id for one in found])))
    return len(found)
