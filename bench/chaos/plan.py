"""The plan of one athlete: their kind and their acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``at_s``: real seconds after the start. ``run``: which of the athlete's activities."""

    at_s: float
    what: str
    run: int = 0
    recording: dict[str, Any] = field(default_factory=dict)
    ended_min_ago: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """One athlete of the plan."""

    number: int
    kind: str
    acts: tuple[Act, ...]
