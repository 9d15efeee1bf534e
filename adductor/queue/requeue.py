"""Trying again what was given up: the same for the command line and the operator's page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, TextClause, update
from sqlalchemy.orm import Session

from adductor.installation import Installation
from adductor.queue.backlog import GIVEN_UP
from adductor.store.models import Delivery, InboxEvent, Letter

Row = type[InboxEvent | Delivery | Letter]
# What is claimed is being done at this moment; what is done stays done.
_AT_REST = ("waiting", "failed")


def one(session: Session, installation: Installation, table: Row, row_id: int) -> bool:
    """Let a row that waits or was given up be due now, with all its tries. False when it is neither any more."""
    return _due_now(session, installation, table, table.id == row_id, table.state.in_(_AT_REST)) == 1


def everything(session: Session, installation: Installation, table: Row) -> int:
    """Let everything that was given up in this table be due now. Returns how many rows."""
    return _due_now(session, installation, table, GIVEN_UP)


def these(session: Session, installation: Installation, table: Row, ids: Sequence[int]) -> int:
    """Let these rows be due now, also those that are done. Returns how many there are."""
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
            lease_holder=None,
        ),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
