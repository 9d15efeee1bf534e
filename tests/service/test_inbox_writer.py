"""Answering 200 means: on disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from adductor.clock import Clock
from adductor.platforms.base import WebhookEvent
from adductor.store import Store
from adductor.store.models import InboxEvent
from service.inbox_writer import InboxWriter, NotStoredError

EVENT = WebhookEvent("strava", 1, "activity", 42, "create", datetime(2026, 11, 18, 12, 0, tzinfo=UTC), 7, {})


class _Woken:
    """Who was woken, and a way to wait for it."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.messages = 0
        self._changed = threading.Condition()

    def __call__(self, ids: Sequence[int]) -> None:
        with self._changed:
            self.ids += ids
            self.messages += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ids) >= count, timeout=10)


@pytest.fixture
def woken() -> _Woken:
    return _Woken()


@pytest.fixture
def writer(store: Store, woken: _Woken) -> InboxWriter:
    return InboxWriter(store, Clock(), woken)


def _count(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(InboxEvent)) or 0


def test_when_put_returns_the_event_is_there_and_a_worker_is_woken(
    store: Store, writer: InboxWriter, woken: _Woken
) -> None:
    writer.put(EVENT)

    assert _count(store) == 1
    woken.wait_for(1)


def test_many_at_once_are_all_stored_and_wake_with_few_messages(
    store: Store, writer: InboxWriter, woken: _Woken
) -> None:
    events = [replace(EVENT, object_id=number) for number in range(400)]

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(writer.put, events))

    assert _count(store) == 400
    woken.wait_for(400)
    assert woken.messages < 200


def test_a_duplicate_wakes_nobody(store: Store, writer: InboxWriter, woken: _Woken) -> None:
    writer.put(EVENT)
    woken.wait_for(1)

    writer.put(EVENT)
    writer.put(replace(EVENT, object_id=43))
    woken.wait_for(2)

    assert _count(store) == len(woken.ids) == 2


def test_a_broker_that_fails_does_not_fail_the_event(store: Store) -> None:
    tried = threading.Event()

    def fail(_: Sequence[int]) -> None:
        tried.set()
        raise ConnectionError("broker down")

    writer = InboxWriter(store, Clock(), fail)

    writer.put(EVENT)
    assert tried.wait(10)
    writer.put(replace(EVENT, object_id=43))

    assert _count(store) == 2


def test_an_event_that_is_not_stored_is_said_so_and_the_next_one_is(
    store: Store, writer: InboxWriter, woken: _Woken
) -> None:
    with store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE inbox_events RENAME TO away")
    with pytest.raises(NotStoredError):
        writer.put(EVENT)
    with store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO inbox_events")

    writer.put(EVENT)

    assert _count(store) == 1


def test_a_failure_that_nobody_foresaw_does_not_end_the_storing(store: Store, writer: InboxWriter) -> None:
    too_large_for_the_database = 2**70
    with pytest.raises(NotStoredError):
        writer.put(replace(EVENT, object_id=too_large_for_the_database))

    writer.put(EVENT)

    assert _count(store) == 1


def test_a_database_that_hangs_is_not_waited_for_beyond_stravas_patience(tmp_path: object) -> None:
    from adductor.store import migrate

    store = Store(f"sqlite:///{tmp_path}/coach.db")
    migrate.upgrade(store)
    writer = InboxWriter(store, Clock(), lambda _: None)
    with store.write() as session:  # holds the write lock
        session.connection().exec_driver_sql("DELETE FROM heartbeats")
        with pytest.raises(NotStoredError, match="too long"):
            writer.put(EVENT)

    writer.put(replace(EVENT, object_id=43))

    assert _count(store) >= 1
