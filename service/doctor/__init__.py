"""A snapshot of an installation's figures, and the checks of them and of the services around it."""

from __future__ import annotations


class FailedError(Exception):
    """A check failed: what was seen, and what to do about it."""

    def __init__(self, seen: str, do: str) -> None:
        super().__init__(f"{seen}; {do}")
        self.seen = seen
        self.do = do
