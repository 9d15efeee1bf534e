"""Rows that wait are taken once, given back when their holder dies, and parked when they are poison."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from adductor.installation import Installation
from adductor.pipeline import claims, inbox, sweep, waits
from adductor.pipeline.holders import Holder
from adductor.platforms.base import WebhookEvent
from adductor.settings import load
from adductor.store import migrate
from adductor.store.models import Athlete, InboxEvent, Token

EVENT = WebhookEvent("strava", 1, "activity", 1, "create", datetime(2026, 11, 18, 12, 0, tzinfo=UTC), 7, {})


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Iterator[Installation]:
    opened = Installation(load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path, ADDUCTOR_DATABASE_URL=database_url))
    migrate.upgrade(opened.store)
    yield opened
    opened.close()


def _put(installation: Installation, count: int) -> None:
    with installation.store.connection() as connection:
        inbox.put(
            connection, [replace(EVENT, object_id=number) for number in range(1, count + 1)], installation.clock.now()
        )


def _row(installation: Installation) -> InboxEvent:
    with installation.store.read() as session:
        return session.scalars(select(InboxEvent)).one()


def _change(installation: Installation, **values: object) -> None:
    with installation.store.write() as session:
        row = session.scalars(select(InboxEvent)).one()
        for name, value in values.items():
            setattr(row, name, value)


def test_a_claim_takes_what_is_due_in_the_order_of_its_time(installation: Installation) -> None:
    _put(installation, 3)

    claimed = claims.claim(installation, InboxEvent, limit=2)

    assert [(row.object_id, row.state, row.attempts) for row in claimed] == [(1, "claimed", 1), (2, "claimed", 1)]
    assert [row.object_id for row in claims.claim(installation, InboxEvent)] == [3]
    assert claims.claim(installation, InboxEvent) == []


def test_what_is_due_later_is_left(installation: Installation) -> None:
    _put(installation, 1)
    _change(installation, due_at=installation.clock.now() + timedelta(minutes=1))

    assert claims.claim(installation, InboxEvent) == []


def test_only_the_rows_that_were_named_are_taken(installation: Installation) -> None:
    _put(installation, 3)
    with installation.store.read() as session:
        second = session.scalars(select(InboxEvent.id).where(InboxEvent.object_id == 2)).one()

    assert [row.object_id for row in claims.claim(installation, InboxEvent, ids=[second])] == [2]


def test_eight_workers_at_once_take_every_row_once(installation: Installation) -> None:
    _put(installation, 200)

    def take(_: int) -> list[int]:
        taken: list[int] = []
        while rows := claims.claim(installation, InboxEvent, limit=7):
            taken += [row.object_id for row in rows]
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [number for part in pool.map(take, range(8)) for number in part]

    assert sorted(taken) == list(range(1, 201))


def test_a_lease_that_ran_out_is_taken_over_and_counted_as_a_crash(installation: Installation) -> None:
    _put(installation, 1)
    claims.claim(installation, InboxEvent)
    _change(installation, lease_until=installation.clock.real_now() - timedelta(seconds=1))

    (again,) = claims.claim(installation, InboxEvent)

    assert (again.attempts, again.crashes) == (2, 1)


def test_a_row_that_keeps_killing_its_workers_is_parked_for_a_person(installation: Installation) -> None:
    _put(installation, 1)
    for _ in range(waits.MOST_CRASHES):
        claims.claim(installation, InboxEvent)
        _change(installation, lease_until=installation.clock.real_now() - timedelta(seconds=1))

    assert claims.claim(installation, InboxEvent) == []

    row = _row(installation)
    assert (row.state, row.outcome) == ("failed", "gave_up")
    assert "stopped its worker" in (row.problem or "")


def test_what_a_dead_process_held_comes_back_at_once(installation: Installation, tmp_path: Path) -> None:
    _put(installation, 1)
    name = _holder_that_died(tmp_path / "holders")
    claims.claim(installation, InboxEvent)
    _change(installation, lease_holder=name)

    assert claims.release_of_the_dead(installation) == 1

    assert [row.crashes for row in claims.claim(installation, InboxEvent)] == [1]


def test_what_a_living_process_holds_stays_with_it(installation: Installation, tmp_path: Path) -> None:
    _put(installation, 1)
    living = Holder.of(tmp_path / "holders")
    claims.claim(installation, InboxEvent)
    _change(installation, lease_holder=living.name)

    assert claims.release_of_the_dead(installation) == 0
    assert _row(installation).lease_holder == living.name


def test_what_another_machine_holds_is_left_to_its_lease(installation: Installation) -> None:
    _put(installation, 1)
    claims.claim(installation, InboxEvent)
    _change(installation, lease_holder="1234-on-another-machine")

    assert claims.release_of_the_dead(installation) == 0


def test_a_dead_process_does_not_keep_others_from_renewing_a_token(installation: Installation, tmp_path: Path) -> None:
    name = _holder_that_died(tmp_path / "holders")
    with installation.store.write() as session:
        athlete = Athlete(platform="strava", platform_athlete_id=7, connected_at=installation.clock.now(), scopes="")
        session.add(athlete)
        session.flush()
        session.add(
            Token(
                athlete_id=athlete.id,
                access_sealed=b"x",
                refresh_sealed=b"x",
                expires_at=installation.clock.now(),
                lease_until=installation.clock.real_now() + timedelta(minutes=1),
                lease_holder=name,
            )
        )

    claims.release_of_the_dead(installation)

    with installation.store.read() as session:
        assert session.scalars(select(Token.lease_holder)).one() is None


def test_the_files_of_the_dead_are_tidied_away(installation: Installation, tmp_path: Path) -> None:
    name = _holder_that_died(tmp_path / "holders")

    claims.release_of_the_dead(installation)

    left = {path.name for path in (tmp_path / "holders").iterdir()}
    assert name not in left
    assert installation.holder.name in left


def _holder_that_died(folder: Path) -> str:
    """A real process that registers itself and is killed."""
    code = (
        "import os, signal, sys; from pathlib import Path; from adductor.pipeline.holders import Holder; "
        f"print(Holder.of(Path({str(folder)!r})).name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == -9
    return ended.stdout.strip()


def test_waits_grow_and_stay_within_an_hour() -> None:
    seconds = [waits.after(attempt).total_seconds() for attempt in range(1, 12)]

    assert 4 <= seconds[0] <= 6
    assert all(later > earlier for earlier, later in pairwise(seconds[:6]))
    assert max(seconds) <= waits.LONGEST_WAIT_S * 1.2


def test_no_round_of_the_sweep_reads_what_is_done_on_sqlite(tmp_path: Path) -> None:
    """PostgreSQL plans by statistics, and reads a table of a few rows whole; SQLite shows what holds at any size."""
    installation = Installation(load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path))
    migrate.upgrade(installation.store)
    _put(installation, 1)
    claims.claim(installation, InboxEvent)
    _change(installation, lease_holder=_holder_that_died(tmp_path / "holders"))
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: Any) -> None:
        asked.append((statement, parameters))

    event.listen(installation.store.engine, "before_cursor_execute", note)
    sweep.sweep(installation)
    event.remove(installation.store.engine, "before_cursor_execute", note)

    with installation.store.engine.connect() as connection:
        plans = [
            row[3]
            for statement, parameters in asked
            if statement.startswith(("SELECT", "UPDATE"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    installation.close()
    whole = [plan for plan in plans if plan.startswith("SCAN") and "_waiting" not in plan]
    assert any("ix_inbox_events_waiting" in plan for plan in plans)
    assert not [plan for plan in whole if any(table in plan for table in ("inbox_events", "deliveries", "letters"))]
