"""Figures that several answers of the admin API carry."""

from __future__ import annotations

from typing import Any

from sandbox.base import BaseWorld
from sandbox.calls import world


def limits() -> dict[str, Any]:
    here = world()
    with here.lock:
        tier, used = here.switches.tier, here.limits.usage(here.clock.now())
        return {
            "tier": tier.name,
            "overall": {"limit": tier.overall, "used": used},
            "read": {"limit": tier.read, "used": used},
            "over_limit": here.limits.over_limit,
            "peak": here.limits.peak,
        }


def call_counts(here: BaseWorld) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (name, status), count in sorted(here.call_counts.items(), key=str):
        counts.setdefault(name, {})["dropped" if status is None else str(status)] = count
    return counts


def delivery_counts(here: BaseWorld) -> dict[str, int]:
    counts = dict.fromkeys(("waiting", "delivered", "failed", "dropped"), 0)
    for delivery in here.deliveries.values():
        counts[delivery.state] += 1
    return counts
