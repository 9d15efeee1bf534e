"""Fixed-window rate limits: both of Strava's buckets, with its natural windows.

Source: Strava, "Rate Limits": windows start at :00, :15, :30, :45 and at midnight UTC; calls over the short
limit still count to the day; "read" is everything but uploads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.models import Tier

QUARTER_S = 900
DAY_S = 86_400

Bucket = Literal["overall", "read"]


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


def _windows() -> dict[Bucket, tuple[Window, Window]]:
    return {"overall": (Window(QUARTER_S), Window(DAY_S)), "read": (Window(QUARTER_S), Window(DAY_S))}


@dataclass(slots=True)
class RateLimits:
    """Count calls. Not thread-safe: the caller holds the world's lock.

    `over_limit` counts the calls that were made although a bucket was already full: a well-behaved
    application leaves it at 0. `peak` is the fullest each window ever was.
    """

    windows: dict[Bucket, tuple[Window, Window]] = field(default_factory=_windows)
    over_limit: int = 0
    peak: dict[str, int] = field(default_factory=dict)

    def count(self, tier: Tier, now: float, *, upload: bool) -> bool:
        """Count one call; True if it is within all limits."""
        within = True
        buckets: tuple[Bucket, ...] = ("overall",) if upload else ("overall", "read")
        for bucket in buckets:
            limits = tier.overall if bucket == "overall" else tier.read
            for window, limit, name in zip(self.windows[bucket], limits, ("15min", "day"), strict=True):
                used = window.add(now)
                key = f"{bucket}_{name}"
                self.peak[key] = max(self.peak.get(key, 0), used)
                within = within and used <= limit
        if not within:
            self.over_limit += 1
        return within

    def usage(self, bucket: Bucket, now: float) -> tuple[int, int]:
        quarter, day = self.windows[bucket]
        return quarter.usage(now), day.usage(now)

    def headers(self, tier: Tier, now: float, style: str) -> dict[str, str]:
        """The four headers. `style` is one of the forms seen in the wild: normal, lower, blank, absent."""
        if style == "absent":
            return {}
        pairs = {
            "X-RateLimit-Limit": tier.overall,
            "X-RateLimit-Usage": self.usage("overall", now),
            "X-ReadRateLimit-Limit": tier.read,
            "X-ReadRateLimit-Usage": self.usage("read", now),
        }
        if style == "blank":
            return dict.fromkeys(pairs, ",")
        texts = {name: f"{short},{day}" for name, (short, day) in pairs.items()}
        return {name.lower(): text for name, text in texts.items()} if style == "lower" else texts

    def dump(self) -> dict[str, Any]:
        return {
            "windows": {bucket: [[w.number, w.used] for w in windows] for bucket, windows in self.windows.items()},
            "over_limit": self.over_limit,
            "peak": self.peak,
        }

    @classmethod
    def load(cls, raw: dict[str, Any]) -> RateLimits:
        limits = cls(over_limit=raw["over_limit"], peak=raw["peak"])
        for bucket, windows in limits.windows.items():
            for window, (number, used) in zip(windows, raw["windows"][bucket], strict=True):
                window.number, window.used = number, used
        return limits
