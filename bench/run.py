"""Runs the benchmarks: `python -m bench.run [NAME...] [--quick]`; without names and `--quick` it writes docs/performance.md.

A missed target is reported and is no failure. A module that could not measure is one: exit code 1.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.figures import Figure
from bench.report import Outcome

MODULES = ("up", "pages", "webhooks", "notes", "sunday", "box")
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
HISTORY = Path(__file__).parent / "history.csv"


def run(names: Sequence[str], *, quick: bool) -> list[Outcome]:
    """Measure each module; a failing one does not keep the others from being measured."""
    outcomes = []
    for name in names:
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        began = time.monotonic()
        figures: list[Figure] | None = None
        problem = ""
        try:
            figures = importlib.import_module(f"bench.{name}").measure(quick) or None
        except Exception as error:  # any error is that module's result
            problem = type(error).__name__
            traceback.print_exc()
        took = time.monotonic() - began
        print(f"{took:.0f} s", file=sys.stderr)
        outcomes.append(Outcome(name, took, figures, problem))
    return outcomes


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a module could not measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small numbers, about a minute")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(MODULES):
        parser.error(f"{', '.join(sorted(unknown))} is none of {', '.join(MODULES)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is ended
    outcomes = run(options.names or MODULES, quick=options.quick)
    print(report.machine(), report.table(outcomes), sep="\n\n")
    if not (options.names or options.quick):
        PAGE.write_text(report.document(PAGE.read_text(encoding="utf-8"), outcomes), encoding="utf-8")
        report.keep(HISTORY, outcomes)
    return 1 if any(outcome.figures is None for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
