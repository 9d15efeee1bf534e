"""A worker outlives everything that its broker may answer, and says so in few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.platforms.conftest import Valkey, running_valkey
from tests.support.live import Live, installation

pytestmark = pytest.mark.processes

# Each failed attempt logged would be hundreds a second.
MOST_LINES = 40
SPOIL: dict[str, tuple[Callable[[Redis], object], Callable[[Redis], object]]] = {
    "READONLY": (lambda server: server.replicaof("127.0.0.1", "1"), lambda server: server.replicaof("NO", "ONE")),
    "OOM": (lambda server: server.config_set("maxmemory", "1"), lambda server: server.config_set("maxmemory", "0")),
    "NOPERM": (
        lambda server: server.execute_command("ACL", "SETUSER", "default", "-brpop", "-lpush"),
        lambda server: server.execute_command("ACL", "SETUSER", "default", "+@all"),
    ),
}


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Live]:
    """An installation on a broker that the tests spoil."""
    folder = tmp_path_factory.mktemp("worker")
    with installation(folder, speed=1, ADDUCTOR_REDIS_URL=f"unix://{valkey.socket}", ADDUCTOR_LOG="json") as running:
        yield running


def _lines(live: Live) -> int:
    return len(live.log.read_bytes().splitlines())


def _takes_rounds(live: Live, server: Redis) -> bool:
    """Whether the worker takes a round that is asked for now, and never ended."""

    def asked() -> int:
        return int(server.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))

    before = asked()
    live.until(lambda: asked() > before, within_s=60)
    live.until(lambda: server.llen("adductor:rounds") == 0 and server.hlen("adductor:unacked") == 0, within_s=60)
    return not any(part.exits for part in live.here.supervisor.parts)


@pytest.mark.parametrize("kind", [*SPOIL, "restarted without its data"])
def test_worker_waits_for_a_broker_in_few_lines(live: Live, valkey: Valkey, kind: str) -> None:
    server = valkey.client()
    assert _takes_rounds(live, server)
    before = _lines(live)

    if kind in SPOIL:
        spoil, mend = SPOIL[kind]
        spoil(server)
        live.until(lambda: _lines(live) > before)
        seen = server.info("stats")["total_commands_processed"]
        live.until(lambda: server.info("stats")["total_commands_processed"] > seen + 40)
        mend(server)
    else:
        valkey.kill()
        valkey.start()

    assert _takes_rounds(live, valkey.client())
    assert _lines(live) - before < MOST_LINES
