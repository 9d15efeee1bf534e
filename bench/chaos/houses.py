"""The two shapes in which an installation runs, with all their real processes, and the violence done to them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from adductor.settings import load
from bench.chaos.plan import Kill
from service.cli.up import Running, running, subscribe_in_words
from service.supervisor import Part, Supervisor, free_port, python
from tests.support import postgres

STORES = ("sqlite", "postgresql")
# A Wednesday morning in Europe: no quiet hours, far from midnight and from any change of clocks.
MORNING = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
# A part that was killed is started again this soon: as a process manager does, and not ever later as in a crash loop.
_BACK_AFTER_S = 0.3


@dataclass
class House:
    """A running installation. Everything is called from the thread that opened it."""

    store: str
    here: Running
    log: Path
    supervisors: list[Supervisor]
    parts: dict[str, list[Part]]
    broker_data: Path
    kills: Counter[str] = field(default_factory=Counter)
    killed_at: list[tuple[float, str]] = field(default_factory=list)
    orphans: list[psutil.Process] = field(default_factory=list)

    def look(self) -> None:
        """Start again what has fallen."""
        for supervisor in self.supervisors:
            for part in supervisor.parts:
                part.rest_s = _BACK_AFTER_S
            supervisor.look()

    def kill(self, kill: Kill, turn: int) -> None:
        """SIGKILL, as planned; ``turn`` chooses among parts of the same kind."""
        alike = self.parts[kill.part]
        part = alike[turn % len(alike)]
        processes = _processes(part)
        if not processes:
            return  # it is down already
        if kill.how == "child" and len(processes) > 1:
            processes = [processes[1 + turn % (len(processes) - 1)]]
        elif kill.how == "parent":
            self.orphans += processes[1:]
            processes = processes[:1]
        for process in processes:  # all together: none is to have time to react to the end of another
            _signal(process, signal.SIGSTOP)
        for process in processes:
            _signal(process, signal.SIGKILL)
        # The supervisor's own child is for it to wait for; the others may be waited for by anybody.
        self.kills[f"{kill.part}, {kill.how}"] += 1
        self.killed_at.append((time.time(), part.name))
        if kill.wipe:
            top = part.process
            if top is not None:
                top.wait(10)
            self.kills["broker wiped"] += 1
            shutil.rmtree(self.broker_data / "appendonlydir", ignore_errors=True)

    def end_orphans(self) -> None:
        """Processes whose parent was killed and that still live."""
        for process in self.orphans:
            _signal(process, signal.SIGKILL)


def _processes(part: Part) -> list[psutil.Process]:
    if part.process is None or part.process.poll() is not None:
        return []
    try:
        top = psutil.Process(part.process.pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)  # psutil checks that the pid is still this process


@contextmanager
def house(store: str, folder: Path, *, speed: float) -> Iterator[House]:
    """All parts in ``folder``: on SQLite as `adductor up` runs them with its own broker, on PostgreSQL with a real Redis,
    two web processes, two workers and two clocks."""
    folder.mkdir(parents=True, exist_ok=True)
    data, log = folder / "data", folder / "parts.log"
    data.mkdir(exist_ok=True)
    port, sandbox = free_port(), f"127.0.0.1:{free_port()}"
    clock = {"real": time.time(), "simulated": MORNING.timestamp(), "speed": speed}
    (data / "clock.json").write_text(json.dumps(clock))
    values = {
        "ADDUCTOR_DATA_DIR": str(data),
        "ADDUCTOR_BIND": f"127.0.0.1:{port}",
        # By name: one of Strava's faults takes out lines with a decimal point, and an address of digits is full of them.
        "ADDUCTOR_PUBLIC_URL": f"http://localhost:{port}",
        "ADDUCTOR_CLOCK_SPEED": str(speed),
        "ADDUCTOR_LOG": "text",
    }
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        supervisors: list[Supervisor] = []
        redis_folder = data / "broker"
        if store == "postgresql":
            base = stack.enter_context(postgres.server(folder / "postgres"))
            redis_folder = folder / "redis"
            redis_folder.mkdir()
            redis, redis_port = Supervisor(output=output), free_port()
            stack.callback(redis.end)
            values["ADDUCTOR_DATABASE_URL"] = postgres.new_database(base, "chaos")
            values["ADDUCTOR_REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
            redis.start("redis", _redis_server(redis_port, redis_folder), dict(os.environ))
            supervisors.append(redis)
        environment = {**_clean_environment(), **values}
        here = stack.enter_context(
            running(load(_env_file=None, **values), environment, sandbox_bind=sandbox, output=output)
        )
        supervisors.append(here.supervisor)
        if store == "postgresql":
            for name in ("worker", "beat"):
                here.supervisor.start(f"{name}-2", python("-m", "service.cli", name), here.environment)
        said = subscribe_in_words(here.installation)
        if not said.startswith("Strava sends"):
            raise RuntimeError(said)
        by_name = {part.name: part for supervisor in supervisors for part in supervisor.parts}
        kinds = {"web": "web", "worker": "worker", "beat": "beat", "broker": "redis" if store != "sqlite" else "broker"}
        parts = {
            kind: [part for name, part in by_name.items() if name.partition("-")[0] == first]
            for kind, first in kinds.items()
        }
        made = House(store, here, log, supervisors, parts, redis_folder)
        stack.callback(made.end_orphans)
        yield made


def _redis_server(port: int, folder: Path) -> list[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError(
            "this needs a redis-server; `make system` installs it (Debian: apt-get install redis-server)"
        )
    return [
        program,
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning"),
        *("--maxmemory-policy", "noeviction"),
    ]


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
