"""The registry of platforms: each name is a folder here, and its module ``client`` has the two factories.

``make_budget(settings, now, redis)`` makes the rate budget of the platform's application; it works without one, too.
``make_client(settings, now, budget)`` makes the adapter (`base.Platform`), and raises RuntimeError without an application.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# By name in the database and in addresses: the name for people.
LABELS = {"strava": "Strava"}
NAMES = tuple(LABELS)


def factories(name: str) -> Any:
    """A platform's module ``client``, imported with its libraries on first use. Raises KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    return import_module(f"adductor.platforms.{name}.client")
