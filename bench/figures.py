"""What a benchmark measures, beside its floor: one line of the table of docs/performance.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table, in words for people: "3.2 ms" with a floor of "2.9 ms" reached "1.1 x"."""

    what: str
    value: str
    floor: str  # what it is measured against in the same run; "-" where the target is a figure
    reached: str
    target: str
    met: bool
    remarks: str = ""


@dataclass
class Part:
    """What one module of the bench found: its lines, and what else a reader should see (tables, in Markdown)."""

    figures: list[Figure] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)  # heading -> Markdown


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; ``share`` between 0 and 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ms(seconds: float) -> str:
    """Seconds as milliseconds for people."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"
