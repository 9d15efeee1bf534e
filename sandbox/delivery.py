"""Webhook delivery: at most three attempts, a minute apart on the sandbox's clock, 2 s each.

Source: Strava, "Webhook Events API". The switches add the faults of the real one: duplicates, losses, reordering, delays.
Delivery is neither exactly-once nor ordered.
"""

from __future__ import annotations

import heapq
import logging
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from sandbox.models import Attempt, Delivery

if TYPE_CHECKING:
    from sandbox.base import BaseWorld

_log = logging.getLogger(__name__)

# A callback that hangs holds a thread for two seconds; 32 threads sustain 16 such events a second.
_THREADS = 32
# How often to check whether another process moved the clock file; real seconds.
_CLOCK_LOOK_S = 1.0


def direct_session() -> requests.Session:
    """A session past every proxy. ``REQUESTS_CA_BUNDLE`` may name a certificate authority of one's own."""
    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE", True)
    return session


class Courier:
    """Scheduler of deliveries: a heap by due time, a thread pool, and a record of each attempt."""

    def __init__(self, world: BaseWorld) -> None:
        self._world = world
        self._due: list[tuple[float, int]] = []
        self._condition = threading.Condition()
        self._stopped = False
        self._local = threading.local()
        # Not for secrets: a seed makes a chaos run repeatable.
        self._random = random.Random()  # noqa: S311
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="delivery")
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Start, with the deliveries that an earlier process left waiting."""
        with self._world.lock:
            waiting = [(d.due, d.id) for d in self._world.deliveries.values() if d.state == "waiting"]
        with self._condition:
            self._due = waiting
            heapq.heapify(self._due)
        self._world.clock.on_change(self.look)
        self._thread.start()

    def stop(self) -> None:
        """Stop within the time of one attempt; waiting deliveries are kept for the next start."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def look(self) -> None:
        """Re-check what is due after a change of the clock, a switch or the state."""
        with self._condition:
            self._condition.notify_all()

    def seed(self, seed: int) -> None:
        """Seed the switches' random generator: the same seed gives the same losses and duplicates."""
        with self._world.lock:
            self._random.seed(seed)

    def forget(self) -> None:
        with self._condition:
            self._due.clear()

    # -- queueing ----------------------------------------------------------------------------------

    def send(self, event: dict[str, Any], *, after_s: float = 0.0) -> None:
        """Queue one event for the callback, due in `after_s`."""
        world = self._world
        callback_url = world.callback_url
        if callback_url is None:
            return
        switches = world.delivery_switches
        copies = switches.copies + (self._random.random() < switches.duplicate_share)
        now = world.clock.now()
        deliveries = []
        for _ in range(copies):
            due = now + after_s + switches.delay_s
            if self._random.random() < switches.reorder_share:
                due += self._random.uniform(0, switches.reorder_within_s)
            if self._random.random() < switches.late_share:
                due += switches.late_by_s
            dropped = self._random.random() < switches.drop_share
            delivery = Delivery(
                id=world.next_id("delivery"),
                callback_url=callback_url,
                event=event,
                due=due,
                state="dropped" if dropped else "waiting",
                note="dropped on purpose" if dropped else "",
            )
            world.keep_delivery(delivery)
            deliveries.append(delivery)
        self._put([d for d in deliveries if d.state == "waiting"])

    def _put(self, deliveries: list[Delivery]) -> None:
        with self._condition:
            for delivery in deliveries:
                heapq.heappush(self._due, (delivery.due, delivery.id))
            self._condition.notify_all()

    # -- delivering ---------------------------------------------------------------------------------

    def _run(self) -> None:
        world = self._world
        while True:
            with self._condition:
                if self._stopped:
                    return
                if not self._due or world.delivery_switches.paused:
                    self._condition.wait()
                    continue
                left_s = (self._due[0][0] - world.clock.now()) / world.clock.speed
                if left_s > 0:
                    self._condition.wait(min(left_s, _CLOCK_LOOK_S))
                    continue
                # Looked up before `forget` can run: after a reset the same id belongs to another delivery.
                delivery = world.deliveries[heapq.heappop(self._due)[1]]
            self._pool.submit(self._attempt_safely, delivery)

    def _attempt_safely(self, delivery: Delivery) -> None:
        try:
            self._attempt(delivery)
        except Exception:
            # The pool would swallow the exception, and the delivery would wait for ever.
            _log.exception("delivery %s failed: bug in the sandbox", delivery.id)

    def _attempt(self, delivery: Delivery) -> None:
        world = self._world
        if self._stopped or world.deliveries.get(delivery.id) is not delivery:
            return
        switches = world.delivery_switches
        attempt = self._post(delivery, switches.timeout_s)
        with world.lock:
            if world.deliveries.get(delivery.id) is not delivery:
                return  # a reset in between
            delivery.attempts.append(attempt)
            if attempt.status == 200:
                delivery.state = "delivered"
            elif len(delivery.attempts) >= switches.attempts:
                delivery.state = "failed"
            else:
                backoff = switches.retry_factor ** (len(delivery.attempts) - 1)
                delivery.due = world.clock.now() + switches.retry_after_s * backoff
            world.keep_delivery(delivery)
            world.notify()
        if delivery.state == "waiting":
            self._put([delivery])

    def _post(self, delivery: Delivery, timeout_s: float) -> Attempt:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = direct_session()
        world = self._world
        at = world.clock.now()
        start = time.perf_counter()
        status, error = None, None
        try:
            with session.post(
                delivery.callback_url,
                json=delivery.event,
                headers=world.delivery_headers,
                timeout=timeout_s,
                allow_redirects=False,
            ) as answer:
                status = answer.status_code
        except requests.RequestException as failure:
            error = type(failure).__name__
        ms = round((time.perf_counter() - start) * 1000, 3)
        if status is not None and ms > timeout_s * 1000:
            # requests' timeout is per read; Strava's is for the whole answer.
            status, error = None, "ReadTimeout"
        return Attempt(at=at, status=status, ms=ms, error=error)
