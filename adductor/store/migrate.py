"""Bring a database to the current revision; forward only.

Alembic costs 11 MB and 0.1 s to import, in every process: it is imported where there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from adductor.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

# Any fixed number: two processes that migrate at once on PostgreSQL wait for each other on it.
_ADVISORY_LOCK = 7_265_001
_SCRIPTS = Path(__file__).parent / "migrations"


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
    if _known(store) == (latest() if revision == "head" else revision):
        return
    from alembic import command

    settings = config()
    # Without foreign keys: SQLite rebuilds a table by dropping it, which would cascade.
    with store.engine.execution_options(writes=True, foreign_keys=False).begin() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        if store.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
            raise RuntimeError("the upgrade would leave rows without the rows that they belong to")


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
    """All revisions that this code knows, oldest first: the numbers at the front of the scripts' names."""
    return sorted(script.name.partition("_")[0] for script in (_SCRIPTS / "versions").glob("[0-9]*.py"))


def latest() -> str:
    """The revision that this code wants."""
    return revisions()[-1]


def check(store: Store) -> None:
    """For a part at its start: raises RevisionError when this code can't work with the database as it is."""
    at = _known(store)
    if at != latest():
        raise RevisionError(
            f"the database is {'empty' if at is None else f'at revision {at}'} and this version needs {latest()}; "
            "run: adductor db upgrade"
        )


def _known(store: Store) -> str | None:
    """As `current`, but raises RevisionError for a revision that this code doesn't know."""
    at = current(store)
    if at is None or at in revisions():
        return at
    raise RevisionError(
        f"the database is at revision {at}, which a newer version has made and this one (up to {latest()}) doesn't know; "
        "start that version again, or restore the backup from before the upgrade (docs/upgrade.md)"
    )
