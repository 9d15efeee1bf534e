"""`python -m bench.fuzz`: exit 0 with the figures when nothing was found, 1 with the input that shows it."""

from __future__ import annotations

import argparse
import sys

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
    options = parser.parse_args(arguments)
    try:
        with world() as made:
            report = run(made, seed=options.seed, inputs=options.inputs, first=options.first, traced=options.traced)
    except FoundError as error:
        print(f"found: {error}", file=sys.stderr)
        return 1
    print("\n".join(report.lines()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
