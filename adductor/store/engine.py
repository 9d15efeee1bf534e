"""The database: SQLite by default, PostgreSQL for many; the same transactions on both."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

# How long SQLite waits for another writer. A write transaction of ours takes milliseconds; never a call to Strava inside.
SQLITE_BUSY_MS = 10_000
# PostgreSQL: no statement of ours needs longer; a stuck one must not hold a worker past its task limit (60 s).
POSTGRES_STATEMENT_TIMEOUT_MS = 30_000
# A webhook's INSERT: whoever sent it waits two seconds for all of it.
PROMPT_TIMEOUT_MS = 1_000
# Whoever finds SQLite busy asks again so soon. Its own waiting grows from 1 to 100 ms at a time, whatever the other needs,
# and serves whoever came last before whoever has waited longest.
_ASK_AGAIN_S = 0.0005
_ASK_AGAIN_LATER_S = 0.01  # after a while: then it is no write of ours that is waited for
_SOON_S = 1.2
# The next thread of a process knows at once that SQLite is free, another process only when it asks again. Behind a write that
# takes a while it begins so much later; on a slow disk a webhook would not be let in for seconds.
_LONG_S = 0.01
_LET_IN_S = 2 * _ASK_AGAIN_S


class BusyError(OperationalError):
    """Somebody else writes, and for longer than one may wait. To most it is what every database's own such error is."""

    def __init__(self) -> None:
        super().__init__("BEGIN IMMEDIATE", None, TimeoutError("the database is locked"))


class _Line:
    """The threads of a process write one after the other, and let other processes in between."""

    def __init__(self) -> None:
        self._place = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0

    @contextmanager
    def turn(self, within_s: float) -> Iterator[None]:
        """Raises BusyError when it hasn't come by then."""
        self._count(1)
        try:
            if not self._place.acquire(timeout=within_s):
                raise BusyError
        finally:
            self._count(-1)
        began = time.monotonic()
        try:
            yield
        finally:
            if self._waiting and time.monotonic() - began > _LONG_S:
                time.sleep(_LET_IN_S)
            self._place.release()

    def _count(self, more: int) -> None:
        with self._counting:
            self._waiting += more


class Store:
    """One per process. `write` and `read` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url, pool_size) if self.is_sqlite else _postgres(url, pool_size)
        self._write_engine = self.engine.execution_options(writes=True, synced=True)
        self._redoing_engine = self.engine.execution_options(writes=True, synced=False)
        self.after_commit: Callable[[Session], None] | None = None  # told of each `write` that was committed
        # SQLite has one writer, and whoever finds it busy sleeps and asks again. The threads of a process do better by
        # standing in line. PostgreSQL needs none of this.
        self._line = _Line() if self.is_sqlite else None
        self._url, self._prompt_engine, self._making = url, self.engine if self.is_sqlite else None, threading.Lock()

    @contextmanager
    def write(self, *, can_be_redone: bool = False) -> Iterator[Session]:
        """A transaction that may write; committed at the end, rolled back on an error.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a read that later wants to write would fail instead
        of waiting. ``can_be_redone``: after a power cut, which ends us with the database, it may be as if this had never
        been, and that does no harm, as with the claim of an event; then SQLite doesn't wait for the disk. What is
        committed after it brings it to the disk as well. PostgreSQL always waits: its clients may outlive it.
        """
        engine = self._redoing_engine if can_be_redone else self._write_engine
        with self._turn(), Session(engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            if self.after_commit is not None:
                self.after_commit(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A bare connection with a write transaction."""
        with self._turn(), self._write_engine.begin() as connection:
            yield connection

    @contextmanager
    def prompt(self, within_s: float) -> Iterator[PoolProxiedConnection]:
        """The driver's own connection with a write transaction, for the hot path of the inbox; committed at the end.

        Raises BusyError, or what the driver raises, when the database keeps it waiting for about ``within_s``.
        """
        until = time.monotonic() + within_s
        with self._turn(within_s):
            connection = self._prompt().raw_connection()
            try:
                if self.is_sqlite:
                    _begin_immediate(_sqlite_of(connection), until)
                elif within_s * 1000 < PROMPT_TIMEOUT_MS:
                    # Who has waited in line before has only the rest; for all others the connection has it already.
                    connection.cursor().execute(f"SET LOCAL statement_timeout = {max(int(within_s * 1000), 1)}")
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                connection.close()

    @contextmanager
    def _turn(self, within_s: float = SQLITE_BUSY_MS / 1000) -> Iterator[None]:
        if self._line is None:
            yield
            return
        with self._line.turn(within_s):
            yield

    def _prompt(self) -> Engine:
        """On PostgreSQL connections of their own, whose statements may not take as long as those of the others."""
        if self._prompt_engine is None:
            with self._making:
                self._prompt_engine = self._prompt_engine or _postgres(self._url, 1, timeout_ms=PROMPT_TIMEOUT_MS)
        return self._prompt_engine

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
        if self._prompt_engine is not None:
            self._prompt_engine.dispose()


def _sqlite(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # the values of a failed statement are a runner's, and don't belong into logs
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=20,
        connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        # The driver's own transaction handling starts them late and as readers; ours start when they should.
        connection.isolation_level = None
        cursor = connection.cursor()
        # A new file takes its mode from whoever is first. SQLite doesn't wait for that here, whatever its busy_timeout.
        until = time.monotonic() + SQLITE_BUSY_MS / 1000
        _once_free(lambda: cursor.execute("PRAGMA journal_mode=WAL"), until)
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("writes", False):
            connection.exec_driver_sql("BEGIN")
            return
        until = time.monotonic() + SQLITE_BUSY_MS / 1000
        try:
            _begin_immediate(_sqlite_of(connection.connection), until, synced=options.get("synced", True))
        except sqlite3.Error:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for an error of the kind that everybody expects

    return engine


def _sqlite_of(connection: PoolProxiedConnection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.driver_connection)


def _begin_immediate(connection: sqlite3.Connection, until: float, *, synced: bool = True) -> None:
    """Take SQLite's write lock. ``until``: monotonic time. Raises BusyError, sqlite3.Error."""
    # What was answered 200 must survive a power cut, not only a crash: FULL syncs the log at every commit. NORMAL keeps
    # the order of commits, and syncs with the next FULL one. Said each time: the connection may have had another before.
    connection.execute("PRAGMA synchronous=FULL" if synced else "PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=0")
    try:
        _once_free(lambda: connection.execute("BEGIN IMMEDIATE"), until)
    finally:
        connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")


def _once_free(ask: Callable[[], object], until: float) -> None:
    """Ask again while somebody else holds SQLite. ``until``: monotonic time. Raises BusyError, sqlite3.Error."""
    began = time.monotonic()
    while True:
        try:
            ask()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
        now = time.monotonic()
        if now > until:
            raise BusyError
        time.sleep(_ASK_AGAIN_S if now - began < _SOON_S else _ASK_AGAIN_LATER_S)


def _postgres(url: str, pool_size: int, *, timeout_ms: int = POSTGRES_STATEMENT_TIMEOUT_MS) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,  # a restarted server must not fail the next webhook
        connect_args={
            "connect_timeout": 3,
            "options": f"-c statement_timeout={timeout_ms} -c timezone=UTC",
        },
    )
