"""The scenario driver: plan, start a topology, let the population act under faults and kills, wait for quiet, account."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.chaos.accounting import Accounts, Wire
from bench.chaos.faults import NO_PRIVATE_NOTES, Planned, plan_faults
from bench.chaos.plan import Person
from bench.chaos.population import DUPLICATE_SHARE, Population, plan_people
from bench.chaos.topologies import SECRET, TOPOLOGIES, Installation, Kill, installation, plan_kills
from bench.sandbox import Sandbox

_LOOK_EVERY_S = 0.03
# Two sweeps and a look of the scheduler: quiet for so long, nothing is left to do.
_QUIET_FOR_S = 3.0
_THEN_AFTER_S = 4.0
_BEFORE_A_TRACEBACK = re.compile(r"^(\S.*)\n    Traceback \(most recent", re.MULTILINE)
# Real seconds between Strava's three attempts: a killed process needs some real seconds to be back.
_ATTEMPT_AGAIN_AFTER_S = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is going to happen; the same seed gives the same plan. ``speed``: of the clocks."""

    seed: int
    seconds: float
    speed: float
    people: tuple[Person, ...]
    kills: tuple[Kill, ...]
    faults: tuple[Planned, ...]


def make_plan(
    seed: int, *, events: int, seconds: float, speed: float, kill_every_s: float, short: bool = False
) -> Plan:
    """A plan for about ``events`` deliveries, duplicates included. ``short``: no faults with long consequences."""
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    people = plan_people(chance, events=events, seconds=seconds)
    kills = plan_kills(chance, seconds, kill_every_s)
    return Plan(seed, seconds, speed, tuple(people), tuple(kills), tuple(plan_faults(chance, seconds, short=short)))


@dataclass
class _Faults:
    """Switches faults on and off at their times."""

    at: dict[str, Sandbox]  # by platform
    seen: Counter[str] = field(default_factory=Counter)
    without_private_notes: list[tuple[float, float]] = field(default_factory=list)  # real, from and until
    _coming: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)

    def plan(self, faults: tuple[Planned, ...]) -> None:
        for entry in faults:
            self._at(entry.at_s, lambda entry=entry: self._begin(entry))  # type: ignore[misc]

    def look(self, now_s: float) -> None:
        while self._coming and self._coming[0][0] <= now_s:
            self._coming.pop(0)[1]()

    def _at(self, at_s: float, do: Callable[[], Any]) -> None:
        self._coming.append((at_s, do))
        self._coming.sort(key=lambda item: item[0])

    def _begin(self, entry: Planned) -> None:
        fault, end_s = entry.fault, entry.at_s + entry.lasts_s
        self.seen[fault.name] += 1
        if fault.on == NO_PRIVATE_NOTES:
            now = time.time()
            self.without_private_notes.append((now, now + entry.lasts_s + 2 * _THEN_AFTER_S))
        if fault.call is not None:
            number = self.at[fault.log].ask("POST", "faults", fault.call)["id"]
            self._at(end_s, lambda: self.at[fault.log].ask("DELETE", f"faults/{number}"))
            return
        self._switch(fault.on)
        self._at(end_s, lambda: self._switch(fault.off))
        if fault.then is not None:
            self._at(end_s + _THEN_AFTER_S, lambda: self._switch(fault.then))

    def _switch(self, switches: dict[str, Any] | None) -> None:
        self.at["strava"].ask("POST", "switches", switches)

    def finish(self, started: float) -> None:
        """Let every fault end at its time; then everything is as usual, without duplicates and delays."""
        while self._coming:
            time.sleep(max(started + self._coming[0][0] - time.monotonic(), 0))
            self._coming.pop(0)[1]()
        for sandbox in self.at.values():
            sandbox.ask("DELETE", "faults", {})
            delivery = {"reorder_share": 0, "late_share": 0, "duplicate_share": 0}
            sandbox.ask("POST", "switches", {"delivery": delivery})


