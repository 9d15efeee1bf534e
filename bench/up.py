"""Start-up time of `adductor up` into an empty folder, and its memory without the sandbox.

Memory is the proportional set size of all processes (Linux: shared pages count once) after the first scheduled sweeps.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.servers import adductor, adductor_up, free_port, ready, started, tree

READY_TARGET_S = 3.0
MEMORY_TARGET_MB = 180.0
STARTS, QUICK_STARTS = 3, 2
# The first sweeps of the schedule load modules that stay.
_REST_S = 3.0


def measure(quick: bool = False) -> list[Figure]:
    """Seconds to ready with the sandbox, megabytes without it."""
    count = QUICK_STARTS if quick else STARTS
    seconds, megabytes = [_seconds_to_ready() for _ in range(count)], [_idle_mb() for _ in range(count)]
    rows = (
        ("`adductor up` to ready, empty folder", seconds, READY_TARGET_S, "s"),
        ("memory of `adductor up` without the sandbox, idle", megabytes, MEMORY_TARGET_MB, "MB"),
    )
    return [
        Figure(
            what,
            f"{median(values):.4g} {unit}",
            "-",
            f"{median(values) / most:.2f} x target",
            f"at most {most:.0f} {unit}",
            met=median(values) <= most,
            remarks=", ".join(f"{value:.4g}" for value in values),
        )
        for what, values, most, unit in rows
    ]


def _seconds_to_ready() -> float:
    with tempfile.TemporaryDirectory(prefix="adductor-bench-") as folder:
        began = time.perf_counter()
        with adductor_up(Path(folder)):
            return time.perf_counter() - began


def _idle_mb() -> float:
    """Megabytes of every process of an `adductor up` with a Strava application, so that no sandbox starts."""
    with tempfile.TemporaryDirectory(prefix="adductor-bench-") as name:
        folder, nothing = Path(name), f"http://127.0.0.1:{free_port()}"
        values = {
            "ADDUCTOR_DATA_DIR": str(folder / "data"),
            "ADDUCTOR_BIND": f"127.0.0.1:{free_port()}",
            "STRAVA_CLIENT_ID": "1",
            "STRAVA_CLIENT_SECRET": "of nothing",
            "ADDUCTOR_STRAVA_API_URL": f"{nothing}/api/v3",
            "ADDUCTOR_STRAVA_OAUTH_URL": f"{nothing}/oauth",
        }
        with started(adductor("up"), values, folder) as process:
            ready(process, folder)
            time.sleep(_REST_S)
            return sum(one.memory_full_info().pss for one in tree(process.pid)) / 1_000_000
