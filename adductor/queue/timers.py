"""Timers: rows whose column says that a look is due, claimed by the index on it, each look run by one ladder.

The cost follows the rows that are due, not all rows. A claim moves the column by a lease: a look that its worker
did not survive is repeated, and each look is idempotent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from adductor import logs
from adductor.installation import Installation
from adductor.queue.retry import Final, RetryLater

log = logs.get(__name__)

BATCH = 20
LEASE = timedelta(minutes=10)


@dataclass(frozen=True)
class Timer:
    """Which rows are due, and how their looks are run.

    ``look`` gets the id of a row. It sets the next time itself, or raises RetryLater or Final. ``retry_after`` is the least
    wait after a failure that may pass, ``final_after`` the wait after one that won't. ``shared_cause``: a RetryLater holds
    for the other rows, too.
    """

    name: str
    due_at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    look: Callable[[Installation, int], object]
    retry_after: timedelta
    final_after: timedelta
    shared_cause: bool = False

    @property
    def table(self) -> Any:
        """The table of the column."""
        return self.due_at.class_


def tick(installation: Installation, timer: Timer, *, until: float | None = None) -> int:
    """Look at due rows as far as time goes (``until``, by `time.monotonic`); returns how many were looked at."""
    ids = _claim(installation, timer)
    for looked_at, row_id in enumerate(ids):
        if until is not None and time.monotonic() >= until:
            _postpone(installation, timer, ids[looked_at:], timedelta(0))
            return looked_at
        named = {timer.table.__name__.lower(): row_id}
        try:
            timer.look(installation, row_id)
        except RetryLater as later:
            left = ids[looked_at:] if timer.shared_cause else [row_id]
            # The budget says when it has calls again. Other waits are at least the timer's own.
            wait = later.wait or timedelta(0)
            wait = wait if later.budget and later.wait else max(wait, timer.retry_after)
            log.info(f"{timer.name} retry scheduled", rows=len(left), problem=later.problem)
            _postpone(installation, timer, left, wait)
            if timer.shared_cause:
                return looked_at
        except Final as final:
            log.warning(f"{timer.name} ended", **named, outcome=final.outcome, problem=final.problem)
            _postpone(installation, timer, [row_id], timer.final_after)
        except Exception:  # one row must not keep the others waiting
            log.exception(f"{timer.name} failed", **named)
            _postpone(installation, timer, [row_id], max(LEASE, timer.retry_after))
    return len(ids)


def _claim(installation: Installation, timer: Timer) -> list[int]:
    now, table = installation.clock.now(), timer.table
    wanted = select(table.id).where(timer.due_at <= now).order_by(timer.due_at, table.id).limit(BATCH)
    with installation.store.read() as session:
        if session.scalar(wanted.limit(1)) is None:
            return []  # nearly always: the write lock is not taken for nothing
    with installation.store.write() as session:
        ids = session.scalars(wanted.with_for_update(skip_locked=True)).all()
        session.execute(update(table).where(table.id.in_(ids)).values({timer.due_at: now + LEASE}))
    return sorted(ids)


def _postpone(installation: Installation, timer: Timer, ids: Sequence[int], wait: timedelta) -> None:
    """Move the looks, but not of an athlete who has left meanwhile."""
    still_due = update(timer.table).where(timer.table.id.in_(ids), timer.due_at.is_not(None))
    with installation.store.write() as session:
        session.execute(still_due.values({timer.due_at: installation.clock.now() + wait}))
