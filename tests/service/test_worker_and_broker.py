"""A worker outlives everything that its broker may answer, and says so in few lines."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from adductor.store import Store
from service.supervisor import python
from tests.platforms.conftest import Valkey, running_valkey
from tests.support import databases
from tests.support.live import clean_environment

pytestmark = pytest.mark.processes

# Each failed attempt logged would be hundreds a second.
MOST_LINES = 40
_WITHIN_S = 60.0
SPOIL: dict[str, tuple[Callable[[Redis], object], Callable[[Redis], object]]] = {
    "READONLY": (lambda server: server.replicaof("127.0.0.1", "1"), lambda server: server.replicaof("NO", "ONE")),
    "OOM": (lambda server: server.config_set("maxmemory", "1"), lambda server: server.config_set("maxmemory", "0")),
    "NOPERM": (
        lambda server: server.execute_command("ACL", "SETUSER", "default", "-brpop", "-lpush"),
        lambda server: server.execute_command("ACL", "SETUSER", "default", "+@all"),
    ),
}


class Worker:
    """A worker with beat, on a broker that the test spoils."""

    def __init__(self, folder: Path, valkey: Valkey) -> None:
        self.valkey, self.log = valkey, folder / "log"
        environment = {
            "ADDUCTOR_DATA_DIR": str(folder / "data"),
            "ADDUCTOR_REDIS_URL": f"unix://{valkey.socket}",
            "ADDUCTOR_LOG": "json",
        }
        databases.bring_up(Store(f"sqlite:///{folder}/data/adductor.db"))
        command = python("-m", "service.cli", "worker", "--with-beat")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env={**clean_environment(), **environment}, stdout=output, stderr=output
            )

    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def until(self, condition: Callable[[], object]) -> None:
        give_up_at = time.monotonic() + _WITHIN_S
        while not condition():
            assert self.process.poll() is None, "\n".join(self.lines()[-20:])
            assert time.monotonic() < give_up_at, "\n".join(self.lines()[-20:])
            time.sleep(0.05)

    def takes_rounds(self) -> bool:
        """Whether a round that is asked for now is taken by the worker."""
        server = self.valkey.client()
        before = server.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0)
        self.until(lambda: server.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0) > before)
        self.until(lambda: server.llen("adductor:rounds") == 0 and server.hlen("adductor:unacked") == 0)
        return True


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with running_valkey(tmp_path) as valkey:
        running = Worker(tmp_path, valkey)
        try:
            running.until(lambda: any(" ready." in line for line in running.lines()))
            yield running
        finally:
            running.process.kill()
            running.process.wait()


@pytest.mark.parametrize("kind", SPOIL)
def test_worker_broker_refuses_is_waited_for_in_few_lines(worker: Worker, kind: str) -> None:
    spoil, mend = SPOIL[kind]
    before = len(worker.lines())
    server = worker.valkey.client()
    assert worker.takes_rounds()

    spoil(server)
    worker.until(lambda: len(worker.lines()) > before)
    seen = server.info("stats")["total_commands_processed"]
    worker.until(lambda: server.info("stats")["total_commands_processed"] > seen + 40)
    mend(server)

    assert worker.takes_rounds()
    assert len(worker.lines()) - before < MOST_LINES


def test_worker_broker_restarted_with_its_data_gone_goes_on(worker: Worker) -> None:
    before = len(worker.lines())
    worker.valkey.kill()
    worker.valkey.start()

    assert worker.takes_rounds()
    assert len(worker.lines()) - before < MOST_LINES
