"""PostgreSQL and Redis as hosts have them: behind PgBouncer, away, as a cluster. The whole table: docs/operate.md."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select, text

from adductor import broker
from adductor.store import Store, migrate
from adductor.store.models import Heartbeat
from service.supervisor import free_port
from tests.support import postgres
from tests.support.live import adductor, installation

pytestmark = pytest.mark.processes


@contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/")
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's: each session that starts on this machine closes that one to PostgreSQL's user, who starts again here."""
    with tempfile.TemporaryDirectory(prefix="adductor-servers-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with postgres.server(folder / "postgres") as running:
        yield running


@pytest.fixture
def bouncer(folder: Path, server: str) -> Iterator[str]:
    """A PgBouncer in transaction mode in front of the server, with fewer connections than writers."""
    found = shutil.which("pgbouncer")
    assert found, "this test needs pgbouncer; `make system` installs it (Debian: apt-get install pgbouncer)"
    port = free_port()
    (folder / "users").write_text('"coach" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.rpartition(':')[2]}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n"
        "pool_mode = transaction\ndefault_pool_size = 3\n"
    )
    with _running(postgres.as_nobody_special([found, str(folder / "pgbouncer.ini")])):
        yield f"postgresql+psycopg://coach@127.0.0.1:{port}"


def _wait_until(ready: Callable[[], object]) -> None:
    """For a server that starts."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(redis.ConnectionError):
            if ready():
                return
        time.sleep(0.05)
    raise AssertionError("it did not start")


def test_pgbouncer_in_transaction_mode_serves_many_writers(server: str, bouncer: str) -> None:
    postgres.new_database(server, "bounced")
    with closing(Store(f"{bouncer}/bounced")) as store:
        _wait_until(lambda: store.problem() is None)
        migrate.upgrade(store)

        def write(number: int) -> None:
            with store.write(timeout_s=20) as session:
                session.add(Heartbeat(part=f"part {number}", at=datetime.now(UTC)))

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(write, range(100)))
        with store.read() as session:
            assert session.scalar(select(func.count()).select_from(Heartbeat)) == 100
            session.rollback()
            # What one transaction bounded bounds no later one on the same connection.
            assert {session.scalar(text("SHOW statement_timeout")) for _ in range(5)} <= {"30s", "0"}


def test_redis_cluster_is_refused_with_exit_code_2(folder: Path) -> None:
    port, data = free_port(), folder / "cluster"
    data.mkdir()
    command = ["redis-server", "--port", str(port), "--cluster-enabled", "yes", "--dir", str(data), "--save", ""]
    command += ["--cluster-port", str(free_port())]
    with _running(command):
        client = redis.Redis(port=port)
        _wait_until(lambda: client.ping() and client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383))
        _wait_until(lambda: client.cluster("info")["cluster_state"] == "ok")

        assert broker.find_problem(client) == broker.IS_CLUSTER

        here = {"ADDUCTOR_DATA_DIR": str(data), "ADDUCTOR_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        here |= {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "made-up"}
        assert adductor("db", "upgrade", **here).returncode == 0
        ended = adductor("worker", **here)
    assert (ended.returncode, ended.stderr) == (2, f"adductor: ADDUCTOR_REDIS_URL {broker.IS_CLUSTER}\n")


def test_worker_database_away_is_waited_for_in_few_lines(folder: Path) -> None:
    with (
        postgres.server(folder / "away") as server,
        installation(folder / "data", speed=1.001, ADDUCTOR_DATABASE_URL=postgres.new_database(server, "away")) as live,
    ):
        runner = live.runner()
        client = redis.Redis.from_url(live.here.environment["ADDUCTOR_REDIS_URL"])

        def asked() -> int:
            return int(client.info("commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])

        data, port = folder / "away" / "data", server.rpartition(":")[2]
        before = len(live.log.read_text().splitlines())
        postgres.pg_ctl(data, "stop", "-m", "fast")
        began = asked()
        live.until(lambda: asked() > began + 8 and not client.llen("adductor:rounds"), supervised=False)
        said = live.log.read_text().splitlines()[before:]
        options = f"-p {port} -h 127.0.0.1 -c unix_socket_directories= -F"
        postgres.pg_ctl(data, "start", "-l", str(folder / "away" / "log"), "-o", options)

        live.note_comes(live.record(runner))

    assert any("database away" in line for line in said)
    assert len(said) < 10, said
