"""The accounting of `make chaos` notices every broken promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bench.chaos import texts
from bench.chaos.accounting import Accounts, FieldHistory, Wire
from bench.chaos.population import Activity, Athlete, Person

BLOCK = "Adductor routine · level 2 · 8 min\n1. Squeeze\n— Adductor Coach"
RUN = 7
_RUN = {"deleted": False, "sport_type": "Run"}


def _edit(number: int, at: float, author: str, before: str, after: str) -> dict[str, Any]:
    return {
        "id": number, "activity_id": RUN, "at": at, "author": author, "field": "private_note",
        "before": before, "after": after, "sent": None,
    }  # fmt: skip


def _call(number: int, at: float, endpoint: str, ms: float = 20.0) -> dict[str, Any]:
    return {
        "id": number, "real_s": at, "ms": ms, "endpoint": endpoint, "status": 200, "activity_id": RUN, "faults": [],
    }  # fmt: skip


def _account(
    edits: list[dict[str, Any]], calls: list[dict[str, Any]], *, saved: str, touched: str | None = None
) -> tuple[list[str], FieldHistory]:
    truth = {"id": RUN, "private_note": edits[-1]["after"], "edits": edits}
    wire = Wire(calls, real=lambda at: at, killed_at=[])
    history = FieldHistory("private_note", truth, Activity(RUN, {"private_note": saved}, touched), wire)
    broken: list[str] = []
    history.check(broken)
    return broken, history


READ, WRITE = _call(1, 10.0, "activities.get"), _call(2, 10.1, "activities.update")


def test_a_note_below_the_runners_words_breaks_nothing() -> None:
    broken, history = _account([_edit(1, 10.11, "app 1", "Mine.", f"Mine.\n\n{BLOCK}")], [READ, WRITE], saved="Mine.")
    assert broken == []
    assert history.counts["byte for byte as their author last wrote them"] == 1


@pytest.mark.parametrize(
    "change", [lambda text: text + " ", lambda text: text.replace("Mine.", "mine."), lambda text: text + "\n"]
)
def test_a_changed_byte_of_the_runners_is_noticed(change: Callable[[str], str]) -> None:
    written = change(f"Mine.\n\n{BLOCK}")
    broken, _ = _account([_edit(1, 10.11, "app 1", "Mine.", written)], [READ, WRITE], saved="Mine.")
    assert any("outside our block" in entry for entry in broken)


def test_an_edit_between_read_and_write_is_counted_as_lost() -> None:
    edits = [
        _edit(1, 10.05, "runner", "Mine.", "Mine, and more."),
        _edit(2, 10.11, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, history = _account(edits, [READ, WRITE], saved="Mine, and more.")
    assert broken == []
    assert history.counts["edits lost between our read and our write"] == 1


def test_an_edit_before_the_read_that_is_lost_is_a_broken_promise() -> None:
    edits = [
        _edit(1, 9.5, "runner", "Mine.", "Mine, and more."),
        _edit(2, 10.11, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, _ = _account(edits, [READ, WRITE], saved="Mine, and more.")
    assert any("overwrote words" in entry for entry in broken)


def test_a_write_long_after_its_read_is_a_broken_promise() -> None:
    edits = [
        _edit(1, 12.0, "runner", "Mine.", "Mine, and more."),
        _edit(2, 20.01, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, _ = _account(edits, [READ, _call(2, 20.0, "activities.update")], saved="Mine, and more.")
    assert any("came 9.98 s after its read" in entry for entry in broken)


def test_a_note_that_comes_back_after_its_runner_took_it_away_is_a_broken_promise() -> None:
    full = f"Mine.\n\n{BLOCK}"
    edits = [
        _edit(1, 10.11, "app 1", "Mine.", full),
        _edit(2, 60.0, "runner", full, "Mine."),
        _edit(3, 99.11, "app 1", "Mine.", full),
    ]
    calls = [READ, WRITE, _call(3, 99.0, "activities.get"), _call(4, 99.1, "activities.update")]
    broken, _ = _account(edits, calls, saved="Mine.", touched="take away")
    assert any("written again" in entry for entry in broken)


def test_a_blank_line_of_ours_may_go_though_the_words_above_were_cleared_between_read_and_write() -> None:
    edits = [
        _edit(1, 10.05, "runner", "Mine.", ""),
        _edit(2, 10.11, "app 1", "", f"Mine.\n\n{BLOCK}"),
        _edit(3, 20.11, "app 1", f"Mine.\n\n{BLOCK}", "Mine."),
    ]
    later = [_call(3, 20.0, "activities.get"), _call(4, 20.1, "activities.update")]
    broken, _ = _account(edits, [READ, WRITE, *later], saved="")
    assert broken == []


@pytest.mark.parametrize(("left", "kept"), [("Above.\n\n\nBelow.", True), ("Above.\nBelow.", False)])
def test_a_note_taken_away_from_between_words_and_put_below_them_leaves_their_blank_line(left: str, kept: bool) -> None:
    between = f"Above.\n\n{BLOCK}\nBelow."
    edits = [
        _edit(1, 10.11, "app 1", "", BLOCK),
        _edit(2, 15.0, "runner", BLOCK, between),
        _edit(3, 20.11, "app 1", between, left),
        _edit(4, 30.11, "app 1", left, f"{left}\n\n{BLOCK}"),
    ]
    later = [
        _call(number, at, endpoint)
        for number, (at, endpoint) in enumerate(
            [
                (20.0, "activities.get"),
                (20.1, "activities.update"),
                (30.0, "activities.get"),
                (30.1, "activities.update"),
            ],
            start=3,
        )
    ]
    broken, _ = _account(edits, [READ, WRITE, *later], saved=between)
    assert (broken == []) is kept


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
