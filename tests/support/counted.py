"""What the metrics say now; tests compare two readings, for all installations of a process count into the same."""

from __future__ import annotations

from adductor import metrics


def total(name: str, **labels: str) -> float:
    """The value of one series, by its full name."""
    return sum(
        sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
