"""Hours of many workers in a moment: clocks off, answers lost, workers killed, Redis wiped."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from adductor.platforms.base import PlatformError, Priority
from adductor.platforms.budget import WindowBudget
from tests.platforms.conftest import Valkey, make_budget, usage
from tests.support.runners import SetClock

BEGIN = datetime(2026, 11, 22, 20, 58, tzinfo=UTC)
HOURS = 5  # over midnight
QUARTER_LIMIT, DAY_LIMIT = 30, 260
WORKERS = 6


@dataclass
class Server:
    """Counts as Strava does, by its own clock."""

    quarters: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    over: int = 0
    silent: bool = False  # in every other quarter, but not the first, answers carry no figures

    def call(self, at: datetime) -> tuple[int, dict[str, str]]:
        quarter, day = int(at.timestamp()) // 900, int(at.timestamp()) // 86_400
        self.quarters[quarter] += 1
        self.days[day] += 1
        used = (self.quarters[quarter], self.days[day])
        over = used[0] > QUARTER_LIMIT or used[1] > DAY_LIMIT
        self.over += over
        if self.silent and quarter % 2 == 0:
            return (429 if over else 200), {}
        limits = (2 * QUARTER_LIMIT, 2 * DAY_LIMIT, QUARTER_LIMIT, DAY_LIMIT)
        return (429 if over else 200), usage(used, limits=limits)


@pytest.mark.parametrize(("seed", "wipes", "silent"), [(0, 0, False), (1, 0, True), (2, 12, False), (3, 12, True)])
def test_no_limit_is_exceeded_and_little_goes_unused(valkey: Valkey, seed: int, wipes: int, silent: bool) -> None:
    chance = random.Random(seed)
    server, clock, client = Server(silent=silent), SetClock(BEGIN), valkey.client()
    end = BEGIN + timedelta(hours=HOURS)
    off_by = [timedelta(seconds=chance.uniform(-1, 1)) for _ in range(WORKERS)]

    def worker(number: int) -> WindowBudget:
        return make_budget(client, now=lambda: clock.at + off_by[number], chance=chance.random)

    budgets = [worker(number) for number in range(WORKERS)]
    order = count()
    events: list[tuple[datetime, int, str, int, tuple[int, dict[str, str]]]] = []

    def plan(at: datetime, what: str, number: int, answer: tuple[int, dict[str, str]] = (0, {})) -> None:
        heapq.heappush(events, (at, next(order), what, number, answer))

    for number in range(WORKERS):
        plan(BEGIN, "ask", number)
    for _ in range(wipes):
        plan(BEGIN + timedelta(hours=HOURS * chance.random()), "wipe", 0)
    while events and events[0][0] < end:
        clock.at, _, what, number, answer = heapq.heappop(events)
        if what == "wipe":
            client.flushall()
        elif what == "ask":
            try:
                budgets[number].take(Priority.CONNECT)
            except PlatformError as error:
                plan((error.retry_at or BEGIN) - off_by[number], "ask", number)
            else:
                plan(clock.at + timedelta(seconds=chance.expovariate(5)), "serve", number)
        elif what == "serve":
            arrives = clock.at + timedelta(seconds=chance.expovariate(5))
            plan(arrives, "answer", number, server.call(clock.at))
        else:
            fate = chance.random()
            if fate < 0.03:  # killed before it could tell; another takes its place
                budgets[number] = worker(number)
            elif fate < 0.06:  # the answer was lost
                budgets[number].learn({}, 0)
            else:
                budgets[number].learn(answer[1], answer[0])
            plan(clock.at + timedelta(seconds=chance.uniform(0, 20)), "ask", number)
    # After a wipe a new worker knows nothing of a spent window: a first call finds out. That much is given up.
    assert server.over <= (0 if wipes == 0 else 4)
    first_day, second_day = (server.days[day] for day in sorted(server.days))
    assert first_day > (0.8 if silent else 0.9) * DAY_LIMIT
    full = [
        calls
        for quarter, calls in server.quarters.items()
        if quarter * 900 >= datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    ]
    assert second_day > (0.65 if silent else 0.75) * QUARTER_LIMIT * (len(full) - 1)
