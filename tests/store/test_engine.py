"""Transactions mean the same on both databases."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from adductor.store import Store, migrate
from adductor.store.models import Heartbeat

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def test_what_was_written_is_there_and_what_failed_is_not(store: Store) -> None:
    with store.write() as session:
        session.add(Heartbeat(part="kept", at=NOON))
    with pytest.raises(RuntimeError), store.write() as session:  # noqa: PT012 - the failure is inside the transaction
        session.add(Heartbeat(part="lost", at=NOON))
        session.flush()
        raise RuntimeError

    with store.read() as session:
        assert [row.part for row in session.query(Heartbeat)] == ["kept"]


def test_a_time_comes_back_as_the_same_moment_in_utc(store: Store) -> None:
    berlin = timezone(timedelta(hours=1))
    with store.write() as session:
        session.add(Heartbeat(part="x", at=datetime(2026, 11, 18, 13, 0, tzinfo=berlin)))

    with store.read() as session:
        at = session.get_one(Heartbeat, "x").at
    assert (at, at.tzinfo) == (NOON, UTC)


def test_an_error_of_the_database_does_not_tell_the_values(store: Store) -> None:
    with pytest.raises(DBAPIError) as told, store.write() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:word)"), {"word": "the runner's own"})

    assert "the runner's own" not in str(told.value)


def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive time"), store.write() as session:
        session.add(Heartbeat(part="x", at=datetime(2026, 11, 18, 12, 0)))  # noqa: DTZ001


def test_twenty_writers_at_once_lose_nothing(store: Store) -> None:
    with store.write() as session:
        session.add(Heartbeat(part="counter", at=NOON, note="0"))

    def add_one(_: int) -> None:
        with store.write() as session:
            row = session.get_one(Heartbeat, "counter", with_for_update=True)
            row.note = str(int(row.note or 0) + 1)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add_one, range(100)))

    with store.read() as session:
        assert session.get_one(Heartbeat, "counter").note == "100"


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/x.db")

    with store.write() as session:
        modes = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]

    store.close()
    full = 2
    assert modes == ["wal", full, 1]


def test_first_openers_of_a_new_file_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sqlite3.connect(tmp_path / "coach.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(time, "sleep", lambda _: other.close())

    store = Store(f"sqlite:///{tmp_path / 'coach.db'}")
    with store.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    store.close()


def test_database_that_is_not_there_does_not_answer() -> None:
    assert not Store("postgresql+psycopg://nobody@127.0.0.1:1/none").answers()


def test_write_waits_as_long_as_it_may_and_the_next_one_succeeds(database_url: str) -> None:
    """On SQLite any other writer is waited for, on PostgreSQL a lock on what is written."""
    ours, theirs = Store(database_url, pool_size=1), Store(database_url)
    migrate.upgrade(ours)

    with theirs.write() as locked:
        locked.execute(text("SELECT 1" if theirs.is_sqlite else "LOCK TABLE heartbeats"))
        with pytest.raises(OperationalError), ours.write(timeout_s=0.05) as session:
            session.add(Heartbeat(part="refused", at=NOON))
    with ours.write() as session:
        session.add(Heartbeat(part="kept", at=NOON))

    with ours.read() as session:
        assert [row.part for row in session.query(Heartbeat)] == ["kept"]
    ours.close()
    theirs.close()


def test_server_that_became_a_standby_is_left_after_one_error(postgres_url: str) -> None:
    """SQLSTATE 25006: after a fail-over the old primary only reads."""
    store = Store(postgres_url, pool_size=1)
    migrate.upgrade(store)
    with store.read() as session:
        session.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        session.commit()
    with pytest.raises(DBAPIError), store.write() as session:
        session.add(Heartbeat(part="refused", at=NOON))

    with store.write() as session:
        session.add(Heartbeat(part="kept", at=NOON))

    store.close()


def test_terminated_connection_is_replaced(postgres_url: str) -> None:
    """SQLSTATE 57P01: an administrator ends it in the middle of a transaction."""
    store, admin = Store(postgres_url, pool_size=1), Store(postgres_url)
    migrate.upgrade(store)
    with pytest.raises(DBAPIError), store.write() as session:  # noqa: PT012 - it ends inside the transaction
        mine = session.scalar(text("SELECT pg_backend_pid()"))
        with admin.read() as other:
            other.execute(text("SELECT pg_terminate_backend(:mine)"), {"mine": mine})
        session.execute(text("SELECT 1"))

    with store.write() as session:
        session.add(Heartbeat(part="kept", at=NOON))

    store.close()
    admin.close()
