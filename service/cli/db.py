"""`adductor db`."""

from __future__ import annotations

import click
from sqlalchemy.exc import SQLAlchemyError

from adductor.settings import load
from adductor.store import Store, migrate


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Migrate the database to what this version wants.

    \b
    Example: ADDUCTOR_DATABASE_URL=postgresql+psycopg://coach@localhost/coach adductor db upgrade
    """
    store = Store(load().database)
    try:
        before = _current(store)
        migrate.upgrade(store)
    except migrate.RevisionError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        # The driver's own words may hold the address, never the password; ours name the setting.
        raise click.ClickException(
            f"can't reach the database of ADDUCTOR_DATABASE_URL ({type(error).__name__})"
        ) from None
    after = migrate.current(store)
    click.echo(f"database at revision {after}" + ("" if before != after else ", as it was"))


def _current(store: Store) -> str | None:
    try:
        return migrate.current(store)
    except SQLAlchemyError:
        return None
