"""`python -m bench.chaos`: real processes killed at random, a Strava that fails, thousands of events; then the books.

Exit code 1 when a promise was broken, with the activities that show it and where the log is. The same seed repeats the plan
of runners, kills and faults; how the processes of this machine meet it differs from run to run.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from bench.chaos.houses import STORES
from bench.chaos.plan import make
from bench.chaos.report import printed
from bench.chaos.story import run
from service.supervisor import ending_on_signals

# Simulated seconds in a real one: a quarter of an hour takes a minute, the three hours after a run twelve.
SPEED = 15.0
# A part is back in two or three seconds on a machine of its own, and in fifteen on a busy one.
KILL_EVERY_S = 15.0
# Events a real second that two slow cores manage with everything else.
EVENTS_A_SECOND = 11.0
# How long the longest wait (an hour of the runners' time) and a spent window may take to be over; real seconds.
SETTLE_S = 600.0
# Of the calls that so many events cause in a window, about this many an event; so that windows are spent at times.
_CALLS_AN_EVENT = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=10_000, help="deliveries in all, doubles included")
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--seconds", type=float, help="how long the traffic lasts; default: events / 11")
    parser.add_argument(
        "--limit", type=int, help="calls a quarter of an hour (of the runners' time) that Strava allows"
    )
    parser.add_argument("--speed", type=float, default=SPEED, help="simulated seconds in a real one")
    parser.add_argument("--kill-every", type=float, default=KILL_EVERY_S, help="seconds from one SIGKILL to the next")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument(
        "--folder", type=Path, help="where databases and logs go; default: a new folder, named at the end"
    )
    options = parser.parse_args()
    # What this process does with the product's code is no news; the parts' own logs go to their file.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seconds = options.seconds or max(options.events / EVENTS_A_SECOND, 30.0)
    limit = options.limit or max(round(options.events / seconds * 900 / options.speed * _CALLS_AN_EVENT), 60)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="adductor-chaos-"))
    speed = options.speed
    plan = make(options.seed, events=options.events, seconds=seconds, speed=speed, kill_every_s=options.kill_every)
    results = []
    with ending_on_signals():
        for store in STORES if options.store == "both" else (options.store,):
            print(
                f"{store}: {len(plan.people)} runners, {seconds:.0f} s of traffic, then quiet; logs in {folder / store}",
                flush=True,
            )
            results.append(run(plan, store, folder / store, limit=limit, settle_s=SETTLE_S))
            print(printed(results[-1]), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(result["broken"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
