"""One of several processes that ask for the budget at once. Apart from the tests, so that it starts fast."""

from __future__ import annotations

from contextlib import suppress
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


def race(socket: str, start: Any, granted: Any) -> None:
    """Ask until nothing is left; every other answer comes late or never."""
    budget = make_budget(redis.Redis(unix_socket_path=socket), now=lambda: NOON)
    start.wait()
    with suppress(PlatformError):
        while True:
            budget.take(Priority.CONNECT)
            with granted.get_lock():
                granted.value += 1
            if granted.value % 2:
                budget.learn({}, 200)
