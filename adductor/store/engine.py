"""The database: SQLite by default, PostgreSQL for many athletes; the same transactions on both."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

# How long SQLite waits for another writer. A write transaction takes milliseconds and never contains a call to a platform.
SQLITE_BUSY_MS = 10_000
# PostgreSQL: no statement needs longer; a stuck one must not hold a worker past its task limit (60 s).
POSTGRES_STATEMENT_TIMEOUT_MS = 30_000
# A connection is replaced after this, so that a load balancer or a fail-over is noticed without an error.
POSTGRES_RECYCLE_S = 300
# read_only_sql_transaction: the server became a standby. 57P01 to 57P03: it shuts down, crashed, or starts.
_DEAD_SERVER = ("25006", "57P01", "57P02", "57P03")
_WAL_RETRY_S = 0.01


class Store:
    """Transactions on one database. One per process; `write` and `read` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url, pool_size) if self.is_sqlite else _postgres(url, pool_size)

    @contextmanager
    def write(self, *, timeout_s: float | None = None) -> Iterator[Session]:
        """A transaction that may write: synced to disk at the end, rolled back on an error.

        SQLite takes the write lock with the first statement (BEGIN IMMEDIATE): a read that later wants to write would fail
        instead of waiting. ``timeout_s`` bounds the wait for SQLite's lock, or each statement on PostgreSQL.
        Raises sqlalchemy.exc.OperationalError when the database is busy for longer, or is away.
        """
        engine = self.engine.execution_options(writes=True, timeout_s=timeout_s)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # the values of a failed statement are an athlete's and stay out of the logs
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=20,
        connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver begins transactions late and as readers; the listener below begins them.
        connection.isolation_level = None
        _switch_to_wal(connection)
        # A commit that was answered 200 must survive a power cut: FULL syncs the log at every commit.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("writes"):
            connection.exec_driver_sql("BEGIN")
            return
        timeout_s = options.get("timeout_s")
        wait_ms = SQLITE_BUSY_MS if timeout_s is None else int(timeout_s * 1000)
        connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Retry the switch of a new file to WAL, because SQLite ignores its busy timeout there."""
    until = time.monotonic() + SQLITE_BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


def _postgres(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,  # a restarted server must not fail the next webhook
        pool_recycle=POSTGRES_RECYCLE_S,
        # PgBouncer's transaction mode has no prepared statements of its clients.
        connect_args={"connect_timeout": 3, "prepare_threshold": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        # Not as startup options, which PgBouncer refuses.
        connection.execute(f"SET statement_timeout = {POSTGRES_STATEMENT_TIMEOUT_MS}")
        connection.execute("SET timezone = 'UTC'")
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        timeout_s = connection.get_execution_options().get("timeout_s")
        if timeout_s is not None:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(timeout_s * 1000))}")

    @event.listens_for(engine, "handle_error")
    def _disconnect(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _DEAD_SERVER:
            context.is_disconnect = True

    return engine
