"""The made-up Strava itself, in memory, written through to the journal."""

from __future__ import annotations

import bisect
from typing import ClassVar

from sandbox.base import BaseWorld, UnknownError
from sandbox.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.limits import RateLimits
from sandbox.models import (
    Activity,
    Code,
    Connection,
    Edit,
    Entity,
    Runner,
    Subscription,
    Switches,
)
from sandbox.runners import MADE_UP_RUNNERS


class World(BaseWorld):
    """Runners, activities, connections, the application's limits and logs. Hold `lock` around compound work."""

    first_ids: ClassVar[dict[str, int]] = {"runner": 90_000_001, "activity": 16_000_000_001}

    def __init__(self, config: SandboxConfig) -> None:
        config.state_dir.mkdir(parents=True, exist_ok=True)
        self.config = config
        clock = Clock(config.clock_file or config.state_dir / "clock.json")
        super().__init__(config.state_dir / "sandbox.sqlite3", clock)

    def load(self) -> None:
        self.runners = {r.id: r for r in self.stored(Runner)}
        self.activities = {a.id: a for a in self.stored(Activity)}
        self.edits: dict[int, list[Edit]] = {}
        for edit in sorted(self.stored(Edit), key=lambda edit: edit.id):
            self.edits.setdefault(edit.activity_id, []).append(edit)
        self.connections = {c.runner_id: c for c in self.stored(Connection)}
        self.codes = {c.code: c for c in self.stored(Code)}
        self.subscription = next(iter(self.stored(Subscription)), None)
        self.switches: Switches = next(iter(self.stored(Switches)), None) or Switches()
        self.limits = RateLimits()  # only in memory
        self._by_start: dict[int, list[tuple[float, int]]] = {}
        for activity in self.activities.values():
            self._index(activity)
        # The runner of each bearer and refresh token; the connection decides whether a token is valid.
        self.token_owner: dict[str, int] = {}
        for connection in self.connections.values():
            self.index_tokens(connection)
        if not self.runners:
            for made_up in MADE_UP_RUNNERS:
                self.save(Runner(id=self.next_id("runner"), created_at=self.clock.now(), **made_up))

    @property
    def callback_url(self) -> str | None:
        return self.subscription.callback_url if self.subscription else None

    # -- storing ------------------------------------------------------------------------------------

    def save(self, entity: Entity) -> None:
        """Save a new or changed entity, in memory and on disk."""
        with self.lock:
            match entity:
                case Runner():
                    self.runners[entity.id] = entity
                case Activity():
                    if entity.id not in self.activities:
                        self.activities[entity.id] = entity
                        self._index(entity)
                case Edit():
                    self.edits.setdefault(entity.activity_id, []).append(entity)
                case Connection():
                    self.connections[entity.runner_id] = entity
                    self.index_tokens(entity)
                case Code():
                    self.codes[entity.code] = entity
                case Subscription():
                    self.subscription = entity
                case Switches():
                    self.switches = entity
            self.journal.put(type(entity).__name__, entity.key, entity.model_dump_json())

    def drop_code(self, code: str) -> None:
        with self.lock:
            self.codes.pop(code, None)
            self.journal.drop("Code", code)

    def drop_subscription(self) -> None:
        with self.lock:
            self.subscription = None
            self.journal.drop("Subscription", "only")

    def _index(self, activity: Activity) -> None:
        bisect.insort(self._by_start.setdefault(activity.runner_id, []), (activity.start, activity.id))

    def index_tokens(self, connection: Connection) -> None:
        for token in connection.access_tokens:
            self.token_owner[token.token] = connection.runner_id
        if connection.refresh_token:
            self.token_owner[connection.refresh_token] = connection.runner_id

    # -- looking up ---------------------------------------------------------------------------------

    def runner(self, runner_id: int) -> Runner:
        """Raises `UnknownError`."""
        try:
            return self.runners[runner_id]
        except KeyError:
            raise UnknownError(f"there is no runner {runner_id}") from None

    def activity(self, activity_id: int) -> Activity:
        """Also a deleted one: this is the sandbox's own view. Raises `UnknownError`."""
        try:
            return self.activities[activity_id]
        except KeyError:
            raise UnknownError(f"there is no activity {activity_id}") from None

    def activities_of(self, runner_id: int) -> list[Activity]:
        """Not deleted, newest start first."""
        with self.lock:
            found = [self.activities[key] for _, key in reversed(self._by_start.get(runner_id, []))]
        return [activity for activity in found if not activity.deleted]

    def connection(self, runner_id: int) -> Connection | None:
        """The live connection, or None."""
        connection = self.connections.get(runner_id)
        return connection if connection is not None and connection.connected else None

    def connected_count(self) -> int:
        return sum(connection.connected for connection in self.connections.values())

    def forget_calls(self) -> None:
        with self.lock:
            super().forget_calls()
            self.limits.over_limit = 0
            self.limits.peak.clear()
