"""A small box: `adductor up` in a control group of one core and 256 MB; the sandbox runs outside of it.

Seconds to ready, processor time and disk writes of an idle minute, then runs that are due a routine, ten a second for a
minute. Making a control group needs root; both versions of Linux's are known.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests

from bench.figures import Figure, ms, percentile
from bench.notes import athletes_with_a_run, learn_limits, send_paced, wait_for_writes
from bench.sandbox import Sandbox
from bench.servers import Server, Up, adductor, free_port, memory_mb, ready, started, tree, until

MEMORY_MB, PERIOD_US = 256, 100_000  # the group's processes get one period of processor time in each period
BOX = f"1 core, {MEMORY_MB} MB"
CPU_SHARE, WRITES_MB_H, ANSWER_S, NOTE_S = 0.005, 1.0, 2.0, 1.0
IDLE_S, QUICK_IDLE_S = 30.0, 10.0
REST_S, QUICK_REST_S = 5.0, 5.0  # clock, caches and the first sweeps settle
RATE, EVENTS, QUICK_EVENTS = 10, 600, 40
_ENTER = 'for file in $GROUPS_TO_ENTER; do echo $$ > "$file" || exit 1; done; exec "$@"'


def measure(quick: bool = False) -> list[Figure]:
    """The figures; a row that says why there are none, where no control group can be made."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        try:
            groups = stack.enter_context(control_groups())
        except OSError as error:
            return [
                Figure(
                    BOX, "-", "-", "-", "-", met=False, remarks=f"no control group: {error.strerror}; root is needed"
                )
            ]
        up, ready_s = stack.enter_context(_up_within(groups, folder))
        cpu_share, writes_mb_h = _idle(up, *((QUICK_REST_S, QUICK_IDLE_S) if quick else (REST_S, IDLE_S)))
        learn_limits(up)
        runs = athletes_with_a_run(up, QUICK_EVENTS if quick else EVENTS)
        sent = send_paced(up, runs, RATE)
        written = wait_for_writes(up, runs)
        megabytes = memory_mb(up)
    answered = [one.answered_s for one in sent.values()]
    notes = [written[activity] - one.at for activity, one in sent.items()]
    return [
        Figure(f"{BOX}: `adductor up` to ready", f"{ready_s:.3g} s", "-", "-", "comes up", met=True),
        _row(f"{BOX}: idle processor time", cpu_share, CPU_SHARE, f"{cpu_share:.2%}", f"{CPU_SHARE:.1%} of a core"),
        _row(
            f"{BOX}: idle disk writes", writes_mb_h, WRITES_MB_H, f"{writes_mb_h:.3g} MB/h", f"{WRITES_MB_H:.0f} MB/h"
        ),
        _row(
            f"{BOX}: {RATE} due runs/s, slowest answer",
            max(answered),
            ANSWER_S,
            ms(max(answered)),
            ms(ANSWER_S),
            f"p99 {ms(percentile(answered, 0.99))}; {len(runs)} events; {megabytes:.0f} MB at the end",
        ),
        _row(
            f"{BOX}: {RATE} due runs/s, note written, p99",
            percentile(notes, 0.99),
            NOTE_S,
            ms(percentile(notes, 0.99)),
            ms(NOTE_S),
            f"p50 {ms(percentile(notes, 0.5))}, longest {ms(max(notes))}",
        ),
    ]


def _row(what: str, value: float, most: float, shown: str, target: str, remarks: str = "") -> Figure:
    return Figure(what, shown, "-", f"{value / most:.2f} x target", f"at most {target}", value <= most, remarks)


@contextmanager
def control_groups() -> Iterator[list[Path]]:
    """Make the group (of version 1: one a controller) with its limits; yields its folders and removes them."""
    root, name = Path("/sys/fs/cgroup"), f"adductor-bench-{time.time_ns()}"
    limit = f"{MEMORY_MB * 2**20}"
    if (root / "cgroup.controllers").exists():
        limits = {root / name / "memory.max": limit, root / name / "cpu.max": f"{PERIOD_US} {PERIOD_US}"}
    else:
        limits = {
            root / "memory" / name / "memory.limit_in_bytes": limit,
            root / "cpu" / name / "cpu.cfs_quota_us": f"{PERIOD_US}",
        }
    folders = list(dict.fromkeys(file.parent for file in limits))
    with ExitStack() as stack:
        for group in folders:
            group.mkdir()
            stack.callback(_remove, group)
        for file, value in limits.items():
            file.write_text(value)
        yield folders


def _remove(group: Path) -> None:
    """Remove a group when its killed processes have left it."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)  # the kernel tells of no end


@contextmanager
def _up_within(groups: list[Path], folder: Path) -> Iterator[tuple[Up, float]]:
    """Run `adductor up` in the groups, beside a sandbox outside of them; yields it with its seconds to ready."""
    web, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(2))
    settings = {
        "ADDUCTOR_DATA_DIR": str(folder / "up" / "data"),
        "ADDUCTOR_BIND": web,
        "ADDUCTOR_PUBLIC_URL": f"http://{web}",
        "ADDUCTOR_LOG": "json",
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": "of the sandbox alone",
        "ADDUCTOR_STRAVA_API_URL": f"http://{sandbox}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"http://{sandbox}/oauth",
    }
    client = ["--client-id", "1", "--client-secret", settings["STRAVA_CLIENT_SECRET"]]
    state = ["--state-dir", str(folder / "sandbox")]
    enter = ["sh", "-c", _ENTER, "sh", *adductor("up")]
    with ExitStack() as stack:
        for name in ("sandbox", "up"):
            (folder / name).mkdir()
        outside = [sys.executable, "-m", "sandbox", "--bind", sandbox, *state, *client]
        process = stack.enter_context(started(outside, {}, folder / "sandbox"))
        until(lambda: requests.get(f"http://{sandbox}/admin/clock", timeout=5).ok, process, folder / "sandbox")
        began = time.perf_counter()
        entered = {"GROUPS_TO_ENTER": " ".join(str(group / "cgroup.procs") for group in groups)}
        process = stack.enter_context(started(enter, {**settings, **entered}, folder / "up"))
        ready(process, folder / "up")
        ready_s = time.perf_counter() - began
        strava = Sandbox(f"http://{sandbox}")
        subscription = strava.ask("GET", "state")["subscription"]
        server = Server(web, urlsplit(subscription["callback_url"]).path, process, int(subscription["id"]))
        yield Up(f"http://{web}", server, strava, f"sqlite:///{folder / 'up' / 'data' / 'adductor.db'}"), ready_s


def _idle(up: Up, rest_s: float, idle_s: float) -> tuple[float, float]:
    """The share of a core and the megabytes to disk an hour, of all processes together."""
    time.sleep(rest_s)
    cpu_s, written = _used(up)
    time.sleep(idle_s)
    cpu_after_s, written_after = _used(up)
    return (cpu_after_s - cpu_s) / idle_s, (written_after - written) / 1_000_000 * 3600 / idle_s


def _used(up: Up) -> tuple[float, int]:
    processes: list[psutil.Process] = tree(up.server.process.pid)
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times), sum(process.io_counters().write_bytes for process in processes)
