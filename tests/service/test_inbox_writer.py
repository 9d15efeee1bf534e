"""Answering 200 means: on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from adductor.clock import Clock
from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import Store, engine
from adductor.store.models import InboxEvent
from service import inbox_writer
from service.inbox_writer import FOR_THE_DATABASE_S, InboxWriter, NotStoredError

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


@contextmanager
def _table_away(store: Store) -> Iterator[None]:
    """The database takes no event."""
    with store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE inbox_events RENAME TO away")
    try:
        yield
    finally:
        with store.write() as session:
            session.connection().exec_driver_sql("ALTER TABLE away RENAME TO inbox_events")


def _refuse(store: Store, writer: InboxWriter, *events: WebhookEvent) -> None:
    with _table_away(store):
        for event in events:
            with pytest.raises(NotStoredError):
                writer.put(event)


def test_when_put_returns_the_event_is_there_and_a_worker_is_woken(
    store: Store, writer: InboxWriter, woken: _Woken
) -> None:
    writer.put(EVENT)

    assert _count(store) == 1
    woken.wait_for(1)


def test_many_at_once_are_all_stored_and_wake_with_few_messages(
    store: Store, writer: InboxWriter, woken: _Woken, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long this machine's disk takes for it: patience has tests of its own.
    for module, name, much in (
        (inbox_writer, "PATIENCE_S", 60.0),
        (inbox_writer, "FOR_THE_DATABASE_S", 60.0),
        (engine, "PROMPT_TIMEOUT_MS", 60_000),
    ):
        monkeypatch.setattr(module, name, much)
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
    _refuse(store, writer, EVENT)

    writer.put(EVENT)

    assert _count(store) == 1


def test_what_was_refused_is_stored_as_soon_as_it_can_be(store: Store, writer: InboxWriter, woken: _Woken) -> None:
    events = [replace(EVENT, object_id=number) for number in range(3)]
    _refuse(store, writer, *events)
    with _table_away(store):
        assert writer.store_refused() == 0

    assert writer.store_refused() == 3

    woken.wait_for(3)
    with store.read() as session:
        assert list(session.scalars(select(InboxEvent.object_id).order_by(InboxEvent.id))) == [0, 1, 2]


def test_what_came_again_by_itself_is_neither_stored_nor_told_twice(
    store: Store, writer: InboxWriter, woken: _Woken
) -> None:
    _refuse(store, writer, EVENT)
    writer.put(EVENT)
    woken.wait_for(1)

    assert writer.store_refused() == 0

    assert (_count(store), len(woken.ids)) == (1, 1)


def test_refused_events_are_kept_for_a_while_and_no_more_than_so_many(
    store: Store, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [replace(EVENT, object_id=number) for number in range(inbox_writer.MOST_REFUSED + 1)]
    _refuse(store, writer, *events)
    assert writer.store_refused() == inbox_writer.MOST_REFUSED

    _refuse(store, writer, EVENT)
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + inbox_writer.REFUSED_FOR_S + 60)
    assert writer.store_refused() == 0


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


def test_whoever_waits_behind_somebody_who_waits_is_told_within_the_same_patience(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at once before a locked database: one tries, the others have the rest of their time and no more."""
    from adductor.store import migrate

    store, others = (Store(f"sqlite:///{tmp_path}/coach.db") for _ in range(2))
    migrate.upgrade(store)
    writer = InboxWriter(store, Clock(), lambda _: None)
    waited: list[float] = []
    put_now = inbox.put_now

    def noted(*given: Any, within_s: float) -> dict[int, str]:
        waited.append(within_s)
        return put_now(*given, within_s=within_s)

    monkeypatch.setattr(inbox, "put_now", noted)
    with others.connection(), ThreadPoolExecutor(4) as pool:
        tried = [pool.submit(writer.put, replace(EVENT, object_id=number)) for number in range(4)]
        problems = [one.exception() for one in tried]

    assert all(isinstance(problem, NotStoredError) for problem in problems)
    assert sum(waited) < 2 * FOR_THE_DATABASE_S
    writer.put(EVENT)
    assert _count(store) == 1


def test_only_what_is_on_disk_is_said_to_be(store: Store, woken: _Woken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the writing, and be it nothing that programs catch."""

    def end(*_: object, **__: object) -> None:
        raise SystemExit

    writer = InboxWriter(store, Clock(), woken)
    monkeypatch.setattr(inbox, "put_now", end)
    with pytest.raises(SystemExit):
        writer.put(EVENT)
    monkeypatch.undo()

    writer.put(replace(EVENT, object_id=43))

    assert _count(store) == 1
