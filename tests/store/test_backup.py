"""A copy of the database while it is in use."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from adductor.store import Store, migrate
from adductor.store.backup import BackupError, back_up
from tests.support import databases
from tests.support.live import adductor


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path / 'adductor.db'}")) as opened:
        databases.bring_up(opened)
        yield opened


def test_copy_under_traffic_is_whole_and_holds_what_was_there_before(store: Store, tmp_path: Path) -> None:
    """Each transaction writes a pair. A copy holds pairs only, and all those that were committed before it began."""
    committed, ended, started = 0, threading.Event(), threading.Event()
    insert = text("INSERT INTO heartbeats (part, at, note) VALUES (:part, '2026-11-18 09:00:00', :note)")

    def write() -> None:
        nonlocal committed
        while not ended.is_set():
            with store.write() as session:
                for half in "ab":
                    session.execute(insert, {"part": f"{committed:06}{half}", "note": "x" * 500})
            committed += 1
            if committed == 20:
                started.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert started.wait(30)
        for number in range(5):
            before = committed
            copy = tmp_path / f"copy-{number}.db"
            back_up(str(store.url), copy)
            with closing(sqlite3.connect(copy)) as connection:
                parts = [part for (part,) in connection.execute("SELECT part FROM heartbeats ORDER BY part")]
            assert len(parts) >= before * 2
            assert parts == [f"{pair:06}{half}" for pair in range(len(parts) // 2) for half in "ab"]
    finally:
        ended.set()
        writer.join()
    assert committed > 20


def test_copy_is_one_private_file_that_opens_as_a_database(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "one.db"
    copy.parent.mkdir()
    size = back_up(str(store.url), copy)
    assert list(copy.parent.iterdir()) == [copy]
    assert (copy.stat().st_size, stat.S_IMODE(copy.stat().st_mode)) == (size, 0o600)
    with closing(Store(f"sqlite:///{copy}")) as restored:
        assert migrate.current(restored) == migrate.latest()


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("adductor.db", "kept.db", "already there"),  # a backup replaces nothing
        ("adductor.db", "nowhere/copy.db", "No such file or directory"),
        ("damaged.db", "copy.db", "copy.db"),
        ("none.db", "copy.db", "no database at"),
    ],
)
def test_backup_that_cannot_be_made_says_why_and_leaves_nothing(
    store: Store, tmp_path: Path, source: str, target: str, reason: str
) -> None:
    store.close()
    (tmp_path / "kept.db").write_text("the backup of last week")
    whole = (tmp_path / "adductor.db").read_bytes()
    (tmp_path / "damaged.db").write_bytes(whole[:4096] + b"\xff" * 8192 + whole[12288:])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BackupError, match=reason):
        back_up(f"sqlite:///{tmp_path / source}", tmp_path / target)
    sidecars = ("-wal", "-shm")
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith(sidecars)}
    assert after == {name: content for name, content in before.items() if not name.endswith(sidecars)}


@pytest.mark.processes
def test_command_says_what_belongs_with_the_copy(store: Store, tmp_path: Path) -> None:
    made = adductor("db", "backup", str(tmp_path / "copy.db"), ADDUCTOR_DATA_DIR=str(tmp_path))
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "secret-key") in made.stdout

    url = "postgresql+psycopg://coach:hunter2@127.0.0.1:1/coach"
    postgres = adductor("db", "backup", str(tmp_path / "other.db"), ADDUCTOR_DATABASE_URL=url)
    assert postgres.returncode == 1
    assert "pg_dump" in postgres.stderr
    assert "hunter2" not in postgres.stderr
