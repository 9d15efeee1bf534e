"""Killed at any step or short of what it needs, the note comes, once; the installation says so and catches up by itself."""

from __future__ import annotations

import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from sqlalchemy import update

from adductor.notes import block
from adductor.store.models import Connection, Delivery, InboxEvent
from tests.support import postgres
from tests.support.live import Live, installation

pytestmark = pytest.mark.processes

# Where a worker can be when it dies: each step is held open by a slow answer while the signal comes.
STEPS = {
    "strava": {
        "token": {"endpoint": "oauth.token"},
        "read": {"endpoint": "activities.get"},
        "write": {"endpoint": "activities.update"},
        "answer": {"endpoint": "activities.update", "when": "after"},
    },
    "intervals": {
        "read": {"endpoint": "events.list"},
        "write": {"endpoint": "events.bulk"},
        "answer": {"endpoint": "events.bulk", "when": "after"},
    },
}
LEASE_AND_MORE_S = 75.0


def _happened(live: Live, numbers: list[int]) -> bool:
    """Whether each of these calls has reached the sandbox, which holds it."""
    return all(fault["happened"] for fault in live.admin("GET", "faults") if fault["id"] in numbers)


def _run_out_leases(live: Live) -> None:
    """As if 30 s had passed since the worker's end: those that a living worker extends are in tests/jobs/test_queue.py."""
    ended = {"lease_until": live.here.installation.clock.real_now()}
    with live.store.write() as session:
        for table in (InboxEvent, Delivery, Connection):
            session.execute(update(table).where(table.lease_until.is_not(None)).values(**ended))


@pytest.mark.parametrize("log", STEPS)
def test_worker_killed_then_told_to_end_leaves_one_note_in_each_run(own_live: Live, log: str) -> None:
    """The runs stand side by side, so that one kill finds a worker thread at each step."""
    live, steps = own_live.at(log), STEPS[log]
    runners = {step: live.runner() for step in steps}
    if "token" in steps:
        # An old refresh token that still works after a lost answer: Strava rotates only sometimes.
        live.admin("POST", "switches", {"tokens": {"rotate": "never"}})
        live.admin("POST", f"runners/{runners['token'].account}/expire-tokens")
    faults = [
        live.fault(**fault, delay_ms=4000, times=1, **({} if step == "token" else {"runner_id": runners[step].account}))
        for step, fault in steps.items()
    ]
    runs = [live.record(runner) for runner in runners.values()]
    live.until(lambda: _happened(live, faults))
    live.kill("worker")
    _run_out_leases(live)
    reads = steps["read"]["endpoint"]
    number = live.fault(endpoint=reads, delay_ms=9_500)
    late = [live.runner() for _ in range(3)]
    read_meanwhile = [live.record(runner) for runner in late]
    live.until(lambda: _happened(live, [number]))

    processes = live.processes("worker")
    processes[0].terminate()
    _, still_there = psutil.wait_procs(processes, timeout=14)  # 8 s, and what a busy machine adds to them

    assert still_there == []
    _run_out_leases(live)
    live.admin("DELETE", f"faults/{number}")
    for run in (*runs, *read_meanwhile):
        live.until(lambda run=run: [row.state for row in live.deliveries(run)] == ["done"], within_s=LEASE_AND_MORE_S)  # type: ignore[misc]
        assert (live.text(run).count(block.SIGNATURE), len(live.written(run))) == (1, 1)
    # What was being read at the end was not waited for, and was read again.
    again = [call["runner_id"] for call in live.calls(reads)]
    assert any(again.count(runner.account) > 1 for runner in late)


