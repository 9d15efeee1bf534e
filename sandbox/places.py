"""Time zones: Strava's zone strings and wall times."""

from __future__ import annotations

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
