"""Events are kept once, under their natural key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import Store
from adductor.store.models import InboxEvent

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
EVENT = WebhookEvent("strava", 1, "activity", 42, "update", NOW, 7, {"title": "Morning run"})


Put = Callable[..., list[int]]


@pytest.fixture
def put(store: Store) -> Put:
    def put(*events: WebhookEvent) -> list[int]:
        with store.write() as session:
            return list(inbox.put(session.connection(), events, NOW))

    return put


def _rows(store: Store) -> list[InboxEvent]:
    with store.read() as session:
        return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))


def test_a_new_event_waits(store: Store, put: Put) -> None:
    (row_id,) = put(EVENT)

    (row,) = _rows(store)
    assert (row.id, row.state, row.updates) == (row_id, "waiting", {"title": "Morning run"})
    assert len(row.trace_id) == 16


def test_the_same_event_again_is_no_second_row_and_wakes_nobody(store: Store, put: Put) -> None:
    put(EVENT)

    assert put(EVENT) == []
    assert len(_rows(store)) == 1


def test_the_same_event_twice_in_one_batch_is_one_row(store: Store, put: Put) -> None:
    assert len(put(EVENT, EVENT)) == 1


def test_a_second_edit_within_the_same_second_is_not_lost_as_a_duplicate(store: Store, put: Put) -> None:
    (row_id,) = put(EVENT)
    with store.write() as session:
        session.get_one(InboxEvent, row_id).state = "done"

    again = put(replace(EVENT, updates={"type": "Walk"}))

    (row,) = _rows(store)
    assert again == [row_id]
    assert (row.state, row.updates) == ("waiting", {"title": "Morning run", "type": "Walk"})


def test_events_of_another_second_or_aspect_are_rows_of_their_own(store: Store, put: Put) -> None:
    put(EVENT, replace(EVENT, event_time=NOW + timedelta(seconds=1)), replace(EVENT, aspect_type="delete"))

    assert len(_rows(store)) == 3
