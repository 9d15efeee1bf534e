"""Fault injection: which call, which fault, how often.

A fault either happens instead of the call (`before`) or after it took effect (`after`): a PUT that was
applied and whose answer never arrived is the case that makes applications write twice.
"""

from __future__ import annotations

import random
import threading
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

# "*": every call of the application. The authorization page, which people see, is not one.
Endpoint = Literal[
    "*",
    "oauth.authorize", "oauth.token", "oauth.revoke",
    "subscriptions.create", "subscriptions.list", "subscriptions.delete",
    "activities.list", "activities.get", "activities.update",
]  # fmt: skip


class InterveningEdit(BaseModel):
    """A concurrent write right after the application's GET; `{old}` stands for the text before."""

    model_config = ConfigDict(extra="forbid")

    author: str = "another app"
    name: str | None = None
    description: str | None = None
    private_note: str | None = None


class BaseFault(BaseModel):
    """One fault as it is asked for. Several effects may be combined, for example a delay and a status."""

    model_config = ConfigDict(extra="forbid")
    edited_after: ClassVar[tuple[str, ...]] = ("activities.get",)

    endpoint: str
    runner_id: int | str | None = None
    activity_id: int | str | None = None
    skip: int = Field(0, ge=0, description="leave the first n matching calls alone")
    times: int | None = Field(None, ge=1, description="then happen n times; null: until removed")
    share: float = Field(1.0, gt=0, le=1, description="chance that a matching call is hit")
    when: Literal["before", "after"] = "before"
    delay_ms: float = Field(0.0, ge=0, le=120_000)
    status: int | None = Field(None, ge=400, le=599)
    html: str | None = Field(None, description="body instead of JSON; needs status")
    body: str | None = Field(None, description="raw body instead of Strava's JSON; needs status")
    drop: bool = False
    edit: Any = None


class FaultSpec(BaseFault):
    """A fault of Strava."""

    endpoint: Endpoint
    edit: InterveningEdit | None = Field(None, description="activities.get only: an edit between GET and PUT")


class Fault(BaseFault):
    """A fault that is switched on, with how often it was looked at and how often it happened."""

    id: int
    seen: int = 0
    happened: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.happened >= self.times


def _concerns(named: str, endpoint: str) -> bool:
    return named == endpoint or (named == "*" and endpoint != "oauth.authorize")


class Faults:
    """The switched-on faults. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[int, Fault] = {}
        self._next = 1
        # Not for secrets: a seed makes a chaos run repeatable.
        self._random = random.Random()  # noqa: S311

    def add(self, spec: BaseFault) -> Fault:
        with self._lock:
            fault = Fault(id=self._next, **dict(spec))
            self._faults[fault.id] = fault
            self._next += 1
            return fault

    def remove(self, fault_id: int) -> bool:
        with self._lock:
            return self._faults.pop(fault_id, None) is not None

    def clear(self, seed: int | None = None) -> None:
        with self._lock:
            self._faults.clear()
            if seed is not None:
                self._random.seed(seed)

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._faults.values())

    def hit(self, endpoint: str, runner_id: int | str | None, activity_id: int | str | None) -> list[Fault]:
        """The faults that happen to this call, each counted. Cheap when none is switched on."""
        if not self._faults:
            return []
        hits = []
        with self._lock:
            for fault in self._faults.values():
                if (
                    fault.spent
                    or not _concerns(fault.endpoint, endpoint)
                    or fault.runner_id not in (None, runner_id)
                    or fault.activity_id not in (None, activity_id)
                ):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip or (fault.share < 1 and self._random.random() >= fault.share):
                    continue
                fault.happened += 1
                hits.append(fault)
        return hits
