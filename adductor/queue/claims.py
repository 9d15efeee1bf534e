"""Claiming rows that wait: one UPDATE takes them, so no two workers hold the same one.

Works for any table with state, due_at, lease_until, lease_holder, attempts and crashes: inbox events, deliveries, letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, TextClause, and_, bindparam, case, or_, select, text, update
from sqlalchemy.orm import Session, object_session

from adductor import counts
from adductor.installation import Installation
from adductor.queue import retry
from adductor.store.models import Delivery, InboxEvent, Letter, Token

Row = InboxEvent | Delivery | Letter
_TABLES: tuple[type[InboxEvent], type[Delivery], type[Letter]] = (InboxEvent, Delivery, Letter)

T = TypeVar("T", InboxEvent, Delivery, Letter)


def claim(installation: Installation, table: type[T], *, ids: Sequence[int] | None = None, limit: int = 20) -> list[T]:
    """Take up to ``limit`` rows that are due (of those named, if any), oldest first."""
    now, real_now = installation.clock.now(), installation.clock.real_now()
    values = {
        "now": now,
        "real_now": real_now,
        "most": limit,
        "until": real_now + retry.LEASE,
        "holder": installation.holder.name,
    }
    if ids is not None:
        values["ids"] = list(ids)
    statement = _claim(table, among_ids=ids is not None, skip_locked=not installation.store.is_sqlite)
    # Of an event nothing has gone out before its decision is committed. Of a note or a mail something may have, and that a
    # try was begun must outlive a power cut.
    with installation.store.write(can_be_redone=table is InboxEvent) as session:
        rows = session.scalars(statement, values, execution_options={"synchronize_session": False}).all()
        poison = [row for row in rows if row.crashes >= retry.MOST_CRASHES]
        for row in poison:
            park(row, f"stopped its worker {row.crashes} times")
        return sorted((row for row in rows if row not in poison), key=lambda row: (row.due_at, row.id))


def _at_work(table: type[Row]) -> TextClause:
    """What waits or is claimed, in the words of the index that holds only these.

    As text and not as parameters: only then SQLite sees that the index has all of it, and doesn't read the whole table.
    """
    return text(f"{table.__tablename__}.state IN ('waiting', 'claimed')")


@cache
def _claim(table: type[Row], *, among_ids: bool, skip_locked: bool) -> Any:
    """Built once for each table: a worker with nothing to do asks every second, one with much to do all the time."""
    free: ColumnElement[bool] = or_(
        and_(table.state == "waiting", table.due_at <= bindparam("now")),
        and_(table.state == "claimed", table.lease_until < bindparam("real_now")),
    )
    wanted = select(table.id).where(_at_work(table), free)
    if among_ids:
        wanted = wanted.where(table.id.in_(bindparam("ids", expanding=True)))
    wanted = wanted.order_by(table.due_at, table.id).limit(bindparam("most"))
    if skip_locked:
        wanted = wanted.with_for_update(skip_locked=True)
    return (
        update(table)
        .where(table.id.in_(wanted if skip_locked else wanted.scalar_subquery()))
        .values(
            state="claimed",
            attempts=table.attempts + 1,
            crashes=table.crashes + case((table.state == "claimed", 1), else_=0),
            lease_until=bindparam("until"),
            lease_holder=bindparam("holder"),
        )
        .returning(table)
    )


def take(installation: Installation, row: Row) -> None:
    """Claim this row, new in the transaction at hand: with its commit it is this process that does it."""
    row.state = "claimed"
    row.attempts += 1
    row.lease_until = installation.clock.real_now() + retry.LEASE
    row.lease_holder = installation.holder.name


def park(row: Row, problem: str) -> None:
    """Leave the row for a person: `adductor replay` or the operator's page tries it again."""
    row.state = "failed"
    row.outcome = "gave_up"
    row.problem = problem
    _let_go(row)
    count(row)


def finish(row: Row, outcome: str, problem: str | None = None) -> None:
    """The row is handled."""
    row.state = "done"
    row.outcome = outcome
    row.problem = problem
    _let_go(row)
    count(row)


