"""Group commit of events: answering 200 means that the event is on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from adductor.clock import Clock
from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import Store, migrate
from adductor.store.models import InboxEvent
from service import inbox_writer
from service.inbox_writer import InboxWriter, NotStoredError

EVENT = WebhookEvent("strava", 1, "activity", "strava:42", "create", datetime(2026, 11, 18, 12, 0, tzinfo=UTC), "7", {})


@pytest.fixture
def wakes() -> threading.Semaphore:
    """Released once for each wake-up."""
    return threading.Semaphore(0)


@pytest.fixture
def writer(store: Store, wakes: threading.Semaphore) -> InboxWriter:
    return InboxWriter(store, Clock(), wakes.release)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long this machine's disk takes: the timeout has tests of its own."""
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 60.0)
    monkeypatch.setattr(inbox_writer, "DATABASE_TIMEOUT_S", 60.0)


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
def test_many_events_share_commits_and_wake_ups(
    store: Store, writer: InboxWriter, wakes: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    put = inbox.put

    def counted(connection: object, events: list[WebhookEvent], now: datetime) -> dict[int, str]:
        commits.append(len(events))
        return put(connection, events, now)  # type: ignore[arg-type]

    monkeypatch.setattr(inbox, "put", counted)
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(writer.put, [replace(EVENT, object_id=f"strava:{number}") for number in range(400)]))

    assert _count(store) == sum(commits) == 400
    assert len(commits) < 400
    assert wakes.acquire(timeout=10)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("problem", [None, ConnectionError("broker down")])
def test_each_stored_event_wakes_a_worker_and_a_duplicate_does_not(
    store: Store, wakes: threading.Semaphore, problem: Exception | None
) -> None:
    def wake() -> None:
        wakes.release()
        if problem is not None:
            raise problem

    writer = InboxWriter(store, Clock(), wake)
    writer.put(EVENT)
    assert wakes.acquire(timeout=10)

    writer.put(EVENT)
    writer.put(replace(EVENT, object_id="strava:43"))
    assert wakes.acquire(timeout=10)

    assert _count(store) == 2
    assert not wakes.acquire(blocking=False)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("problem", [RuntimeError("disk full"), OverflowError("too large"), MemoryError()])
def test_refused_event_is_reported_and_the_next_one_is_stored(
    store: Store, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def refuse(*_: object) -> dict[int, str]:
        raise problem

    monkeypatch.setattr(inbox, "put", refuse)
    with pytest.raises(NotStoredError, match="does not take"):
        writer.put(EVENT)
    assert writer.failing
    monkeypatch.undo()

    writer.put(EVENT)

    assert _count(store) == 1
    assert not writer.failing


def test_locked_database_is_reported_to_every_request_that_waits(tmp_path: Path) -> None:
    with _locked(tmp_path) as store, ThreadPoolExecutor(4) as pool:
        writer = InboxWriter(store, Clock(), lambda: None)
        tried = [pool.submit(writer.put, replace(EVENT, object_id=f"strava:{number}")) for number in range(4)]
        problems = [one.exception() for one in tried]

        assert all(isinstance(problem, NotStoredError) for problem in problems)
        assert writer.failing


def test_event_that_was_answered_503_while_it_waited_is_not_committed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again by itself; a queue of old ones must not delay it."""
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 0.2)
    monkeypatch.setattr(inbox_writer, "DATABASE_TIMEOUT_S", 60.0)
    with _locked(tmp_path) as store:
        writer = InboxWriter(store, Clock(), lambda: None)
        for number in range(3):
            with pytest.raises(NotStoredError, match="too long"):
                writer.put(replace(EVENT, object_id=f"strava:{number}"))
    monkeypatch.setattr(inbox_writer, "PATIENCE_S", 60.0)

    writer.put(replace(EVENT, object_id="strava:99"))

    with store.read() as session:
        stored = list(session.scalars(select(InboxEvent.object_id).order_by(InboxEvent.id)))
    assert stored == ["strava:0", "strava:99"]  # the first one was under way already
