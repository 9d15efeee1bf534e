"""The figures in print."""

from __future__ import annotations

from typing import Any

_ORDER = (
    "runners",
    "events",
    "notes",
    "texts",
    "acts",
    "kills",
    "weather",
    "faults met by calls",
    "calls",
    "rate limit",
    "seconds",
)


def printed(figures: dict[str, Any]) -> str:
    """All figures of one run, and what was broken."""
    lines = ["", f"{figures['shape']}", f"seed {figures['seed']}"]
    for name in _ORDER:
        value = figures[name]
        if not isinstance(value, dict):
            lines.append(f"  {name}: {value}")
            continue
        lines.append(f"  {name}")
        for key, entry in value.items():
            words = ", ".join(f"{k}: {v}" for k, v in entry.items()) if isinstance(entry, dict) else entry
            lines.append(f"    {key:<52} {words}")
    broken = figures["broken"]
    if broken:
        lines.append(f"  BROKEN: {len(broken)} promises were not kept")
        lines += [f"    - {entry}" for entry in broken[:60]]
        lines.append(f"  the parts' log: {figures['log']}")
    else:
        lines.append("  every promise was kept")
    return "\n".join(lines)
