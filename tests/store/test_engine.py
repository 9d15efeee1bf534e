"""Transactions mean the same on both databases."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from adductor.store import Store, words_of
from adductor.store.models import Heartbeat
from tests.support import databases

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def beat(store: Store, part: str, *, timeout_s: float | None = None) -> None:
    with store.write(timeout_s=timeout_s) as session:
        session.add(Heartbeat(part=part, at=NOON))


def parts(store: Store) -> list[str]:
    with store.read() as session:
        return [row.part for row in session.query(Heartbeat)]


def test_transaction_is_written_whole_or_rolled_back(store: Store) -> None:
    beat(store, "kept")
    with pytest.raises(RuntimeError), store.write() as session:  # noqa: PT012 - the failure is inside the transaction
        session.add(Heartbeat(part="lost", at=NOON))
        session.flush()
        raise RuntimeError
    assert parts(store) == ["kept"]


def test_time_comes_back_as_the_same_moment_in_utc_and_a_naive_one_is_refused(store: Store) -> None:
    with store.write() as session:
        session.add(Heartbeat(part="x", at=datetime(2026, 11, 18, 13, 0, tzinfo=timezone(timedelta(hours=1)))))
    with store.read() as session:
        at = session.get_one(Heartbeat, "x").at
    assert (at, at.tzinfo) == (NOON, UTC)
    with pytest.raises(StatementError, match="naive time"), store.write() as session:
        session.add(Heartbeat(part="y", at=datetime(2026, 11, 18, 12, 0)))  # noqa: DTZ001


def test_error_of_the_database_does_not_tell_the_values(store: Store) -> None:
    with pytest.raises(DBAPIError) as told, store.write() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:word)"), {"word": "the runner's own"})
    assert "the runner's own" not in str(told.value)


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
    with closing(Store(f"sqlite:///{tmp_path}/x.db")) as store, store.write() as session:
        modes = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    full = 2
    assert modes == ["wal", full, 1]


def test_first_openers_of_a_new_file_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sqlite3.connect(tmp_path / "coach.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(time, "sleep", lambda _: other.close())
    with closing(Store(f"sqlite:///{tmp_path / 'coach.db'}")) as store, store.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"


@pytest.fixture
def single(database_url: str) -> Iterator[Store]:
    """A migrated database with a pool of one connection."""
    with closing(Store(database_url, pool_size=1)) as store:
        databases.bring_up(store)
        yield store


def test_write_waits_as_long_as_it_may_and_the_next_one_succeeds(single: Store, database_url: str) -> None:
    """On SQLite any other writer is waited for, on PostgreSQL a lock on what is written."""
    with closing(Store(database_url)) as theirs, theirs.write() as locked:
        locked.execute(text("SELECT 1" if theirs.is_sqlite else "LOCK TABLE heartbeats"))
        with pytest.raises(OperationalError):
            beat(single, "refused", timeout_s=0.05)
    beat(single, "kept")
    assert parts(single) == ["kept"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_server_that_became_a_standby_is_left_after_one_error(single: Store) -> None:
    """SQLSTATE 25006: after a fail-over the old primary only reads."""
    with single.read() as session:
        session.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        session.commit()
    assert "read-only" in (single.problem() or "")
    with pytest.raises(OperationalError):  # as when it is away: pages answer 503 and jobs wait
        beat(single, "refused")
    beat(single, "kept")
    assert single.problem() is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_terminated_connection_is_replaced(single: Store, database_url: str) -> None:
    """SQLSTATE 57P01: an administrator ends it in the middle of a transaction."""
    with pytest.raises(DBAPIError), single.write() as session:  # noqa: PT012 - it ends inside the transaction
        mine = session.scalar(text("SELECT pg_backend_pid()"))
        with closing(Store(database_url)) as admin, admin.read() as other:
            other.execute(text("SELECT pg_terminate_backend(:mine)"), {"mine": mine})
        session.execute(text("SELECT 1"))
    beat(single, "kept")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/adductor.db", "unable to open database file"),
        ("{server}/no_such", 'FATAL:  database "no_such" does not exist'),
        ("postgresql+psycopg://coach:hidden@127.0.0.1:1/coach", "Connection refused"),
    ],
)
def test_error_is_told_in_the_databases_words_without_its_address(postgres_server: str, url: str, said: str) -> None:
    with closing(Store(url.format(server=postgres_server))) as away:
        with pytest.raises(OperationalError) as caught, away.read() as session:
            session.execute(text("SELECT 1"))
        assert words_of(caught.value) == said
        assert away.problem() == f"does not answer ({said})"
