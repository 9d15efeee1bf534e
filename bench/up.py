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


@dataclass(frozen=True, slots=True)
class Start:
    """One start. Memory in bytes; None where the system doesn't tell."""

    ready_s: float
    memory: dict[str, int] | None  # by the process's title

    @property
    def sandbox(self) -> int:
        return sum(size for title, size in (self.memory or {}).items() if "sandbox" in title)


def measure(quick: bool) -> Part:
    """Seconds to ready, memory, and the import of the workers."""
    starts = [start() for _ in range(QUICK_STARTS if quick else STARTS)]
    imports = IMPORTS if quick is False else QUICK_IMPORTS
    bare, ours = _imports("pass", imports), []
    for _ in range(imports):
        ours += _imports("import workers.tasks", 1)
        bare += _imports("pass", 1)
    ready, least, took = median(one.ready_s for one in starts), median(bare), median(ours)
    part = Part(
        [
            Figure(
                what="`adductor up` to ready, empty folder",
                value=f"{ready:.2f} s",
                floor="-",
                reached=f"{ready:.2f} s",
                target=f"{READY_TARGET_S:.0f} s",
                met=ready <= READY_TARGET_S,
                remarks=f"median of {len(starts)}: " + ", ".join(f"{one.ready_s:.2f}" for one in starts),
            )
        ]
    )
    weighed = [one for one in starts if one.memory is not None]
    if weighed:
        middle = sorted(weighed, key=lambda one: sum((one.memory or {}).values()))[len(weighed) // 2]
        every = sum((middle.memory or {}).values())
        part.figures.append(
            Figure(
                what="memory of all its parts, the made-up Strava included",
                value=f"{every / _MB:.0f} MB",
                floor="-",
                reached=f"{every / _MB:.0f} MB",
                target=f"{MEMORY_TARGET_MB} MB",
                met=every <= MEMORY_TARGET_MB * _MB,
                remarks=f"without it {(every - middle.sandbox) / _MB:.0f} MB",
            )
        )
        part.tables["The parts in memory"] = "\n".join(
            ["| process | MB |", "|---|--:|"]
            + [f"| {title} | {size / _MB:.0f} |" for title, size in sorted((middle.memory or {}).items())]
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
            memory = _memory(process.pid)
        finally:
            _end(process)
        return Start(ready_s, memory)


_ROOT = Path(__file__).parents[1]


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


def _memory(pid: int) -> dict[str, int] | None:
    """Proportional set size of each process, by its title; None where there is no such figure."""
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    sizes: dict[str, int] = {}
    for process in tree(pid):
        try:
            title = _title(process)
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (OSError, psutil.Error):
            continue  # ended between the list and the look
        size = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        while title in sizes:
            title += "'"
        sizes[title] = size
    return sizes


def _title(process: psutil.Process) -> str:
    """What `ps` would show, short."""
    arguments = process.cmdline()
    if "sandbox" in arguments or any(argument.startswith("--sandbox") for argument in arguments):
        return "adductor up" if "up" in arguments else "sandbox"
    words = " ".join(arguments).split()
    return " ".join([Path(words[0]).name, *words[1:2]]) if words else process.name()


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


def _imports(code: str, times: int) -> list[float]:
    """Seconds from start to end of a fresh interpreter that does this."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(python("-c", code), env=_clean(), cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return found


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
