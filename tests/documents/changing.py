"""The least scenario, and one value of a document in another way."""

from __future__ import annotations

import copy
from typing import Any

MINIMAL: dict[str, Any] = {
    "athlete": {"timezone": "Europe/London"},
    "event": {"type": "clock_tick"},
    "now": "2026-11-20T17:30:00+00:00",
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the document with the value at ``path`` replaced, or removed for `KeyError`."""
    made = copy.deepcopy(document)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    target: Any = made
    for part in way:
        target = target[part]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value
    return made
