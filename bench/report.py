"""The table for people: on the terminal, and as docs/performance.md. What was written there by hand is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Figure, Part

BY_HAND, END = "<!-- by hand -->", "<!-- end -->"
# What only a person can say: which findings led to which change.
HAND_WRITTEN = ("What an event costs", "What was changed and what it gained")
NOTHING_YET = "(nothing yet)"
WORKERS = "Workers"  # the heading of the table that docs/operate.md shows, too
WORKERS_START, WORKERS_END = "<!-- bench:workers:start -->", "<!-- bench:workers:end -->"
_HAND_PART = re.compile(
    rf"^## (?P<heading>[^\n]+)\n+{re.escape(BY_HAND)}\n(?P<text>.*?)\n?^{re.escape(END)}$", re.MULTILINE | re.DOTALL
)
_COLUMNS = ("what", "value", "floor", "ratio", "target", "met")

_HOW_TO_READ = """\
- A **floor** is the least that the same work could cost, measured in the same run and in turns with ours, so that a busy or
  slow machine slows both. The **ratio** to it means about the same elsewhere; seconds mean something only on this machine.
- **met** compares with the target; "missed" is said as plainly. A figure that could not be taken is "failed".
- The shipped defaults are measured: what was answered 200 is synced to the disk, every check is on, logs are written.
- Two runs differ by some percent, the far ends (p99) by more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one module: its part, or why there is none."""

    name: str
    seconds: float
    part: Part | None = None
    problem: str = ""  # the error's kind; it may stand in a document


class ReportError(ValueError):
    """The document can't be rewritten without losing something; the message says what to mend."""


def figures(outcomes: Sequence[Outcome]) -> list[tuple[Figure, str]]:
    """Every line, with "met", "missed" or "failed"."""
    found: list[tuple[Figure, str]] = []
    for outcome in outcomes:
        if outcome.part is None:
            found.append((Figure(f"bench.{outcome.name}", "-", "-", "-", "-", False, outcome.problem), "failed"))
        else:
            found += [(figure, "met" if figure.met else "missed") for figure in outcome.part.figures]
    return found


def on_a_terminal(outcomes: Sequence[Outcome]) -> str:
    """One aligned table, and the seconds of each module."""
    rows = [_COLUMNS, *(_cells(figure, met) for figure, met in figures(outcomes))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * len(max(lines, key=len)))
    return "\n".join([*lines, "", seconds(outcomes)])


def seconds(outcomes: Sequence[Outcome]) -> str:
    """How long each module took."""
    each = ", ".join(f"{outcome.name} {outcome.seconds:.0f}" for outcome in outcomes)
    return f"Seconds: {each}; in all {sum(outcome.seconds for outcome in outcomes):.0f}."


def document(outcomes: Sequence[Outcome], machine: Sequence[tuple[str, str]], old: str = "") -> str:
    """docs/performance.md. ``old`` is what stands there: its hand-written parts stay. Raises ReportError."""
    by_hand = hand_written(old)
    lines = [
        "# Performance",
        "",
        "Written by `make bench`, which measures everything below on the machine that it runs on; `make bench-quick` takes"
        " a minute, prints, and writes nothing. By hand are only the parts that say so in the source.",
        "",
        "| " + " | ".join((*_COLUMNS, "remarks")) + " |",
        "|" + "---|" * (len(_COLUMNS) + 1),
    ]
    for figure, met in figures(outcomes):
        cells = (*_cells(figure, met if met == "met" else f"**{met}**"), figure.remarks)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |")
    lines += ["", seconds(outcomes), "", "## How to read it", "", _HOW_TO_READ, "", "## The machine", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine)]
    for heading in dict.fromkeys((*HAND_WRITTEN, *by_hand)):
        lines += ["", f"## {heading}", "", BY_HAND, by_hand.get(heading, NOTHING_YET), END]
    for outcome in outcomes:
        for heading, table in (outcome.part.tables if outcome.part else {}).items():
            lines += ["", f"## {heading}", "", table]
    return "\n".join(lines) + "\n"


def hand_written(text: str) -> dict[str, str]:
    """Heading -> what stands between the markers. Raises ReportError when a marker has lost its other half."""
    found = {part["heading"].strip(): part["text"].rstrip("\n") for part in _HAND_PART.finditer(text)}
    if not text.count(BY_HAND) == text.count(END) == len(found):
        raise ReportError(
            f"docs/performance.md: each hand-written part needs a heading (## ...) of its own, {BY_HAND} and {END}, each"
            " on a line by itself; nothing was written"
        )
    return found


def with_workers(text: str, table: str) -> str:
    """The text with the table of workers between its markers; as it was where there are none."""
    before, start, rest = text.partition(WORKERS_START)
    _, end, after = rest.partition(WORKERS_END)
    return f"{before}{start}\n{table.strip()}\n{end}{after}" if start and end else text


def _cells(figure: Figure, met: str) -> tuple[str, ...]:
    return figure.what, figure.value, figure.floor, figure.reached, figure.target, met
