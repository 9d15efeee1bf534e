"""A fixed-window rate limiter for all processes of an installation, with per-athlete fairness. Nothing here sleeps.

Windows are quarters of an hour (from :00, :15, :30, :45) and days (from midnight UTC). Every call is counted before it
goes out; a platform's own figures correct the counters upwards. The counters are one JSON value in Redis, changed by
compare-and-set. See docs/decisions/015-a-fixed-window-budget.md for the guarantees that this gives and gives up.
"""

from __future__ import annotations

import copy
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from adductor import broker
from adductor.platforms.base import BudgetState, ErrorKind, Figures, PlatformError, Priority

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)
T = TypeVar("T")
Spent = Literal["quarter", "day"]

QUARTER_S = 900
QUARTERS_A_DAY = 96
# A window opens this much later here than at the platform, whose clock may be behind ours. NTP keeps well within it.
WINDOW_GUARD_S = 2


@dataclass(frozen=True, slots=True)
class Share:
    """How full the windows may become by a call of one priority, and when a refused one comes back."""

    quarter_pct: int
    day_pct: int
    return_s: tuple[float, float]  # earliest and latest, after the next window opens: it isn't spent in a second


# CONNECT may use everything: a person waits, and it takes two calls; 5 % is two people a quarter on the smallest tier.
# HISTORY is never urgent and easily large.
SHARES: dict[Priority, Share] = {
    Priority.CONNECT: Share(100, 100, (0, 5)),
    Priority.FRESH: Share(95, 95, (1, 60)),
    Priority.RETRY: Share(85, 85, (30, 150)),
    Priority.HISTORY: Share(50, 40, (120, 600)),
    Priority.SPARE: Share(10, 10, (0, 0)),  # not tried again
}
# An athlete who used this much of a quarter goes on with the share of HISTORY, or of FRESH when connecting.
ATHLETE_CALLS = 10
ATHLETE_PCT = 10
# A Redis that just failed isn't asked again for this long (real time): only one call pays for the timeout.
REDIS_REST_S = 5.0
_KEEP_S = 2 * 86_400
# Returns nil when the value was set, else the value that stands there instead of the expected one; "" is none.
_COMPARE_AND_SET = """
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return found end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return false
"""
_QUARTER = (0, 2)  # the positions of quarters and days in `Figures`
_DAY = (1, 3)


# A longer number isn't one of calls.
_PAIR = re.compile(r"\s*([0-9]{1,12})\s*,\s*([0-9]{1,12})\s*")


def read_pair(headers: Mapping[str, str], name: str) -> tuple[int, int]:
    """The two numbers of "quarter,day" in a header of any letter case; -1 for both when they can't be read."""
    values = [value for key, value in headers.items() if key.lower() == name]
    match = _PAIR.fullmatch(values[0]) if values else None
    return (int(match[1]), int(match[2])) if match else (-1, -1)


class Reported(NamedTuple):
    """The figures of one answer's headers; -1 where they can't be read."""

    limits: Figures
    usage: Figures

    @property
    def day_is_spent(self) -> bool:
        return any(0 < self.limits[i] <= self.usage[i] for i in _DAY)


def quarter_of(now: datetime) -> int:
    """The number of the quarter of an hour in which a call at ``now`` is counted."""
    return int(now.timestamp() - WINDOW_GUARD_S) // QUARTER_S


def opens_at(quarter: int) -> datetime:
    """The moment from which calls are counted in a quarter of an hour (UTC). A day opens with its first quarter."""
    return datetime.fromtimestamp(quarter * QUARTER_S + WINDOW_GUARD_S, UTC)


