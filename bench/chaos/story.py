"""One run: the house is opened, the town lives, the weather turns, parts are killed; then quiet, and the books."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adductor.store.models import Delivery, InboxEvent, Letter
from bench.chaos.account import Books, audit
from bench.chaos.houses import House, house
from bench.chaos.plan import DUPLICATE_SHARE, Plan
from bench.chaos.runners import Town
from bench.chaos.strava import Strava
from bench.chaos.weather import WEATHER, Weather

_LOOK_EVERY_S = 0.03
_FETCH_CALLS_EVERY_S = 2.0
# Two sweeps and a look of the clock: whoever is quiet for so long has nothing left to do.
_QUIET_FOR_S = 3.0
_THEN_AFTER_S = 4.0
# Real seconds from one of Strava's three attempts to the next. The real one waits a minute or two, of which a part that
# falls needs two or three seconds to be back; at the speed of these clocks a minute would be gone before that.
_ATTEMPT_AGAIN_AFTER_S = 8.0


@dataclass
class _Sky:
    """The weather as it is now, and what it did."""

    strava: Strava
    faults: dict[int, str] = field(default_factory=dict)
    shone: dict[str, int] = field(default_factory=dict)
    _coming: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def forecast(self, weather: tuple[Weather, ...]) -> None:
        for entry in weather:
            self._coming.append((entry.at_s, partial(self._begin, entry)))
        self._coming.sort(key=lambda item: item[0])

    def look(self, now_s: float) -> None:
        while self._coming and self._coming[0][0] <= now_s:
            self._coming.pop(0)[1]()

    def _later(self, at_s: float, do: Callable[[], None]) -> None:
        self._coming.append((at_s, do))
        self._coming.sort(key=lambda item: item[0])

    def _begin(self, entry: Weather) -> None:
        kind = entry.kind
        self.shone[kind.name] = self.shone.get(kind.name, 0) + 1
        end_s = entry.at_s + entry.lasts_s
        if kind.fault is not None:
            number = self.strava.ask("POST", "faults", kind.fault)["id"]
            self.faults[number] = kind.name
            self._later(end_s, lambda: self.strava.ask("DELETE", f"faults/{number}"))
        else:
            self.strava.ask("POST", "switches", kind.on)
            self._later(end_s, lambda: self.strava.ask("POST", "switches", kind.off))
            if kind.then is not None:
                self._later(end_s + _THEN_AFTER_S, lambda: self.strava.ask("POST", "switches", kind.then))

    def clear(self) -> None:
        """Everything as usual."""
        self._coming.clear()
        self.strava.ask("DELETE", "faults", {})
        for kind in WEATHER:
            if kind.off is not None:
                self.strava.ask("POST", "switches", kind.off)
        time.sleep(_THEN_AFTER_S)  # private notes are shown again for a while before they are taken: see weather.py
        for kind in WEATHER:
            if kind.then is not None:
                self.strava.ask("POST", "switches", kind.then)
        calm = {"reorder_share": 0, "late_share": 0, "duplicate_share": 0}
        self.strava.ask("POST", "switches", {"delivery": calm})


def run(plan: Plan, store: str, folder: Path, *, limit: int, settle_s: float) -> dict[str, Any]:
    """Carry the plan out on one shape. ``limit``: calls a quarter of an hour; ``settle_s``: how long it may take until all
    is quiet afterwards. Returns the report's figures; ``broken`` lists the promises that were not kept."""
    began = time.monotonic()
    with house(store, folder, speed=plan.speed) as home:
        strava = Strava(home.here.sandbox_url or "")
        _prepare(strava, plan, limit)
        town = Town(plan, strava, home.here.installation)
        town.settle_in()
        calls: list[dict[str, Any]] = []
        sky = _Sky(strava)
        sky.forecast(plan.weather)
        started = time.monotonic()
        town.start()
        _trouble(plan, home, town, sky, strava, calls, started)
        town.stop()
        traffic_s = time.monotonic() - started
        sky.clear()
        quiet_after_s = _until_quiet(home, strava, calls, settle_s)
        calls += strava.calls_since(calls[-1]["id"] if calls else 0)
        # The file that all processes share says how the two times hang together.
        clock = json.loads(home.here.settings.clock_file.read_text())
        books = Books(
            plan=plan,
            town=town,
            installation=home.here.installation,
            truths=strava.truths(),
            calls=calls,
            deliveries=strava.deliveries(),
            limits=strava.limits(),
            faults=sky.faults,
            killed_at=home.killed_at,
            clock=(clock["real"], clock["simulated"]),
        )
        figures = audit(books)
        if quiet_after_s is None:
            figures["broken"].insert(0, f"it was not quiet {settle_s:.0f} s after the last trouble")
        figures["broken"] += [f"the run itself stumbled: {problem}" for problem in town.problems[:10]]
        return {
            "shape": _SHAPES[store],
            "seed": plan.seed,
            "kills": dict(sorted(home.kills.items())),
            "weather": dict(sorted(sky.shone.items())),
            "acts": dict(sorted(town.done.items())),
            "seconds": {
                "traffic": round(traffic_s, 1),
                "until quiet": None if quiet_after_s is None else round(quiet_after_s, 1),
                "all": round(time.monotonic() - began, 1),
                "of the runners' time": round(traffic_s * plan.speed),
            },
            **figures,
            "log": str(home.log),
        }


