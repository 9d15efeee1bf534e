"""The results as one table, and as docs/performance.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from bench.figures import Figure

_COLUMNS = ("what", "value", "floor", "ratio", "target", "met", "remarks")
_HEAD = """\
# Performance

`make bench` writes this page on the machine that it runs on; `make bench-quick` takes a minute, prints, and writes nothing.

- A **floor** is the least that the same work costs, measured in the same run and in turns with ours, so that a busy or slow
  machine slows both. The **ratio** is about the same elsewhere; seconds mean something on this machine only.
- The shipped defaults are measured: an event answered 200 is synced to the disk, every check is on, logs are written.
- "missed" is no failure of the run; a figure that could not be taken is "failed"."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one module: its figures, or the kind of error that kept it from them."""

    name: str
    seconds: float
    figures: list[Figure] | None = None
    problem: str = ""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of each row of the table."""
        if self.figures is None:
            return [(f"bench.{self.name}", "-", "-", "-", "-", "failed", self.problem)]
        return [
            (one.what, one.value, one.floor, one.ratio, one.target, "met" if one.met else "missed", one.remarks)
            for one in self.figures
        ]


def table(outcomes: Sequence[Outcome]) -> str:
    """One Markdown table with aligned columns, and the seconds of each module."""
    rows = [_COLUMNS, *(row for outcome in outcomes for row in outcome.rows)]
    rows = [tuple(cell.replace("|", "\\|").replace("<", "&lt;") for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]
    each = ", ".join(f"{outcome.name} {outcome.seconds:.0f}" for outcome in outcomes)
    return "\n".join([*lines, "", f"Seconds: {each}; in all {sum(outcome.seconds for outcome in outcomes):.0f}."])


def document(outcomes: Sequence[Outcome]) -> str:
    """docs/performance.md."""
    return "\n\n".join([_HEAD, machine(), table(outcomes)]) + "\n"


def machine() -> str:
    """What the figures depend on, in a line without a host's, a user's or a folder's name."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, "
        f"{platform.system()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; "
        f"load average {os.getloadavg()[0]:.1f}."
    )
