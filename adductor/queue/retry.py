"""How long to wait before trying again, and when to stop trying."""

from __future__ import annotations

import random
from datetime import timedelta

# First wait after a failure that may pass, seconds; each further one is three times as long, up to an hour.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 3600.0
GROWTH = 3.0
# After a day a suggestion is no longer of use to anybody.
GIVE_UP_AFTER = timedelta(hours=24)
# Strava sends some events before the activity can be read (strava: a 404 right after a create passes).
NOT_YET_READABLE_FOR = timedelta(minutes=15)
# A row that was claimed this often without an end is poison; it is parked for a person to look at.
MOST_CRASHES = 5
# Longer than a task may run (90 s), so that no claim is taken from a living worker.
LEASE = timedelta(seconds=120)


def after(attempt: int) -> timedelta:
    """The wait after the given attempt (1 = first), with jitter so that what failed together doesn't return together."""
    wait_s = min(FIRST_WAIT_S * GROWTH ** max(attempt - 1, 0), LONGEST_WAIT_S)
    return timedelta(seconds=wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreading load is no secret
