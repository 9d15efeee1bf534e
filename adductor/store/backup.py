"""A copy of an SQLite database while it is in use. PostgreSQL brings its own tools for that."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url


class BackupError(Exception):
    """No copy was made; the message says why, and the way out."""


def back_up(database_url: str, target: Path) -> int:
    """Copy the database as it is at one moment into a new file that only its owner may read; returns its size in bytes.

    Other processes may read and write meanwhile: a commit before the call is in the copy, a later one isn't. The copy is
    one file, checked and synced before it gets its name. Raises BackupError.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError("this database is PostgreSQL; use its own pg_dump (docs/backup.md)")
    source = Path(url.database)
    if not source.is_file():
        raise BackupError(f"there is no database at {source} yet")
    if target.exists():
        raise BackupError(f"{target} is already there; choose another name, a backup replaces nothing")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(source, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.link(draft, target)  # unlike a rename it fails when the target exists by now
        return target.stat().st_size
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"can't write {target} ({getattr(error, 'strerror', None) or error})") from error
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, draft: Path) -> None:
    # Read-only, so that a mistake here can't harm; all pages in one step, so that writers don't make it start again.
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
        closing(sqlite3.connect(draft)) as writer,
    ):
        reader.backup(writer)
        writer.execute("PRAGMA journal_mode=DELETE")  # a copy that is carried around is one file, not three
        found = writer.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged, and so is the database: {found}")
