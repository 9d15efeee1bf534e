"""Failed rows for the operator's page: dead letters, and rows that wait for their retry. No word of a runner is shown."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from adductor.queue.claims import is_at_work, is_failed
from adductor.store.models import Connection, Delivery, InboxEvent, Letter, Suggestion

# As many as a person reads; the sums above them count all.
SHOWN = 30

_MAIL = re.compile(r"[^\s<>@,;:'\"]+@[^\s<>@,;:'\"]+")
_ADDRESS = re.compile(r"\b(https?://[^\s/'\"]+)/[^\s'\"]*")
# In quotation marks, unless it is a single word such as a field's name. An apostrophe within a word opens nothing.
_QUOTED = re.compile(r"""(?<!\w)(["'“‘])(?!\w{1,40}["'”’])(?:(?!["'”’](?!\w)).){1,500}["'”’]""")
_LONG = re.compile(r"\b[A-Za-z0-9_-]{28,}\b")


class Failure(NamedTuple):
    """A row that did not come to its end. ``runner`` is our number of them."""

    queue: str
    kind: str
    runner: int | None
    problem: str
    row: InboxEvent | Delivery | Letter


def without_names(problem: str | None) -> str:
    """A problem's text without what may be a runner's: mail addresses, quoted words, paths of addresses, keys."""
    text = _MAIL.sub("…@…", problem or "")
    text = _ADDRESS.sub(r"\1/…", text)
    text = _QUOTED.sub("“…”", text)
    return _LONG.sub("…", text)


def failed(session: Session) -> list[Failure]:
    """The latest failed rows of each table with our number of their runner; dead letters first."""
    account = and_(Connection.platform == InboxEvent.platform, Connection.external_id == InboxEvent.owner_id)
    statements: tuple[tuple[Any, Any], ...] = (
        (InboxEvent, select(InboxEvent, Connection.athlete_id).outerjoin(Connection, account)),
        (Delivery, select(Delivery, Suggestion.athlete_id).join(Suggestion)),
        (Letter, select(Letter, Letter.athlete_id)),
    )
    found = []
    for table, statement in statements:
        for condition in (is_failed(table), and_(is_at_work(table), table.problem.is_not(None))):
            for row, runner in session.execute(statement.where(condition).order_by(table.due_at.desc()).limit(SHOWN)):
                found.append(Failure(*_kind(row), runner, without_names(row.problem), row))
    return sorted(found, key=lambda failure: failure.row.state != "failed")


def _kind(row: InboxEvent | Delivery | Letter) -> tuple[str, str]:
    """The queue of a row, and what it is in words."""
    if isinstance(row, InboxEvent):
        return "events", f"{row.object_type} {row.aspect_type}"
    if isinstance(row, Delivery):
        removed = "" if row.desired_state == "present" else ", to be removed"
        return "deliveries", f"{row.channel.replace('_', ' ')}{removed}"
    return "letters", {"confirm": "address to confirm", "refer": "referral"}.get(row.kind, row.kind)
