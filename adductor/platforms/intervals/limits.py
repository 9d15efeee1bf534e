"""intervals.icu's rate limits: the smallest figures, and the headers, which are documented and rarely seen.

The application's limits hold for all its athletes together; each API key has its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from adductor.platforms.base import Figures
from adductor.platforms.budget import Reported, read_pair

# An application of few athletes, and an API key. Larger ones are learned from the headers, where there are some.
SMALLEST_LIMITS = Figures(overall_quarter=2_500, overall_day=5_000, read_quarter=2_500, read_day=5_000)


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read "15 minutes,day" of the limit and of what remains. What can't be read is unknown, never an error."""
    limits, left = read_pair(headers, "x-ratelimit-limit"), read_pair(headers, "x-ratelimit-remaining")
    used = (-1, -1) if -1 in (*limits, *left) else (max(limits[0] - left[0], 0), max(limits[1] - left[1], 0))
    return Reported(Figures(*limits, *limits), Figures(*used, *used))


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """The seconds of ``Retry-After`` in any letter case, as far as they are a number."""
    value = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 6 else None
