"""Strava's rate limits, kept by all processes of an installation together. Nothing here sleeps.

A call takes from the budget before it goes out and gives word of its answer afterwards. For each window we hold what
Strava last reported (``seen``), the calls that are under way (``open``), and those that ended without figures or may
have been counted elsewhere (``lost``). A lost one counts until figures come from a call that began after it ended.
The sum is not below what Strava counts, so nobody is let through beyond a limit; what other programs use of the same
application counts too; and no mistake of ours outlives the next good answer.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from adductor.platforms.base import ErrorKind, PlatformError, Priority
from adductor.platforms.strava.budget_scripts import LEARN, TAKE
from adductor.platforms.strava.limits import (
    DAY_S,
    QUARTER_S,
    QUARTERS_A_DAY,
    SMALLEST_LIMITS,
    WINDOW_GUARD_S,
    Figures,
    Reported,
    quarter_of,
    read_headers,
    return_at,
)

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

# How much of each window may be used, by all calls together, while a call of this priority still goes out; per cent of
# (quarter, day). Connecting people may use all of it: somebody waits, and it takes two calls. Fresh runs leave 5 %:
# two people a quarter on the smallest tier. Retries leave a tenth more, or one failure that hits everybody would keep
# new runs out. History may use half of a quarter and two fifths of a day: it is never urgent and easily large.
SHARE_PCT: dict[Priority, tuple[int, int]] = {
    Priority.CONNECT: (100, 100),
    Priority.FRESH: (95, 95),
    # What is left of a day then is for reading runs: one call leads to a mail, and two to a note.
    Priority.REPLACEABLE: (95, 85),
    Priority.RETRY: (85, 85),
    Priority.HISTORY: (50, 40),
}

# Without Redis no process knows the others' calls in flight. Each may then make this share of a window's calls by
# itself, and only while Strava's own figures leave a fifth free. That holds for the usual seven processes.
FALLBACK_OWN_SHARE_PCT = 10
FALLBACK_CEILING_PCT = 80

# A call ends within three timeouts of 10 s; word that is still missing twice as long after the last call won't come.
OPEN_EXPIRES_S = 60
# With nothing known (first start, Redis wiped) one call goes ahead and finds out. If it is lost, another may.
PROBE_EXPIRES_S = 15
PROBE_RETRY_S = 2.0
# Calls that may be under way when books begin anew, because Redis lost them: as many as a worker has threads (its default).
UNBOOKED_CALLS = 8
# How long a call that others began may go on before Strava counts it; calls take a tenth of a second, slow ones some.
UNDER_WAY_S = 10.0
# Redis that just failed isn't asked again for so long (real time): not every call should pay for its timeout.
_REDIS_REST_S = 5.0

_QUARTER = (0, 2)  # where a quarter's figures stand among the four
_DAY = (1, 3)
_NOTHING = (-1, -1, -1, -1)


class _Answer(IntEnum):
    GRANTED = 0
    QUARTER_SPENT = 1
    DAY_SPENT = 2
    PROBING = 3


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What there is and what is used or on its way, in calls. ``shared`` is False when only this process counts."""

    limits: Figures
    used: Figures
    shared: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """What the common books held when this process asked last: for when Redis doesn't answer, or has lost them."""

    quarter: int
    used: tuple[int, ...]
    limits: tuple[int, ...]  # -1: Strava has told none
    books: bytes | str

    def used_in(self, quarter: int) -> list[int]:
        """-1 for windows that have closed meanwhile."""
        same_day = self.quarter // QUARTERS_A_DAY == quarter // QUARTERS_A_DAY
        return [
            used if (same_day if index in _DAY else self.quarter == quarter) else -1
            for index, used in enumerate(self.used)
        ]


@dataclass(frozen=True, slots=True)
class _Word:
    """What an answer tells the books."""

    quarter: int  # in which the call was taken
    taken_s: float  # and when
    booked: bool  # in these books, not in others
    answered: bool
    ok: bool
    exceeded: bool  # 429, and the day isn't what is spent
    usage: tuple[int, int, int, int]
    limits: tuple[int, int, int, int]


