"""Write-through store: one SQLite table of JSON, read once at start."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Journal:
    """Keyed JSON in SQLite. Thread-safe.

    A change survives the end of the process the moment `put` returns. It may not survive a power cut: this
    is a made-up company's data, and synchronous writes would slow down what benchmarks measure.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        self.changes = 0  # so many were made: pages look anew when it is another
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS entries (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id))"
            " WITHOUT ROWID"
        )

    def put(self, kind: str, key: object, body: str) -> None:
        with self._lock:
            self.changes += 1
            self._connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                (kind, str(key), body),
            )

    def drop(self, kind: str, key: object) -> None:
        with self._lock:
            self.changes += 1
            self._connection.execute("DELETE FROM entries WHERE kind = ? AND id = ?", (kind, str(key)))

    def load(self, kind: str) -> list[str]:
        with self._lock:
            rows = self._connection.execute("SELECT body FROM entries WHERE kind = ?", (kind,)).fetchall()
        return [body for (body,) in rows]

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction around many changes: a season of runs is stored in one go."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    def clear(self) -> None:
        with self._lock:
            self.changes += 1
            self._connection.execute("DELETE FROM entries")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
