"""Storing webhook events: many requests share one commit, and one wake-up tells the workers of many.

A request waits until its event is on disk. The thread that writes takes whatever has come meanwhile in the same
transaction, so that a busy second costs a few syncs and not hundreds. Waking the workers comes after the commit and never
holds up an answer: a lost wake-up costs a second, until the sweep.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adductor import logs
from adductor.clock import Clock
from adductor.pipeline import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import Store

log = logs.get(__name__)

# The most events in one transaction, and the least time between two wake-ups.
MOST_AT_ONCE = 200
GATHER_S = 0.025
# Strava wants its answer within 2 s, and a busy server may have let it wait for a thread (service.gathering). Whoever has
# not been stored by then is told so and sends the event again.
PATIENCE_S = 1.2


class NotStoredError(Exception):
    """The event is not on disk: the answer must be 503."""


@dataclass(slots=True)
class _Waiting:
    event: WebhookEvent
    done: threading.Event = field(default_factory=threading.Event)
    problem: BaseException | None = None
    given_up: bool = False


class InboxWriter:
    """One per web process; `put` may be called from any thread."""

    def __init__(self, store: Store, clock: Clock, wake: Callable[[Sequence[int]], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._events: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._stored: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._started = False
        # Whether what came last could not be stored: then this process is not ready, until something can be (pulse.py).
        self.failing = False

    def put(self, event: WebhookEvent) -> None:
        """Return when the event is on disk. Raises NotStoredError when it isn't, in time."""
        self._ensure_started()
        waiting = _Waiting(event)
        self._events.put(waiting)
        if not waiting.done.wait(PATIENCE_S):
            waiting.given_up = True
            self.failing = True
            raise NotStoredError("the database takes too long")
        if waiting.problem is not None:
            raise NotStoredError("the database does not take the event") from waiting.problem

    def _ensure_started(self) -> None:
        # Started by the first event and not by the constructor: gunicorn forks in between.
        if self._started:
            return
        with self._start:
            if not self._started:
                threading.Thread(target=self._write_forever, name="inbox-writer", daemon=True).start()
                threading.Thread(target=self._wake_forever, name="inbox-waker", daemon=True).start()
                self._started = True

    def _write_forever(self) -> None:
        while True:
            batch = [self._events.get()]
            while len(batch) < MOST_AT_ONCE:
                try:
                    batch.append(self._events.get_nowait())
                except queue.Empty:
                    break
            # What nobody waits for any more was answered 503 and will be sent again.
            self._write([waiting for waiting in batch if not waiting.given_up])

    def _write(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        try:
            with self._store.connection() as connection:
                stored = inbox.put(connection, [waiting.event for waiting in batch], self._clock.now())
        except Exception as error:  # whatever it is: this thread must live, or no event is ever stored again
            log.error("events not stored", events=len(batch), problem=type(error).__name__)
            self.failing = True
            for waiting in batch:
                waiting.problem = error
                waiting.done.set()
            return
        self.failing = False
        for waiting in batch:
            waiting.done.set()
        for row_id in stored:
            self._stored.put(row_id)
        for row_id, trace_id in stored.items():
            # Here the trace begins that the worker's lines go on with. Nobody waits for this line.
            log.info("event stored", trace=trace_id, event_id=row_id)

    def _wake_forever(self) -> None:
        last = -GATHER_S
        pause = threading.Event()
        while True:
            ids = [self._stored.get()]
            # The first after a quiet moment goes at once: a runner waits. Those of a busy one are gathered behind it.
            pause.wait(max(0.0, last + GATHER_S - time.monotonic()))
            while len(ids) < MOST_AT_ONCE:
                try:
                    ids.append(self._stored.get_nowait())
                except queue.Empty:
                    break
            last = time.monotonic()
            try:
                self._wake(ids)
            except Exception as error:  # whatever the broker's trouble is, the sweep finds the rows
                log.warning("workers not woken", events=len(ids), problem=type(error).__name__)
