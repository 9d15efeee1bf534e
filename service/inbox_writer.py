"""Group commit of webhook events, and the publisher that wakes the workers behind it.

A request waits until its event is on disk. One thread commits the events of all requests that wait, so a busy second costs
a few syncs and not hundreds. Waking the workers comes after the commit and delays no answer: the sweep replaces a lost
wake-up within a second.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from adductor import logs
from adductor.clock import Clock
from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.store import Store

log = logs.get(__name__)

MOST_IN_A_COMMIT = 200
# Strava waits 2 s for its answer. An event that is not on disk by then is answered 503 and comes again.
PATIENCE_S = 1.2
# A little less for the database, so that the answer can say what its trouble is.
DATABASE_TIMEOUT_S = 1.0
# At most so many wake-ups a second; a wake-up lets the workers drain everything that is due.
WAKE_EVERY_S = 0.05
# Logging and waking take the interpreter from the threads that are about to answer.
ANSWERS_FIRST_S = 0.003


class NotStoredError(Exception):
    """The event is not on disk: the answer must be 503."""


class InboxWriter:
    """Stores events for many threads; one per web process. Its own threads start with the first event."""

    def __init__(self, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._waiting: queue.SimpleQueue[tuple[WebhookEvent, Future[None]]] = queue.SimpleQueue()
        self._stored: queue.SimpleQueue[dict[int, str]] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._started = False
        # Whether the last commit failed. Then this process is not ready, until something can be stored (service.heartbeat).
        self.failing = False

    def put(self, *events: WebhookEvent) -> None:
        """Return when the events are on disk. Raises NotStoredError after 1.2 s, or when the database refuses one."""
        self._start()
        waiting: list[Future[None]] = [Future() for _ in events]
        for event, stored in zip(events, waiting, strict=True):
            self._waiting.put((event, stored))
        give_up_at = time.monotonic() + PATIENCE_S
        try:
            for stored in waiting:
                stored.result(max(give_up_at - time.monotonic(), 0))
        except TimeoutError:
            for stored in waiting:
                stored.cancel()  # when the commit is under way already, it may still succeed: the event comes again
            self.failing = True
            raise NotStoredError("the database takes too long") from None
        except Exception as error:
            raise NotStoredError("the database does not take the event") from error

    def _start(self) -> None:
        with self._starting:
            if self._started:
                return
            self._started = True
            for name, work in (("inbox-writer", self._commit_batch), ("inbox-publisher", self._publish)):
                threading.Thread(target=_repeat, args=(work,), name=name, daemon=True).start()

    def _commit_batch(self) -> None:
        """Wait for an event and commit it together with all others that wait by then."""
        batch = [self._waiting.get()]
        while len(batch) < MOST_IN_A_COMMIT and not self._waiting.empty():
            batch.append(self._waiting.get())
        batch = [(event, stored) for event, stored in batch if stored.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            with self._store.write(timeout_s=DATABASE_TIMEOUT_S) as session:
                rows = inbox.put(session.connection(), [event for event, _ in batch], self._clock.now())
        except Exception as error:  # whatever it is: each request must be told
            self.failing = True
            log.error("events not stored", events=len(batch), problem=type(error).__name__)
            for _, stored in batch:
                stored.set_exception(error)
            return
        self.failing = False
        for _, stored in batch:
            stored.set_result(None)
        if rows:
            self._stored.put(rows)

    def _publish(self) -> None:
        """Wait for stored events and wake the workers: at once after a quiet moment, else coalesced."""
        stored = self._stored.get()
        time.sleep(ANSWERS_FIRST_S)
        while not self._stored.empty():
            stored |= self._stored.get()
        for row_id, trace_id in stored.items():
            log.info("event stored", trace=trace_id, event_id=row_id)  # the trace begins here
        try:
            self._wake()
        except Exception as error:  # whatever the broker's trouble is, the sweep finds the rows
            log.warning("wake-up not published", problem=type(error).__name__)
        time.sleep(WAKE_EVERY_S)


def _repeat(work: Callable[[], None]) -> None:
    while True:
        work()
