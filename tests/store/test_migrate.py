"""The database comes to the current revision, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from adductor.store import Store, migrate
from adductor.store.models import Base


def test_an_empty_database_has_no_revision_and_gets_the_latest(database_url: str) -> None:
    store = Store(database_url)
    assert migrate.current(store) is None

    migrate.upgrade(store)

    assert migrate.current(store) == migrate.latest()
    store.close()


def test_migrating_again_changes_nothing(store: Store) -> None:
    tables = inspect(store.engine).get_table_names()

    migrate.upgrade(store)

    assert inspect(store.engine).get_table_names() == tables


def test_the_migrations_lead_to_exactly_the_tables_of_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_four_processes_that_migrate_at_once_end_with_one_database(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, stores))

    assert {migrate.current(store) for store in stores} == {migrate.latest()}
    for store in stores:
        store.close()
