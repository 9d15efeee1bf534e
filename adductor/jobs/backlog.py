"""The backlog: how much waits, since when, and how many dead letters there are, for the operator.

Nothing here reads a table from end to end. Waiting rows and dead letters stand in partial indexes, whose size
follows the backlog and not the years; the oldest row is the first of an index (tests/jobs/test_backlog.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, TextClause, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from adductor.queue.claims import is_at_work, is_failed
from adductor.store.models import Athlete, Connection, Delivery, Heartbeat, InboxEvent, Letter, Revocation

QUEUES: dict[str, type[InboxEvent | Delivery | Letter]] = {
    "events": InboxEvent,
    "deliveries": Delivery,
    "letters": Letter,
}
# Thresholds of the operator's page and of `adductor doctor`.
# A round a second, written down every ten: after a minute something is missing.
SEEN_WITHIN = timedelta(seconds=60)
# A due row is taken within seconds; a quarter of an hour is a whole window of Strava's rate limit.
DUE_TOO_LONG_S = 900.0
# Looking for missed events takes what is left of the rate limit; after an outage that is hours.
IN_NO_HURRY = frozenset({"reconciliations"})
# Less than this share of a window left.
BUDGET_LOW_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in one table. Times are the runners'."""

    name: str
    due: int  # could be done now
    later: int  # waits for its time
    given_up: int
    oldest_due_at: datetime | None
    next_due_at: datetime | None  # of what waits for its time

    def age_s(self, now: datetime) -> float:
        """How long the oldest due row has been waiting, in seconds; 0 without one."""
        return max((now - self.oldest_due_at).total_seconds(), 0.0) if self.oldest_due_at else 0.0

    def is_late(self, now: datetime) -> bool:
        """Whether its oldest due row has been waiting for so long that the operator should look."""
        return self.name not in IN_NO_HURRY and self.age_s(now) > DUE_TOO_LONG_S


def queues(session: Session, now: datetime) -> list[Queue]:
    """What waits in each table of the pipeline."""
    found = []
    for name, table in QUEUES.items():
        due, oldest = _count(session, table.due_at, is_at_work(table), table.due_at <= now)
        later, following = _count(session, table.due_at, is_at_work(table), table.due_at > now)
        given_up, _ = _count(session, table.due_at, is_failed(table))
        found.append(Queue(name, due, later, given_up, oldest, following))
    # These wait as a time in a row, and are never given up.
    for name, column in (
        ("prompts", Athlete.next_due_at),
        ("reconciliations", Athlete.reconcile_at),
        ("revocations", Revocation.due_at),
    ):
        due, oldest = _count(session, column, column <= now)
        later, following = _count(session, column, column > now)
        found.append(Queue(name, due, later, 0, oldest, following))
    return found


def connections_by_state(session: Session) -> dict[str, int]:
    """How many connections there are in each state."""
    rows = session.execute(select(Connection.state, func.count()).group_by(Connection.state))
    return {row[0]: row[1] for row in rows}


def heartbeats(session: Session) -> dict[str, datetime]:
    """When the clock (`beat`) last asked for a round, and when a worker last made one; real time.

    A worker that has just started has made none yet, and says so under its own name.
    """
    seen = {row.part: row.at for row in session.execute(select(Heartbeat.part, Heartbeat.at))}
    made = [seen[name] for name in ("worker", "clock") if name in seen]
    return {**({"beat": seen["beat"]} if "beat" in seen else {}), **({"worker": max(made)} if made else {})}


def _count(
    session: Session,
    due_at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    *where: ColumnElement[bool] | TextClause,
) -> tuple[int, datetime | None]:
    row = session.execute(select(func.count(), func.min(due_at)).where(*where)).one()
    return row[0], row[1]
