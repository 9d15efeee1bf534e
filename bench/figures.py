"""Result rows: a figure beside its floor and its target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table, formatted for readers: "3.2 ms" beside a floor of "2.9 ms" is "1.1 x"."""

    what: str
    value: str
    floor: str  # the least that the same work costs, measured in the same run; "-" without one
    ratio: str
    target: str
    met: bool | None  # None: there is no target
    remarks: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; ``share`` between 0 and 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ms(seconds: float) -> str:
    """Seconds as milliseconds with three digits."""
    if math.isinf(seconds):
        return "never"
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"
