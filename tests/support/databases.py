"""Databases that are migrated once in a process, then copied or emptied for each test. tests/store tests the migrations."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import psycopg

from adductor.store import Store, migrate
from adductor.store.models import Base
from tests.support import postgres


def bring_up(store: Store) -> None:
    """Bring a database to the current revision: an empty SQLite one by copying the template."""
    if store.is_sqlite and migrate.current(store) is None:
        file = Path(store.url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(migrated_file())
    else:
        migrate.upgrade(store)


def emptied(base: str) -> str:
    """The one migrated database of a PostgreSQL server, without rows; a copy for each test takes a second each."""
    url = _make_shared(base)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        others = "datname = current_database() AND pid != pg_backend_pid()"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}".encode())
        connection.execute(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY CASCADE".encode())
    return url


@cache
def migrated_file() -> bytes:
    """An empty SQLite database at the current revision."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.db"
        _migrate(f"sqlite:///{file}")
        return file.read_bytes()


@cache
def _make_shared(base: str) -> str:
    url = postgres.new_database(base, "shared")
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    store = Store(url)
    migrate.upgrade(store)
    store.close()
