"""A check, and its failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.doctor.status import Status


class FailedError(Exception):
    """A check failed: what was seen, and what to do about it."""

    def __init__(self, seen: str, do: str) -> None:
        super().__init__(f"{seen}; {do}")
        self.seen = seen
        self.do = do


@dataclass(frozen=True, slots=True)
class Check:
    """``look`` says what is well, or raises FailedError. ``needs``: "database", "application" (one set at Strava)."""

    name: str
    look: Callable[[Status], str]
    needs: frozenset[str] = frozenset()

    def run(self, status: Status) -> str:
        """Look, where that is possible. Raises FailedError."""
        if "database" in self.needs and "database" in status.problems:
            raise FailedError("can't be looked at without the database", "mend the database first")
        if "application" in self.needs and status.here.settings.uses_sandbox:
            raise FailedError(
                "no Strava application is set",
                "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
            )
        return self.look(status)
