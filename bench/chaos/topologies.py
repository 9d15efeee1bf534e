"""Topologies: the processes of an installation as data, the processes themselves, and SIGKILLs of them.

`adductor up` runs in both with its sandbox, and restarts its own processes. A shell restarts each process beside it.
"""

from __future__ import annotations

import json
import random
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.chaos.plan import MORNING
from bench.rows import Rows
from bench.sandbox import Sandbox
from bench.servers import adductor, free_port, ready, send_signal, started
from tests.support import postgres

_PARTS = {"web": 3, "worker": 4, "beat": 2, "broker": 3}
_HOW = {"whole": 6, "child": 3, "parent": 2}
# A word of the command line of each part but the web, which is found by its port.
_WORDS = {"valkey": "broker", "redis": "broker", "celeryd": "worker", "worker": "worker", "beat": "beat"}
_REDIS = (
    "redis-server", "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    "--loglevel", "warning", "--maxmemory-policy", "noeviction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topology:
    """``servers``: a real PostgreSQL and Redis instead of SQLite and the embedded broker. ``beside``: more processes."""

    description: str
    servers: bool = False
    beside: tuple[str, ...] = ()


TOPOLOGIES = {
    "sqlite": Topology("SQLite and the embedded broker; web, worker, beat"),
    "postgresql": Topology("PostgreSQL and Redis; web, 2 workers, 2 beats", servers=True, beside=("worker", "beat")),
}


@dataclass(frozen=True, slots=True)
class Kill:
    """A SIGKILL at its time. ``how``: all processes of a part, one child, or the parent alone. ``wipe``: data too."""

    at_s: float
    part: str
    how: str
    wipe: bool


def plan_kills(chance: random.Random, seconds: float, every_s: float) -> list[Kill]:
    """Kills in random order; a short run, too, meets the end of every part."""
    kills, at = [], every_s / 2
    first = chance.sample(list(_PARTS), len(_PARTS))
    while at < seconds:
        part = first.pop() if first else chance.choices(list(_PARTS), list(_PARTS.values()))[0]
        how = "whole" if part in ("broker", "beat") else chance.choices(list(_HOW), list(_HOW.values()))[0]
        kills.append(Kill(at, part, how, wipe=part == "broker" and chance.random() < 0.7))
        at += chance.uniform(0.5, 1.5) * every_s
    return kills


@dataclass
class Installation:
    """A running installation. ``parents``: processes that restart their children, `adductor up` first."""

    port: int
    strava: Sandbox
    icu: Sandbox
    rows: Rows
    broker_data: Path
    parents: list[subprocess.Popen[bytes]]
    kills: Counter[str] = field(default_factory=Counter)
    killed_at: list[tuple[float, str]] = field(default_factory=list)
    orphans: list[psutil.Process] = field(default_factory=list)

    @property
    def web(self) -> str:
        # By name: one of the faults takes out lines with a decimal point, and an address of digits is full of them.
        return f"http://localhost:{self.port}"

    def check(self) -> None:
        """Raise RuntimeError when a process that was not killed has exited."""
        if any(parent.poll() is not None for parent in self.parents):
            raise RuntimeError("`adductor up` or what runs beside it has ended; see the logs")

    def kill(self, kill: Kill, turn: int) -> None:
        """SIGKILL as planned; ``turn`` chooses among processes of the same part."""
        tops = self._tops(kill.part)
        if not tops:
            return  # it is down already
        parent, top = tops[turn % len(tops)]
        parent.suspend()  # so that no restart comes before the data is gone
        processes = [top, *top.children(recursive=True)]
        if kill.how == "child" and len(processes) > 1:
            processes = [processes[1 + turn % (len(processes) - 1)]]
        elif kill.how == "parent":
            self.orphans += processes[1:]
            processes = processes[:1]
        send_signal(processes, signal.SIGSTOP)
        send_signal(processes, signal.SIGKILL)
        self.kills[f"{kill.part}, {kill.how}"] += 1
        self.killed_at.append((time.time(), kill.part))
        if kill.wipe:
            self.kills["broker wiped"] += 1
            shutil.rmtree(self.broker_data / "appendonlydir", ignore_errors=True)
        parent.resume()

    def _tops(self, part: str) -> list[tuple[psutil.Process, psutil.Process]]:
        """The first process of each running instance of a part, with its parent."""
        found = []
        for parent in (psutil.Process(parent.pid) for parent in self.parents):
            for process in parent.children():
                with suppress(psutil.Error):  # ended meanwhile
                    if process.status() != psutil.STATUS_ZOMBIE and self._part_of(process) == part:
                        found.append((parent, process))
        return found

    def _part_of(self, process: psutil.Process) -> str | None:
        if any(one.laddr.port == self.port and one.status == "LISTEN" for one in process.net_connections("tcp")):
            return "web"
        program = " ".join(process.cmdline())
        return next((part for word, part in _WORDS.items() if word in program), None)


@contextmanager
def installation(topology: Topology, folder: Path, *, speed: float) -> Iterator[Installation]:
    """Start a topology in ``folder``; its clocks run ``speed`` times as fast."""
    data, port, sandbox = folder / "data", free_port(), f"127.0.0.1:{free_port()}"
    database, broker_data = f"sqlite:///{data / 'adductor.db'}", data / "broker"
    data.mkdir(parents=True)
    (data / "clock.json").write_text(
        json.dumps({"real": time.time(), "simulated": MORNING.timestamp(), "speed": speed})
    )
    settings = {
        "ADDUCTOR_DATA_DIR": str(data),
        "ADDUCTOR_BIND": f"127.0.0.1:{port}",
        "ADDUCTOR_PUBLIC_URL": f"http://localhost:{port}",
        "ADDUCTOR_CLOCK_SPEED": str(speed),
        "ADDUCTOR_LOG": "text",
        "ADDUCTOR_INTERVALS_POLL_S": "60",
    }
    with ExitStack() as stack:

        def start(name: str, command: list[str]) -> subprocess.Popen[bytes]:
            (folder / name).mkdir(exist_ok=True)
            return stack.enter_context(started(command, settings, folder / name))

        parents = []
        if topology.servers:
            base = stack.enter_context(postgres.server(folder / "postgres"))
            database = settings["ADDUCTOR_DATABASE_URL"] = postgres.new_database(base, "chaos")
            redis, broker_data = free_port(), folder / "redis"
            settings["ADDUCTOR_REDIS_URL"] = f"redis://127.0.0.1:{redis}/0"
            parents.append(start("redis", restarting([*_REDIS, "--port", str(redis), "--dir", str(broker_data)])))
        up = start("up", adductor("up", f"--sandbox-bind={sandbox}"))
        ready(up, folder / "up")
        settings |= json.loads((data / "up.json").read_text())["brought"]  # what processes beside it need to know
        parents = [up, *parents, *(start(f"{part}-2", restarting(adductor(part))) for part in topology.beside)]
        rows = Rows(database)
        stack.callback(rows.close)
        strava, icu = (Sandbox(f"http://{sandbox}", platform) for platform in ("strava", "intervals"))
        here = Installation(port, strava, icu, rows, broker_data, parents)
        stack.callback(lambda: send_signal(here.orphans, signal.SIGKILL))
        yield here


def restarting(command: list[str]) -> list[str]:
    """A shell that restarts a command whenever it exits."""
    return ["sh", "-c", f"while :; do {shlex.join(command)}; sleep 0.3; done"]
