"""The inbox: every webhook event is on disk before it is answered.

An event has no id of its own, so its natural key keeps it once. When the same key comes with other contents (two edits
within one second), the row takes them too and waits again: neither edit is lost as a duplicate of the other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.dialects import postgresql, sqlite

from adductor.platforms.base import WebhookEvent
from adductor.store.models import NATURAL_KEY, InboxEvent


def put(connection: Connection, events: Sequence[WebhookEvent], now: datetime) -> dict[int, str]:
    """Upsert events; returns the ids of the rows that now wait, each with the id of its trace in the logs.

    Duplicates leave the rows as they are. The caller commits.
    """
    rows = [
        {**asdict(event), "received_at": now, "due_at": now, "trace_id": secrets.token_hex(8)}
        for event in _one_of_each_key(events)
    ]
    stored = connection.execute(_upsert(connection.dialect.name), rows)
    return {row.id: row.trace_id for row in stored}


def _one_of_each_key(events: Sequence[WebhookEvent]) -> list[WebhookEvent]:
    """Merge events of the same key, because one statement may not meet a row twice; sorted, so that no two deadlock."""
    by_key: dict[tuple[Any, ...], WebhookEvent] = {}
    for event in events:
        key = tuple(getattr(event, name) for name in NATURAL_KEY)
        earlier = by_key.get(key)
        by_key[key] = event if earlier is None else replace(event, updates={**earlier.updates, **event.updates})
    return [by_key[key] for key in sorted(by_key)]


@cache
def _upsert(dialect: str) -> Any:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(InboxEvent)
    known, new = InboxEvent.updates, insert.excluded.updates
    both: Any
    if dialect == "postgresql":
        both = known.op("||")(new)
        changed = both != known
    else:
        both = func.json_patch(known, new)
        changed = both != func.json(known)  # `json` writes it as `json_patch` does
    # A row that is being handled goes back to waiting too: its worker finishes only what it claimed.
    return insert.on_conflict_do_update(
        index_elements=NATURAL_KEY,
        set_={
            "updates": both,
            "due_at": insert.excluded.due_at,
            "state": "waiting",
            "lease_until": None,
            "lease_owner": None,
        },
        where=changed,
    ).returning(InboxEvent.id, InboxEvent.trace_id)
