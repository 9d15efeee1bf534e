"""The books of `make chaos` must notice what they are there to notice; and the plan must be the seed's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.chaos import plan, texts
from bench.chaos.history import FieldHistory, Wire
from bench.chaos.runners import Activity

BLOCK = "Adductor routine · level 2 · 8 min\n1. Squeeze\n— Adductor Coach"
RUN = 7


def _edit(number: int, at: float, author: str, before: str, after: str) -> dict[str, Any]:
    return {
        "id": number, "activity_id": RUN, "at": at, "author": author, "field": "private_note",
        "before": before, "after": after, "sent": None,
    }  # fmt: skip


def _call(number: int, at: float, endpoint: str, ms: float = 20.0) -> dict[str, Any]:
    return {
        "id": number, "real_s": at, "ms": ms, "endpoint": endpoint, "status": 200, "activity_id": RUN, "faults": [],
    }  # fmt: skip


def _books(
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
    broken, history = _books([_edit(1, 10.11, "app 1", "Mine.", f"Mine.\n\n{BLOCK}")], [READ, WRITE], saved="Mine.")
    assert broken == []
    assert history.counts["byte for byte as their author last wrote them"] == 1


@pytest.mark.parametrize(
    "change", [lambda text: text + " ", lambda text: text.replace("Mine.", "mine."), lambda text: text + "\n"]
)
def test_a_changed_byte_of_the_runners_is_noticed(change: Callable[[str], str]) -> None:
    written = change(f"Mine.\n\n{BLOCK}")
    broken, _ = _books([_edit(1, 10.11, "app 1", "Mine.", written)], [READ, WRITE], saved="Mine.")
    assert any("outside our block" in entry for entry in broken)


def test_an_edit_between_read_and_write_is_counted_as_lost() -> None:
    edits = [
        _edit(1, 10.05, "runner", "Mine.", "Mine, and more."),
        _edit(2, 10.11, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, history = _books(edits, [READ, WRITE], saved="Mine, and more.")
    assert broken == []
    assert history.counts["edits that fell between our read and our write"] == 1
    assert history.counts["of which lost"] == 1


def test_an_edit_before_the_read_that_is_lost_is_a_broken_promise() -> None:
    edits = [
        _edit(1, 9.5, "runner", "Mine.", "Mine, and more."),
        _edit(2, 10.11, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, _ = _books(edits, [READ, WRITE], saved="Mine, and more.")
    assert any("overwrote words" in entry for entry in broken)


def test_a_write_long_after_its_read_is_a_broken_promise() -> None:
    edits = [
        _edit(1, 12.0, "runner", "Mine.", "Mine, and more."),
        _edit(2, 20.01, "app 1", "Mine, and more.", f"Mine.\n\n{BLOCK}"),
    ]
    broken, _ = _books(edits, [READ, _call(2, 20.0, "activities.update")], saved="Mine, and more.")
    assert any("came 9.98 s after its read" in entry for entry in broken)


def test_a_note_that_comes_back_after_its_runner_took_it_away_is_a_broken_promise() -> None:
    full = f"Mine.\n\n{BLOCK}"
    edits = [
        _edit(1, 10.11, "app 1", "Mine.", full),
        _edit(2, 60.0, "runner", full, "Mine."),
        _edit(3, 99.11, "app 1", "Mine.", full),
    ]
    calls = [READ, WRITE, _call(3, 99.0, "activities.get"), _call(4, 99.1, "activities.update")]
    broken, _ = _books(edits, calls, saved="Mine.", touched="take away")
    assert any("written again" in entry for entry in broken)


def test_a_blank_line_of_ours_may_go_though_the_words_above_were_cleared_between_read_and_write() -> None:
    edits = [
        _edit(1, 10.05, "runner", "Mine.", ""),
        _edit(2, 10.11, "app 1", "", f"Mine.\n\n{BLOCK}"),
        _edit(3, 20.11, "app 1", f"Mine.\n\n{BLOCK}", "Mine."),
    ]
    later = [_call(3, 20.0, "activities.get"), _call(4, 20.1, "activities.update")]
    broken, _ = _books(edits, [READ, WRITE, *later], saved="")
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
    broken, _ = _books(edits, [READ, WRITE, *later], saved=between)
    assert (broken == []) is kept


def test_a_heading_that_the_runner_quotes_is_no_block() -> None:
    text = f"Adductor routine · mine was the shower\n\n{BLOCK}\nand after"
    assert texts.parts(text) == texts.Parts("Adductor routine · mine was the shower\n\n", BLOCK, "\nand after")


def test_the_same_seed_makes_the_same_plan() -> None:
    one, same, other = (plan.make(seed, events=400, seconds=60, speed=30, kill_every_s=5) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert one.events * (1 + plan.DUPLICATE_SHARE) >= 400
    assert {kill.part for kill in one.kills} == {"web", "worker", "beat", "broker"}
