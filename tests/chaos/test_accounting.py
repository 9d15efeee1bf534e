"""The accounting of `make chaos` notices every broken promise."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bench.chaos import texts
from bench.chaos.accounting import Accounts, FieldHistory, Wire
from bench.chaos.plan import Person
from bench.chaos.population import Activity, Athlete

BLOCK = "Adductor routine · level 2 · 8 min\n1. Squeeze\n— Adductor Coach"
RUN = 7
_RUN = {"deleted": False, "sport_type": "Run"}


Edit = tuple[float, str, str, str]
GET, PUT = "activities.get", "activities.update"
OURS, THEIRS = "app 1", "runner"
MORE, FULL = "Mine, and more.", f"Mine.\n\n{BLOCK}"
BETWEEN = f"Above.\n\n{BLOCK}\nBelow."
WRITTEN: Edit = (10.11, OURS, "Mine.", FULL)
WRITTEN_OVER: Edit = (10.11, OURS, MORE, FULL)
KEPT = "byte for byte as their author last wrote them"
LOST = "edits lost between our read and our write"


def _edit(number: int, at: float, author: str, before: str, after: str) -> dict[str, Any]:
    return {
        "id": number, "activity_id": RUN, "at": at, "author": author, "field": "private_note",
        "before": before, "after": after, "sent": None,
    }  # fmt: skip


def _call(number: int, at: float, endpoint: str) -> dict[str, Any]:
    return {
        "id": number, "real_s": at, "ms": 20.0, "endpoint": endpoint, "status": 200, "activity_id": RUN, "faults": [],
    }  # fmt: skip


def _account(
    edits: list[Edit], calls: list[tuple[float, str]], *, saved: str, touched: str | None = None
) -> tuple[str, FieldHistory]:
    """The promises broken in a note with these edits, whose runner remembers ``saved`` as the text."""
    numbered = [_edit(number, *edit) for number, edit in enumerate(edits, start=1)]
    truth = {"id": RUN, "private_note": edits[-1][3], "edits": numbered}
    wire = Wire([_call(number, *call) for number, call in enumerate(calls, start=1)], real=float, killed_at=[])
    history = FieldHistory("private_note", truth, Activity(RUN, {"private_note": saved}, touched), wire)
    broken: list[str] = []
    history.check(broken)
    return "\n".join(broken), history


def _moved_back(left: str) -> list[Edit]:
    """The runner put our note between their words. We take it away, which leaves this, and put it below."""
    moved = [(10.11, OURS, "", BLOCK), (15.0, THEIRS, BLOCK, BETWEEN)]
    return [*moved, (20.11, OURS, BETWEEN, left), (30.11, OURS, left, f"{left}\n\n{BLOCK}")]


_CLEARED: list[Edit] = [(10.05, THEIRS, "Mine.", ""), (10.11, OURS, "", FULL), (20.11, OURS, FULL, "Mine.")]


# What was edited, the words that the runner remembers, what is counted, and what is noticed.
_TEXTS: dict[str, tuple[list[Edit], str, str | None, str]] = {
    "a note below the words": ([WRITTEN], "Mine.", KEPT, ""),
    "a space added": ([(10.11, OURS, "Mine.", FULL + " ")], "Mine.", None, "outside our block"),
    "letters changed": ([(10.11, OURS, "Mine.", FULL.lower())], "Mine.", None, "outside our block"),
    "an end of line added": ([(10.11, OURS, "Mine.", FULL + "\n")], "Mine.", None, "outside our block"),
    "an edit after the read": ([(10.05, THEIRS, "Mine.", MORE), WRITTEN_OVER], MORE, LOST, ""),
    "an edit before the read": ([(9.5, THEIRS, "Mine.", MORE), WRITTEN_OVER], MORE, None, "overwrote words"),
    "words above cleared after the read": (_CLEARED, "", None, ""),
    "a blank line of the runner's stays": (_moved_back("Above.\n\n\nBelow."), BETWEEN, None, ""),
    "it goes": (_moved_back("Above.\nBelow."), BETWEEN, None, "a blank line outside our block"),
}


@pytest.mark.parametrize(("edits", "saved", "counted", "noticed"), _TEXTS.values(), ids=_TEXTS)
def test_changed_words_of_the_runner_are_noticed(
    edits: list[Edit], saved: str, counted: str | None, noticed: str
) -> None:
    """Each write of ours follows a read by a tenth of a second."""
    ours = [int(at) for at, author, _, _ in edits if author == OURS]
    calls = [(at + later, call) for at in ours for later, call in ((0, GET), (0.1, PUT))]

    broken, history = _account(edits, calls, saved=saved)

    assert noticed in broken
    assert bool(broken) is bool(noticed)
    assert counted is None or history.counts[counted] == 1


def test_a_write_long_after_its_read_is_a_broken_promise() -> None:
    edits = [(12.0, THEIRS, "Mine.", MORE), (20.01, OURS, MORE, FULL)]
    broken, _ = _account(edits, [(10.0, GET), (20.0, PUT)], saved=MORE)
    assert "came 9.98 s after its read" in broken


def test_a_note_that_comes_back_after_its_runner_took_it_away_is_a_broken_promise() -> None:
    edits = [WRITTEN, (60.0, THEIRS, FULL, "Mine."), (99.11, OURS, "Mine.", FULL)]
    calls = [(10.0, GET), (10.1, PUT), (99.0, GET), (99.1, PUT)]
    broken, _ = _account(edits, calls, saved="Mine.", touched="take away")
    assert "written again" in broken


def test_a_heading_that_the_runner_quotes_is_no_block() -> None:
    text = f"Adductor routine · mine was the shower\n\n{BLOCK}\nand after"
    assert texts.parts(text) == texts.Parts("Adductor routine · mine was the shower\n\n", BLOCK, "\nand after")


@pytest.mark.parametrize(
    ("kind", "private_note", "description", "broken"),
    [
        ("plain", f"Mine.\n\n{BLOCK}", "", None),
        ("public", "", BLOCK, None),
        ("plain", "", BLOCK, "a private note was made public"),
        ("plain", BLOCK, BLOCK, "had 2 notes"),
        ("plain", "", "", "has 0 notes instead of 1"),
        ("paused", "", "", None),
        ("paused", BLOCK, "", "has 1 notes instead of 0"),
    ],
)
def test_accounts_of_one_activity_notes_where_due_once_and_never_public(
    kind: str, private_note: str, description: str, broken: str | None
) -> None:
    edits = [
        {**_edit(number, 10.11, "app 1", "", after), "field": field}
        for number, (field, after) in enumerate((("private_note", private_note), ("description", description)), 1)
        if after
    ]
    truth = {"id": RUN, "private_note": private_note, "description": description, "edits": edits}
    athlete = Athlete(Person(1, kind, ()), None, 5, {0: Activity(RUN, {})})  # type: ignore[arg-type]
    accounts = Accounts([athlete], None, {RUN: truth | _RUN}, [], {}, Wire([], float, []), [])  # type: ignore[arg-type]
    counts: Counter[str] = Counter()

    accounts._at_no_time(athlete, truth)
    accounts._note_where_due(athlete, 0, counts, excused=False, elsewhere=False)

    assert any(broken in entry for entry in accounts.broken) if broken else not accounts.broken
