"""The made-up Strava itself, in memory, written through to the journal.

Everything is guarded by one lock: what a call does between reading and writing is never interleaved.
"""

from __future__ import annotations

import bisect
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from sandbox.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.delivery import Courier
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.limits import RateLimits
from sandbox.models import (
    Activity,
    Code,
    Connection,
    Delivery,
    Edit,
    Entity,
    Runner,
    Subscription,
    Switches,
)
from sandbox.runners import MADE_UP_RUNNERS

CALLS_KEPT = 20_000
DELIVERIES_KEPT = 100_000
_FIRST_IDS = {"runner": 90_000_001, "activity": 16_000_000_001}

E = TypeVar("E", bound=Entity)


class Call(BaseModel):
    """One call of the application, as the log shows it. `real_s` is when it arrived, real epoch seconds."""

    id: int
    at: float
    real_s: float
    endpoint: str
    method: str
    path: str
    status: int | None
    ms: float
    runner_id: int | None = None
    activity_id: int | None = None
    over_limit: bool = False
    faults: list[int] = []
    fields: list[str] = []


class UnknownError(LookupError):
    """An unknown runner, activity or delivery; the message names it."""


class World:
    """Runners, activities, connections, the application's limits and logs. Hold `lock` around compound work."""

    def __init__(self, config: SandboxConfig) -> None:
        config.state_dir.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.lock = threading.RLock()
        self.closing = False
        self._changed = threading.Condition(self.lock)
        self.clock = Clock(config.clock_file or config.state_dir / "clock.json")
        self.journal = Journal(config.state_dir / "sandbox.sqlite3")
        self.faults = Faults()
        self._load()
        self.courier = Courier(self)

    # -- starting, forgetting, ending ---------------------------------------------------------------

    def _load(self) -> None:
        self.runners = {r.id: r for r in self._all(Runner)}
        self.activities = {a.id: a for a in self._all(Activity)}
        self.edits: dict[int, list[Edit]] = {}
        for edit in sorted(self._all(Edit), key=lambda edit: edit.id):
            self.edits.setdefault(edit.activity_id, []).append(edit)
        self.connections = {c.runner_id: c for c in self._all(Connection)}
        self.codes = {c.code: c for c in self._all(Code)}
        self.subscription = next(iter(self._all(Subscription)), None)
        self.deliveries = {d.id: d for d in sorted(self._all(Delivery), key=lambda d: d.id)}
        self.waiting = {d.id for d in self.deliveries.values() if d.state == "waiting"}
        self.switches = next(iter(self._all(Switches)), None) or Switches()
        self._ids: dict[str, int] = {k: v for body in self.journal.load("ids") for k, v in json.loads(body).items()}
        limits = self.journal.load("limits")
        self.limits = RateLimits.load(json.loads(limits[0])) if limits else RateLimits()
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.call_counts: Counter[tuple[str, int | None]] = Counter()
        self._by_start: dict[int, list[tuple[float, int]]] = {}
        for activity in self.activities.values():
            self._index(activity)
        # The runner of each bearer and refresh token; the connection decides whether a token is valid.
        self.token_owner: dict[str, int] = {}
        for connection in self.connections.values():
            self.index_tokens(connection)
        if not self.runners:
            for made_up in MADE_UP_RUNNERS:
                self.save(Runner(id=self.next_id("runner"), created_at=self.clock.now(), **made_up))

    def _all(self, kind: type[E]) -> list[E]:
        return [kind.model_validate_json(body) for body in self.journal.load(kind.__name__)]

    def reset(self) -> None:
        """Reset everything, switches and logs too, to the made-up runners. The clock stays."""
        with self.lock:
            self.journal.clear()
            self.faults.clear()
            self.courier.forget()
            self._load()
            self.notify()

    def close(self) -> None:
        self.courier.stop()
        self.journal.close()

    def notify(self) -> None:
        """Wake the requests that wait for a change."""
        with self.lock:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a change makes `condition` true; real seconds. False after the timeout."""
        deadline = time.monotonic() + timeout_s
        with self.lock:
            while not condition():
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self.closing:
                    return False
                # Not longer at a time: a signal handler that sets `closing` can't take the lock to wake us.
                self._changed.wait(min(left_s, 0.5))
            return True

    # -- storing ------------------------------------------------------------------------------------

    def next_id(self, kind: str) -> int:
        with self.lock:
            number = self._ids.get(kind, _FIRST_IDS.get(kind, 1))
            self._ids[kind] = number + 1
            self.journal.put("ids", kind, json.dumps({kind: number + 1}))
            return number

    def save(self, entity: Entity) -> None:
        """Save a new or changed entity, in memory and on disk."""
        with self.lock:
            key: object = "only"
            match entity:
                case Runner():
                    key = entity.id
                    self.runners[entity.id] = entity
                case Activity():
                    key = entity.id
                    if entity.id not in self.activities:
                        self.activities[entity.id] = entity
                        self._index(entity)
                case Edit():
                    key = entity.id
                    self.edits.setdefault(entity.activity_id, []).append(entity)
                case Connection():
                    key = entity.runner_id
                    self.connections[entity.runner_id] = entity
                    self.index_tokens(entity)
                case Code():
                    key = entity.code
                    self.codes[entity.code] = entity
                case Subscription():
                    self.subscription = entity
                case Delivery():
                    key = entity.id
                    self._keep_delivery(entity)
                case Switches():
                    self.switches = entity
            self.journal.put(type(entity).__name__, key, entity.model_dump_json())

    def _keep_delivery(self, delivery: Delivery) -> None:
        self.deliveries[delivery.id] = delivery
        if delivery.state == "waiting":
            self.waiting.add(delivery.id)
        else:
            self.waiting.discard(delivery.id)
        if len(self.deliveries) > DELIVERIES_KEPT:
            oldest = next(iter(self.deliveries))
            if oldest not in self.waiting:
                del self.deliveries[oldest]
                self.journal.drop("Delivery", oldest)

    def drop_code(self, code: str) -> None:
        with self.lock:
            self.codes.pop(code, None)
            self.journal.drop("Code", code)

    def drop_subscription(self) -> None:
        with self.lock:
            self.subscription = None
            self.journal.drop("Subscription", "only")

    def _index(self, activity: Activity) -> None:
        bisect.insort(self._by_start.setdefault(activity.runner_id, []), (activity.start, activity.id))

    def index_tokens(self, connection: Connection) -> None:
        for token in connection.access_tokens:
            self.token_owner[token.token] = connection.runner_id
        if connection.refresh_token:
            self.token_owner[connection.refresh_token] = connection.runner_id

    # -- looking up ---------------------------------------------------------------------------------

    def runner(self, runner_id: int) -> Runner:
        """Raises `UnknownError`."""
        try:
            return self.runners[runner_id]
        except KeyError:
            raise UnknownError(f"there is no runner {runner_id}") from None

    def activity(self, activity_id: int) -> Activity:
        """Also a deleted one: this is the sandbox's own view. Raises `UnknownError`."""
        try:
            return self.activities[activity_id]
        except KeyError:
            raise UnknownError(f"there is no activity {activity_id}") from None

    def activities_of(self, runner_id: int) -> list[Activity]:
        """Not deleted, newest start first."""
        with self.lock:
            found = [self.activities[key] for _, key in reversed(self._by_start.get(runner_id, []))]
        return [activity for activity in found if not activity.deleted]

    def connection(self, runner_id: int) -> Connection | None:
        """The live connection, or None."""
        connection = self.connections.get(runner_id)
        return connection if connection is not None and connection.connected else None

    def connected_count(self) -> int:
        return sum(connection.connected for connection in self.connections.values())

    # -- the application's calls --------------------------------------------------------------------

    def count_call(self, *, upload: bool) -> bool:
        """Count a call against the limits; True if within."""
        with self.lock:
            within = self.limits.count(self.switches.tier, self.clock.now(), upload=upload)
            self.journal.put("limits", "only", json.dumps(self.limits.dump()))
            return within

    def log_call(self, **known: Any) -> None:
        with self.lock:
            call = Call(id=self.next_call_id(), **known)
            self.calls.append(call)
            self.call_counts[call.endpoint, call.status] += 1
            self._changed.notify_all()

    def next_call_id(self) -> int:
        # In memory only, like the log itself; a write for every line of it would be waste.
        return self.calls[-1].id + 1 if self.calls else 1

    def forget_deliveries(self) -> None:
        with self.lock:
            self.courier.forget()
            for key in self.deliveries:
                self.journal.drop("Delivery", key)
            self.deliveries = {}
            self.waiting = set()
            self.notify()

    def forget_calls(self) -> None:
        with self.lock:
            self.calls.clear()
            self.call_counts.clear()
            self.limits.over_limit = 0
            self.limits.peak.clear()


def real_ms_since(start: float) -> float:
    """Milliseconds since `start`, a reading of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 3)
