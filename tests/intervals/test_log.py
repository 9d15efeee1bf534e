"""A calendar NOTE at intervals.icu: what is its own there, by webhooks and by polls. tests/jobs has the flow of each log."""

from __future__ import annotations

import pytest

from adductor.jobs import prompts
from adductor.notes import block
from adductor.queue import timers
from tests.intervals.conftest import Icu

WAYS = pytest.mark.parametrize("way", ["oauth", "key"])


@pytest.mark.parametrize("lost", ["nothing", "answer", "call"])
def test_run_of_a_runner_with_a_key_becomes_one_note_on_its_day(icu: Icu, lost: str) -> None:
    runner = icu.runner("key")
    icu.switch(key_upsert="blind")
    if lost != "nothing":
        when = "after" if lost == "answer" else "before"
        icu.admin("/faults", {"endpoint": "events.bulk", "times": 1, "when": when, "drop": True})
    icu.record(runner)
    icu.forget_calls()

    icu.polls(minutes=6)
    calls = [call for call in icu.calls() if call not in ("activities.list", "wellness.list")]
    icu.polls(minutes=1)
    icu.polls(minutes=1)

    (note,) = icu.notes(runner)
    (suggestion,) = icu.here.suggestions(runner)
    assert note["external_id"] == f"adductor-{suggestion.public_id}"
    assert note["start_date_local"] == f"{suggestion.local_date}T00:00:00"
    assert note["name"].startswith(block.HEADING)
    assert note["description"].endswith(block.SIGNATURE)
    assert lost != "nothing" or calls == ["events.list", "events.bulk"]
    assert [each.outcome for each in icu.here.deliveries(runner)] == ["written"]


@WAYS
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"name": "My own plan"}, 1),
        ({"description": "Did it with a ball"}, 1),
        ({"start_date_local": "2026-11-19T00:00:00", "end_date_local": "2026-11-20T00:00:00"}, 1),
        ({"extra": "\n\nFelt good."}, 1),
        (None, 0),
        ({}, 0),
    ],
    ids=["renamed", "edited", "moved", "added to", "deleted", "untouched"],
)
def test_entry_that_the_runner_touched_is_left_when_the_run_goes(
    icu: Icu, way: str, change: dict[str, str] | None, left: int
) -> None:
    runner = icu.runner(way)
    run = icu.record(runner)
    icu.comes(way)
    (note,) = icu.notes(runner)
    if change is None:
        icu.admin(f"/entries/{note['id']}", method="DELETE")
    elif change:
        extra = change.get("extra")
        changes = {"description": note["description"] + extra} if extra else change
        icu.admin(f"/entries/{note['id']}/edit", {"changes": changes})
    icu.forget_calls()

    icu.admin(f"/activities/{run['id']}", method="DELETE")
    for _ in range(3):
        icu.comes(way)
        icu.later(hours=1)
        icu.polls(minutes=1)

    assert len(icu.notes(runner)) == left
    writes = {"events.bulk", "events.update", "events.delete"} & set(icu.calls())
    assert writes == ({"events.delete"} if change == {} else set())
    assert icu.here.suggestion(runner).status == "withdrawn"


@WAYS
def test_description_by_choice_costs_three_calls_and_keeps_the_words(icu: Icu, way: str) -> None:
    runner = icu.runner(way, channels={"post_run": "description"})
    run = icu.record(runner, description="Easy  hills\r\n")
    icu.forget_calls()

    icu.comes(way)

    fields = icu.look(f"/activities/{run['id']}")["fields"]
    assert fields["description"].startswith("Easy  hills\r\n\n\nAdductor routine")
    assert "/r/" not in fields["description"]
    calls = [call for call in icu.calls() if call not in ("activities.list", "wellness.list")]
    assert calls == ["events.list", "activities.get", "activities.update"]
    assert icu.notes(runner) == []


@WAYS
def test_rest_day_routine_is_a_note_on_the_rest_day_in_three_calls(icu: Icu, way: str) -> None:
    runner = icu.runner(way, placements=["rest_day"], rest_day_prompt_local="12:00")
    icu.forget_calls()
    icu.later(hours=2, minutes=1)

    timers.tick(icu.here.installation, prompts.TIMER)

    (note,) = icu.notes(runner)
    assert note["start_date_local"] == "2026-11-18T00:00:00"
    assert len(icu.calls()) <= 3


@pytest.mark.parametrize(("way", "most_a_day"), [("key", 300), ("oauth", 24)])
def test_polling_stays_below_its_bound(icu: Icu, way: str, most_a_day: int) -> None:
    icu.runner(way)
    icu.forget_calls()

    for _ in range(4 * 60 // 5):
        icu.polls(minutes=5)

    most = most_a_day * 4 // 24
    assert most / 2 < len(icu.calls()) <= most