class _Books:
    """The bookkeeping, for one process. `budget_scripts` does the same in Redis; a test holds them side by side."""

    def __init__(self, unbooked_calls: int) -> None:
        self._unbooked_calls = unbooked_calls
        self.limits = list(SMALLEST_LIMITS.as_tuple())
        self.told = [False] * 4  # whether Strava has said so, or it is what we believe
        self.quarter = -1
        self.seen = [0, 0, 0, 0]
        self.lost = [0, 0, 0, 0]
        self.floor = [0, 0, 0, 0]  # what other books held; it goes when the lost ones go
        self.lost_until_s = 0.0  # figures of a call that began before this may not hold the lost ones
        self.open = 0
        self.early = 0  # calls of the guard stretch: Strava counts them in the window that we haven't opened yet
        self.last_take_s = 0.0
        self.known = False

    @property
    def used(self) -> list[int]:
        each = zip(self.seen, self.floor, self.lost, strict=True)
        return [max(seen, floor) + lost + self.open for seen, floor, lost in each]

    def advance(self, now_s: float, quarter: int) -> None:
        if self.quarter < 0:
            self.quarter = quarter
            self.lost = [self._unbooked_calls] * 4
            self.lost_until_s = now_s + UNDER_WAY_S
        elif quarter > self.quarter:
            self._open_window(now_s, quarter)
        elif quarter < self.quarter - 1:
            # One back is another process a moment behind. More is a clock set back: follow it and keep the counts.
            self.quarter = quarter
        elif self.open and now_s - self.last_take_s > OPEN_EXPIRES_S:
            self.lost = [lost + self.open for lost in self.lost]
            self.lost_until_s = max(self.lost_until_s, now_s)
            self.open = 0

    def _open_window(self, now_s: float, quarter: int) -> None:
        new_day = quarter // QUARTERS_A_DAY > self.quarter // QUARTERS_A_DAY
        # Calls on their way over the boundary may be counted on either side of it: count them on both.
        for index in range(4):
            if index in _DAY and not new_day:
                self.lost[index] += self.open
            else:
                self.seen[index], self.floor[index], self.lost[index] = 0, 0, self.open + self.early
        if self.open + self.early:
            self.lost_until_s = max(self.lost_until_s, now_s + UNDER_WAY_S)
        self.open = self.early = 0
        self.quarter = quarter

    def at_least(self, now_s: float, quarter: int, used: list[int], limits: tuple[int, ...]) -> None:
        """So much was used by the word of other books; until figures come from a call that began well after it."""
        self.advance(now_s, quarter)
        for index in range(4):
            if not self.told[index] and limits[index] > 0:
                self.limits[index], self.told[index] = limits[index], True
            if used[index] > max(self.seen[index], self.floor[index]):
                self.floor[index] = used[index]
                self.lost_until_s = max(self.lost_until_s, now_s + UNDER_WAY_S)

    def take(self, now_s: float, quarter: int, share_pct: tuple[int, int]) -> _Answer:
        self.advance(now_s, quarter)
        used = self.used
        spent_days = [i for i in _DAY if (used[i] + 1) * 100 > self.limits[i] * share_pct[1]]
        # A day that is spent by a limit which nobody has told: without a call nobody ever would, until midnight.
        doubtful = any(not self.told[i] for i in spent_days)
        if (doubtful or not self.known) and self.open and now_s - self.last_take_s < PROBE_EXPIRES_S:
            return _Answer.PROBING
        if any(self.told[i] for i in spent_days):
            return _Answer.DAY_SPENT
        if any((used[i] + 1) * 100 > self.limits[i] * share_pct[0] for i in _QUARTER):
            return _Answer.QUARTER_SPENT
        self.open += 1
        if int(now_s) // QUARTER_S != quarter:
            self.early += 1
        self.last_take_s = now_s
        return _Answer.GRANTED

    def learn(self, now_s: float, quarter: int, word: _Word) -> None:
        self.advance(now_s, quarter)
        released = 1 if word.booked and self.open else 0
        self.open -= released
        self.known = self.known or word.answered
        holds_the_lost = word.taken_s >= self.lost_until_s
        same_quarter = word.quarter == self.quarter
        same_day = word.quarter // QUARTERS_A_DAY == self.quarter // QUARTERS_A_DAY
        for index in range(4):
            used, limit = word.usage[index], word.limits[index]
            if limit > 0:
                self.limits[index], self.told[index] = limit, True
            elif word.ok and used > self.limits[index]:
                # Served beyond the limit that we believe in: it is higher.
                self.limits[index] = used
            if used >= 0 and (same_day if index in _DAY else same_quarter):
                self.seen[index] = max(self.seen[index], used)
                if holds_the_lost:
                    self.lost[index] = self.floor[index] = 0
            elif released:
                # No figure, or one of a window that has closed meanwhile.
                self.lost[index] += 1
                self.lost_until_s = max(self.lost_until_s, now_s + WINDOW_GUARD_S)
        if word.exceeded and same_quarter:
            for index in _QUARTER:
                self.seen[index] = max(self.seen[index], self.limits[index])


