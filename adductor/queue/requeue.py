"""Requeueing rows: dead letters for the command line and the operator's page, done ones by their ids."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, TextClause, text, update
from sqlalchemy.orm import Session

from adductor.installation import Installation
from adductor.store.models import Delivery, InboxEvent, Letter

Row = type[InboxEvent | Delivery | Letter]
# A claimed row is being handled at this moment; a done one stays done.
_AT_REST = ("waiting", "failed")


def is_failed(table: Row) -> TextClause:
    """The partial index's condition, as text: with parameters SQLite would not recognise it."""
    return text(f"{table.__tablename__}.state = 'failed'")


def retry_one(session: Session, installation: Installation, table: Row, row_id: int) -> bool:
    """Make a waiting row or a dead letter due now, with all its attempts. False when it is neither any more."""
    return _due_now(session, installation, table, table.id == row_id, table.state.in_(_AT_REST)) == 1


def retry_failed(session: Session, installation: Installation, table: Row) -> int:
    """Make every dead letter of this table due now; returns how many."""
    return _due_now(session, installation, table, is_failed(table))


def retry_ids(session: Session, installation: Installation, table: Row, ids: Sequence[int]) -> int:
    """Make these rows due now, also done ones; returns how many there are."""
    return _due_now(session, installation, table, table.id.in_(ids))


def _due_now(session: Session, installation: Installation, table: Row, *where: ColumnElement[bool] | TextClause) -> int:
    result = session.execute(
        update(table)
        .where(*where)
        .values(
            state="waiting",
            due_at=installation.clock.now(),
            attempts=0,
            crashes=0,
            lease_until=None,
            lease_owner=None,
        ),
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
