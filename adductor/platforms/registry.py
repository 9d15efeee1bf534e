"""The registry of platforms: a name gives a factory. An adapter's libraries are imported when it is first made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from adductor.platforms.base import Platform
from adductor.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

Factory = Callable[[Settings, Callable[[], datetime], "Redis | None", Callable[..., None]], Platform]


def _strava(
    settings: Settings, now: Callable[[], datetime], redis: Redis | None, counted: Callable[..., None]
) -> Platform:
    from adductor.platforms.strava.client import make_client

    return make_client(settings, now=now, redis=redis, counted=counted)


FACTORIES: dict[str, Factory] = {"strava": _strava}


def make(
    name: str,
    settings: Settings,
    *,
    now: Callable[[], datetime],
    redis: Redis | None,
    counted: Callable[..., None],
) -> Platform:
    """The adapter of a platform. ``counted`` is called with a metric and its labels for every call (`adductor.counts`).

    Raises KeyError for an unknown name and RuntimeError where the settings hold no application of that platform.
    """
    return FACTORIES[name](settings, now, redis, counted)
