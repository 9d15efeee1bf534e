"""intervals.icu's rate limits: the smallest figures, and the headers, which are documented and rarely seen.

The application's limits hold for all its athletes together; each API key has its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adductor.platforms.base import Figures
from adductor.platforms.budget import Reported

# An application of few athletes, and an API key. Larger ones are learned from the headers, where there are some.
SMALLEST_LIMITS = Figures(overall_quarter=2_500, overall_day=5_000, read_quarter=2_500, read_day=5_000)
_UNKNOWN = Figures(-1, -1, -1, -1)
_PAIR = re.compile(r"\s*([0-9]{1,12})\s*,\s*([0-9]{1,12})\s*")


def read_headers(headers: Mapping[str, str]) -> Reported:
    """Read "15 minutes,day" of the limit and of what remains. What can't be read is unknown, never an error."""
    found = {name.lower(): value for name, value in headers.items()}
    limit, remaining = (_PAIR.fullmatch(found.get(f"x-ratelimit-{what}") or "") for what in ("limit", "remaining"))
    if limit is None:
        return Reported(_UNKNOWN, _UNKNOWN)
    most = int(limit[1]), int(limit[2])
    if remaining is None:
        return Reported(Figures(*most, *most), _UNKNOWN)
    used = tuple(max(whole - int(left), 0) for whole, left in zip(most, (remaining[1], remaining[2]), strict=True))
    return Reported(Figures(*most, *most), Figures(used[0], used[1], used[0], used[1]))


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """The seconds of ``Retry-After``."""
    value = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return int(value) if re.fullmatch(r"[0-9]{1,6}", value.strip()) else None
