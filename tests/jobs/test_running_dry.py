"""What an installation needs, taken away and given back: nothing is lost, it says so, and it catches up by itself."""

from __future__ import annotations

import re
import resource
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests

from tests.support import postgres
from tests.support.live import Live, installation
from tests.support.mail_server import PASSWORD, USER, MailServer
from tests.support.memory_log import RUN, Log, away, comes_home, event, rows, runs, sweep_for, take
from tests.support.runners import Place


def _ready(live: Live) -> tuple[int, list[str]]:
    answer = requests.get(f"{live.web}/readyz", timeout=20)
    return answer.status_code, answer.json().get("down", [])


def _alive(live: Live) -> int:
    return requests.get(f"{live.web}/healthz", timeout=10).status_code


def _refused(live: Live, run: int) -> bool:
    """Whether Strava was told 503 for this run's event."""
    deliveries = live.admin("GET", "deliveries", object_id=run)["deliveries"]
    return any(attempt["status"] == 503 for delivery in deliveries for attempt in delivery["attempts"])


def _wake_ups(live: Live) -> int:
    """How many messages for workers are in the broker, those that a worker is at included."""
    broker = live.here.installation.redis
    assert broker is not None
    queues = broker.scan_iter("adductor:events*", _type="list")  # one for each priority
    return sum(broker.llen(queue) for queue in queues) + broker.hlen("adductor:unacked")


# -- the disk -----------------------------------------------------------------------------------------------------------


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


@pytest.mark.processes
def test_a_full_disk_refuses_events_says_so_and_loses_none(own_live: Live) -> None:
    live = own_live
    before = live.record(live.runner())
    live.note_comes(before)
    runner = live.runner()
    with _no_room(live, "web", "worker"):
        run = live.record(runner)
        live.until(lambda: _refused(live, run))
        assert _ready(live) == (503, ["database"])
        assert _alive(live) == 200
        assert live.events(run) == []

    live.note_comes(run)

    live.until(lambda: _ready(live) == (200, []))
    assert len(live.written(run)) == 1


@pytest.mark.processes
def test_a_worker_whose_disk_is_full_goes_on_when_there_is_room(own_live: Live) -> None:
    live = own_live
    live.note_comes(live.record(live.runner()))
    runners = [live.runner() for _ in range(3)]
    with _no_room(live, "worker"):
        runs = [live.record(runner) for runner in runners]
        # Web says that an event is stored once it has woken a worker for it. That worker can't even log: its wake-ups are
        # taken, and the events still wait.
        for run in runs:
            live.until(lambda run=run: bool(live.events(run)))  # type: ignore[misc]
        stored = [rb"event stored .*trace=" + live.events(run)[0].trace_id.encode() for run in runs]
        live.until(lambda: all(re.search(line, live.log.read_bytes()) for line in stored))
        live.until(lambda: not _wake_ups(live))
        assert [event.state for run in runs for event in live.events(run)] == ["waiting"] * 3

    for run in runs:
        live.note_comes(run)
    assert [len(live.written(run)) for run in runs] == [1] * 3


