"""The inbox: every webhook event, on disk before it is answered.

An event has no id of its own, so its natural key keeps it once. Should the same key come with other contents (two edits
within one second), the row takes them too and waits again: neither edit must be lost as a duplicate of the other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, delete, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from adductor.platforms.base import WebhookEvent
from adductor.store import Store
from adductor.store.models import InboxEvent
from adductor.store.prepared import Prepared

_KEY = ("platform", "subscription_id", "object_type", "object_id", "aspect_type", "event_time")


def put(connection: Connection, events: Sequence[WebhookEvent], now: datetime) -> dict[int, str]:
    """Store events; returns the ids of the rows that now wait, each with the id that its trace has in the logs.

    Duplicates leave the rows as they are. The caller commits.
    """
    stored = connection.execute(_insert(connection.dialect.name), _rows(events, now))
    return {row.id: row.trace_id for row in stored}


def put_now(store: Store, events: Sequence[WebhookEvent], now: datetime, *, within_s: float) -> dict[int, str]:
    """The same in a transaction of its own, committed, with the statement prepared once: for the web service.

    Raises BusyError, or what the driver raises, when the database takes longer.
    """
    insert = _prepared(store.engine)
    with store.prompt(within_s) as connection:
        return dict(insert.run(connection, _rows(events, now)))


@lru_cache(maxsize=4)
def _prepared(engine: Engine) -> Prepared:
    some = WebhookEvent("strava", 1, "activity", 1, "create", datetime.now(UTC), 1, {})
    return Prepared(_insert(engine.dialect.name), engine.dialect, _rows([some], datetime.now(UTC))[0])


def _rows(events: Sequence[WebhookEvent], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "platform": event.platform,
            "subscription_id": event.subscription_id,
            "object_type": event.object_type,
            "object_id": event.object_id,
            "aspect_type": event.aspect_type,
            "event_time": event.event_time,
            "owner_id": event.owner_id,
            "updates": event.updates,
            "received_at": now,
            "due_at": now,
            "state": "waiting",
            "trace_id": secrets.token_hex(8),
            "origin": "webhook",
            "attempts": 0,
            "crashes": 0,
        }
        for event in _one_of_each_key(events)
    ]


def _one_of_each_key(events: Sequence[WebhookEvent]) -> list[WebhookEvent]:
    """One statement may not meet the same row twice. In one order for all, or two of them could wait for each other."""
    by_key: dict[tuple[Any, ...], WebhookEvent] = {}
    for event in events:
        key = tuple(getattr(event, name) for name in _KEY)
        earlier = by_key.get(key)
        by_key[key] = event if earlier is None else replace(event, updates={**earlier.updates, **event.updates})
    return [by_key[key] for key in sorted(by_key)]


@cache
def _insert(dialect: str) -> Any:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(InboxEvent)
    known, new = InboxEvent.updates, insert.excluded.updates
    both: Any
    if dialect == "postgresql":
        both = known.op("||")(new)
        changed = both != known
    else:
        both = func.json_patch(known, new)
        changed = both != func.json(known)  # `json` writes it as `json_patch` does
    # A row that is being handled right now goes back to waiting too: its worker finishes only what it claimed.
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "updates": both,
            "due_at": insert.excluded.due_at,
            "state": "waiting",
            "lease_until": None,
            "lease_owner": None,
        },
        where=changed,
    ).returning(InboxEvent.id, InboxEvent.trace_id)


def forget_before(session: Session, limit: datetime) -> int:
    """Delete handled events that came before ``limit``: titles in them are Strava's data (seven days at most)."""
    result = session.execute(
        delete(InboxEvent).where(InboxEvent.received_at < limit, InboxEvent.state.in_(("done", "failed")))
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