def count(row: Row) -> None:
    """Count the end of this row once it is committed. Whoever ends rows by another way than `finish` calls this."""
    session, outcome = object_session(row), row.outcome or "none"
    if isinstance(row, InboxEvent):
        counts.with_commit(session, counts.EVENTS, outcome)
    elif isinstance(row, Delivery):
        counts.with_commit(session, counts.DELIVERIES, row.channel, outcome)
    else:
        counts.with_commit(session, counts.LETTERS, row.kind, outcome)


def put_back(row: Row, installation: Installation, *, wait: timedelta, problem: str) -> None:
    """Try again after ``wait`` of the runners' time."""
    row.state = "waiting"
    row.problem = problem
    row.due_at = installation.clock.now() + wait
    _let_go(row)


def _let_go(row: Row) -> None:
    row.lease_until = None
    row.lease_holder = None


def give_back(installation: Installation, table: type[Row], rows: Sequence[Row]) -> None:
    """Rows that were claimed and not begun wait again, as if nobody had taken them."""
    with installation.store.write() as session:
        session.execute(
            update(table)
            .where(
                table.id.in_([row.id for row in rows]),
                table.state == "claimed",
                table.lease_holder == installation.holder.name,
                table.lease_until.in_({row.lease_until for row in rows}),  # this claim of ours, and no later one
            )
            .values(state="waiting", attempts=table.attempts - 1, lease_until=None, lease_holder=None),
            execution_options={"synchronize_session": False},
        )


def give_back_all(installation: Installation) -> None:
    """Whatever this process still holds waits again: it ends now, with work at hand that would take too long."""
    with installation.store.write() as session:
        _maybe_written(session, installation.holder.name)
        for table in _TABLES:
            session.execute(
                update(table)
                .where(_at_work(table), table.state == "claimed", table.lease_holder == installation.holder.name)
                .values(state="waiting", lease_until=None, lease_holder=None),
                execution_options={"synchronize_session": False},
            )


def _maybe_written(session: Session, holder: str) -> None:
    """A note that was cut off may stand: no mail is to take its place. Mails count their own doubts."""
    session.execute(
        update(Delivery)
        .where(Delivery.state == "claimed", Delivery.lease_holder == holder, Delivery.channel != "mail")
        .values(unsure_handovers=Delivery.unsure_handovers + 1),
        execution_options={"synchronize_session": False},
    )


def holds(row: Row, claimed: Row) -> bool:
    """Whether ``row``, as it stands now, is still held by the claim that gave us ``claimed``.

    The holder alone doesn't say so: its threads share a name, and one may have claimed again what was taken from another.
    """
    return (
        row.state == "claimed" and row.lease_holder == claimed.lease_holder and row.lease_until == claimed.lease_until
    )


def release_of_the_dead(installation: Installation) -> int:
    """Give back what ended processes of this machine held, also a token's refresh. Returns how many rows."""
    released = 0
    holder = installation.holder
    with installation.store.read() as session:
        held = [
            select(table.lease_holder).where(_at_work(table), table.state == "claimed").distinct() for table in _TABLES
        ]
        held.append(select(Token.lease_holder).where(Token.lease_holder.is_not(None)).distinct())
        names = {name for statement in held for name in session.scalars(statement) if name}
    dead = {name for name in names if holder.gone(name)}
    if dead:
        with installation.store.write() as session:
            for table in _TABLES:
                released += _release(session, table, dead)
            session.execute(
                update(Token).where(Token.lease_holder.in_(dead)).values(lease_until=None, lease_holder=None)
            )
    holder.tidy(keep=names - dead)
    return released


def _release(session: Session, table: type[Row], holders: set[str]) -> int:
    result = session.execute(
        update(table)
        .where(_at_work(table), table.state == "claimed", table.lease_holder.in_(holders))
        .values(state="waiting", lease_until=None, lease_holder=None, crashes=table.crashes + 1),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