@dataclass
class _Scenario:
    """One run of a plan on one installation."""

    plan: Plan
    here: Installation
    faults: _Faults
    population: Population

    def prepare(self, limit: int) -> None:
        """Set Strava up, connect the population."""
        strava, plan = self.here.strava, self.plan
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
        self.here.log.ask("POST", "switches", icu)
        key = urlsplit(strava.ask("GET", "state")["subscription"]["callback_url"]).path.rpartition("/")[2]
        webhook = {"webhook_url": f"{self.here.web}/webhooks/intervals/{key}", "secret": SECRET}
        self.here.log.ask("POST", "application", webhook)
        self.population.settle_in(self.here.rows)
        strava.set_limits(limit)

    def trouble(self) -> None:
        """Let the population act under faults and kills."""
        self.faults.plan(self.plan.faults)
        kills, turn, started = list(self.plan.kills), 0, time.monotonic()
        self.population.start()
        while self.population.busy or time.monotonic() - started < self.plan.seconds:
            now_s = time.monotonic() - started
            self.here.check()
            self.faults.look(now_s)
            while kills and kills[0].at_s <= now_s:
                self.here.kill(kills.pop(0), turn)
                turn += 1
            time.sleep(_LOOK_EVERY_S)  # a supervisor's round; the plan's times are coarser
        self.population.stop()
        self.faults.finish(started)

    def seconds_until_quiet(self, settle_s: float) -> float | None:
        """Seconds until nothing waits anywhere; None when that does not come."""
        began, quiet_since = time.monotonic(), None
        unpolled = {one.account for one in self.population.calendars if one.person.kind == "key"}
        last_call = max((call["id"] for call in self.here.log.calls()), default=0)
        while time.monotonic() - began < settle_s:
            self.here.check()
            if unpolled:  # an athlete with a key has no events: the next list shows what the product missed
                unpolled -= {
                    call["runner_id"] for call in self.here.log.calls(since=last_call, endpoint="activities.list")
                }
            waiting = [log.ask("GET", "state")["deliveries"]["waiting"] for log in (self.here.strava, self.here.log)]
            if any(waiting) or self.here.rows.unfinished() or unpolled:
                quiet_since = None
            else:
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > _QUIET_FOR_S:
                    return quiet_since - began
            time.sleep(0.3)  # rows of another process: there is nothing to wait on
        return None

    def accounts(self, clock: dict[str, float]) -> Accounts:
        """Collect everything that the accounting looks at. Raises RuntimeError for more calls than the sandbox keeps."""
        strava = self.here.strava
        calls = strava.calls()
        if calls[0]["id"] != 1:
            raise RuntimeError(f"the sandbox has forgotten its first {calls[0]['id'] - 1} calls; take fewer --events")

        def real(simulated: float) -> float:
            return clock["real"] + (simulated - clock["simulated"]) / self.plan.speed

        return Accounts(
            athletes=self.population.athletes,
            rows=self.here.rows,
            truths=strava.activities(),
            deliveries=strava.deliveries(),
            limits=strava.ask("GET", "state")["limits"],
            calendars=self.population.calendars,
            log=self.here.log,
            wire=Wire(calls, real, self.here.killed_at),
            without_private_notes=self.faults.without_private_notes,
        )


def run(plan: Plan, store: str, folder: Path, *, limit: int, settle_s: float) -> dict[str, Any]:
    """Run a plan on one topology; the figures. ``broken`` lists promises that were not kept.

    ``limit``: calls a quarter of an hour; ``settle_s``: real seconds until all is to be quiet afterwards.
    """
    began = time.monotonic()
    with installation(TOPOLOGIES[store], folder, speed=plan.speed) as here:
        population = Population(list(plan.people), plan.seed, here.strava, here.log, here.web)
        scenario = _Scenario(plan, here, _Faults({"strava": here.strava, "intervals": here.log}), population)
        try:
            scenario.prepare(limit)
            prepared = time.monotonic()
            scenario.trouble()
            traffic_s = time.monotonic() - prepared
            quiet_s = scenario.seconds_until_quiet(settle_s)
            clock = json.loads((folder / "data" / "clock.json").read_text())
            figures = scenario.accounts(clock).audit()
        finally:
            population.stop()
    if quiet_s is None:
        figures["broken"].insert(0, f"not quiet {settle_s:.0f} s after the last fault")
    for log in folder.glob("*/log"):
        found = _BEFORE_A_TRACEBACK.findall(log.read_text(errors="replace"))
        figures["broken"] += [f"a traceback in a log: {line}" for line in found]
    figures["broken"] += [f"the scenario itself failed: {problem}" for problem in population.problems[:10]]
    return {
        "topology": TOPOLOGIES[store].description,
        "seed": plan.seed,
        "athletes": len(plan.people),
        "acts": dict(sorted(population.done.items())),
        "kills": dict(sorted(here.kills.items())),
        "faults": dict(sorted(scenario.faults.seen.items())),
        "seconds": {
            "preparation": round(prepared - began),
            "traffic": round(traffic_s),
            "until quiet": None if quiet_s is None else round(quiet_s),
        },
        **figures,
        "logs": str(folder),
    }
