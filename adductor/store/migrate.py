"""Bring a database to the current revision; forward only."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from adductor.store.engine import Store

# Any fixed number: two processes that migrate at once on PostgreSQL wait for each other on it.
_ADVISORY_LOCK = 7_265_001


def config() -> Config:
    """Alembic's configuration without a file: the scripts are part of the package."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(store: Store, revision: str = "head") -> None:
    """Migrate. Safe to run twice and from two processes at once."""
    if store.is_sqlite and store.url.database:
        Path(store.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = config()
    with store.connection() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


def current(store: Store) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with store.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str | None:
    """The revision that this code wants."""
    return ScriptDirectory.from_config(config()).get_current_head()
