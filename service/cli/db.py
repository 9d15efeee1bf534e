"""`adductor db`."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from adductor.settings import load
from adductor.store import Store, migrate, words_of
from adductor.store.backup import back_up


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
    before = migrate.current(store)
    migrate.upgrade(store)
    after = migrate.current(store)
    click.echo(f"database at revision {after}" + ("" if before != after else ", as it was"))


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the SQLite database into FILE, while everything runs.

    PostgreSQL has pg_dump for this. How to put a copy back: docs/backup.md.

    \b
    Example: adductor db backup adductor-$(date +%F).db
    """
    settings = load()
    size = back_up(settings.database, file)
    click.echo(f"{file}: {size} bytes")
    if settings.secret_key is None:
        click.echo(f"Not in it, and needed with it: {settings.data_dir / 'secret-key'}")
    try:
        _note_backup()
    except SQLAlchemyError as error:  # an older revision, a full disk: the copy is good all the same
        click.echo(f"adductor: the time of this backup could not be stored ({words_of(error)})", err=True)


@db.command("backed-up")
def backed_up() -> None:
    """Note that another tool has just backed up the database: pg_dump, a snapshot.

    `adductor doctor`, /ops and an alert go by it; `adductor db backup` notes itself.

    \b
    Example: pg_dump --format=custom --file=coach.dump coach && adductor db backed-up
    """
    _note_backup()
    click.echo("noted")


def _note_backup() -> None:
    from adductor.queue import heartbeats
    from service.cli.opened import opened

    with opened("backup", quiet=True) as installation:
        heartbeats.backed_up(installation)
