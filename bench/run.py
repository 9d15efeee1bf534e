"""All benchmarks, one after the other: `python -m bench.run [--quick] [--only NAME]`.

Prints one table. The full form also writes docs/performance.md, and the table of workers in docs/operate.md. A target that
is missed is said and is no failure; what could not be measured is, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from adductor import logs
from bench import machine, report
from bench.figures import Part
from bench.report import Outcome

MODULES = ("decide", "up", "pages", "webhooks", "notes", "club_year", "clock_tick", "stored")
DOCS = Path(__file__).parents[1] / "docs"


def run(names: Sequence[str], *, quick: bool) -> list[Outcome]:
    """Measure each; one that fails doesn't keep the others from being measured."""
    outcomes = []
    for name in names:
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        began = time.monotonic()
        part, problem = None, ""
        try:
            part = _measured(name, quick)
        except Exception as error:  # whatever it is, it is that module's
            problem = type(error).__name__
            print("failed", file=sys.stderr)
            traceback.print_exc()
        took = time.monotonic() - began
        print(f"{took:.0f} s", file=sys.stderr)
        outcomes.append(Outcome(name, took, part, problem))
    return outcomes


def _measured(name: str, quick: bool) -> Part:
    part = importlib.import_module(f"bench.{name}").measure(quick)
    if not isinstance(part, Part) or not part.figures:
        raise TypeError(f"bench.{name} measured nothing")
    return part


def write(outcomes: Sequence[Outcome], described: Sequence[tuple[str, str]], docs: Path = DOCS) -> list[str]:
    """Write the documents; their names. Raises ReportError before anything is written."""
    performance, operate = docs / "performance.md", docs / "operate.md"
    old = performance.read_text(encoding="utf-8") if performance.exists() else ""
    new = {performance: report.document(outcomes, described, old)}
    table = next((part.tables[report.WORKERS] for part in _parts(outcomes) if report.WORKERS in part.tables), None)
    if table is not None and operate.exists():
        before = operate.read_text(encoding="utf-8")
        after = report.with_workers(before, table)
        if after != before:
            new[operate] = after
    for file, text in new.items():
        file.write_text(text, encoding="utf-8")
    return [f"docs/{file.name}" for file in new]


def _parts(outcomes: Sequence[Outcome]) -> list[Part]:
    return [outcome.part for outcome in outcomes if outcome.part is not None]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first look, in about a minute; writes nothing")
    parser.add_argument("--only", choices=MODULES, metavar="NAME", help=f"one of {', '.join(MODULES)}; writes nothing")
    options = parser.parse_args(argv)
    whole = not options.quick and options.only is None
    # A document that can't be rewritten is better known now than in ten minutes.
    if whole and (DOCS / "performance.md").exists():
        try:
            report.hand_written((DOCS / "performance.md").read_text(encoding="utf-8"))
        except report.ReportError as error:
            print(error, file=sys.stderr)
            return 1
    described = machine.described()
    outcomes = run([options.only] if options.only else MODULES, quick=options.quick)
    print("\n".join(f"{name}: {value}" for name, value in described), end="\n\n")
    print(report.on_a_terminal(outcomes))
    if options.only:
        for part in _parts(outcomes):
            for heading, table in part.tables.items():
                print(f"\n{heading}\n{table}")
    if whole:
        try:
            print(f"Written: {', '.join(write(outcomes, described))}.")
        except report.ReportError as error:  # edited meanwhile
            print(error, file=sys.stderr)
            return 1
    return 1 if any(outcome.part is None for outcome in outcomes) else 0


if __name__ == "__main__":
    logs.configure("text", "bench")
    logs.only_errors()
    sys.exit(main())
