"""Claims on rows of the SQL queue: compare-and-set with a lease.

A claim is one UPDATE, so no two workers hold the same row. The lease is real time: a heartbeat thread extends it while the
worker lives, and a row whose lease ran out goes back to waiting. Works for every table with the columns of `Queued`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, TextClause, select, text, update
from sqlalchemy.orm import Session, aliased

from adductor import logs, metrics
from adductor.leases import LEASE
from adductor.queue.retry import POLICY
from adductor.store import after_commit
from adductor.store.models import Delivery, InboxEvent, Letter, Queued

if TYPE_CHECKING:
    from adductor.installation import Installation

log = logs.get(__name__)

TABLES: tuple[type[Queued], ...] = (InboxEvent, Delivery, Letter)
T = TypeVar("T", bound=Queued)

WAITING, CLAIMED, DONE, FAILED = "waiting", "claimed", "done", "failed"
# A claimed row is being handled at this moment; a done one stays done.
AT_REST = (WAITING, FAILED)


def claim(installation: Installation, table: type[T], *, ids: Sequence[int] | None = None) -> T | None:
    """Claim the row that has been due for longest (of those named, if any); None when nothing is due.

    Of one athlete's events one is handled at a time: a flood of them leaves the other workers to other athletes.
    """
    now = installation.clock.now()
    due = select(table.id).where(is_at_work(table), table.state == WAITING, table.due_at <= now)
    if ids is not None:
        due = due.where(table.id.in_(ids))
    if table is InboxEvent:
        other = aliased(InboxEvent, name="sibling")  # as many are claimed as there are workers, at most
        at_work = select(other.owner_id).where(text("sibling.backlog = 'open'"), other.state == CLAIMED)
        due = due.where(InboxEvent.owner_id.not_in(at_work))
    due = due.order_by(table.due_at, table.id).limit(1)
    with installation.store.read() as session:
        if session.scalar(due) is None:
            return None  # nearly always: the write lock is not taken for nothing
    owner = installation.leases.new_owner()
    claiming = update(table).where(
        table.id == due.with_for_update(skip_locked=True).scalar_subquery(), table.state == WAITING
    )
    claimed = {
        "lease_until": installation.clock.real_now() + LEASE,
        "state": CLAIMED,
        "attempts": table.attempts + 1,
        "tried_at": now,
        "lease_owner": owner,
    }
    with installation.store.write() as session:
        row: T | None = session.scalar(
            claiming.values(claimed).returning(table), execution_options={"synchronize_session": False}
        )
    if row is not None:
        installation.leases.hold(table, row.id, owner)
    return row


def take(session: Session, installation: Installation, row: Queued) -> None:
    """Claim a row of the transaction at hand: with its commit this process holds it, and no other can be faster."""
    owner = installation.leases.new_owner()
    row.state, row.tried_at = CLAIMED, installation.clock.now()
    row.lease_owner, row.lease_until = owner, installation.clock.real_now() + LEASE
    row.attempts += 1
    session.flush()
    table, row_id = type(row), row.id
    after_commit(session, lambda: installation.leases.hold(table, row_id, owner))


def holds(row: Queued | None, claimed: Queued) -> bool:
    """Whether the stored row is still held by the claim that gave us ``claimed``."""
    return row is not None and row.state == CLAIMED and row.lease_owner == claimed.lease_owner


def reload(session: Session, claimed: T) -> T | None:
    """The stored row, locked, if this claim still holds it."""
    row: T | None = session.get(type(claimed), claimed.id, with_for_update=True)
    return row if holds(row, claimed) else None


def finish(session: Session, row: Queued, outcome: str, problem: str | None = None, *, state: str = DONE) -> None:
    """End the row."""
    row.state, row.outcome, row.problem = state, outcome, problem
    _release(row)
    _count(session, row)


def dead_letter(session: Session, row: Queued, problem: str) -> None:
    """Keep the row for a person: `adductor replay --failed` and the operator's page try it again."""
    finish(session, row, "gave_up", problem, state=FAILED)


def retry(row: Queued, at: datetime, problem: str) -> None:
    """Let the row wait until ``at``."""
    row.state, row.due_at, row.problem = WAITING, at, problem
    _release(row)


def reopen(row: Queued, at: datetime) -> None:
    """Let the row be due at ``at`` with all its attempts."""
    row.state, row.due_at, row.outcome, row.problem = WAITING, at, None, None
    row.attempts = row.crashes = 0
    _release(row)


def retry_rows(
    session: Session, installation: Installation, table: type[Queued], *where: ColumnElement[bool] | TextClause
) -> int:
    """Make these rows due now, with all their attempts; returns how many there are."""
    due_now = {"state": WAITING, "due_at": installation.clock.now(), "attempts": 0, "crashes": 0}
    released = {"lease_until": None, "lease_owner": None}
    result = session.execute(update(table).where(*where).values(**due_now, **released))
    return int(result.rowcount)  # type: ignore[attr-defined]


def recover_expired(installation: Installation) -> int:
    """Return rows to the queue whose lease ran out; returns how many.

    Each waits by its own backoff: a row that stops its worker then runs apart from those that it took along, and becomes a
    dead letter alone.
    """
    recovered = 0
    real_now, now = installation.clock.real_now(), installation.clock.now()
    table: Any
    for table in TABLES:
        expired = select(table).where(is_at_work(table), table.state == CLAIMED, table.lease_until < real_now)
        with installation.store.read() as session:
            if session.scalar(select(expired.exists())) is not True:
                continue
        with installation.store.write() as session:
            for row in session.scalars(expired.with_for_update(skip_locked=True)):
                recovered += 1
                row.crashes += 1
                log.warning("lease expired", table=table.__tablename__, row=row.id, crashes=row.crashes)
                if row.crashes >= POLICY.most_crashes:
                    dead_letter(session, row, f"stopped its worker {row.crashes} times")
                else:
                    retry(row, now + POLICY.wait(row.crashes), "its worker ended")
    return recovered


def is_at_work(table: type[Queued]) -> TextClause:
    """Waiting or claimed: a partial index's condition, as text, since SQLite would not recognise it with parameters."""
    return text(f"{table.__tablename__}.backlog = 'open'")


def is_failed(table: type[Queued]) -> TextClause:
    """A dead letter: a partial index's condition, as `is_at_work`."""
    return text(f"{table.__tablename__}.backlog = 'failed'")


def _release(row: Queued) -> None:
    row.lease_until = row.lease_owner = None


def _count(session: Session, row: Queued) -> None:
    """Count the row's outcome after the commit."""
    outcome = row.outcome or "none"
    if isinstance(row, Delivery):
        counter = metrics.DELIVERIES.labels(row.channel, outcome)
    elif isinstance(row, Letter):
        counter = metrics.LETTERS.labels(row.kind, outcome)
    else:
        counter = metrics.EVENTS.labels(outcome)
    after_commit(session, counter.inc)