_SHAPES = {
    "sqlite": "SQLite and the embedded broker; web, worker, beat",
    "postgresql": "PostgreSQL and Redis; 2 web processes, 2 workers, 2 beats",
}


def _prepare(strava: Strava, plan: Plan, limit: int) -> None:
    strava.ask("DELETE", "faults", {"seed": plan.seed})
    tier = {"name": "chaos", "athletes": None, "overall": [limit * 2, limit * 200], "read": [limit, limit * 100]}
    delivery = {
        "seed": plan.seed,
        "duplicate_share": DUPLICATE_SHARE,
        "reorder_share": 0.3,
        "reorder_within_s": 2 * plan.speed,
        "late_share": 0.03,
        "late_by_s": min(0.08 * plan.seconds, 25) * plan.speed,
        "retry_after_s": _ATTEMPT_AGAIN_AFTER_S * plan.speed,
    }
    # Short-lived, so that tokens end by themselves too.
    tokens = {"lifetime_s": 5400, "renew_below_s": 900}
    strava.ask("POST", "switches", {"tier": tier, "delivery": delivery, "tokens": tokens})


def _trouble(
    plan: Plan, home: House, town: Town, sky: _Sky, strava: Strava, calls: list[dict[str, Any]], started: float
) -> None:
    kills = list(plan.kills)
    turn = 0
    fetched = time.monotonic()
    while town.busy or time.monotonic() - started < plan.seconds:
        now_s = time.monotonic() - started
        home.look()
        sky.look(now_s)
        while kills and kills[0].at_s <= now_s:
            home.kill(kills.pop(0), turn)
            turn += 1
        if time.monotonic() - fetched > _FETCH_CALLS_EVERY_S:
            calls += strava.calls_since(calls[-1]["id"] if calls else 0)
            fetched = time.monotonic()
        time.sleep(_LOOK_EVERY_S)  # a supervisor's round; the plan's times are coarser


def _until_quiet(home: House, strava: Strava, calls: list[dict[str, Any]], settle_s: float) -> float | None:
    """Seconds until nothing waits anywhere; None when that does not come."""
    began = time.monotonic()
    quiet_since: float | None = None
    while time.monotonic() - began < settle_s:
        home.look()
        if strava.waiting() or unfinished(home):
            quiet_since = None
        else:
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > _QUIET_FOR_S:
                return quiet_since - began
        calls += strava.calls_since(calls[-1]["id"] if calls else 0)
        time.sleep(0.3)  # rows tell nobody when they are finished
    return None


def unfinished(home: House) -> int:
    """Rows that wait or are being handled."""
    with home.here.installation.store.read() as session:
        return sum(
            session.scalar(select(func.count()).select_from(table).where(table.state.in_(("waiting", "claimed")))) or 0
            for table in (InboxEvent, Delivery, Letter)
        )
