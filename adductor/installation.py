"""What one process works with: settings, clock, database, vault and the way to Strava, made once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, cast

import redis

from adductor import catalogue, metrics
from adductor.clock import Clock, clock_for
from adductor.counts import Counts
from adductor.platforms import registry
from adductor.queue.holders import Holder
from adductor.queue.rows import Rows
from adductor.settings import Settings
from adductor.store import Store
from adductor.vault import Vault

if TYPE_CHECKING:
    from adductor.catalogue.models import Catalogue
    from adductor.mail.links import Links
    from adductor.mail.transport import Postbox
    from adductor.platforms.base import Budget, Platform
    from adductor.platforms.strava.client import StravaClient

# A frozen or unreachable Redis must cost an event this much and no more; everything still works without it.
REDIS_TIMEOUT_S = 1.0


if TYPE_CHECKING:
    _once = cached_property
else:

    class _once(cached_property):  # noqa: N801 - used as cached_property is
        """A `cached_property` of an installation that threads which want it at once get once.

        Python's own has no lock since 3.12, and two budgets would each let through what one may.
        """

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            with instance._making:  # only until it is made: then it stands in the instance
                return super().__get__(instance, owner)


@dataclass
class Installation:
    """One per process. Parts that cost time to import or connect are made when first used."""

    settings: Settings
    clock: Clock = field(init=False)
    store: Store = field(init=False)
    counts: Counts = field(init=False)
    rows: Rows = field(init=False)  # one after the other; a worker sets its own

    def __post_init__(self) -> None:
        self._making = threading.RLock()
        self.clock = clock_for(self.settings)
        self.store = Store(self.settings.database)
        self.counts = Counts()
        metrics.use_directory(self.settings.data_dir / "metrics")
        self.rows = Rows()
        self._holder: Holder | None = None

    @_once
    def vault(self) -> Vault:
        return Vault(self.settings.fernet_keys)

    @_once
    def catalogue(self) -> Catalogue:
        return catalogue.catalogue()

    @_once
    def links(self) -> Links:
        """The signed links of mails and notes."""
        from adductor.mail.links import Links

        return Links(self.settings.derived("answer links"), self.settings.public_url, self.clock.now)

    @_once
    def postbox(self) -> Postbox:
        """The mail server as set, or the folder that keeps the mails without one."""
        from adductor.mail.transport import Postbox

        smtp_url = self.settings.smtp_url
        return Postbox(smtp_url.get_secret_value() if smtp_url else None, self.settings.mail_dir)

    @property
    def holder(self) -> Holder:
        """This process as a holder of claims; alive as long as the process is."""
        if self._holder is None:
            # Two threads that each made one would hold under two names, one of which nobody keeps alive.
            with self._making:
                if self._holder is None:
                    self._holder = Holder.of(self.settings.data_dir / "holders")
        return self._holder

    @_once
    def redis(self) -> redis.Redis | None:
        """The shared Redis; None where none is set (then each process has a small share of the budgets to itself)."""
        if self.settings.redis is None:
            return None
        return redis.Redis.from_url(
            self.settings.redis,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=None,  # redis-py's own retries would cost four seconds a failure
        )

    @_once
    def budget(self) -> Budget:
        """Strava's rate budget, also without an application (``adductor doctor`` asks it)."""
        return registry.make_budget("strava", self.settings, now=self.clock.now, redis=self.redis)

    @_once
    def strava(self) -> StravaClient:
        """Strava as set. Raises RuntimeError without an application (``adductor up`` sets the sandbox's)."""
        made = registry.make_platform(
            "strava", self.settings, now=self.clock.now, budget=self.budget, counted=self.counts.add
        )
        return cast("StravaClient", made)

    def platform(self, name: str) -> Platform:
        """The adapter of a platform, one a process. Raises KeyError for an unknown name."""
        return {"strava": lambda: self.strava}[name]()

    def close(self) -> None:
        self.counts.close()
        self.store.close()
