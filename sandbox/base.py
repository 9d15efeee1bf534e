"""What both made-up companies keep alike: one lock, clock, journal, ids, deliveries, and the log of calls.

Everything is guarded by the lock: a call's read and write are never interleaved with another's.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from sandbox.clock import Clock
from sandbox.delivery import Courier
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.models import Delivery, DeliverySwitches, Entity

CALLS_KEPT = 20_000
DELIVERIES_KEPT = 100_000

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
    runner_id: int | str | None = None
    activity_id: int | str | None = None
    over_limit: bool = False
    faults: list[int] = []
    fields: list[str] = []


class UnknownError(LookupError):
    """An unknown runner, activity or delivery; the message names it."""


class BaseWorld(ABC):
    """State, logs and deliveries of one company, written through to its journal. Hold `lock` around compound work."""

    first_ids: ClassVar[dict[str, int]] = {}
    switches: Any

    def __init__(self, file: Path, clock: Clock, lock: threading.RLock | None = None) -> None:
        self.lock = lock or threading.RLock()
        self.closing = False
        self._changed = threading.Condition(self.lock)
        self.clock = clock
        self.journal = Journal(file)
        self.faults = Faults()
        self._load_logs()
        self.load()
        self.courier = Courier(self)
        self.resets_too: list[BaseWorld] = []

    @abstractmethod
    def load(self) -> None:
        """Read everything but ids, deliveries and calls from the journal."""

    @abstractmethod
    def save(self, entity: Any) -> None:
        """Save a new or changed entity, in memory and on disk."""

    @property
    @abstractmethod
    def callback_url(self) -> str | None:
        """Where events go; None: nowhere."""

    @property
    def delivery_switches(self) -> DeliverySwitches:
        """How events are delivered."""
        found: DeliverySwitches = self.switches.delivery
        return found

    @property
    def delivery_headers(self) -> dict[str, str]:
        """Headers of every delivery beside those of JSON."""
        return {}

    def _load_logs(self) -> None:
        self._ids: dict[str, int] = {k: v for body in self.journal.load("ids") for k, v in json.loads(body).items()}
        self.deliveries = {d.id: d for d in sorted(self.stored(Delivery), key=lambda d: d.id)}
        self.waiting = {d.id for d in self.deliveries.values() if d.state == "waiting"}
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.call_counts: Counter[tuple[str, int | None]] = Counter()

    def stored(self, kind: type[E]) -> list[E]:
        # An earlier sandbox may have kept more.
        return [kind.model_validate_json(body, extra="ignore") for body in self.journal.load(kind.__name__)]

    def reset(self) -> None:
        """Reset everything, switches and logs too, to the made-up runners. The clock stays."""
        with self.lock:
            self.journal.clear()
            self.faults.clear()
            self.courier.forget()
            self._load_logs()
            self.load()
            self.notify()
            for other in self.resets_too:
                other.reset()

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

    def next_id(self, kind: str) -> int:
        with self.lock:
            number = self._ids.get(kind, self.first_ids.get(kind, 1))
            self._ids[kind] = number + 1
            self.journal.put("ids", kind, json.dumps({kind: number + 1}))
            return number

    def keep_delivery(self, delivery: Delivery) -> None:
        """Save a new or changed delivery."""
        with self.lock:
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
            self.journal.put("Delivery", delivery.id, delivery.model_dump_json())

    def forget_deliveries(self) -> None:
        with self.lock:
            self.courier.forget()
            for key in self.deliveries:
                self.journal.drop("Delivery", key)
            self.deliveries = {}
            self.waiting = set()
            self.notify()

    def log_call(self, **known: Any) -> None:
        with self.lock:
            # In memory only, like the log itself; a write for every line of it would be waste.
            number = self.calls[-1].id + 1 if self.calls else 1
            call = Call(id=number, **known)
            self.calls.append(call)
            self.call_counts[call.endpoint, call.status] += 1
            self._changed.notify_all()

    def calls_of(
        self, since: int = 0, endpoint: str | None = None, object_id: int | str | None = None
    ) -> Iterable[Call]:
        """The logged calls after the id `since`, of one endpoint and object if these are given."""
        return (
            call
            for call in self.calls
            if call.id > since and endpoint in (None, call.endpoint) and object_id in (None, call.activity_id)
        )

    def forget_calls(self) -> None:
        with self.lock:
            self.calls.clear()
            self.call_counts.clear()


def real_ms_since(start: float) -> float:
    """Milliseconds since `start`, a reading of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 3)
