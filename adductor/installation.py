"""The parts that one process works with: settings, clock, database, vault, platforms. Each is made once, on first use."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import redis

from adductor import catalogue, metrics
from adductor.clock import Clock, clock_for
from adductor.leases import Leases
from adductor.platforms import registry
from adductor.platforms.base import SubscribesByApi
from adductor.settings import Settings
from adductor.store import Store
from adductor.vault import Vault

if TYPE_CHECKING:
    from adductor.catalogue.models import Catalogue
    from adductor.mail.links import Links
    from adductor.mail.transport import Postbox
    from adductor.platforms.base import Platform
    from adductor.platforms.budget import WindowBudget
    from adductor.push import Pusher

# A frozen or unreachable Redis costs an event this much and no more; everything works without it.
REDIS_TIMEOUT_S = 1.0


@dataclass
class Installation:
    """One per process, made after a fork: it holds connections."""

    settings: Settings
    clock: Clock = field(init=False)
    store: Store = field(init=False)
    leases: Leases = field(init=False)
    platforms: dict[str, Platform] = field(init=False, default_factory=dict)
    budgets: dict[str, WindowBudget] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._making = threading.RLock()
        self.clock = clock_for(self.settings)
        self.store = Store(self.settings.database)
        self.leases = Leases(self.store, lambda: self.clock.real_now())
        metrics.use_directory(self.settings.data_dir / "metrics")

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.settings.fernet_keys)

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue.catalogue()

    @cached_property
    def links(self) -> Links:
        """The signed links of mails and notes."""
        from adductor.mail.links import Links

        return Links(self.settings.derived("answer links"), self.settings.public_url, self.clock.now)

    @cached_property
    def postbox(self) -> Postbox:
        """The mail server as set, or the folder that keeps the mails without one."""
        from adductor.mail.transport import Postbox

        settings = self.settings
        smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
        return Postbox(smtp_url, settings.mail_dir, settings.mail_greeting)

    @cached_property
    def pusher(self) -> Pusher:
        """The sender of Web Push messages. Its key stays for as long as the secret key does."""
        from adductor.push import Pusher

        others = [each.strip() for each in (self.settings.push_services or "").split(",") if each.strip()]
        return Pusher(self.settings.derived("web push"), self.settings.push_contact, others)

    @cached_property
    def redis(self) -> redis.Redis | None:
        """The shared Redis; None where none is set: then this process alone counts its calls."""
        if self.settings.redis is None:
            return None
        return redis.Redis.from_url(
            self.settings.redis,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=None,  # redis-py's own retries would cost four seconds a failure
        )

    def budget(self, name: str) -> WindowBudget:
        """The rate budget of a platform's application, one a process; it works without an application, too."""
        with self._making:
            if name not in self.budgets:
                self.budgets[name] = registry.make_budget(self.settings, name, now=self.clock.now, redis=self.redis)
            return self.budgets[name]

    def platform(self, name: str) -> Platform:
        """The adapter of a platform, one a process. Raises RuntimeError where its application isn't set up."""
        with self._making:
            if name not in self.platforms:
                self.platforms[name] = registry.make_client(
                    self.settings, name, now=self.clock.now, budget=self.budget(name)
                )
            return self.platforms[name]

    def subscriptions(self, name: str) -> SubscribesByApi:
        """The webhook subscriptions of a platform. Raises RuntimeError where it has none that are made by API."""
        platform = self.platform(name)
        if isinstance(platform, SubscribesByApi):
            return platform
        raise RuntimeError(f"{platform.label} has no webhook subscriptions that are made by API")

    def close(self) -> None:
        self.leases.close()
        self.store.close()
