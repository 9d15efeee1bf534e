"""`python -m bench.chaos`: exit code 1 when a promise was broken, with the activities that show it and where the logs are.

The same seed repeats the plan; how the processes of this machine meet it differs from run to run.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import yaml

from bench.chaos.plan import make_plan
from bench.chaos.scenario import run
from bench.chaos.topologies import TOPOLOGIES

# Simulated seconds in a real one: a quarter of an hour takes a minute, the three hours after a run twelve.
SPEED = 15.0
LONGEST_WITHOUT_KILL_S = 15.0
# Events a real second that two slow cores manage beside everything else.
EVENTS_A_SECOND = 11.0
# The longest wait (an hour of simulated time) and a spent window, in real seconds.
SETTLE_S = 600.0
# Below this, faults with long consequences are left out.
SHORT_S = 60.0
# About this many calls an event go out, so that windows are spent at times.
_CALLS_AN_EVENT = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=10_000, help="deliveries in all, duplicates included")
    parser.add_argument("--store", choices=[*TOPOLOGIES, "both"], default="both")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is ended
    seconds = max(options.events / EVENTS_A_SECOND, 30.0)
    limit = max(round(options.events / seconds * 900 / SPEED * _CALLS_AN_EVENT), 60)
    folder = Path(tempfile.mkdtemp(prefix="adductor-chaos-"))
    plan = make_plan(
        options.seed,
        events=options.events,
        seconds=seconds,
        speed=SPEED,
        kill_every_s=min(LONGEST_WITHOUT_KILL_S, seconds / 8),
        short=seconds < SHORT_S,
    )
    results = []
    for store in TOPOLOGIES if options.store == "both" else (options.store,):
        print(f"{store}: {len(plan.people)} athletes, {seconds:.0f} s of traffic; logs in {folder / store}", flush=True)
        results.append(run(plan, store, folder / store, limit=limit, settle_s=SETTLE_S))
        print(yaml.safe_dump(results[-1], sort_keys=False, allow_unicode=True, width=200), flush=True)
    return 1 if any(result["broken"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
