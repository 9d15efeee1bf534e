"""Topologies: the processes of an installation as data, the processes themselves, and SIGKILLs of them.

`adductor up` runs in each with its sandbox, and restarts its own processes. A shell restarts each process beside it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.chaos.plan import MORNING, Kill
from bench.rows import Rows
from bench.sandbox import Sandbox
from bench.servers import Up, adductor, adductor_up, free_port, kill_tree, started
from tests.support import postgres

_RESTART_AFTER_S = 0.3
_REDIS = (
    "redis-server", "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    "--loglevel", "warning", "--maxmemory-policy", "noeviction",
)  # fmt: skip


SERVERS = "postgresql"
TOPOLOGIES = {
    "sqlite": "SQLite and the embedded broker; web, worker, beat",
    SERVERS: "PostgreSQL and Redis; web, 2 workers, 2 beats",
}


@dataclass
class Installation:
    """A running installation. ``parents``: processes that restart their children, `adductor up` first."""

    up: Up
    icu: Sandbox
    rows: Rows
    clock: dict[str, float]
    broker_data: Path
    parents: list[subprocess.Popen[bytes]]
    kills: Counter[str] = field(default_factory=Counter)
    killed_at: list[tuple[float, str]] = field(default_factory=list)

    def check(self) -> None:
        """Raise RuntimeError when a process that was not killed has exited."""
        if any(parent.poll() is not None for parent in self.parents):
            raise RuntimeError("`adductor up` or what runs beside it has ended; see the logs")

    def kill(self, kill: Kill, turn: int) -> None:
        """SIGKILL as planned; ``turn`` chooses among processes of the same part."""
        running = self._running(kill.part)
        if not running:
            return  # it is down already
        parent, pid = running[turn % len(running)]
        parent.suspend()  # so that no restart comes before the data is gone
        kill_tree(pid)
        self.kills[kill.part] += 1
        self.killed_at.append((time.time(), kill.part))
        if kill.wipe:
            self.kills["broker wiped"] += 1
            shutil.rmtree(self.broker_data / "appendonlydir", ignore_errors=True)
        parent.resume()

    def _running(self, part: str) -> list[tuple[psutil.Process, int]]:
        """Each running process of a part, after its parent."""
        found = []
        for parent in (psutil.Process(parent.pid) for parent in self.parents):
            for process in parent.children():
                with suppress(psutil.Error):  # ended meanwhile
                    if _part_of(process.cmdline()) == part:
                        found.append((parent, process.pid))
        return found


def _part_of(command: list[str]) -> str | None:
    if any(name in " ".join(command[:1]) for name in ("redis-server", "valkey")):
        return "broker"
    return command[3] if "service.cli" in command else None


@contextmanager
def installation(store: str, folder: Path, *, speed: float) -> Iterator[Installation]:
    """Start a topology in ``folder``; its clocks run ``speed`` times as fast."""
    data = folder / "up" / "data"
    data.mkdir(parents=True)
    clock = {"real": time.time(), "simulated": MORNING.timestamp(), "speed": speed}
    (data / "clock.json").write_text(json.dumps(clock))
    settings = {"ADDUCTOR_CLOCK_SPEED": str(speed), "ADDUCTOR_LOG": "text", "ADDUCTOR_INTERVALS_POLL_S": "60"}
    broker_data, beside = data / "broker", []
    with ExitStack() as stack:

        def start_beside(name: str, command: list[str]) -> None:
            (folder / name).mkdir()
            again = f"while :; do {shlex.join(command)}; sleep {_RESTART_AFTER_S}; done"
            beside.append(stack.enter_context(started(["sh", "-c", again], settings, folder / name)))

        if store == SERVERS:
            base = stack.enter_context(postgres.server(folder / "postgres"))
            settings["ADDUCTOR_DATABASE_URL"] = postgres.new_database(base, "chaos")
            redis, broker_data = free_port(), folder / "redis"
            settings["ADDUCTOR_REDIS_URL"] = f"redis://127.0.0.1:{redis}/0"
            start_beside("redis", [*_REDIS, "--port", str(redis), "--dir", str(broker_data)])
        up = stack.enter_context(adductor_up(folder / "up", **settings))
        if store == SERVERS:
            settings |= json.loads((data / "up.json").read_text())["brought"]
            start_beside("worker", adductor("worker"))
            start_beside("beat", adductor("beat"))
        rows = stack.enter_context(closing(Rows(settings.get("ADDUCTOR_DATABASE_URL", up.database))))
        icu = Sandbox(up.sandbox.url, "intervals")
        yield Installation(up, icu, rows, clock, broker_data, [up.server.process, *beside])