def return_at(
    now: datetime, priority: Priority, *, day_is_spent: bool, chance: Callable[[], float] = random.random
) -> datetime:
    """The time for the next try (UTC): after the next window opens, spread by ``chance`` (0 <= x < 1)."""
    quarter = quarter_of(now)
    following = (quarter // QUARTERS_A_DAY + 1) * QUARTERS_A_DAY if day_is_spent else quarter + 1
    earliest_s, latest_s = SHARES[priority].return_s
    return opens_at(following) + timedelta(seconds=earliest_s + (latest_s - earliest_s) * chance())


@dataclass
class Counters:
    """The counters of the running windows. Pure; `Figures` gives the order of ``limits`` and ``used``."""

    limits: list[int]
    quarter: int
    used: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    under_way: int = 0  # calls of this quarter without an answer
    early: int = 0  # calls of the guard seconds: the platform counts them in the window that isn't open here
    athletes: dict[str, int] = field(default_factory=dict)  # calls of this quarter

    def advance(self, quarter: int) -> None:
        """Open the window of ``quarter``. A process whose clock is behind doesn't reopen the former."""
        if quarter > self.quarter:
            # A call on its way over the boundary may be counted on either side of it: count it on both.
            opened = range(4) if self._day != quarter // QUARTERS_A_DAY else _QUARTER
            for i in opened:
                self.used[i] = self.under_way + self.early
            self.quarter, self.under_way, self.early, self.athletes = quarter, 0, 0, {}

    def is_beyond_share(self, athlete: str | None) -> bool:
        allowed = max(ATHLETE_CALLS, min(self.limits[i] for i in _QUARTER) * ATHLETE_PCT // 100)
        return athlete is not None and self.athletes.get(athlete, 0) >= allowed

    def take(self, share: Share, athlete: str | None, *, early: bool) -> Spent | None:
        """Count one call, unless it would fill a window beyond its share: that one is returned."""
        if any((self.used[i] + 1) * 100 > self.limits[i] * share.day_pct for i in _DAY):
            return "day"
        if any((self.used[i] + 1) * 100 > self.limits[i] * share.quarter_pct for i in _QUARTER):
            return "quarter"
        self.used = [used + 1 for used in self.used]
        self.under_way += 1
        self.early += early
        if athlete is not None:
            self.athletes[athlete] = self.athletes.get(athlete, 0) + 1
        return None

    def learn(self, taken_in: int, reported: Reported, status: int) -> None:
        """Correct the counters by the answer to a call that was counted in the quarter ``taken_in``."""
        same_quarter = taken_in == self.quarter
        if same_quarter:
            self.under_way = max(self.under_way - 1, 0)
        for i, (limit, usage) in enumerate(zip(reported.limits, reported.usage, strict=True)):
            if limit > 0:
                self.limits[i] = limit
            if same_quarter or (i in _DAY and taken_in // QUARTERS_A_DAY == self._day):
                self.used[i] = max(self.used[i], usage)
        if status == 429 and same_quarter and not reported.day_is_spent:
            for i in _QUARTER:
                self.used[i] = max(self.used[i], self.limits[i])

    @property
    def _day(self) -> int:
        return self.quarter // QUARTERS_A_DAY


@dataclass(kw_only=True, eq=False, repr=False)
class WindowBudget:
    """The rate limiter in front of one platform. Safe for threads, and with ``redis`` for processes.

    ``redis`` needs short timeouts and ``retry=None``; redis-py's own retries take seconds. While it fails, calls are
    refused: without it no process knows the others' calls. ``redis=None`` counts in this process only.
    ``smallest`` are the limits until headers tell better ones; ``read_headers`` reads a platform's headers.
    """

    redis: Redis | None
    key: str  # of the counters in Redis
    now: Callable[[], datetime]
    smallest: Figures
    read_headers: Callable[[Mapping[str, str]], Reported]
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = threading.local()  # .quarter of this thread's last call
        self._rests_until_s = 0.0
        # As they were last in Redis, or in this process; and the same, as stored in Redis.
        self._seen, self._stored = Counters(list(self.smallest), quarter_of(self.now())), b""

    def take(self, priority: Priority, athlete: str | None = None) -> None:
        """Count one call. ``athlete`` is any stable key of the athlete whom the call serves.

        Raises PlatformError of kind RATE_LIMITED with ``retry_at`` (UTC) when this priority has no calls left.
        """
        now = self.now()
        early = int(now.timestamp()) // QUARTER_S != quarter_of(now)
        # A second try for an athlete within their share goes like the first: it serves the same run.
        wanted = Priority.FRESH if priority is Priority.RETRY and athlete is not None else priority

        def count(counters: Counters) -> tuple[Priority, Spent | None]:
            served_as = wanted
            if counters.is_beyond_share(athlete) and wanted is not Priority.SPARE:
                served_as = Priority.FRESH if wanted is Priority.CONNECT else Priority.HISTORY
            self._taken.quarter = counters.quarter
            return served_as, counters.take(SHARES[served_as], athlete, early=early)

        result, shared = self._change(now, count)
        if self.redis is not None and not shared:
            raise PlatformError(
                ErrorKind.RATE_LIMITED,
                "Redis doesn't answer, so the calls of all processes can't be counted; this one waits for it.",
                retry_at=now + timedelta(seconds=REDIS_REST_S * (1 + self.chance())),
            )
        served_as, spent = result
        if spent is not None:
            # The next quarter gives an athlete beyond their share a new one, however much of the day HISTORY has left.
            day_is_spent = spent == "day" and served_as is wanted
            raise PlatformError(
                ErrorKind.RATE_LIMITED,
                "What this call may use of the rate limit is used up; it waits for the next "
                f"{'day' if day_is_spent else 'quarter of an hour'}.",
                retry_at=return_at(now, served_as, day_is_spent=day_is_spent, chance=self.chance),
            )

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """Report the answer to this thread's last call: its headers and status, 0 = no answer."""
        reported = self.read_headers(headers)
        taken_in = getattr(self._taken, "quarter", -1)
        self._change(self.now(), lambda counters: counters.learn(taken_in, reported, status))

    def seems_free(self) -> bool:
        """Whether a call of priority SPARE may go out, by the counters as this process saw them last: no wait for Redis."""
        counters = replace(self._seen, used=list(self._seen.used), athletes={})
        counters.advance(quarter_of(self.now()))
        return counters.take(SHARES[Priority.SPARE], None, early=False) is None

    def state(self) -> BudgetState:
        """The limits and the calls counted in the running windows."""
        counters, shared = self._change(self.now(), lambda counters: counters)
        return BudgetState(Figures(*counters.limits), Figures(*counters.used), shared=shared)

    def _change(self, now: datetime, change: Callable[[Counters], T]) -> tuple[T, bool]:
        """Apply ``change`` to the counters in Redis (then True), else to a copy of those that this process saw last."""
        with self._lock:
            if self.redis is not None and time.monotonic() >= self._rests_until_s:
                from redis.exceptions import RedisError  # a process without Redis doesn't load it

                try:
                    result = self._compare_and_set(self.redis, quarter_of(now), change)
                except (RedisError, OSError) as error:
                    if not self._rests_until_s:  # once an outage
                        log.warning("rate budget not shared: redis failed (%s)", broker.words_of(error))
                    self._rests_until_s = time.monotonic() + REDIS_REST_S
                else:
                    self._rests_until_s = 0.0
                    return result, True
            counters = self._seen if self.redis is None else copy.deepcopy(self._seen)
            counters.advance(quarter_of(now))
            return change(counters), False

    def _compare_and_set(self, redis: Redis, quarter: int, change: Callable[[Counters], T]) -> T:
        expected = self._stored
        while True:
            counters = Counters(**json.loads(expected)) if expected else copy.deepcopy(self._seen)
            counters.advance(quarter)
            result = change(counters)
            changed = json.dumps(vars(counters)).encode()
            found = redis.eval(_COMPARE_AND_SET, 1, self.key, expected, changed, _KEEP_S)
            if found is None:
                self._seen, self._stored = counters, changed
                return result
            expected = found  # another process was faster, or Redis was wiped
