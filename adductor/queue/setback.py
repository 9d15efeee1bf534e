"""A clock that is set back: what was due a moment ago must not wait until the clock has caught up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from adductor import logs
from adductor.installation import Installation
from adductor.queue import heartbeats
from adductor.store.models import Delivery, Heartbeat, InboxEvent, Letter, Revocation

log = logs.get(__name__)

PART = "clock"
# Time servers move a clock by less; the note of the time is ten seconds old at most.
SET_BACK_BY = timedelta(seconds=60)
_TABLES: tuple[Any, ...] = (InboxEvent, Delivery, Letter, Revocation)


def notice(installation: Installation) -> int:
    """Note the runners' time; if it has gone back since, move what waits back with it. Returns how many rows moved."""
    now = installation.clock.now()
    with installation.store.read() as session:
        row = session.get(Heartbeat, PART)
        noted = datetime.fromisoformat(row.note) if row is not None and row.note else None
    moved = 0
    if noted is not None and noted - now > SET_BACK_BY:
        moved = _move(installation, now, noted - now)
        log.warning("the clock was set back", by_s=(noted - now).total_seconds(), rows=moved)
    heartbeats.beat(installation, PART, note=now.isoformat())
    return moved


def _move(installation: Installation, now: datetime, by: timedelta) -> int:
    """In their order, each as far ahead as it was. One transaction with the new note, so that it happens once."""
    moved = 0
    with installation.store.write() as session:
        note = session.get(Heartbeat, PART, with_for_update=True)
        if note is None or not note.note or datetime.fromisoformat(note.note) - now <= SET_BACK_BY:
            return 0  # another process was first
        note.note, note.at = now.isoformat(), installation.clock.real_now()
        for table in _TABLES:
            waiting = select(table.id, table.due_at).where(table.due_at > now)
            if table is not Revocation:
                waiting = waiting.where(table.state == "waiting")
            rows = [{"id": row_id, "due_at": due_at - by} for row_id, due_at in session.execute(waiting)]
            if rows:
                session.execute(update(table), rows)  # by primary key
            moved += len(rows)
    return moved
