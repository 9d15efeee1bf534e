"""What waits after a failure, and what was given up: rows for the operator's page, without a word of any runner."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, cast, select
from sqlalchemy.orm import Session

from adductor.jobs.backlog import WAITING
from adductor.queue.requeue import is_failed
from adductor.store.models import Connection, Delivery, InboxEvent, Letter, Suggestion

# As many as a person reads; the sums above them count all.
SHOWN = 30
# Of those that wait, this many of the oldest are looked through for failures: a long queue is no reason for a slow page.
_LOOKED_THROUGH = 300

_MAIL = re.compile(r"[^\s<>@,;:'\"]+@[^\s<>@,;:'\"]+")
_ADDRESS = re.compile(r"\b(https?://[^\s/'\"]+)/[^\s'\"]*")
# In quotation marks, unless it is a single word such as a field's name. An apostrophe within a word opens nothing.
_QUOTED = re.compile(r"""(?<!\w)(["'“‘])(?!\w{1,40}["'”’])(?:(?!["'”’](?!\w)).){1,500}["'”’]""")
_LONG = re.compile(r"\b[A-Za-z0-9_-]{28,}\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that did not come to its end. ``runner`` is our number of them."""

    queue: str
    id: int
    kind: str
    runner: int | None
    due_at: datetime
    attempts: int
    problem: str
    trace: str


def given_up(session: Session) -> list[Row]:
    """The latest rows that were given up, of each table."""
    rows = []
    for statement, table in _rows():
        found = session.execute(statement.where(is_failed(table)).order_by(table.due_at.desc()).limit(SHOWN))
        rows += [_row(*entry) for entry in found]
    return rows


def waiting_after_failure(session: Session) -> list[Row]:
    """What will be tried again by itself, among the oldest that wait; those due first come first."""
    rows = []
    for statement, table in _rows():
        oldest = select(table.id).where(WAITING).order_by(table.due_at).limit(_LOOKED_THROUGH)
        found = session.execute(
            statement.where(and_(table.id.in_(oldest.scalar_subquery()), table.problem.is_not(None)))
            .order_by(table.due_at)
            .limit(SHOWN)
        )
        rows += [_row(*entry) for entry in found]
    return rows


def without_names(problem: str | None) -> str:
    """A problem's text without what may be a runner's: mail addresses, quoted words, paths of addresses, keys."""
    text = _MAIL.sub("…@…", problem or "")
    text = _ADDRESS.sub(r"\1/…", text)
    text = _QUOTED.sub("“…”", text)
    return _LONG.sub("…", text)


def _row(row: InboxEvent | Delivery | Letter, runner: int | None) -> Row:
    if isinstance(row, InboxEvent):
        queue, kind = "events", f"{row.object_type} {row.aspect_type}"
    elif isinstance(row, Delivery):
        queue, kind = (
            "deliveries",
            f"{row.channel.replace('_', ' ')}{'' if row.desired_state == 'present' else ', to be removed'}",
        )
    else:
        queue, kind = "letters", {"confirm": "address to confirm", "refer": "referral"}.get(row.kind, row.kind)
    return Row(queue, row.id, kind, runner, row.due_at, row.attempts, without_names(row.problem), row.trace_id)


def _rows() -> list[tuple[Any, Any]]:
    """For each table: its rows with our number of their runner, and the table."""
    account = and_(
        Connection.platform == InboxEvent.platform, Connection.external_id == cast(InboxEvent.owner_id, String)
    )
    events = select(InboxEvent, Connection.athlete_id).outerjoin(Connection, account)
    deliveries = select(Delivery, Suggestion.athlete_id).join(Suggestion)
    letters = select(Letter, Letter.athlete_id)
    return [(events, InboxEvent), (deliveries, Delivery), (letters, Letter)]