def test_broker_wiped_then_everything_killed_loses_no_note(own_live: Live) -> None:
    live, logs = own_live, [own_live.at(name) for name in STEPS]
    live.kill("worker")  # so that the wake-ups are still in the broker when it dies
    runs = [(each, _run_whose_event_is_taken(each)) for each in logs * 2]
    live.kill("broker")
    (live.here.settings.data_dir / "broker" / "dump.rdb").unlink(missing_ok=True)
    runs += [(each, _run_whose_event_is_taken(each)) for each in logs]

    for part in [part.name for part in live.here.supervisor.parts if part.name != "sandbox"]:
        live.kill(part)

    live.until(lambda: all(each.written(run) for each, run in runs), within_s=LEASE_AND_MORE_S)
    assert [len(each.written(run)) for each, run in runs] == [1] * 6


def _run_whose_event_is_taken(live: Live) -> Any:
    """Also without a broker, and without the supervisor's look, which would start what was killed."""
    runner = live.runner()
    run = live.record(runner, silent=True)
    assert live.deliver(runner, run).status_code == 200
    return run


# -- shortages ----------------------------------------------------------------------------------------------------------


def _ready(live: Live) -> tuple[int, list[str]]:
    answer = requests.get(f"{live.web}/readyz", timeout=20)
    return answer.status_code, answer.json().get("down", [])


def _refused(live: Live, run: Any) -> bool:
    """Whether the platform was told 503 for this run's event."""
    deliveries = live.admin("GET", "deliveries", object_id=run)["deliveries"]
    return any(attempt["status"] == 503 for delivery in deliveries for attempt in delivery["attempts"])


@contextmanager
def _no_room(live: Live, *parts: str) -> Iterator[None]:
    """No file of these parts may grow, as on a full disk: writes fail where they would add something."""
    processes = [process for part in parts for process in live.processes(part)]
    for process in processes:
        process.rlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def _database_held(live: Live) -> Iterator[None]:
    """Another process holds the database."""
    with closing(sqlite3.connect(str(live.store.url.database), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_shortage_is_told_and_no_event_is_lost_in_it(own_live: Live) -> None:
    """Without the database platforms are told 503 and send again. Of the broker: tests/service/test_worker_and_broker.py."""
    live = own_live
    live.note_comes(live.record(live.runner()))
    for shortage, down in (
        # That worker can't even log: its wake-ups are taken, and the events still wait.
        (_no_room(live, "worker"), None),
        (_no_room(live, "web", "worker"), "database"),
        (_database_held(live), "database"),
    ):
        runners = [(each, each.runner()) for each in (live, live.at("intervals"))]
        with shortage:
            runs = [(each, each.record(runner)) for each, runner in runners]
            arrived = _refused if down == "database" else Live.events
            for each, run in runs:
                live.until(partial(arrived, each, run))
            assert _ready(live) == ((503, [down]) if down else (200, []))
            assert requests.get(f"{live.web}/healthz", timeout=10).status_code == 200

        for each, run in runs:
            each.note_comes(run)
            assert len(each.written(run)) == 1
        live.until(lambda: _ready(live) == (200, []))


def test_a_postgresql_that_is_stopped_and_started_again_loses_nothing(tmp_path: Path) -> None:
    with (
        # Not in pytest's own folder: a second pytest run closes that to the server's user.
        tempfile.TemporaryDirectory(prefix="adductor-postgres-") as made,
        postgres.server(folder := Path(made)) as base,
        installation(tmp_path, ADDUCTOR_DATABASE_URL=postgres.new_database(base, "coach")) as live,
    ):
        first, second = live.record(live.runner()), live.runner()
        live.note_comes(first)
        postgres.pg_ctl(folder / "data", "stop", "-m", "fast")
        run = live.record(second)
        live.until(lambda: _refused(live, run), supervised=False)
        assert _ready(live)[0] == 503
        port = base.rsplit(":", 1)[1]
        settings = f"-p {port} -h 127.0.0.1 -c unix_socket_directories= -F"
        postgres.pg_ctl(folder / "data", "start", "-l", str(folder / "log"), "-o", settings)

        live.note_comes(run)

        live.until(lambda: _ready(live) == (200, []))
        assert [len(live.written(each)) for each in (first, run)] == [1, 1]
