"""Bring a database to the current revision; forward only.

Alembic costs 11 MB and 0.1 s to import, in every process: it is imported where there is something to migrate.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, inspect, text

from adductor.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

# Any fixed number: two processes that migrate at once on PostgreSQL wait for each other on it.
_ADVISORY_LOCK = 7_265_001
_SCRIPTS = Path(__file__).parent / "migrations"
_REVISION = re.compile(r'^revision(?:: str)? = "([^"]+)"', re.MULTILINE)
_COMES_AFTER = re.compile(r'^down_revision(?:: [^=]+)? = (?:"([^"]+)"|None)', re.MULTILINE)


class RevisionError(Exception):
    """The database is at another revision than this code wants; the message says which, and the way out."""


def config() -> Config:
    """Alembic's configuration without a file: the scripts are part of the package."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_SCRIPTS))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(store: Store, revision: str = "head") -> None:
    """Migrate. Safe to run twice and from two processes at once. Raises RevisionError for a database of newer code."""
    if store.is_sqlite and store.url.database:
        Path(store.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    at, known = current(store), revisions()
    if at is not None and at not in known:
        raise RevisionError(_too_new(at))
    if at == (known[-1] if revision == "head" else revision):
        return
    from alembic import command

    settings = config()
    with _transaction(store) as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


@contextmanager
def _transaction(store: Store) -> Iterator[Connection]:
    """One write transaction. On SQLite without foreign keys: rebuilding a table drops it, which would cascade."""
    with store.engine.connect().execution_options(writes=True) as connection:
        if store.is_sqlite:
            # Before the transaction begins: inside it the pragma does nothing.
            _set_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                yield connection
                if store.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
                    raise RuntimeError("the upgrade would leave rows without the rows that they belong to")
        finally:
            if store.is_sqlite:
                _set_foreign_keys(connection, on=True)


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    cast(sqlite3.Connection, connection.connection.driver_connection).execute(f"PRAGMA foreign_keys={on:d}")


def current(store: Store) -> str | None:
    """The revision that the database is at; None for an empty one. Makes no file where there is none."""
    if store.is_sqlite and store.url.database and not Path(store.url.database).exists():
        return None
    with store.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def revisions() -> list[str]:
    """All revisions that this code knows, oldest first."""
    after: dict[str | None, str] = {}
    for script in sorted((_SCRIPTS / "versions").glob("[0-9]*.py")):
        words = script.read_text(encoding="utf-8")
        revision, before = _REVISION.search(words), _COMES_AFTER.search(words)
        if revision is None or before is None or before[1] in after:
            raise RuntimeError(f"{script.name} is not the one step after another revision")
        after[before[1]] = revision[1]
    ordered: list[str] = []
    at: str | None = None
    while at in after:
        at = after[at]
        ordered.append(at)
    return ordered


def latest() -> str:
    """The revision that this code wants."""
    return revisions()[-1]


def check(store: Store) -> None:
    """For a part at its start: raises RevisionError when this code can't work with the database as it is."""
    at, known = current(store), revisions()
    if at == known[-1]:
        return
    if at is not None and at not in known:
        raise RevisionError(_too_new(at))
    raise RevisionError(
        f"the database is {'empty' if at is None else f'at revision {at}'} and this version needs {known[-1]}; "
        "run: adductor db upgrade"
    )


def _too_new(at: str) -> str:
    return (
        f"the database is at revision {at}, which a newer version has made and this one (up to {latest()}) doesn't know; "
        "start that version again, or restore the backup from before the upgrade (docs/upgrade.md)"
    )
