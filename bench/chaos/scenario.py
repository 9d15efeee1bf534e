"""The scenario driver: plan, start a topology, let the population act under faults and kills, wait for quiet, account."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from sched import scheduler
from typing import Any

from bench.chaos.accounting import Accounts, Wire
from bench.chaos.plan import DUPLICATE_SHARE, Fault, Plan
from bench.chaos.population import Population
from bench.chaos.topologies import TOPOLOGIES, Installation, installation
from bench.sandbox import Sandbox

_LOOK_EVERY_S = 0.03
# Two sweeps and a look of the scheduler: quiet for so long, nothing is left to do.
_QUIET_FOR_S = 3.0
_THEN_AFTER_S = 4.0
_BEFORE_A_TRACEBACK = re.compile(r"^(\S.*)\n    Traceback \(most recent", re.MULTILINE)
# Real seconds between Strava's three attempts: a killed process needs some real seconds to be back.
_ATTEMPT_AGAIN_AFTER_S = 15.0


@dataclass
class _Scenario:
    """One run of a plan on one installation. ``without_private_notes``: from and until, real seconds."""

    plan: Plan
    here: Installation
    population: Population
    timeline: scheduler = field(default_factory=lambda: scheduler(time.monotonic, time.sleep))
    faults: Counter[str] = field(default_factory=Counter)
    without_private_notes: list[tuple[float, float]] = field(default_factory=list)

    def prepare(self, limit: int) -> None:
        """Set both platforms up, connect the population."""
        strava, plan = self.here.up.sandbox, self.plan
        strava.ask("DELETE", "faults", {"seed": plan.seed})
        strava.set_limits(10_000_000)
        delivery = {
            "seed": plan.seed,
            "duplicate_share": DUPLICATE_SHARE,
            "reorder_share": 0.3,
            "reorder_within_s": 2 * plan.speed,
            "late_share": 0.03,
            "late_by_s": min(0.08 * plan.seconds, 25) * plan.speed,
            "retry_after_s": _ATTEMPT_AGAIN_AFTER_S * plan.speed,
        }
        # Tokens live so shortly that they also end by themselves.
        strava.ask("POST", "switches", {"delivery": delivery, "tokens": {"lifetime_s": 5400, "renew_below_s": 900}})
        # Calls of a real second say nothing of a simulated one.
        icu = {"per_second": None, "key_upsert": "blind", "delivery": {**delivery, "attempts": 8}}
        self.here.icu.ask("POST", "switches", icu)
        self.population.settle_in(self.here.rows)
        strava.set_limits(limit)

    def trouble(self) -> None:
        """Let the population act under faults and kills. Then each fault ends at its time, and all is as usual."""
        started = time.monotonic()
        for fault in self.plan.faults:
            self.timeline.enterabs(started + fault.at_s, 0, self._begin, (fault,))
        for turn, kill in enumerate(self.plan.kills):
            self.timeline.enterabs(started + kill.at_s, 1, self.here.kill, (kill, turn))
        for athlete in self.population.athletes:
            for act in athlete.person.acts:
                self.timeline.enterabs(started + act.at_s, 2, self.population.act, (act, athlete))
        while not self.timeline.empty():
            self.here.check()
            self.timeline.run(blocking=False)
            time.sleep(_LOOK_EVERY_S)  # a supervisor's round; the plan's times are coarser
        self.population.finish()
        for log in (self.here.up.sandbox, self.here.icu):
            log.ask("DELETE", "faults", {})
            log.ask("POST", "switches", {"delivery": {"reorder_share": 0, "late_share": 0, "duplicate_share": 0}})

    def _begin(self, fault: Fault) -> None:
        lasts_s = fault.lasts_s
        log = self.here.up.sandbox if fault.log == "strava" else self.here.icu
        self.faults[fault.name] += 1
        if fault.call is not None:
            number = log.ask("POST", "faults", fault.call)["id"]
            self.timeline.enter(lasts_s, 0, log.ask, ("DELETE", f"faults/{number}"))
            return
        if fault.hides_private_notes:
            self.without_private_notes.append((time.time(), time.time() + lasts_s + 2 * _THEN_AFTER_S))
        log.ask("POST", "switches", fault.begin)
        self.timeline.enter(lasts_s, 0, log.ask, ("POST", "switches", fault.end))
        if fault.then is not None:
            self.timeline.enter(lasts_s + _THEN_AFTER_S, 0, log.ask, ("POST", "switches", fault.then))

    def seconds_until_quiet(self, settle_s: float) -> float | None:
        """Seconds until nothing waits anywhere; None when that does not come."""
        began, quiet_since = time.monotonic(), None
        unpolled = {one.calendar for one in self.population.athletes if one.person.kind == "key"}
        last_call = max((call["id"] for call in self.here.icu.calls()), default=0)
        while time.monotonic() - began < settle_s:
            self.here.check()
            if unpolled:  # an athlete with a key has no events: the next list shows what the product missed
                unpolled -= {
                    call["runner_id"] for call in self.here.icu.calls(since=last_call, endpoint="activities.list")
                }
            if unpolled or self.here.rows.unfinished() or any(map(_waiting, (self.here.up.sandbox, self.here.icu))):
                quiet_since = None
            else:
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > _QUIET_FOR_S:
                    return quiet_since - began
            time.sleep(0.3)  # rows of another process: there is nothing to wait on
        return None

    def accounts(self) -> Accounts:
        """Collect everything that the accounting looks at. Raises RuntimeError for more calls than the sandbox keeps."""
        strava, clock = self.here.up.sandbox, self.here.clock
        calls = strava.calls()
        if calls[0]["id"] != 1:
            raise RuntimeError(f"the sandbox has forgotten its first {calls[0]['id'] - 1} calls; take fewer --events")

        def real(simulated: float) -> float:
            return clock["real"] + (simulated - clock["simulated"]) / clock["speed"]

        return Accounts(
            self.population.athletes,
            self.here.rows,
            strava.activities(),
            strava.deliveries(),
            strava.ask("GET", "state")["limits"],
            Wire(calls, real, self.here.killed_at),
            self.without_private_notes,
            self.here.icu,
        )


def _waiting(log: Sandbox) -> bool:
    return bool(log.ask("GET", "state")["deliveries"]["waiting"])


def run(plan: Plan, store: str, folder: Path, *, limit: int, settle_s: float) -> dict[str, Any]:
    """Run a plan on one topology; the figures. ``broken`` lists promises that were not kept.

    ``limit``: calls a quarter of an hour; ``settle_s``: real seconds until all is to be quiet afterwards.
    """
    times = [time.monotonic()]
    with installation(store, folder, speed=plan.speed) as here:
        population = Population(plan.people, plan.seed, here.up.sandbox, here.icu, here.up.url)
        scenario = _Scenario(plan, here, population)
        try:
            scenario.prepare(limit)
            times.append(time.monotonic())
            scenario.trouble()
            times.append(time.monotonic())
            quiet_s = scenario.seconds_until_quiet(settle_s)
            figures = scenario.accounts().audit()
        finally:
            population.finish(cancel=True)
    if quiet_s is None:
        figures["broken"].insert(0, f"not quiet {settle_s:.0f} s after the last fault")
    for log in folder.glob("*/log"):
        found = _BEFORE_A_TRACEBACK.findall(log.read_text(errors="replace"))
        figures["broken"] += [f"a traceback in a log: {line}" for line in found]
    figures["broken"] += [f"the scenario itself failed: {problem}" for problem in population.problems[:10]]
    return {
        "topology": TOPOLOGIES[store],
        "seed": plan.seed,
        "athletes": len(plan.people),
        "acts": dict(sorted(population.done.items())),
        "kills": dict(sorted(here.kills.items())),
        "faults": dict(sorted(scenario.faults.items())),
        "seconds": {
            "preparation": round(times[1] - times[0]),
            "traffic": round(times[2] - times[1]),
            "until quiet": None if quiet_s is None else round(quiet_s),
        },
        **figures,
        "logs": str(folder),
    }
