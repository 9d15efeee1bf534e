"""Storing webhook events: many requests share one commit, and one wake-up tells the workers of many.

A request waits until its event is on disk. Whoever finds nobody writing writes, and what comes meanwhile waits for the
next transaction, all of it together: a quiet moment costs no thread, and a busy second costs a few syncs and not hundreds.
Waking the workers comes after the commit and never holds up an answer: a lost wake-up costs a second, until the sweep.

What could not be stored was answered 503, and Strava sends it again: three times in all. It is kept in memory too and stored
as soon as the database takes it, so that three bad moments lose nothing. Whichever comes second changes nothing.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adductor import logs
from adductor.clock import Clock
from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import BusyError, Store

log = logs.get(__name__)

# The most events in one transaction and in one wake-up. Between two wake-ups there is so much time for each event of the
# last one, up to a limit: workers are woken the more seldom, the more they have to do.
MOST_AT_ONCE = 200
GATHER_S = 0.025
MOST_GATHER_S = 0.1
# Strava wants its answer within 2 s, and a busy server may have let it wait for a thread (service.gathering). Whoever has
# not been stored by then is told so and sends the event again.
PATIENCE_S = 1.2
# Whoever writes waits a little less for the database, so that those behind learn why.
FOR_THE_DATABASE_S = 1.0
LEAST_S = 0.1
# What was refused: so many, for so long. Strava's last attempt is a few minutes after its first, and a database that is away
# for longer makes an outage (adductor.jobs.outages).
MOST_REFUSED = 2_000
REFUSED_FOR_S = 900.0


class NotStoredError(Exception):
    """The event is not on disk: the answer must be 503."""


@dataclass(slots=True, eq=False)
class _Waiting:
    event: WebhookEvent
    until: float  # monotonic
    told: threading.Event = field(default_factory=threading.Event)
    leads: bool = False  # told to write, and not that it is written
    stored: bool = False
    problem: BaseException | None = None


class InboxWriter:
    """One per web process; `put` may be called from any thread."""

    def __init__(self, store: Store, clock: Clock, wake: Callable[[Sequence[int]], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._line: deque[_Waiting] = deque()
        self._refused: deque[_Waiting] = deque(maxlen=MOST_REFUSED)
        self._somebody_writes = False
        self._stored: queue.SimpleQueue[dict[int, str]] = queue.SimpleQueue()
        self._started = False
        # Whether what came last could not be stored: then this process is not ready, until something can be (pulse.py).
        self.failing = False

    def put(self, event: WebhookEvent) -> None:
        """Return when the event is on disk. Raises NotStoredError when it isn't, in time."""
        mine = _Waiting(event, time.monotonic() + PATIENCE_S)
        with self._lock:
            self._line.append(mine)
            mine.leads, self._somebody_writes = not self._somebody_writes, True
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._write_what_waits()
        if not mine.stored:
            self._refused.append(mine)
            busy = isinstance(mine.problem, BusyError)
            why = "the database takes too long" if busy else "the database does not take the event"
            raise NotStoredError(why) from mine.problem

    def _wait(self, mine: _Waiting) -> None:
        if mine.told.wait(PATIENCE_S):
            return
        with self._lock:
            if mine.told.is_set():  # in this very moment
                return
            # If it isn't in the line any more it is being written; a second time does no harm.
            if mine in self._line:
                self._line.remove(mine)
            self.failing = True
        self._refused.append(mine)
        raise NotStoredError("the database takes too long")

    def store_refused(self) -> int:
        """Store what was answered 503 before, when the database takes it now. Returns how many events were new to it."""
        new = 0
        while batch := self._oldest_refused():
            try:
                stored = inbox.put_now(
                    self._store, [waiting.event for waiting in batch], self._clock.now(), within_s=FOR_THE_DATABASE_S
                )
            except Exception as error:  # Strava still has them, and there is a next time
                self._refused.extendleft(reversed(batch))
                log.warning("refused events not stored yet", events=len(batch), problem=type(error).__name__)
                break
            new += len(stored)
            self._tell_workers(stored)
        if new:
            log.info("refused events stored after all", events=new)
        return new

    def _oldest_refused(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        given_up = 0
        since = time.monotonic() - REFUSED_FOR_S
        while self._refused and len(batch) < MOST_AT_ONCE:
            waiting = self._refused.popleft()
            if waiting.until < since:
                given_up += 1
            else:
                batch.append(waiting)
        if given_up:
            log.error("refused events given up", events=given_up)
        return batch

    def _write_what_waits(self) -> None:
        """Write one batch, the first of which is the caller's, and hand on to the next in line."""
        with self._lock:
            batch = [self._line.popleft() for _ in range(min(len(self._line), MOST_AT_ONCE))]
        try:
            self._write(batch)
        finally:
            for waiting in batch:
                waiting.told.set()
            with self._lock:
                if self._line:
                    self._line[0].leads = True
                    self._line[0].told.set()
                else:
                    self._somebody_writes = False

    def _write(self, batch: list[_Waiting]) -> None:
        events = [waiting.event for waiting in batch]
        # Who waited behind somebody whom the database kept waiting has only the rest of the time to write in.
        left_s = min(batch[0].until - time.monotonic(), FOR_THE_DATABASE_S)
        if left_s < LEAST_S:
            self._refuse(batch, BusyError())
            return
        try:
            stored = inbox.put_now(self._store, events, self._clock.now(), within_s=left_s)
        except Exception as error:  # whatever it is: the others in line must be told
            self._refuse(batch, error)
            return
        self.failing = False
        for waiting in batch:
            waiting.stored = True
        self._tell_workers(stored)

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        log.error("events not stored", events=len(batch), problem=type(error).__name__)
        self.failing = True
        for waiting in batch:
            waiting.problem = error

    def _tell_workers(self, stored: dict[int, str]) -> None:
        if stored:
            self._ensure_started()
            self._stored.put(stored)

    def _ensure_started(self) -> None:
        # Started by the first event and not by the constructor: gunicorn forks in between.
        if not self._started:
            self._started = True
            threading.Thread(target=self._wake_forever, name="inbox-waker", daemon=True).start()

    def _wake_forever(self) -> None:
        next_at = -math.inf
        pause = threading.Event()
        while True:
            stored = dict(self._stored.get())
            # The first after a quiet moment goes at once: a runner waits. Those of a busy one are gathered behind it.
            pause.wait(max(0.0, next_at - time.monotonic()))
            while len(stored) < MOST_AT_ONCE:
                try:
                    stored.update(self._stored.get_nowait())
                except queue.Empty:
                    break
            next_at = time.monotonic() + min(GATHER_S * len(stored), MOST_GATHER_S)
            try:
                self._wake(list(stored))
            except Exception as error:  # whatever the broker's trouble is, the sweep finds the rows
                log.warning("workers not woken", events=len(stored), problem=type(error).__name__)
            for row_id, trace_id in stored.items():
                # Here the trace begins that the worker's lines go on with. Nobody waits for this line.
                log.info("event stored", trace=trace_id, event_id=row_id)
