"""Databases for tests: migrated once, then copied. That migrating itself works is what tests/store is about."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from adductor.store import Store, migrate


def bring_up(store: Store) -> None:
    """Bring an empty database to the current revision."""
    file = Path(store.url.database) if store.is_sqlite and store.url.database else None
    if file is None or file.exists():
        migrate.upgrade(store)
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.db"
        store = Store(f"sqlite:///{file}")
        migrate.upgrade(store)
        store.close()
        return file.read_bytes()
