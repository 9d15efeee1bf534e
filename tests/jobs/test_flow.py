"""A recorded run becomes a note: over the real web, worker, clock, broker, database and sandbox, of either platform."""

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


def test_a_recorded_run_gets_its_routine_with_the_reason(platform: Live) -> None:
    calls = {"strava": ["activities.get", "activities.update"], "intervals": ["events.list", "events.bulk"]}
    runner = platform.runner()
    run = platform.record(runner)

    text = platform.note_comes(run)

    lines = text.splitlines()
    assert lines[0].startswith("Adductor routine · level 2 · ")
    assert lines[1].startswith("1. ")
    assert not any(line.startswith("- ") for line in lines)  # intervals.icu would read it as a step of a workout
    assert any(line.startswith("Why today: ") for line in lines)
    assert lines[-2].startswith(f"Stop if it hurts. Start and finish here: {platform.web}/r/")
    assert lines[-1] == "— Adductor Coach"
    assert platform.text(run, "description") == ""
    made = [call["endpoint"] for call in platform.calls() if call["runner_id"] == runner.account]
    assert [call for call in made if call != "activities.list"] == calls[
        platform.platform
    ]  # without the hourly catch-up
    (event,), (decision,), (delivery,) = platform.events(run), platform.decisions(run), platform.deliveries(run)
    assert event.trace_id == decision.trace_id == delivery.trace_id
    assert decision.considered
    page = requests.get(text.split("finish here: ")[1].split()[0], timeout=10)
    assert (page.status_code, "Stop if it hurts" in page.text) == (200, True)


def test_the_same_event_three_times_is_one_row_and_one_note(platform: Live) -> None:
    runner = platform.runner()
    run = platform.record(runner, silent=True)

    answers = [platform.deliver(runner, run).status_code for _ in range(3)]
    text = platform.note_comes(run)

    assert answers == [200, 200, 200]
    assert len(platform.events(run)) == 1
    assert (text.count(block.SIGNATURE), len(platform.written(run))) == (1, 1)


@pytest.mark.parametrize(
    "fault",
    [{"status": 502, "html": "<h1>Bad gateway</h1>"}, {"when": "after", "drop": True}],
    ids=["error page", "lost answer"],
)
def test_write_that_fails_for_a_moment_delays_the_note_and_doubles_nothing(
    platform: Live, fault: dict[str, Any]
) -> None:
    runner = platform.runner()
    platform.fault(endpoint=platform.writes_by, runner_id=runner.account, times=1, **fault)
    run = platform.record(runner)

    text = platform.note_comes(run)

    assert (text.count(block.SIGNATURE), len(platform.written(run))) == (1, 1)


@pytest.mark.parametrize(
    "new_activity",
    [{"not_found_reads": 2}, {"late_fields": ["moving_time", "sport_type", "type"], "late_reads": 1}],
    ids=["not readable yet", "late fields"],
)
def test_activity_that_is_not_there_at_once_is_read_again_after_a_refresh(
    live: Live, new_activity: dict[str, Any]
) -> None:
    """Of Strava alone: intervals.icu brings the activity with its event, and has no refresh."""
    runner = live.runner()
    live.admin("POST", f"runners/{runner.account}/expire-tokens")
    live.admin("POST", "switches", {"new_activity": new_activity})
    run = live.record(runner, private_note="My own words.")
    live.admin("POST", "switches", {"new_activity": {"not_found_reads": 0, "late_fields": [], "late_reads": 0}})

    assert live.note_comes(run).startswith("My own words.\n\n")

    assert len(live.written(run)) == 1
    statuses = [call["status"] for call in live.calls("activities.get", run)]
    assert (statuses[0], statuses.count(404)) == (401, new_activity.get("not_found_reads", 0))


@pytest.mark.parametrize(("log", "field"), [("strava", "private_note"), ("intervals", "description")])
def test_words_of_the_runner_stay_byte_for_byte_also_when_our_block_is_removed(
    live: Live, log: str, field: str
) -> None:
    platform = live.at(log)
    texts = (
        "One line",
        "Two\r\nlines\r\n",
        "Emoji 🙂🏃‍♀️ and ünïcödé",
        "ends with spaces   ",
        "\n\nstarts empty",
        "tab\tand\x0bmore",
    )
    runs = [platform.record(platform.runner(channels={"post_run": field}), **{field: words}) for words in texts]

    for run, words in zip(runs, texts, strict=True):
        text = platform.note_comes(run, field)
        assert text == f"{words}\n\n{_ours(text)}"
        platform.edit(run, **{field: f"{text}\r\nand after, without an end of line"})
        platform.edit(run, **{"sport_type" if log == "strava" else "type": "Walk"})
    for run, words in zip(runs, texts, strict=True):
        platform.until(lambda run=run: block.SIGNATURE not in platform.text(run, field))  # type: ignore[misc]
        assert platform.text(run, field) == f"{words}\r\nand after, without an end of line"


def test_a_runner_who_chose_the_description_finds_it_there(platform: Live) -> None:
    run = platform.record(platform.runner(channels={"post_run": "description"}), description="Felt easy.")

    text = platform.note_comes(run, "description")

    assert text.startswith("Felt easy.\n\n")
    assert "/routine/" in text
    assert "/r/" not in text, "a text that all can read carries no link that answers"
    assert platform.text(run) == ""
