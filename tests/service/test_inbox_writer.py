"""Group commit of events: answering 200 means that the event is on disk. Heartbeats while none can be stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from adductor.clock import Clock
from adductor.jobs import inbox, outages
from adductor.platforms.base import WebhookEvent
from adductor.queue import heartbeats
from adductor.store import Store, migrate
from adductor.store.models import InboxEvent
from service import heartbeat, inbox_writer
from service.inbox_writer import InboxWriter, NotStoredError
from tests.support.runners import Place

EVENT = WebhookEvent("strava", 1, "activity", "strava:42", "create", datetime(2026, 11, 18, 12, 0, tzinfo=UTC), "7", {})


@pytest.fixture
def wakes() -> threading.Semaphore:
    """Released once for each wake-up."""
    return threading.Semaphore(0)


def _writer(store: Store, wake: Callable[[], None] = lambda: None) -> InboxWriter:
    return InboxWriter(store, Clock(), wake)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long this machine's disk takes: the timeout has tests of its own."""
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 60.0)
    monkeypatch.setattr(inbox_writer, "DATABASE_TIMEOUT_S", 60.0)


def _events(count: int) -> list[WebhookEvent]:
    return [replace(EVENT, object_id=f"strava:{number}") for number in range(count)]


def _count(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(InboxEvent)) or 0


@contextmanager
def _locked(tmp_path: Path) -> Iterator[Store]:
    """A migrated SQLite file whose write lock another process holds."""
    ours, theirs = (Store(f"sqlite:///{tmp_path}/coach.db") for _ in range(2))
    migrate.upgrade(ours)
    with theirs.write() as session:
        session.execute(text("SELECT 1"))
        yield ours


@pytest.mark.usefixtures("patient")
def test_many_events_share_commits(store: Store, wakes: threading.Semaphore, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    put = inbox.put

    def counted(connection: Any, events: list[WebhookEvent], now: datetime) -> dict[int, str]:
        commits.append(len(events))
        return put(connection, events, now)

    monkeypatch.setattr(inbox, "put", counted)
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(_writer(store, wakes.release).put, _events(400)))

    assert _count(store) == sum(commits) == 400
    assert len(commits) < 400
    assert wakes.acquire(timeout=10)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("problem", [None, ConnectionError("broker down")])
def test_only_a_new_event_wakes_a_worker(store: Store, wakes: threading.Semaphore, problem: Exception | None) -> None:
    def wake() -> None:
        wakes.release()
        if problem is not None:
            raise problem

    writer = _writer(store, wake)
    for put in ([EVENT], [EVENT, replace(EVENT, object_id="strava:43")]):
        for event in put:
            writer.put(event)
        assert wakes.acquire(timeout=10)

    assert _count(store) == 2
    assert not wakes.acquire(blocking=False)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("problem", [RuntimeError("disk full"), MemoryError()])
def test_refused_event_stops_no_later_one(store: Store, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    writer = _writer(store)
    monkeypatch.setattr(inbox, "put", mock.Mock(side_effect=problem))
    with pytest.raises(NotStoredError, match="does not take"):
        writer.put(EVENT)
    assert writer.failing
    monkeypatch.undo()

    writer.put(EVENT)

    assert (_count(store), writer.failing) == (1, False)


def test_locked_database_is_reported_to_every_request_that_waits(tmp_path: Path) -> None:
    with _locked(tmp_path) as store, ThreadPoolExecutor(4) as pool:
        writer = _writer(store)
        tried = [pool.submit(writer.put, event) for event in _events(4)]
        assert [type(one.exception()) for one in tried] == [NotStoredError] * 4
        assert writer.failing


def test_event_answered_503_is_not_committed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes again by itself; a queue of old ones must not delay it."""
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 0.2)
    monkeypatch.setattr(inbox_writer, "DATABASE_TIMEOUT_S", 60.0)
    *late, in_time = _events(4)
    with _locked(tmp_path) as store:
        writer = _writer(store)
        for event in late:
            with pytest.raises(NotStoredError, match="too long"):
                writer.put(event)
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 60.0)

    writer.put(in_time)

    with store.read() as session:
        stored = list(session.scalars(select(InboxEvent.object_id).order_by(InboxEvent.id)))
    assert stored == [late[0].object_id, in_time.object_id]  # the first one was under way already


def test_heartbeat_ends_an_earlier_failure(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    beating = _writer(here.installation.store)
    beating.failing = True
    heartbeat.beat(here.installation, beating)
    assert not beating.failing
    assert heartbeats.last(here.installation, outages.WEB) is not None

    monkeypatch.setattr(outages, "web_is_alive", lambda _: setattr(beating, "failing", True))
    heartbeat.beat(here.installation, beating)
    assert beating.failing


@pytest.mark.parametrize("failing", [False, True])
def test_heartbeat_of_a_busy_database_is_a_failure(here: Place, monkeypatch: pytest.MonkeyPatch, failing: bool) -> None:
    busy = OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
    beating = _writer(here.installation.store)
    beating.failing = failing
    monkeypatch.setattr(here.installation.store, "write", mock.Mock(side_effect=busy))

    heartbeat.beat(here.installation, beating)

    assert beating.failing
    assert heartbeats.last(here.installation, outages.WEB) is None
