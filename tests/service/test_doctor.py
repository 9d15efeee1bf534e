"""`adductor doctor` names what is wrong, and what to do, in every state that it can meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import Live, adductor, installation

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all states; each test puts back what it broke."""
    with installation(tmp_path_factory.mktemp("doctor"), speed=2) as running:
        yield running


def _doctor(live: Live, **changed: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each check's line with its advice."""
    environment = {
        name: value
        for name, value in live.here.environment.items()
        if name.startswith(("ADDUCTOR_", "STRAVA_", "PATH"))
    }
    ended = adductor("doctor", **{**environment, **changed})
    assert "Traceback" not in ended.stderr, ended.stderr
    checks: dict[str, str] = {}
    name = ""
    for line in ended.stdout.splitlines():
        if line.startswith(("ok", "FAIL")):
            name = line[6:19].strip()
            checks[name] = line
        elif line.strip():
            checks[name] += line
    return ended.returncode, checks


def test_when_all_is_well_it_says_so(live: Live) -> None:
    live.runner()
    live.until(lambda: _doctor(live)[0] == 0)

    code, checks = _doctor(live)

    assert code == 0
    assert len(checks) == 12
    assert all(line.startswith("ok") for line in checks.values())


def test_beside_a_running_up_it_finds_what_that_brought(live: Live) -> None:
    ended = adductor("doctor", ADDUCTOR_DATA_DIR=str(live.here.settings.data_dir))

    assert ended.returncode == 0, ended.stdout


def test_no_subscription(live: Live) -> None:
    environment = live.here.environment
    assert adductor("strava", "unsubscribe", **environment).returncode == 0
    try:
        code, checks = _doctor(live)
        status = adductor("strava", "status", **environment)
    finally:
        again = adductor("strava", "subscribe", **environment)

    assert code == 1
    assert "adductor strava subscribe" in checks["subscription"]
    assert (status.returncode, "no subscription" in status.stderr) == (1, True)
    assert (again.returncode, "created" in again.stdout) == (0, True)


def test_subscribing_twice_keeps_the_one_there_is(live: Live) -> None:
    first = adductor("strava", "subscribe", **live.here.environment)
    second = adductor("strava", "subscribe", **live.here.environment)

    assert first.returncode == second.returncode == 0
    assert "kept" in second.stdout
    assert adductor("strava", "status", **live.here.environment).returncode == 0


def test_a_stale_callback(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_WEBHOOK_KEY="another-key-of-ours-1234")

    assert code == 1
    assert "another address" in checks["subscription"]
    assert "instead of the handshake" in checks["callback"]


def test_a_handshake_that_is_blocked(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_PUBLIC_URL="http://127.0.0.1:1")

    assert code == 1
    assert "can't be reached from here" in checks["callback"]


def test_an_inactive_application(live: Live) -> None:
    live.admin("POST", "switches", {"application": "inactive"})
    try:
        code, checks = _doctor(live)
    finally:
        live.admin("POST", "switches", {"application": "active"})

    assert code == 1
    assert "paid Strava subscription" in checks["subscription"]


def test_a_wrong_client_secret(live: Live) -> None:
    code, checks = _doctor(live, STRAVA_CLIENT_SECRET="wrong")

    assert code == 1
    assert "STRAVA_CLIENT_SECRET" in checks["subscription"]


def test_missing_scopes(live: Live) -> None:
    runner = live.runner(scopes="read,activity:read_all")
    try:
        code, checks = _doctor(live)
    finally:
        with live.store.write() as session:
            session.get_one(type(live.athlete(runner)), runner.id).scopes = "read,activity:read_all,activity:write"

    assert code == 1
    assert checks["runners"].startswith("FAIL")


def test_a_broker_that_is_down(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_REDIS_URL="redis://127.0.0.1:1/0")

    assert code == 1
    assert "ADDUCTOR_REDIS_URL" in checks["broker"]


def test_a_database_that_is_down_or_behind(live: Live, tmp_path: Path) -> None:
    code, checks = _doctor(live, ADDUCTOR_DATABASE_URL="postgresql+psycopg://coach:hunter2@127.0.0.1:1/none")
    assert code == 1
    assert "ADDUCTOR_DATABASE_URL" in checks["database"]
    assert "hunter2" not in str(checks)

    _, checks = _doctor(live, ADDUCTOR_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert "adductor db upgrade" in checks["database"]


def test_no_worker_or_no_clock(live: Live) -> None:
    with live.store.write() as session:
        session.connection().exec_driver_sql("UPDATE heartbeats SET at = '2020-01-01 00:00:00.000000'")
    live.stop("beat")
    live.stop("worker")
    try:
        with live.store.write() as session:
            session.connection().exec_driver_sql("UPDATE heartbeats SET at = '2020-01-01 00:00:00.000000'")
        code, checks = _doctor(live)
    finally:
        live.resume("worker")
        live.resume("beat")

    assert code == 1
    assert "adductor beat" in checks["clock, worker"]


def test_a_mail_server_that_refuses(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_SMTP_URL="smtp://127.0.0.1:1")

    assert code == 1
    assert "ADDUCTOR_SMTP_URL" in checks["mail"]


def test_events_that_were_given_up(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)
    with live.store.write() as session:
        session.get_one(type(live.events(run)[0]), live.events(run)[0].id).state = "failed"

    code, checks = _doctor(live)
    replayed = adductor("replay", "--failed", **live.here.environment)

    assert code == 1
    assert "adductor replay --failed" in checks["events"]
    assert replayed.returncode == 0
    assert "already_decided" in replayed.stdout
    assert len(live.written(run)) == 1
    assert _doctor(live)[1]["events"].startswith("ok")
