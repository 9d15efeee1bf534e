"""One of several processes that ask for the budget at once. Apart from the tests, so that it starts fast."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import redis

from adductor.platforms.base import PlatformError, Priority
from adductor.platforms.strava.limits import make_budget

NOON = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


def usage(
    overall: tuple[int, int] | None = None,
    read: tuple[int, int] | None = None,
    *,
    limits: tuple[int, int, int, int] | None = (200, 2_000, 100, 1_000),
) -> dict[str, str]:
    """Headers as Strava sends them."""
    headers = {}
    if limits:
        headers["X-RateLimit-Limit"] = f"{limits[0]},{limits[1]}"
        headers["X-ReadRateLimit-Limit"] = f"{limits[2]},{limits[3]}"
    if overall:
        headers["X-RateLimit-Usage"] = f"{overall[0]},{overall[1]}"
    if read:
        headers["X-ReadRateLimit-Usage"] = f"{read[0]},{read[1]}"
    return headers


def race(socket: str, seed: int, troubled: bool, start: Any, granted: Any) -> None:
    """Ask until nothing is left. Troubled: some answers carry Strava's figures, some nothing, some never come."""
    chance = random.Random(seed)
    budget = make_budget(redis.Redis(unix_socket_path=socket), now=lambda: NOON)
    start.wait()
    misses = 0
    while misses < 3:
        try:
            budget.take(Priority.CONNECT)
        except PlatformError:
            misses += 1
            continue
        with granted.get_lock():
            granted.value += 1
            count = granted.value
        fate = chance.random() if troubled else 1.0
        if fate < 0.4:
            budget.learn(usage((count, count), (count, count)), 200)
        elif not 0.4 <= fate < 0.45:
            budget.learn({}, chance.choice([0, 200, 401, 500]))
