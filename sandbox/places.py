"""Time zones and tracks: Strava's zone strings, wall times, a made-up loop on the map."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def utc(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def local(epoch_s: float, zone_name: str) -> datetime:
    return datetime.fromtimestamp(epoch_s, zone(zone_name))


def iso_z(moment: datetime) -> str:
    """Format as `2026-11-22T17:43:12Z` and ignore the zone: Strava puts that Z on local times too."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_offset_s(epoch_s: float, zone_name: str) -> float:
    """The real offset at that moment, seconds east of Greenwich."""
    offset = local(epoch_s, zone_name).utcoffset()
    return offset.total_seconds() if offset else 0.0


@lru_cache(maxsize=1024)
def _standard_offset_s(year: int, zone_name: str) -> float:
    # The smaller of winter's and summer's: right also where the law calls summer time the standard.
    return min(utc_offset_s(datetime(year, month, 1, tzinfo=UTC).timestamp(), zone_name) for month in (1, 7))


def strava_zone(epoch_s: float, zone_name: str) -> str:
    """`(GMT-05:00) America/New_York`: the standard offset all year round, as Strava shows it."""
    offset_min = int(_standard_offset_s(utc(epoch_s).year, zone_name) // 60)
    hours, minutes = divmod(abs(offset_min), 60)
    return f"(GMT{'-' if offset_min < 0 else '+'}{hours:02}:{minutes:02}) {zone_name}"


def loop(latitude: float, longitude: float, distance_m: float, seed: int) -> list[tuple[float, float]]:
    """Points of a made-up closed loop of about that length; deterministic for a seed."""
    if distance_m <= 0:
        return []
    radius_m = distance_m / (2 * math.pi)
    turn = seed % 360 * math.pi / 180
    per_degree_m = 111_320.0
    narrowing = max(0.2, math.cos(math.radians(latitude)))
    points = []
    for step in range(49):
        angle = 2 * math.pi * step / 48
        # Two harmonics make it look like streets and paths, not like a circle.
        wobble = 1 + 0.18 * math.sin(3 * angle + seed % 7) + 0.08 * math.sin(7 * angle + seed % 11)
        x = radius_m * (wobble * math.cos(angle + turn))
        y = radius_m * (wobble * math.sin(angle + turn))
        points.append((x, y))
    x0, y0 = points[0]
    return [
        (round(latitude + (y - y0) / per_degree_m, 5), round(longitude + (x - x0) / (per_degree_m * narrowing), 5))
        for x, y in points
    ]


def polyline(points: list[tuple[float, float]]) -> str:
    """Google's encoded polyline at five decimals, the format of Strava's maps."""
    encoded: list[str] = []
    before = (0, 0)
    for point in points:
        scaled = (round(point[0] * 1e5), round(point[1] * 1e5))
        for value, last in zip(scaled, before, strict=True):
            delta = value - last
            bits = ~(delta << 1) if delta < 0 else delta << 1
            while bits >= 0x20:
                encoded.append(chr((0x20 | (bits & 0x1F)) + 63))
                bits >>= 5
            encoded.append(chr(bits + 63))
        before = scaled
    return "".join(encoded)
