"""`python -m bench.fuzz`: exit code 0 with the figures when nothing was found, else the smallest input that shows it."""

from __future__ import annotations

import argparse
import sys
import time

from bench.fuzz.inputs import check_bodies, check_links, check_scenarios
from bench.fuzz.site import site
from bench.fuzz.surface import check_surface


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs")
    parser.add_argument("--inputs", type=int, default=20_000, help="of each kind; of each described operation 1/200")
    options = parser.parse_args()
    examples, seed = options.inputs, options.seed
    with site() as here:
        for name, check in (
            ("webhook bodies", lambda: check_bodies(here, examples=examples, seed=seed)),
            ("forged links", lambda: check_links(here, examples=examples, seed=seed)),
            ("scenario files", lambda: check_scenarios(examples=examples, seed=seed)),
            ("described surface", lambda: check_surface(here, examples=max(examples // 200, 1), seed=seed)),
        ):
            began = time.monotonic()
            print(f"{name}: {check()}; {time.monotonic() - began:.0f} s", flush=True)
        here.check_log()
    return 0


if __name__ == "__main__":
    sys.exit(main())
