"""One module of the bench by itself: `python -m bench.NAME [--quick]` prints its lines and tables."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from adductor import logs
from bench.figures import Part


def main(measure: Callable[[bool], Part], about: str | None) -> int:
    """Measure, print; exit code 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="fewer events, fewer rounds: a first look")
    quick = parser.parse_args().quick
    logs.configure("text", "bench")
    logs.only_errors()
    began = time.monotonic()
    part = measure(quick)
    for figure in part.figures:
        print(
            f"{'met   ' if figure.met else 'MISSED'} {figure.what}: {figure.value}, floor {figure.floor}, "
            f"reached {figure.reached}, target {figure.target}{f' ({figure.remarks})' if figure.remarks else ''}"
        )
    for heading, table in part.tables.items():
        print(f"\n{heading}\n{table}")
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0 if all(figure.met for figure in part.figures) else 1
