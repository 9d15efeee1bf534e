"""The right to call a platform, which all processes of an installation share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from adductor.platforms.base import Priority


class Budget(Protocol):
    """Asked before each call and told after it. Both are quick; neither sleeps."""

    def take(self, priority: Priority) -> None:
        """Take the right to one call.

        Raises PlatformError of kind RATE_LIMITED with ``retry_at`` (UTC) when there is none left for this priority.
        """

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """Give word of the call that was taken last in this thread: its answer's headers and status, 0 = no answer."""
