"""What happened how often: counted in memory, kept in Redis for all processes of an installation together.

An addition costs nothing that anybody waits for: a thread of each process brings its sums to Redis in one round trip, a
second after the first of them. Sums survive restarts as Redis does. A process that is killed takes its last second of
counts with it; a Redis that was wiped begins at nought, which Prometheus knows how to read. No decision hangs on them.
See docs/decisions/009-counting.md for what else was weighed.
"""

from __future__ import annotations

import atexit
import bisect
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import redis as redis_library

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

KEY = "adductor:counts"
# Names of what is counted; the labels of each follow in this order.
WEBHOOKS = "webhooks"  # outcome
EVENTS = "events"  # outcome
DECISIONS = "decisions"  # decision, rule
DELIVERIES = "deliveries"  # channel, outcome
LETTERS = "letters"  # kind, outcome
CALLS = "calls"  # kind, status
HELD_BACK = "held_back"  # priority
NOTE_BUCKET = "note_bucket"  # upper bound in s
NOTE_SUM = "note_sum"

# From the webhook's arrival to the written note, in seconds. Usual is one to three; the long ones are waits for Strava:
# a window of the rate limit (900), an outage of hours, and a day, after which we give up.
NOTE_BUCKETS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)

_EVERY_S = 1.0
_REST_S = 5.0  # after a failure
_APART = "|"
_PENDING = "counts"

Entry = tuple[str, ...]


class Counts:
    """One per process; safe for threads. Must be made after a fork, like everything that holds connections."""

    def __init__(self, redis: Callable[[], Redis | None], *, every_s: float = _EVERY_S) -> None:
        self._redis = redis
        self._every_s = every_s
        self._sums: Counter[Entry] = Counter()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._there = threading.Event()
        self._ended = threading.Event()
        self._started = False

    def add(self, *entry: str, by: float = 1) -> None:
        """Count one more of it: its name and labels."""
        with self._lock:
            self._sums[entry] += by  # type: ignore[assignment]  # sums of seconds are no whole numbers
        if not self._there.is_set():
            self._there.set()
            self._ensure_started()

    def note_written(self, seconds: float) -> None:
        """A note stands: so long after its event came."""
        place = bisect.bisect_left(NOTE_BUCKETS_S, seconds)
        bound = str(NOTE_BUCKETS_S[place]) if place < len(NOTE_BUCKETS_S) else "+Inf"
        self.add(NOTE_BUCKET, bound)
        self.add(NOTE_SUM, by=max(seconds, 0.0))

    def committed(self, session: Session) -> None:
        """Count what this transaction, now committed, was to count (see `with_commit`)."""
        for entry in session.info.pop(_PENDING, ()):
            if entry[0] == NOTE_SUM:
                self.note_written(float(entry[1]))
            else:
                self.add(*entry)

    def flush(self) -> bool:
        """Bring the sums to Redis now. False when it doesn't take them; they are kept for the next time."""
        with self._flushing:
            with self._lock:
                sums, self._sums = self._sums, Counter()
                self._there.clear()
            if not sums:
                return True
            server = self._redis()
            try:
                if server is None:
                    return True  # no broker is set: a command for one look, whose counts nobody could read
                pipeline = server.pipeline(transaction=False)
                for entry, by in sums.items():
                    if isinstance(by, float):
                        pipeline.hincrbyfloat(KEY, _APART.join(entry), by)
                    else:
                        pipeline.hincrby(KEY, _APART.join(entry), by)
                pipeline.execute()
            except (redis_library.RedisError, OSError):
                with self._lock:
                    self._sums.update(sums)
                return False
            return True

    def totals(self) -> Mapping[Entry, float] | None:
        """All sums of all processes since counting began; None when Redis doesn't answer."""
        server = self._redis()
        if server is None:
            return None
        self.flush()
        try:
            found: dict[bytes, bytes] = server.hgetall(KEY)  # type: ignore[assignment]  # a synchronous client
        except (redis_library.RedisError, OSError):
            return None
        return {tuple(name.decode().split(_APART)): float(value) for name, value in found.items()}

    def close(self) -> None:
        """Bring what is left to Redis, and end."""
        self._ended.set()
        self._there.set()
        self.flush()

    def _ensure_started(self) -> None:
        with self._lock:
            if self._started or self._ended.is_set():
                return
            self._started = True
        threading.Thread(target=self._flush_forever, name="counts", daemon=True).start()
        atexit.register(self.flush)

    def _flush_forever(self) -> None:
        while not self._ended.is_set():
            self._there.wait()
            self._ended.wait(self._every_s)  # gather
            try:
                taken = self.flush()
            except Exception as error:  # whatever it is, counting goes on
                log.warning("counts not kept (%s)", type(error).__name__)
                taken = False
            if not taken:
                self._ended.wait(_REST_S)
                self._there.set()


def with_commit(session: Session | None, *entry: str) -> None:
    """Count this once the session's transaction is committed, and not if it is rolled back."""
    if session is not None:
        session.info.setdefault(_PENDING, []).append(entry)


def note_with_commit(session: Session, seconds: float) -> None:
    """A note stands, so long after its event came; counted with the commit."""
    with_commit(session, NOTE_SUM, str(seconds))
