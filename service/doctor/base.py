"""What a check of `adductor doctor` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adductor.installation import Installation


class FailedError(Exception):
    """A check failed: what was seen, and what to do about it."""

    def __init__(self, seen: str, do: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.do = do


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name; ``look`` answers what is well, or raises FailedError."""

    name: str
    look: Callable[[Installation], str]
