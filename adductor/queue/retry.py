"""Retry policy as a value, and the exceptions by which a job says how an attempt ended."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, then the dead letter. All times are the athletes'."""

    first_wait_s: float = 5.0
    growth: float = 3.0
    longest_wait_s: float = 3600.0
    jitter: float = 0.2  # share of the wait: rows that failed together don't return together
    dead_letter_after: timedelta = timedelta(hours=24)  # after a day a suggestion is of no use
    most_crashes: int = 5  # leases that ran out: then the row is poison

    def wait(self, attempt: int) -> timedelta:
        """The wait after the given attempt (1 = first)."""
        wait_s = min(self.first_wait_s * self.growth ** max(attempt - 1, 0), self.longest_wait_s)
        return timedelta(seconds=wait_s * random.uniform(1 - self.jitter, 1 + self.jitter))  # noqa: S311 - no secret


POLICY = RetryPolicy()
# Strava sends some events before the activity can be read: a 404 right after a create passes.
NOT_YET_READABLE_FOR = timedelta(minutes=15)


class RetryLater(Exception):  # noqa: N818 - it says what happens next
    """The attempt failed and another may succeed. ``wait`` (athletes' time): None leaves it to the retry policy.

    ``budget``: the platform's rate limit left no call, and none went out.
    """

    def __init__(self, problem: str, *, wait: timedelta | None = None, budget: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.wait = wait
        self.budget = budget


class Final(Exception):  # noqa: N818 - it says what happens next
    """No further attempt can succeed. ``outcome`` is stored with the row, ``problem`` says it in words."""

    def __init__(self, outcome: str, problem: str) -> None:
        super().__init__(problem)
        self.outcome = outcome
        self.problem = problem
