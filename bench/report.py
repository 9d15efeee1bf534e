"""The results as one table, on docs/performance.md, and in the history of runs."""

from __future__ import annotations

import csv
import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.figures import Figure

_COLUMNS = ("what", "value", "floor", "ratio", "target", "met", "remarks")
_MET = {True: "met", False: "missed", None: "-"}
_MEASURED = "Measured on "


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
            (one.what, one.value, one.floor, one.ratio, one.target, _MET[one.met], one.remarks) for one in self.figures
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


def document(page: str, outcomes: Sequence[Outcome]) -> str:
    """The page with this run in place of the last one: its words above the figures stay."""
    words, _, _ = page.partition(_MEASURED)
    return words + "\n\n".join([machine(), table(outcomes)]) + "\n"


def keep(history: Path, outcomes: Sequence[Outcome]) -> None:
    """Append the run to the history, a line a figure."""
    with history.open("a", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        for outcome in outcomes:
            lines.writerows([f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", *row] for row in outcome.rows)


def machine() -> str:
    """What the figures depend on, in a line without a host's, a user's or a folder's name."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_MEASURED}{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, "
        f"{platform.system()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; "
        f"load average {os.getloadavg()[0]:.1f}."
    )