# -- the database -------------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_database_that_somebody_else_holds_is_waited_for_and_no_event_is_lost(own_live: Live) -> None:
    live = own_live
    runner = live.runner()
    other = sqlite3.connect(str(live.store.url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        run = live.record(runner)
        live.until(lambda: _refused(live, run))
        assert _ready(live) == (503, ["database"])
        assert _alive(live) == 200
    finally:
        other.execute("ROLLBACK")
        other.close()

    live.note_comes(run)

    live.until(lambda: _ready(live) == (200, []))
    assert len(live.written(run)) == 1


@pytest.mark.processes
def test_a_postgresql_that_is_stopped_and_started_again_loses_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("postgres-of-its-own")
    with (
        postgres.server(folder) as base,
        installation(
            tmp_path_factory.mktemp("dry"), ADDUCTOR_DATABASE_URL=postgres.new_database(base, "coach")
        ) as live,
    ):
        first, second = live.record(live.runner()), live.runner()
        live.note_comes(first)
        _pg_ctl(folder, "stop", "-m", "fast")
        run = live.record(second)
        _until(lambda: _refused(live, run))
        assert _ready(live)[0] == 503
        assert _alive(live) == 200
        port = base.rsplit(":", 1)[1]
        _pg_ctl(folder, "start", "-w", "-l", str(folder / "log"), "-o", f"-p {port} -k {folder} -h 127.0.0.1 -F")

        live.note_comes(run)

        live.until(lambda: _ready(live) == (200, []))
        assert [len(live.written(each)) for each in (first, run)] == [1, 1]


def _pg_ctl(folder: Path, *arguments: str) -> None:
    command = [str(postgres._binaries() / "pg_ctl"), *arguments, "-D", str(folder / "data")]
    subprocess.run(
        postgres._as_nobody_special(command), check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _until(condition: Any) -> None:
    """As `Live.until`, without looking after the parts: they need the database for that."""
    waited = threading.Event()
    for _ in range(600):
        if condition():
            return
        waited.wait(0.05)
    raise AssertionError("it did not happen within 30 s")


# -- Redis --------------------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_full_redis_stops_no_event_and_no_note_is_lost(own_live: Live) -> None:
    live = own_live
    runner = live.runner()
    broker = redis.Redis.from_url(str(live.here.settings.redis))
    broker.config_set("maxmemory", "1")
    try:
        run = live.record(runner, silent=True)
        answer = live.event(object_id=run, owner_id=runner.strava_id)
        assert answer.status_code == 200
        assert _ready(live) == (503, ["broker"])
    finally:
        broker.config_set("maxmemory", "0")

    live.note_comes(run)

    live.until(lambda: _ready(live) == (200, []))
    assert len(live.written(run)) == 1


# -- mail ---------------------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_mail_server_that_is_gone_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        url = f"smtp://{USER}:{PASSWORD}@localhost:{server.port}?starttls=1"
        with installation(tmp_path / "live", speed=60, ADDUCTOR_SMTP_URL=url) as live:
            now = live.here.installation.clock.now()
            server.answer_to_recipient = "451 4.3.0 the mail system is down"
            runner = live.runner(channels={"post_run": "mail"}, email="runner@example.org", email_confirmed_at=now)
            run = live.record(runner)
            live.until(lambda: [row.attempts >= 2 for row in live.deliveries(run)] == [True])
            assert server.taken == []
            server.answer_to_recipient = None

            live.until(lambda: [row.outcome for row in live.deliveries(run)] == ["sent"])

            assert len(server.taken) == 1


# -- Strava -------------------------------------------------------------------------------------------------------------


def test_strava_gone_for_most_of_a_day_loses_nothing_and_is_caught_up_with(here: Place, log: Log) -> None:
    """Its calls fail for 23 hours. A run that is too late for a note by then is decided and kept."""
    athlete_id = comes_home(here, log, quiet_from_local="04:58", quiet_until_local="05:00")
    log.fails = away()
    for number in range(RUN, RUN + 5):
        runs(here, log, athlete_id, number)
        take(here, event(here, athlete_id, about=number))
        here.later(minutes=7)
    sweep_for(here, timedelta(hours=23), every=timedelta(minutes=15))
    attempts = [row.attempts for row in rows(here)]
    log.fails = {}

    sweep_for(here, timedelta(minutes=80), every=timedelta(minutes=10))

    assert {row.state for row in rows(here)} == {"done"}
    assert max(attempts) < 40  # growing waits: an hour apart in the end
    assert log.writes == []  # nothing is written into runs of yesterday
    assert {decision.activity_id for decision in here.decisions(athlete_id)} == set(range(RUN, RUN + 5))


# -- the end of a worker ------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_worker_that_is_told_to_end_does_so_in_ten_seconds_and_its_rows_come_back(own_live: Live) -> None:
    live = own_live
    number = live.fault(endpoint="activities.get", delay_ms=9_500)
    runs = [live.record(live.runner()) for _ in range(3)]
    live.until(lambda: any(fault["id"] == number and fault["happened"] for fault in live.admin("GET", "faults")))
    processes = live.processes("worker")

    processes[0].terminate()
    _, still_there = psutil.wait_procs(processes, timeout=14)  # 8 s, and what a busy machine adds to them

    assert still_there == []
    live.admin("DELETE", f"faults/{number}")
    live.until(lambda: all(live.written(run) for run in runs), within_s=75)  # after the rest of their leases
    # What was being read then was not waited for, and was read again.
    assert any(len(live.calls("activities.get", run)) > 1 for run in runs)
    assert [len(live.written(run)) for run in runs] == [1] * 3
