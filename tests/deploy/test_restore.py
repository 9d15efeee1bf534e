"""Dump under traffic, wipe, restore, go on: as docs/backup.md says it, on both databases."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from adductor.notes import block
from adductor.store.models import Athlete, Subscription
from adductor.vault import Vault
from service.supervisor import free_port
from tests.support.live import Live, Runner, adductor, installation
from tests.support.memory_log import Log
from tests.support.runners import place


class Sqlite:
    """The data folder's own database."""

    def __init__(self, folder: Path, copies: Path) -> None:
        self._folder, self._copy = folder, copies / "adductor.db"
        self.settings: dict[str, str] = {}

    def dump(self) -> None:
        made = adductor("db", "backup", str(self._copy), ADDUCTOR_DATA_DIR=str(self._folder))
        assert made.returncode == 0, made.stderr

    def wipe_and_restore(self) -> None:
        for name in ("adductor.db", "adductor.db-wal", "adductor.db-shm"):
            (self._folder / name).unlink(missing_ok=True)
        shutil.copy(self._copy, self._folder / "adductor.db")


class Postgres:
    """A database on a server, with PostgreSQL's own tools."""

    def __init__(self, url: str, copies: Path) -> None:
        self._url, self._dump = make_url(url), copies / "coach.dump"
        self.settings = {"ADDUCTOR_DATABASE_URL": url}

    def dump(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._dump}", str(self._url.database))

    def wipe_and_restore(self) -> None:
        server = f"postgresql://{self._url.username}@{self._url.host}:{self._url.port}/postgres"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{self._url.database}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{self._url.database}"'.encode())
        self._run("pg_restore", "--exit-on-error", f"--dbname={self._url.database}", str(self._dump))

    def _run(self, *command: str) -> None:
        address = [f"--host={self._url.host}", f"--port={self._url.port}", f"--username={self._url.username}"]
        subprocess.run([command[0], *address, *command[1:]], check=True, capture_output=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Sqlite | Postgres:
    copies = tmp_path / "copies"
    copies.mkdir()
    if request.param == "sqlite":
        return Sqlite(tmp_path / "data", copies)
    return Postgres(request.getfixturevalue("postgres_url"), copies)


def _kept(live: Live, run: int) -> list[tuple[Any, ...]]:
    """What we hold about a run that has its note."""
    return [
        *((row.id, row.state, row.outcome) for row in live.events(run)),
        *((row.id, row.rule, row.reason) for row in live.decisions(run)),
        *((row.id, row.state, row.outcome, row.written_text) for row in live.deliveries(run)),
    ]


@pytest.mark.processes
def test_a_restored_backup_goes_on_and_doubles_no_note(tmp_path: Path, database: Sqlite | Postgres) -> None:
    web = f"127.0.0.1:{free_port()}"
    settings = {"ADDUCTOR_BIND": web, "ADDUCTOR_PUBLIC_URL": f"http://{web}", **database.settings}
    with installation(tmp_path / "data", **settings) as live:
        early, busy, late, idle = ([live.runner() for _ in range(count)] for count in (2, 4, 2, 1))
        early_runs = [live.record(runner) for runner in early]
        for run in early_runs:
            live.note_comes(run)
        kept = {run: _kept(live, run) for run in early_runs}

        busy_runs = _while_it_is_busy(live, busy, database.dump)

        late_runs = [live.record(runner) for runner in late]
        for run in [*busy_runs, *late_runs]:
            live.note_comes(run)
        now = live.here.installation.clock.now()

    database.wipe_and_restore()

    with installation(tmp_path / "data", start=now, **settings) as live:
        assert {run: _kept(live, run) for run in early_runs} == kept
        with live.store.read() as session:
            counts = [session.scalar(select(func.count()).select_from(table)) for table in (Athlete, Subscription)]
        assert counts == [9, 1]
        # What came after the backup is not in it. Told again (by hand here; as the listing of missed events does it), the
        # notes are found where they stand, and take the place of themselves.
        for runner, run in [*zip(late, late_runs, strict=True), *zip(busy, busy_runs, strict=True)]:
            assert live.event(object_id=run, owner_id=runner.strava_id).status_code == 200
            live.settles(run)
        for run in [*early_runs, *busy_runs, *late_runs]:
            note, suggestion = live.truth(run)["private_note"], live.suggestion(run)
            assert note.count(block.SIGNATURE) == 1, note
            # A link that the restored database doesn't know was replaced by one that it knows.
            assert suggestion is not None
            assert f"/r/{suggestion.public_id}" in note
        # The tokens of the backup can be opened: it was restored beside its secret key.
        live.note_comes(live.record(idle[0]))


def _while_it_is_busy(live: Live, runners: list[Runner], dump: Callable[[], None]) -> list[int]:
    """Dump while these record their runs."""
    events = live.count_events()
    with ThreadPoolExecutor(len(runners)) as pool:
        recorded = [pool.submit(live.record, runner) for runner in runners]
        live.until(lambda: live.count_events() > events)
        dump()
        return [run.result() for run in recorded]


def test_without_its_secret_key_a_backup_says_what_is_missing_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    """The one thing that a copy of the database can't replace."""
    with place(tmp_path) as here:
        here.installation.platforms["strava"] = log = Log(here)  # type: ignore[assignment]
        runner, vault = log.comes_home(), here.installation.vault
        here.installation.vault = Vault([Fernet.generate_key().decode()])
        here.take(log.event(runner))
        (row,) = here.rows()
        for words in ("ADDUCTOR_SECRET_KEY", "put the old key back"):
            assert words in (row.problem or "")

        here.installation.vault = vault
        here.sweep_after(hours=1)

        assert log.note.count(block.SIGNATURE) == 1
