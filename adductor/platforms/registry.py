"""The registry of platforms: each name is a folder here, and its module ``client`` has the two factories.

An adapter and its libraries are imported when it is first made.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from adductor.platforms.base import Budget, Platform

if TYPE_CHECKING:
    from redis import Redis

    from adductor.settings import Settings

NAMES = ("strava",)


def make_budget(name: str, settings: Settings, *, now: Callable[[], datetime], redis: Redis | None) -> Budget:
    """The rate budget of a platform's application; this process alone counts without ``redis``.

    Raises KeyError for an unknown name.
    """
    return cast(Budget, _folder(name).make_budget(settings, now=now, redis=redis))


def make_platform(name: str, settings: Settings, *, now: Callable[[], datetime], budget: Budget) -> Platform:
    """The adapter of a platform.

    Raises KeyError for an unknown name and RuntimeError where the settings hold no application of that platform.
    """
    return cast(Platform, _folder(name).make_client(settings, now=now, budget=budget))


def _folder(name: str) -> Any:
    if name not in NAMES:
        raise KeyError(name)
    return import_module(f"adductor.platforms.{name}.client")
