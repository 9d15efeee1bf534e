"""The database: SQLite by default, PostgreSQL for many athletes; the same transactions on both."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

# How long SQLite waits for another writer. A write transaction takes milliseconds and never contains a call to a platform.
SQLITE_BUSY_S = 10.0
_SQLITE: dict[str, Any] = {"connect_args": {"timeout": SQLITE_BUSY_S, "check_same_thread": False}}
# PostgreSQL: no statement needs longer; a stuck one must not hold a worker past its task limit (60 s).
POSTGRES_STATEMENT_TIMEOUT_MS = 30_000
_POSTGRES: dict[str, Any] = {
    "pool_pre_ping": True,  # a restarted server must not fail the next webhook
    "pool_recycle": 300,  # s: a load balancer's change or a fail-over is noticed without an error
    # PgBouncer's transaction mode has no prepared statements of its clients.
    "connect_args": {"connect_timeout": 3, "prepare_threshold": None},
}
# read_only_sql_transaction: the server became a standby. 57P01 to 57P03: it shuts down, crashed, or starts.
_DEAD_SERVER = ("25006", "57P01", "57P02", "57P03")
# SQLite's own busy handler sleeps up to 0.1 s between two tries. Ours tries often, and a process with several writers pauses
# between two of them for longer than that: so each process comes to its turn within a transaction or two.
_LOCK_POLL_S = 0.0002
_BETWEEN_WRITERS_S = 0.0005
# How libpq begins: "connection failed: connection to server at ..., port 5432 failed: ".
_ADDRESS = re.compile(r"^connection .* failed: ")
_MOST_WORDS = 200


class Store:
    """Transactions on one database. One per process; `write` and `read` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = create_engine(
            url,
            hide_parameters=True,  # the values of a failed statement are an athlete's and stay out of the logs
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=20,
            **(_SQLITE if self.is_sqlite else _POSTGRES),
        )
        self._writer, self._awaited = threading.Lock(), False
        event.listen(self.engine, "connect", _prepare_sqlite if self.is_sqlite else _prepare_postgres)
        event.listen(self.engine, "begin", _begin_sqlite if self.is_sqlite else _begin_postgres)
        event.listen(self.engine, "handle_error", _leave_dead_server)

    @contextmanager
    def write(self, *, timeout_s: float | None = None) -> Iterator[Session]:
        """A transaction that may write: synced to disk at the end, rolled back on an error.

        SQLite takes the write lock with the first statement (BEGIN IMMEDIATE): a read that later wants to write would fail
        instead of waiting. ``timeout_s`` bounds the wait for SQLite's lock, or each statement on PostgreSQL.
        Raises sqlalchemy.exc.OperationalError when the database is busy for longer, or is away.
        """
        engine = self.engine.execution_options(writes=True, timeout_s=timeout_s)
        with (
            self._turn(timeout_s) if self.is_sqlite else nullcontext(),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _turn(self, timeout_s: float | None) -> Iterator[None]:
        """Threads of this process write one after the other; after the timeout SQLite's own lock decides."""
        taken = self._writer.acquire(blocking=False)
        if not taken:
            self._awaited = True
            taken = self._writer.acquire(timeout=SQLITE_BUSY_S if timeout_s is None else timeout_s)
        try:
            yield
        finally:
            if self._awaited:
                self._awaited = False
                time.sleep(_BETWEEN_WRITERS_S)
            if taken:
                self._writer.release()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def problem(self) -> str | None:
        """None when the database answers and isn't read-only; else why, in its own words and without its address."""
        try:
            with self.engine.connect() as connection:
                state = connection.scalar(text("SELECT 1" if self.is_sqlite else "SHOW transaction_read_only"))
        except SQLAlchemyError as error:
            return f"does not answer ({words_of(error)})"
        return "is read-only: a standby, or default_transaction_read_only is set" if state == "on" else None

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver begins transactions late and as readers; `_begin_sqlite` begins them.
    connection.isolation_level = None
    # The switch of a new file ignores SQLite's own busy timeout.
    switch = "PRAGMA journal_mode=WAL"
    _poll(connection, switch, SQLITE_BUSY_S) or connection.execute(switch)
    # A commit that was answered 200 must survive a power cut: FULL syncs the log at every commit.
    connection.execute("PRAGMA synchronous=FULL")
    # Pages of 4 KB: the commit that comes to so many also copies them into the database, and is slow.
    connection.execute("PRAGMA wal_autocheckpoint=4000")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA foreign_keys={options.get('foreign_keys', True):d}")
    driver.execute("PRAGMA busy_timeout=0")
    timeout_s = options.get("timeout_s")
    timeout_s = SQLITE_BUSY_S if timeout_s is None else timeout_s
    _poll(driver, "BEGIN IMMEDIATE", timeout_s) or connection.exec_driver_sql("BEGIN IMMEDIATE")
    driver.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_S * 1000:.0f}")


def _poll(connection: sqlite3.Connection, statement: str, timeout_s: float) -> bool:
    """Execute the statement as soon as SQLite's lock is free; false when it isn't in time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_LOCK_POLL_S)
        else:
            return True
    return False


def _prepare_postgres(connection: Any, _: Any) -> None:
    # Not as startup options, which PgBouncer refuses.
    connection.execute(f"SET statement_timeout = {POSTGRES_STATEMENT_TIMEOUT_MS}")
    connection.execute("SET timezone = 'UTC'")
    connection.commit()


def _begin_postgres(connection: Connection) -> None:
    timeout_s = connection.get_execution_options().get("timeout_s")
    if timeout_s is not None:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(timeout_s * 1000))}")


def _leave_dead_server(context: ExceptionContext) -> OperationalError | None:
    """End the connection, so that the next one finds the new primary; a read-only server counts as one that is away."""
    if getattr(context.original_exception, "sqlstate", None) not in _DEAD_SERVER:
        return None
    context.is_disconnect = True
    orig = context.original_exception
    return OperationalError(context.statement, None, orig, hide_parameters=True, connection_invalidated=True)


def words_of(error: Exception) -> str:
    """The database's own words: the first line, without the address before it. Details below it may hold a row's values."""
    said = str(getattr(error, "orig", None) or "").strip().splitlines()
    return _ADDRESS.sub("", said[0])[:_MOST_WORDS] if said else type(error).__name__
