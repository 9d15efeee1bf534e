"""The registry of platforms: each name is a folder with ``FACTS``, its rate limits and a class ``client.Client``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from adductor.platforms.base import Facts, Platform
from adductor.platforms.budget import WindowBudget

if TYPE_CHECKING:
    from redis import Redis

    from adductor.settings import Settings

# As in the database, in addresses and in settings: what is set of a platform begins with its name.
NAMES = ("strava", "intervals")
FACTS: dict[str, Facts] = {name: import_module(f"adductor.platforms.{name}").FACTS for name in NAMES}
LABELS = {name: facts.label for name, facts in FACTS.items()}


def setting(settings: Settings, name: str, of: str) -> Any:
    """A platform's setting: ``of`` is client_id, api_url, ..."""
    return getattr(settings, f"{name}_{of}")


def offers_oauth(settings: Settings, name: str) -> bool:
    """Whether this installation has an application at the platform."""
    return setting(settings, name, "client_id") is not None


def offers_keys(settings: Settings, name: str) -> bool:
    """Whether athletes may connect with an API key of their own."""
    return "own_keys" in FACTS[name].capabilities and setting(settings, name, "api_keys") == "on"


def make_budget(settings: Settings, name: str, *, now: Callable[[], datetime], redis: Redis | None) -> WindowBudget:
    """The rate budget of the platform's application; it works without one, too."""
    platform: Any = import_module(f"adductor.platforms.{name}")
    key = f"adductor:{name}:budget:windows:{setting(settings, name, 'client_id') or 'default'}"
    return WindowBudget(
        redis=redis, key=key, now=now, smallest=platform.SMALLEST_LIMITS, read_headers=platform.read_headers
    )


def make_client(settings: Settings, name: str, *, now: Callable[[], datetime], budget: WindowBudget) -> Platform:
    """The adapter as set, imported with its libraries on first use.

    Raises RuntimeError with neither an application nor keys (``adductor up`` sets the sandbox's).
    """
    if not offers_oauth(settings, name) and not offers_keys(settings, name):
        of = name.upper()
        raise RuntimeError(f"no {LABELS[name]} application is set: {of}_CLIENT_ID and {of}_CLIENT_SECRET")
    secret = setting(settings, name, "client_secret")
    made: Platform = import_module(f"adductor.platforms.{name}.client").Client(
        client_id=setting(settings, name, "client_id"),
        client_secret=secret.get_secret_value() if secret is not None else "",
        api_url=setting(settings, name, "api_url"),
        oauth_url=setting(settings, name, "oauth_url"),
        public_url=settings.public_url,
        budget=budget,
        now=now,
    )
    return made
