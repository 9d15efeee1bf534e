"""`adductor db`."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from adductor.settings import load
from adductor.store import Store, migrate
from adductor.store.backup import BackupError, back_up


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Migrate the database to what this version wants.

    \b
    Example: ADDUCTOR_DATABASE_URL=postgresql+psycopg://coach@localhost/coach adductor db upgrade
    """
    settings = load()
    if settings.database_url is None:
        settings.made_data_dir()
    store = Store(settings.database)
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


@db.command()
def reseal() -> None:
    """Seal every stored token under the first of ADDUCTOR_TOKEN_KEYS, so that the others can be dropped.

    The clock does the same once an hour. Exit code 1 while any token still needs an older key, or opens with none.

    \b
    Example: adductor db reseal
    """
    from adductor.athletes import rotate_keys
    from service.cli.opened import opened

    with opened("reseal", quiet=True) as installation:
        done = rotate_keys.rotate_keys(installation)
    click.echo(f"{done.older} encrypted anew, {done.newest} stood under the newest key already")
    if done.unreadable:
        raise click.ClickException(
            f"{done.unreadable} open with none of the keys that are set: put the missing key back behind the new one, "
            "or let these runners connect again"
        )
    if done.busy:
        raise click.ClickException(f"{done.busy} were being renewed right now: run it again before you drop a key")
    click.echo("Older keys are no longer needed.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the SQLite database into FILE, while everything runs.

    PostgreSQL has pg_dump for this. How to put a copy back: docs/backup.md.

    \b
    Example: adductor db backup adductor-$(date +%F).db
    """
    settings = load()
    try:
        size = back_up(settings.database, file)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {size} bytes")
    if settings.secret_key is None:
        click.echo(f"Not in it, and needed with it: {settings.data_dir / 'secret-key'}")


def _current(store: Store) -> str | None:
    try:
        return migrate.current(store)
    except SQLAlchemyError:
        return None
