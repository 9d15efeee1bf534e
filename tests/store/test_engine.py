"""Transactions mean the same on both databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from adductor.store import BusyError, Store, engine, migrate
from adductor.store.engine import PROMPT_TIMEOUT_MS
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


def test_sqlite_syncs_every_commit_but_those_that_can_be_redone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/x.db", pool_size=1)  # one connection, which serves all of them in turns

    def of(session: Session | Connection) -> list[Any]:
        return [session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]

    with store.write(can_be_redone=True) as session:
        redoing = of(session)
    with store.prompt(1) as driver:
        prompt = [driver.cursor().execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    with store.write(can_be_redone=True) as session:
        session.execute(text("SELECT 1"))
    with store.write() as session:
        written = of(session)
    with store.connection() as connection:
        bare = of(connection)
    store.close()
    normal, full = 1, 2
    assert redoing == ["wal", normal]
    assert prompt == written == bare == ["wal", full]


def test_a_new_file_that_another_part_has_just_begun_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(tmp_path / "coach.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waited: list[float] = []

    def until_it_is_free(seconds: float) -> None:
        waited.append(seconds)
        other.close()

    monkeypatch.setattr(time, "sleep", until_it_is_free)

    store = Store(f"sqlite:///{tmp_path / 'coach.db'}")
    with store.read() as session:
        mode = session.scalar(text("PRAGMA journal_mode"))
    store.close()
    assert (mode, len(waited)) == ("wal", 1)


def test_a_write_waits_once_for_others_and_the_next_one_is_none_the_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = (Store(f"sqlite:///{tmp_path / 'coach.db'}", pool_size=1) for _ in range(2))
    migrate.upgrade(ours)
    asked: list[str] = []
    event.listen(ours.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    monkeypatch.setattr(engine, "SQLITE_BUSY_MS", 50)

    with others.connection(), pytest.raises(BusyError), ours.write() as session:
        session.add(Heartbeat(part="refused", at=NOON))
    assert asked == []  # SQLite's own, much longer waiting was not begun
    with ours.write() as session:
        session.add(Heartbeat(part="kept", at=NOON))

    with ours.read() as session:
        assert [row.part for row in session.query(Heartbeat)] == ["kept"]
    ours.close()
    others.close()


def test_a_database_that_is_not_there_does_not_answer() -> None:
    assert not Store("postgresql+psycopg://nobody@127.0.0.1:1/none").answers()


def test_whoever_may_not_wait_is_told_that_somebody_else_writes(tmp_path: Path) -> None:
    ours, others = (Store(f"sqlite:///{tmp_path / 'coach.db'}") for _ in range(2))
    migrate.upgrade(ours)

    with others.connection(), pytest.raises(BusyError), ours.prompt(0.05):
        pytest.fail("two write at once")
    with ours.connection(), ThreadPoolExecutor(1) as pool:

        def beside() -> None:
            with ours.prompt(0.05):
                pytest.fail("two threads write at once")

        with pytest.raises(BusyError):
            pool.submit(beside).result()

    with ours.prompt(0.05) as connection:
        connection.cursor().execute("INSERT INTO heartbeats (part, at) VALUES ('after', '2026-11-18 12:00:00')")
    with others.read() as session:
        assert session.get(Heartbeat, "after") is not None
    ours.close()
    others.close()


def test_a_locked_table_of_postgresql_is_waited_for_as_long_as_there_is_time(postgres_url: str) -> None:
    ours, others = Store(postgres_url), Store(postgres_url)
    migrate.upgrade(ours)
    said = "INSERT INTO heartbeats (part, at) VALUES ('x', '2026-11-18 12:00:00+00')"

    with others.connection() as locked:
        locked.execute(text("LOCK TABLE heartbeats"))
        took = []
        for within_s in (0.05, 0.05, 0.05, 1.0):
            began = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled), ours.prompt(within_s) as connection:
                connection.cursor().execute(said)
            took.append(time.monotonic() - began)
    with ours.prompt(1.0) as connection:
        connection.cursor().execute(said)

    *short, long = took
    assert 0.05 <= min(short) < long
    assert long >= PROMPT_TIMEOUT_MS / 1000
    ours.close()
    others.close()


def test_a_database_that_is_locked_for_good_is_an_error_of_the_usual_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SQLITE_BUSY_MS", 50)
    ours, others = (Store(f"sqlite:///{tmp_path / 'coach.db'}") for _ in range(2))
    migrate.upgrade(ours)

    with others.connection(), pytest.raises(OperationalError, match="locked"), ours.connection():
        pytest.fail("two write at once")

    with ours.write() as session:
        session.add(Heartbeat(part="after", at=NOON))
    ours.close()
    others.close()


def test_what_fails_in_a_prompt_transaction_leaves_nothing_and_blocks_nobody(store: Store) -> None:
    with pytest.raises(RuntimeError), store.prompt(1) as connection:  # noqa: PT012 - the failure is inside
        connection.cursor().execute("INSERT INTO heartbeats (part, at) VALUES ('lost', '2026-11-18 12:00:00')")
        raise RuntimeError

    with store.prompt(1) as connection:
        connection.cursor().execute("INSERT INTO heartbeats (part, at) VALUES ('kept', '2026-11-18 12:00:00')")
    with store.read() as session:
        assert [row.part for row in session.query(Heartbeat)] == ["kept"]


def test_on_a_slow_disk_a_webhook_gets_in_between_the_writes_of_a_busy_worker(tmp_path: Path) -> None:
    ours, theirs = (Store(f"sqlite:///{tmp_path / 'coach.db'}") for _ in range(2))
    migrate.upgrade(ours)
    enough = threading.Event()

    def write_on() -> None:
        while not enough.is_set():
            with theirs.connection() as connection:
                connection.execute(text("DELETE FROM heartbeats WHERE part = 'nobody'"))
                enough.wait(0.05)  # what a memory card needs to sync

    with ThreadPoolExecutor(8) as worker:
        writing = [worker.submit(write_on) for _ in range(8)]
        try:
            for number in range(12):
                with ours.prompt(3.0) as connection:
                    connection.cursor().execute(
                        "INSERT INTO heartbeats (part, at) VALUES (?, '2026-11-18 12:00:00.000000')", (str(number),)
                    )
                enough.wait(0.06)  # until a thread of the worker writes again
        finally:
            enough.set()
        for each in writing:
            each.result()

    with ours.read() as session:
        assert len(session.scalars(select(Heartbeat)).all()) == 12
    ours.close()
    theirs.close()