class _Taken(threading.local):
    """What this thread took last, so that the answer is booked on the right window."""

    quarter = -1
    at_s = 0.0
    shared = False


class LocalBudget:
    """The budget of a single process: for tests, for commands without Redis, and what SharedBudget falls back on.

    ``own_share_pct`` and ``ceiling_pct`` narrow it for a process that isn't alone; ``unbooked_calls`` may be under way
    when it begins. Safe for threads.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        own_share_pct: int = 100,
        ceiling_pct: int = 100,
        unbooked_calls: int = 0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._own_share_pct = own_share_pct
        self._ceiling_pct = ceiling_pct
        self._chance = chance
        self._books = _Books(unbooked_calls)
        self._lock = threading.Lock()
        self._taken = _Taken()
        self._heard_in = -1  # the quarter of the last answer with figures
        self._own_in = -1
        self._own_calls = [0, 0]  # granted here, this quarter and this day

    def take(self, priority: Priority) -> None:
        """As `Budget.take`."""
        now = self._now()
        quarter = quarter_of(now)
        share = SHARE_PCT[priority]
        share = (min(share[0], self._ceiling_pct), min(share[1], self._ceiling_pct))
        with self._lock:
            answer = self._own_limit(quarter) or self._books.take(now.timestamp(), quarter, share)
            if answer is _Answer.GRANTED:
                self._own_calls = [count + 1 for count in self._own_calls]
                self._taken.quarter, self._taken.at_s = quarter, now.timestamp()
                return
        raise _refusal(answer, now, priority, self._chance)

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """As `Budget.learn`."""
        self.book(_word(read_headers(headers), status, self._taken, booked=True))

    def book(self, word: _Word) -> None:
        """Book what an answer told; also of a call that was granted elsewhere."""
        now = self._now()
        with self._lock:
            self._books.learn(now.timestamp(), quarter_of(now), word)
            if max(word.usage) >= 0:
                self._heard_in = max(self._heard_in, word.quarter)

    def at_least(self, held: _Held) -> None:
        """Take over what the common books held."""
        now = self._now()
        quarter = quarter_of(now)
        with self._lock:
            self._books.at_least(now.timestamp(), quarter, held.used_in(quarter), held.limits)

    def used(self) -> list[int]:
        """Of each window, with what is on its way or lost."""
        now = self._now()
        with self._lock:
            self._books.advance(now.timestamp(), quarter_of(now))
            return self._books.used

    def heard(self, quarter: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What answers to this process have told in this quarter, (usage, limits); -1 for what they haven't."""
        with self._lock:
            books = self._books
            if self._heard_in != quarter or books.quarter != quarter:
                return _NOTHING, _NOTHING
            limits = (limit if told else -1 for limit, told in zip(books.limits, books.told, strict=True))
            return tuple(books.seen), tuple(limits)

    def state(self) -> BudgetState:
        """What there is and what is used, as this process knows it."""
        now = self._now()
        with self._lock:
            self._books.advance(now.timestamp(), quarter_of(now))
            return BudgetState(Figures(*self._books.limits), Figures(*self._books.used), shared=False)

    def _own_limit(self, quarter: int) -> _Answer:
        if quarter != self._own_in:
            if quarter // QUARTERS_A_DAY != self._own_in // QUARTERS_A_DAY:
                self._own_calls[1] = 0
            self._own_calls[0] = 0
            self._own_in = quarter
        for indexes, count, answer in (
            (_DAY, self._own_calls[1], _Answer.DAY_SPENT),
            (_QUARTER, self._own_calls[0], _Answer.QUARTER_SPENT),
        ):
            if any((count + 1) * 100 > self._books.limits[i] * self._own_share_pct for i in indexes):
                return answer
        return _Answer.GRANTED


