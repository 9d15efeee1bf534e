"""A recorded run becomes a note: over the real web, worker, clock, broker, database and sandbox."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from adductor.notes import block
from tests.support.live import Live

pytestmark = pytest.mark.processes


def _ours(text: str) -> str:
    """The block of ours that stands in a text, from heading to signature."""
    start = text.index(block.HEADING)
    return text[start : text.index(block.SIGNATURE, start) + len(block.SIGNATURE)]


def test_a_recorded_run_gets_its_routine_with_the_reason(live: Live) -> None:
    run = live.record(live.runner())

    text = live.note_comes(run)

    lines = text.splitlines()
    assert lines[0].startswith("Adductor routine · level 2 · ")
    assert lines[1].startswith("1. ")
    assert any(line.startswith("Why today: ") for line in lines)
    assert lines[-2].startswith(f"Stop if it hurts. Start and finish here: {live.web}/r/")
    assert lines[-1] == "— Adductor Coach"
    assert live.truth(run)["description"] in (None, "")
    assert sorted(call["endpoint"] for call in live.calls(activity=run)) == ["activities.get", "activities.update"]
    (event,), (decision,), (delivery,) = live.events(run), live.decisions(run), live.deliveries(run)
    assert event.trace_id == decision.trace_id == delivery.trace_id
    assert decision.considered
    page = requests.get(text.split("finish here: ")[1].split()[0], timeout=10)
    assert page.status_code == 200
    assert "Stop if it hurts" in page.text


def test_the_same_event_three_times_is_one_row_and_one_note(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner, silent=True)
    event = {"object_id": run, "owner_id": runner.strava_id, "event_time": 1_795_000_000}

    answers = [live.event(**event).status_code for _ in range(3)]
    text = live.note_comes(run)

    assert answers == [200, 200, 200]
    assert len(live.events(run)) == 1
    assert text.count(block.SIGNATURE) == 1
    assert len(live.written(run)) == 1


@pytest.mark.parametrize(
    ("new_activity", "fault"),
    [
        ({"not_found_reads": 2}, None),
        ({"late_fields": ["moving_time", "sport_type", "type"], "late_reads": 1}, None),
        ({}, {"status": 502, "html": "<h1>Bad gateway</h1>"}),
        ({}, {"when": "after", "drop": True}),
    ],
    ids=["not readable yet", "late fields", "error page", "lost answer"],
)
def test_call_that_fails_for_a_moment_delays_the_note_and_doubles_nothing(
    live: Live, new_activity: dict[str, Any], fault: dict[str, Any] | None
) -> None:
    """With a token that must be refreshed first."""
    runner = live.runner()
    live.admin("POST", f"runners/{runner.strava_id}/expire-tokens")
    if fault is not None:
        live.fault(endpoint="activities.update", runner_id=runner.strava_id, times=1, **fault)
    live.admin("POST", "switches", {"new_activity": new_activity})
    run = live.record(runner, private_note="My own words.")
    live.admin("POST", "switches", {"new_activity": {"not_found_reads": 0, "late_fields": [], "late_reads": 0}})

    text = live.note_comes(run)

    assert text.startswith("My own words.\n\n")
    assert (len(live.written(run)), live.truth(run)["private_note"].count(block.SIGNATURE)) == (1, 1)
    statuses = [call["status"] for call in live.calls("activities.get", run)]
    assert (statuses[0], statuses.count(404)) == (401, new_activity.get("not_found_reads", 0))


def test_words_of_the_runner_stay_byte_for_byte_also_when_our_block_is_removed(live: Live) -> None:
    texts = (
        "One line",
        "Two\r\nlines\r\n",
        "Emoji 🙂🏃‍♀️ and ünïcödé",
        "ends with spaces   ",
        "\n\nstarts empty",
        "tab\tand\x0bmore",
    )
    runs = [live.record(live.runner(), private_note=words) for words in texts]

    for run, words in zip(runs, texts, strict=True):
        text = live.note_comes(run)
        assert text == f"{words}\n\n{_ours(text)}"
        live.edit(run, private_note=f"{text}\r\nand after, without an end of line")
        live.edit(run, sport_type="Walk")
    for run, words in zip(runs, texts, strict=True):
        live.until(lambda run=run: block.SIGNATURE not in live.truth(run)["private_note"])  # type: ignore[misc]
        assert live.truth(run)["private_note"] == f"{words}\r\nand after, without an end of line"


def test_a_runner_who_chose_the_description_finds_it_there(live: Live) -> None:
    run = live.record(live.runner(channels={"post_run": "description"}), description="Felt easy.")

    text = live.note_comes(run, "description")

    assert text.startswith("Felt easy.\n\n")
    assert "/routine/" in text
    assert "/r/" not in text, "a text that all can read carries no link that answers"
    assert live.truth(run)["private_note"] == ""
