"""`python -m bench.fuzz`: exit 0 with the figures when nothing was found, 1 with the input that shows it."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from adductor import logs
from bench.fuzz.run import FoundError, run
from bench.fuzz.world import world


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="requests to the web service")
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first input; with --inputs 1 just this one"
    )
    parser.add_argument("--traced", action="store_true", help="also count what Python holds after 10,000 inputs more")
    parser.add_argument("--database", metavar="URL", help="an empty database; by default SQLite in memory")
    parser.add_argument("--scenarios", type=int, default=0, metavar="N", help="also so many scenario files")
    parser.add_argument("--catalogues", type=int, default=0, metavar="N", help="also so many catalogues")
    parser.add_argument("--surface", type=int, default=0, metavar="N", help="also so many of each described operation")
    options = parser.parse_args(arguments)
    for end in (signal.SIGINT, signal.SIGTERM):  # also in the background, where shells have SIGINT ignored
        signal.signal(end, signal.default_int_handler)
    try:
        if options.inputs:
            with world(options.database) as made:
                report = run(made, seed=options.seed, inputs=options.inputs, first=options.first, traced=options.traced)
            print("\n".join(report.lines()), flush=True)
        if options.scenarios or options.catalogues:
            _files(options)
        if options.surface:
            _surface(options)
    except FoundError as error:
        print(f"found: {error}", file=sys.stderr)
        return 1
    return 0


def _files(options: argparse.Namespace) -> None:
    from bench.fuzz import files

    read = files.run(seed=options.seed, scenarios=options.scenarios, catalogues=options.catalogues)
    print("\n".join(read.lines()), flush=True)


def _surface(options: argparse.Namespace) -> None:
    from bench.fuzz import surface

    logs.configure("json", "fuzz")
    logs.only_errors()
    began = time.monotonic()
    figures = surface.check(examples=options.surface, seed=options.seed)
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(figures.statuses.items()))
    took_s = time.monotonic() - began
    print(f"  described surface: {figures.operations} operations; {statuses}; {took_s:,.0f} s")


if __name__ == "__main__":
    raise SystemExit(main())