class SharedBudget:
    """The budget of an installation, in one Redis hash: each step is one atomic script. Safe for threads and processes.

    ``redis`` is a redis-py client with short timeouts and ``retry=None`` (its default waits for seconds);
    ``application`` tells apart Strava applications that share a Redis. When Redis doesn't answer, each process goes on
    alone with a small share (`FALLBACK_OWN_SHARE_PCT`), beginning with what the common books held when it asked last: late
    notes rather than none, and no limit exceeded. When Redis has lost its memory, a single call goes ahead and finds out,
    and what the asking process knows is told to Redis first. Of a process that has only just begun that one call is the
    only one that can go over a limit; and, where answers carry no figures, one call at a time beyond the smallest tier's
    day, until a 429 ends that for the quarter.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        now: Callable[[], datetime],
        prefix: str = "adductor:",
        application: str = "default",
        chance: Callable[[], float] = random.random,
    ) -> None:
        from redis.exceptions import RedisError  # not at the top: who needs a LocalBudget only doesn't pay for it

        self._now = now
        self._chance = chance
        self._redis = redis
        self._redis_failures: tuple[type[Exception], ...] = (RedisError, OSError)
        self._key = f"{prefix}strava:budget:{application}"
        self._take = redis.register_script(TAKE)
        self._learn = redis.register_script(LEARN)
        self._taken = _Taken()
        self._rests_until_s = 0.0
        self._held = _Held(-1, _NOTHING, _NOTHING, "none yet")
        self._alone_since: _Held | None = None  # what the books of this process alone have begun with
        self._alone = LocalBudget(
            now=now, own_share_pct=FALLBACK_OWN_SHARE_PCT, ceiling_pct=FALLBACK_CEILING_PCT, chance=chance
        )

    def take(self, priority: Priority) -> None:
        """As `Budget.take`."""
        now = self._now()
        quarter = quarter_of(now)
        answer = self._ask_for(now, SHARE_PCT[priority])
        if answer is None:
            self._go_alone()
            self._alone.take(priority)
            self._taken.shared = False
        else:
            if answer is not _Answer.GRANTED:
                raise _refusal(answer, now, priority, self._chance)
            self._taken.shared = True
        self._taken.quarter, self._taken.at_s = quarter, now.timestamp()

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """As `Budget.learn`."""
        reported, taken = read_headers(headers), self._taken
        self._alone.book(_word(reported, status, taken, booked=not taken.shared))
        word = _word(reported, status, taken, booked=taken.shared)
        flags = [int(flag) for flag in (word.booked, word.answered, word.ok, word.exceeded)]
        now = self._now()
        arguments = [now.timestamp(), quarter_of(now), word.quarter, word.taken_s, *flags, *word.usage, *word.limits]
        self._ask(self._learn, [*arguments, *_SETTINGS, _new_id()])

    def state(self) -> BudgetState:
        """What there is and what is used; of this process alone when Redis doesn't answer."""
        # A question with a share of nothing: brings the windows up to date and never grants.
        if self._ask_for(self._now(), (0, 0)) is not None:
            names = [f"{name}{i}" for name in ("seen", "lost", "limit", "floor") for i in range(4)]
            names.append("open")
            fields = self._ask(lambda **_: self._redis.hmget(self._key, names), [])
            if fields is not None and all(field is not None for field in fields):
                figures = [int(field) for field in fields]
                used = (max(figures[i], figures[12 + i]) + figures[4 + i] + figures[16] for i in range(4))
                return BudgetState(Figures(*figures[8:12]), Figures(*used), shared=True)
        return self._alone.state()

    def _ask_for(self, now: datetime, share_pct: tuple[int, int]) -> _Answer | None:
        """What the common books say to one more call of that share, or None when they can't be asked."""
        held, quarter = self._held, quarter_of(now)
        # Alone calls have been made, and figures heard, that the common books don't know.
        used = self._alone.used() if held is self._alone_since else held.used_in(quarter)
        usage, limits = self._alone.heard(quarter)
        asked = [now.timestamp(), quarter, *share_pct, *usage, *limits, *used, *held.limits, held.books]
        reply = self._ask(self._take, [*asked, *_SETTINGS, _new_id()])
        if reply is None:
            return None
        answer, in_quarter, *figures = (int(number) for number in reply[:-1])
        self._held = _Held(in_quarter, tuple(figures[:4]), tuple(figures[4:]), reply[-1])
        return _Answer(answer)

    def _go_alone(self) -> None:
        held = self._held
        if held is not self._alone_since:
            self._alone.at_least(held)
            self._alone_since = held

    def _ask(self, question: Callable[..., Any], arguments: list[Any]) -> Any:
        """Redis' answer, or None when there is none."""
        if time.monotonic() < self._rests_until_s:
            return None
        try:
            return question(keys=[self._key], args=arguments)
        except self._redis_failures as error:
            self._rests_until_s = time.monotonic() + _REDIS_REST_S
            log.warning("the rate budget counts in this process alone: Redis fails (%s)", type(error).__name__)
            return None


