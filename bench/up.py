"""How long `adductor up` takes to be ready, and what it weighs: `python -m bench.up [--quick]`.

Each start is one into an empty folder, with nothing set but free ports: from the start of the process to its line "is ready",
which it prints after the web part, the worker and the clock have each given a sign of life and the made-up Strava sends its
events here. Memory is the proportional set size of all its processes together (Linux: what is shared counts once), when it
has come to rest after the start; with the made-up Strava, and without it. Imports are those of a fresh interpreter.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench import alone
from bench.figures import Figure, Part
from bench.servers import tree
from service import orphans
from service.supervisor import free_port, python

READY_TARGET_S = 3.0
MEMORY_TARGET_MB = 300
IMPORT_TARGET_S = 1.0
STARTS, QUICK_STARTS = 5, 2
IMPORTS, QUICK_IMPORTS = 7, 3
_READY = b"Adductor Coach is ready"
_READY_WITHIN_S = 90.0
_END_WITHIN_S = 30.0
# Beat's first round and the worker's first sweeps bring in what is used from then on.
_REST_S = 3.0
_MB = 1_000_000
_SANDBOX = "the made-up Strava"
_SHOWN = {"celery beat": "clock", "celeryd": "worker", "valkey": "broker", "redis": "broker"}
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Start:
    """One start. Memory in bytes; None where the system doesn't tell."""

    ready_s: float
    memory: dict[str, int] | None  # by part

    @property
    def in_all(self) -> int:
        return sum((self.memory or {}).values())

    @property
    def sandbox(self) -> int:
        return (self.memory or {}).get(_SANDBOX, 0)


def measure(quick: bool) -> Part:
    """Seconds to ready, memory, and the import of the workers."""
    starts = [start() for _ in range(QUICK_STARTS if quick else STARTS)]
    bare: list[float] = []
    ours: list[float] = []
    _import("import workers.tasks")  # whoever has just installed it pays for compiling once
    for _ in range(QUICK_IMPORTS if quick else IMPORTS):
        bare.append(_import("pass"))
        ours.append(_import("import workers.tasks"))
    ready, least, took = median(one.ready_s for one in starts), median(bare), median(ours)
    part = Part(
        [
            Figure(
                what="`adductor up` to ready, empty folder",
                value=f"{ready:.2f} s",
                floor="-",
                reached=f"{ready / READY_TARGET_S:.2f} x target",
                target=f"{READY_TARGET_S:.0f} s",
                met=ready <= READY_TARGET_S,
                remarks=f"median of {len(starts)}: " + ", ".join(f"{one.ready_s:.2f}" for one in starts),
            )
        ]
    )
    weighed = [one for one in starts if one.memory is not None]
    if weighed:
        middle = sorted(weighed, key=lambda one: one.in_all)[len(weighed) // 2]
        every = middle.in_all
        part.figures.append(
            Figure(
                what="memory of all its parts, the made-up Strava included",
                value=f"{every / _MB:.0f} MB",
                floor="-",
                reached=f"{every / _MB / MEMORY_TARGET_MB:.2f} x target",
                target=f"{MEMORY_TARGET_MB} MB",
                met=every <= MEMORY_TARGET_MB * _MB,
                remarks=f"without it {(every - middle.sandbox) / _MB:.0f} MB",
            )
        )
        part.tables["The parts in memory"] = "\n".join(
            ["| part, with all its processes | MB |", "|---|--:|"]
            + [f"| {part_name} | {size / _MB:.0f} |" for part_name, size in sorted((middle.memory or {}).items())]
        )
    part.figures.append(
        Figure(
            what="import of `workers.tasks`, fresh interpreter",
            value=f"{took:.2f} s",
            floor=f"{least:.2f} s (Python itself)",
            reached=f"{took / least:.1f} x",
            target=f"{IMPORT_TARGET_S:.0f} s",
            met=took <= IMPORT_TARGET_S,
        )
    )
    return part


def start() -> Start:
    """One start into an empty folder, ended again. Raises RuntimeError with what it said when it doesn't come up."""
    with tempfile.TemporaryDirectory(prefix="adductor-bench-") as folder:
        web, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(2))
        values = {
            "ADDUCTOR_DATA_DIR": str(Path(folder) / "data"),
            "ADDUCTOR_BIND": web,
            "ADDUCTOR_PUBLIC_URL": f"http://{web}",
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            python("-m", "service.cli", "up", f"--sandbox-bind={sandbox}"),
            env={**_clean(), **values},
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=orphans.die_with_parent,
        )
        try:
            ready_s = _wait_for_ready(process, began)
            _rest(process)
            memory = _memory(process.pid, *(int(address.rpartition(":")[2]) for address in (web, sandbox)))
        finally:
            _end(process)
        return Start(ready_s, memory)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}


def _wait_for_ready(process: subprocess.Popen[bytes], began: float) -> float:
    assert process.stdout is not None  # noqa: S101 - asked for above
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.perf_counter() - began < _READY_WITHIN_S:
            if not selector.select(timeout=0.5):
                continue
            new = os.read(process.stdout.fileno(), 65536)
            said += new
            if _READY in said:
                return time.perf_counter() - began
            if not new:
                break
    last = said.decode(errors="replace").strip()[-1000:]
    raise RuntimeError(f"`adductor up` was not ready within {_READY_WITHIN_S:.0f} s; it said: {last}")


def _rest(process: subprocess.Popen[bytes]) -> None:
    """A few rounds of the clock; what it says meanwhile is read, so that it never waits for us."""
    assert process.stdout is not None  # noqa: S101
    until = time.perf_counter() + _REST_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := until - time.perf_counter()) > 0:
            if selector.select(timeout=left) and not os.read(process.stdout.fileno(), 65536):
                raise RuntimeError("`adductor up` ended by itself")


def _memory(pid: int, web: int, sandbox: int) -> dict[str, int] | None:
    """Proportional set size of each part with all its processes; None where there is no such figure."""
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    sizes: dict[str, int] = {}
    for process in tree(pid):
        try:
            part = "up itself" if process.pid == pid else _part_of(process, web, sandbox)
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (OSError, psutil.Error):
            continue  # ended between the list and the look
        size = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        sizes[part] = sizes.get(part, 0) + size
    return sizes


def _part_of(process: psutil.Process, web: int, sandbox: int) -> str:
    """Which part a process belongs to: by the port that it listens on, else by what `ps` shows."""
    ports = {connection.laddr.port for connection in process.net_connections("tcp") if connection.status == "LISTEN"}
    if web in ports:
        return "web"
    if sandbox in ports:
        return _SANDBOX
    shown = " ".join(process.cmdline())
    return next((part for word, part in _SHOWN.items() if word in shown), process.name())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C; whoever is left after a while is killed."""
    processes = tree(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        for left in processes:
            try:
                left.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _import(code: str) -> float:
    """Seconds from start to end of a fresh interpreter that does this."""
    began = time.perf_counter()
    subprocess.run(python("-c", code), env=_clean(), cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
