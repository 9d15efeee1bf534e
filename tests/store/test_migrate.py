"""The database comes to the current revision, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from adductor.store import Store, migrate


def test_four_processes_that_migrate_at_once_end_with_one_database(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(4)]
    assert migrate.current(stores[0]) is None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, stores))

    assert {migrate.current(store) for store in stores} == {migrate.latest()}
    for store in stores:
        store.close()
