"""The database: SQLite by default, PostgreSQL for many; the same transactions on both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

# How long SQLite waits for another writer. A write transaction of ours takes milliseconds; never a call to Strava inside.
SQLITE_BUSY_MS = 10_000
# PostgreSQL: no statement of ours needs longer; a stuck one must not hold a worker past its task limit (60 s).
POSTGRES_STATEMENT_TIMEOUT_MS = 30_000


class Store:
    """One per process. `write` and `read` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url, pool_size) if self.is_sqlite else _postgres(url, pool_size)
        self._write_engine = self.engine.execution_options(writes=True)
        self.after_commit: Callable[[Session], None] | None = None  # told of each `write` that was committed
        # SQLite has one writer, and whoever finds it busy sleeps and asks again. The threads of a process do better by
        # standing in line. PostgreSQL needs none of this.
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.is_sqlite else nullcontext()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write; committed at the end, rolled back on an error.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a read that later wants to write would fail instead
        of waiting.
        """
        with self._turn, Session(self._write_engine, expire_on_commit=False) as session:
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
        """A bare connection with a write transaction, for the hot path of the inbox."""
        with self._turn, self._write_engine.begin() as connection:
            yield connection

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
        cursor.execute("PRAGMA journal_mode=WAL")
        # What was answered 200 must survive a power cut, not only a crash: FULL syncs the log at every commit.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: str, pool_size: int) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,  # a restarted server must not fail the next webhook
        connect_args={
            "connect_timeout": 3,
            "options": f"-c statement_timeout={POSTGRES_STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        },
    )
