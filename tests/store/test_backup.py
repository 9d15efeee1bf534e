"""A copy of the database while it is in use."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from adductor.store import Store, migrate
from adductor.store.backup import BackupError, back_up
from tests.support.live import adductor


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store(f"sqlite:///{tmp_path / 'adductor.db'}")
    migrate.upgrade(opened)
    return opened


def _url(store: Store) -> str:
    return store.url.render_as_string(hide_password=False)


def _beats(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT part, note FROM heartbeats ORDER BY part").fetchall()
    finally:
        connection.close()


def test_a_copy_under_traffic_is_whole_and_holds_what_was_there_before(store: Store, tmp_path: Path) -> None:
    """Each transaction writes a pair. A copy holds pairs only, and all those that were committed before it began."""
    committed, ended = 0, threading.Event()
    started = threading.Event()

    def write() -> None:
        nonlocal committed
        while not ended.is_set():
            with store.write() as session:
                connection = session.connection()
                for half in "ab":
                    connection.execute(
                        text("INSERT INTO heartbeats (part, at, note) VALUES (:part, '2026-11-18 09:00:00', :note)"),
                        {"part": f"{committed:06}{half}", "note": "x" * 500},
                    )
            committed += 1
            if committed == 20:
                started.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert started.wait(30)
        for number in range(5):
            before = committed
            back_up(_url(store), tmp_path / f"copy-{number}.db")
            parts = [part for part, _ in _beats(tmp_path / f"copy-{number}.db")]
            assert len(parts) >= before * 2
            assert parts == [f"{pair:06}{half}" for pair in range(len(parts) // 2) for half in "ab"]
    finally:
        ended.set()
        writer.join()
    assert committed > 20


def test_a_copy_is_one_private_file_that_opens_as_a_database(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "one.db"
    copy.parent.mkdir()

    size = back_up(_url(store), copy)

    assert list(copy.parent.iterdir()) == [copy]
    assert copy.stat().st_size == size
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = Store(f"sqlite:///{copy}")
    assert migrate.current(restored) == migrate.latest()
    restored.close()


def test_a_backup_replaces_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "kept.db").write_text("the backup of last week")

    with pytest.raises(BackupError, match="already there"):
        back_up(_url(store), tmp_path / "kept.db")

    assert (tmp_path / "kept.db").read_text() == "the backup of last week"


def test_what_cant_be_written_is_named_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file or directory"):
        back_up(_url(store), tmp_path / "nowhere" / "copy.db")

    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("adductor.db")) == []


def test_a_damaged_database_gives_no_copy(store: Store, tmp_path: Path) -> None:
    store.close()
    path = tmp_path / "adductor.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192 + path.read_bytes()[12288:])

    with pytest.raises(BackupError):
        back_up(_url(store), tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()


def test_without_a_database_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no database at"):
        back_up(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "copy.db")


@pytest.mark.processes
def test_the_command_says_what_belongs_with_the_copy(store: Store, tmp_path: Path) -> None:
    made = adductor("db", "backup", str(tmp_path / "copy.db"), ADDUCTOR_DATA_DIR=str(tmp_path))
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "secret-key") in made.stdout

    again = adductor("db", "backup", str(tmp_path / "copy.db"), ADDUCTOR_DATA_DIR=str(tmp_path))
    assert again.returncode == 1
    assert "already there" in again.stderr

    postgres = adductor(
        "db", "backup", str(tmp_path / "other.db"), ADDUCTOR_DATABASE_URL="postgresql+psycopg://coach:hunter2@127.0.0.1:1/coach"
    )  # fmt: skip
    assert postgres.returncode == 1
    assert "pg_dump" in postgres.stderr
    assert "hunter2" not in postgres.stderr
