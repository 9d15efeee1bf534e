"""Fixed-window rate limits: both of Strava's buckets, with its natural windows.

Source: Strava, "Rate Limits": windows start at :00, :15, :30, :45 and at midnight UTC; calls over the short
limit still count to the day; "read" is everything but uploads, so here both buckets hold the same calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.models import Tier

QUARTER_S = 900
DAY_S = 86_400


@dataclass(slots=True)
class Window:
    """A counter of the calls in the window `number` (time divided by length)."""

    length_s: int
    number: int = -1
    used: int = 0

    def usage(self, now: float) -> int:
        return self.used if int(now // self.length_s) == self.number else 0

    def add(self, now: float) -> int:
        number = int(now // self.length_s)
        if number != self.number:
            self.number, self.used = number, 0
        self.used += 1
        return self.used


@dataclass(slots=True)
class RateLimits:
    """Count calls. Not thread-safe: the caller holds the world's lock.

    `over_limit` counts the calls that were made although a bucket was already full: a well-behaved
    application leaves it at 0. `peak` is the fullest each window ever was.
    """

    windows: tuple[Window, Window] = field(default_factory=lambda: (Window(QUARTER_S), Window(DAY_S)))
    over_limit: int = 0
    peak: dict[str, int] = field(default_factory=dict)

    def count(self, tier: Tier, now: float) -> bool:
        """Count one call; True if it is within all limits."""
        used = [window.add(now) for window in self.windows]
        for name, count in zip(("read_15min", "read_day"), used, strict=True):
            self.peak[name] = max(self.peak.get(name, 0), count)
        within = all(count <= min(limits) for count, *limits in zip(used, tier.overall, tier.read, strict=True))
        self.over_limit += not within
        return within

    def usage(self, now: float) -> tuple[int, int]:
        quarter, day = self.windows
        return quarter.usage(now), day.usage(now)

    def headers(self, tier: Tier, now: float, style: str) -> dict[str, str]:
        """The four headers. `style` is one of the forms seen in the wild: normal, lower, blank, absent."""
        if style == "absent":
            return {}
        used = self.usage(now)
        pairs = {
            "X-RateLimit-Limit": tier.overall,
            "X-RateLimit-Usage": used,
            "X-ReadRateLimit-Limit": tier.read,
            "X-ReadRateLimit-Usage": used,
        }
        if style == "blank":
            return dict.fromkeys(pairs, ",")
        texts = {name: f"{short},{day}" for name, (short, day) in pairs.items()}
        return {name.lower(): text for name, text in texts.items()} if style == "lower" else texts