_SETTINGS = [
    *SMALLEST_LIMITS.as_tuple(),
    OPEN_EXPIRES_S,
    PROBE_EXPIRES_S,
    2 * DAY_S,
    UNBOOKED_CALLS,
    UNDER_WAY_S,
    WINDOW_GUARD_S,
]


def _new_id() -> str:
    return f"{random.getrandbits(64):016x}"


def _word(reported: Reported, status: int, taken: _Taken, *, booked: bool) -> _Word:
    return _Word(
        quarter=taken.quarter,
        taken_s=taken.at_s,
        booked=booked,
        answered=status > 0,
        ok=200 <= status < 300,
        exceeded=status == 429 and not reported.day_is_spent,
        usage=reported.usage.as_tuple(),
        limits=reported.limits.as_tuple(),
    )


def _refusal(answer: _Answer, now: datetime, priority: Priority, chance: Callable[[], float]) -> PlatformError:
    if answer is _Answer.PROBING:
        return PlatformError(
            ErrorKind.RATE_LIMITED,
            "How much of Strava's rate limit is left isn't known yet; another call is finding out.",
            retry_at=now + timedelta(seconds=PROBE_RETRY_S * (1 + chance())),
        )
    day_is_spent = answer is _Answer.DAY_SPENT
    window = "day" if day_is_spent else "quarter of an hour"
    return PlatformError(
        ErrorKind.RATE_LIMITED,
        f"What this may use of Strava's rate limit for this {window} is used up; it goes on when the next one begins.",
        retry_at=return_at(now, priority, day_is_spent=day_is_spent, chance=chance),
    )
