"""The registry of platforms: each name is a folder here, with its ``FACTS``, and two factories in its module ``client``.

``make_budget(settings, now, redis)`` makes the rate budget of the platform's application; it works without one, too.
``make_client(settings, now, budget)`` makes the adapter (`base.Platform`), and raises RuntimeError without an application.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adductor.platforms.base import Facts

if TYPE_CHECKING:
    from adductor.settings import Settings

# As in the database and in addresses.
NAMES = ("strava", "intervals")
FACTS: dict[str, Facts] = {name: import_module(f"adductor.platforms.{name}").FACTS for name in NAMES}
LABELS = {name: facts.label for name, facts in FACTS.items()}


def offers_oauth(settings: Settings, name: str) -> bool:
    """Whether this installation has an application at the platform."""
    return getattr(settings, FACTS[name].application_setting) is not None


def offers_keys(settings: Settings, name: str) -> bool:
    """Whether athletes may connect with an API key of their own."""
    setting = FACTS[name].key_setting
    return bool(setting) and getattr(settings, setting) == "on"


def factories(name: str) -> Any:
    """A platform's module ``client``, imported with its libraries on first use. Raises KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    return import_module(f"adductor.platforms.{name}.client")
