"""A recorded run becomes a note: over the real web, worker, clock, broker, database and sandbox."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from adductor.notes import block
from tests.support.live import Live, installation

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
    assert lines[-3].startswith(f"Stop if it hurts. Steps and timer: {live.web}/routine/")
    assert lines[-2].startswith(f"Afterwards, how did it go: {live.web}/a/")
    assert lines[-1] == "— Adductor Coach"
    assert live.truth(run)["description"] in (None, "")
    assert sorted(call["endpoint"] for call in live.calls(activity=run)) == ["activities.get", "activities.update"]
    (event,), (decision,), (delivery,) = live.events(run), live.decisions(run), live.deliveries(run)
    assert event.trace_id == decision.trace_id == delivery.trace_id
    assert decision.considered
    page = requests.get(text.split("timer: ")[1].split()[0], timeout=10)
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
    ("first", "then", "notes"),
    [
        ({"aspect_type": "update", "updates": {"title": "Along the river"}}, {"aspect_type": "create"}, 1),
        ({"aspect_type": "delete"}, {"aspect_type": "create", "event_time": 1_795_000_000}, 0),
    ],
    ids=["an edit overtakes", "a delete overtakes"],
)
def test_event_that_overtakes_the_create_leaves_one_note_or_none(
    live: Live, first: dict[str, Any], then: dict[str, Any], notes: int
) -> None:
    runner = live.runner()
    run = live.record(runner, silent=True)
    event = {"object_id": run, "owner_id": runner.strava_id}

    live.event(**event, **{"event_time": 1_795_000_060, **first})
    live.settles(run)
    live.event(**event, **{"event_time": 1_795_000_120, **then})
    live.until(lambda: len(live.events(run)) == 2)
    live.settles(run)

    assert len(live.written(run)) == notes
    assert notes or live.calls(activity=run) == []


@pytest.mark.parametrize(
    ("body", "wrong_key", "status"),
    [(b"{", False, 400), (b'{"object_type": "activity"}', False, 400), (b"\xff\xfe", False, 400), (b"{}", True, 404)],
    ids=["cut off", "half", "not text", "wrong key"],
)
def test_event_malformed_or_foreign_leaves_no_row(live: Live, body: bytes, *, wrong_key: bool, status: int) -> None:
    before = live.count_events()
    right = live.here.installation.settings.webhook_url

    answer = requests.post(f"{live.web}/webhooks/strava/not-the-key-at-all" if wrong_key else right, body, timeout=10)

    assert answer.status_code == status
    assert wrong_key or answer.json()["error"]
    assert live.count_events() == before


_LATE_FIELDS = ["moving_time", "sport_type", "type"]
_BAD_GATEWAY = {"status": 502, "html": "<h1>Bad gateway</h1>"}


@pytest.mark.parametrize(
    ("new_activity", "fault", "expired"),
    [
        ({"not_found_reads": 2}, None, False),
        ({"late_fields": _LATE_FIELDS, "late_reads": 1}, None, False),
        ({"late_fields": ["private_note"], "late_reads": 1}, None, False),
        ({}, None, True),
        ({}, _BAD_GATEWAY, False),
        ({}, {"when": "after", "drop": True}, False),
    ],
    ids=["not readable yet", "late fields", "late note", "expired token", "error page", "lost answer"],
)
def test_call_that_fails_for_a_moment_delays_the_note_and_doubles_nothing(
    live: Live, new_activity: dict[str, Any], fault: dict[str, Any] | None, *, expired: bool
) -> None:
    runner = live.runner()
    if expired:
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
    assert statuses[:2] == [404, 404] or "not_found_reads" not in new_activity


def test_a_spent_budget_is_waited_for_until_the_window_opens(tmp_path: Path) -> None:
    with installation(tmp_path, speed=150) as live:  # a quarter of an hour is six seconds
        live.admin("POST", "tier", {"overall": [12, 2000], "read": [12, 2000]})
        runs = [live.record(live.runner()) for _ in range(8)]

        for run in runs:
            live.note_comes(run)

        assert [len(live.written(run)) for run in runs] == [1] * 8
        assert live.admin("GET", "calls")["limits"]["over_limit"] == 0


def test_private_note_that_does_not_work_never_becomes_public(live: Live) -> None:
    live.admin("POST", "switches", {"private_note": {"served": False}})
    try:
        run = live.record(live.runner(), description="Sunny.")
        live.until(lambda: {row.outcome for row in live.deliveries(run)} == {"note_refused", "on_the_pages"})
    finally:
        live.admin("POST", "switches", {"private_note": {"served": True}})

    assert (live.truth(run)["description"], live.truth(run)["private_note"]) == ("Sunny.", "")


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


def test_event_of_a_runner_for_whom_nothing_can_be_due_costs_no_call(live: Live) -> None:
    now = live.here.installation.clock.now()
    table: list[tuple[dict[str, Any], str]] = [
        ({"hold_since": now, "hold_reason": "high_pain"}, "on_hold"),
        ({"screening_completed_at": None}, "not_cleared"),
        ({"clearance_needed": True}, "not_cleared"),
        ({"paused_until": date(2027, 1, 1)}, "not_cleared"),
        ({"confirmed_at": None}, "not_confirmed"),
    ]
    runs = [live.record(live.runner(**state)) for state, _ in table]

    for run, (_, rule) in zip(runs, table, strict=True):
        (event,) = live.settles(run)
        assert event.outcome == rule
        assert [(row.rule, row.asked_platform) for row in live.decisions(run)] in ([(rule, False)], [])
        assert live.calls(activity=run) == []


def test_a_runner_who_chose_the_description_finds_it_there(live: Live) -> None:
    run = live.record(live.runner(channels={"post_run": "description"}), description="Felt easy.")

    text = live.note_comes(run, "description")

    assert text.startswith("Felt easy.\n\n")
    assert "/routine/" in text
    assert "/a/" not in text, "a text that all can read carries no link that answers"
    assert live.truth(run)["private_note"] == ""


def test_strava_altering_our_text_does_not_make_it_the_runners(live: Live) -> None:
    live.admin("POST", "switches", {"text": {"strip_links": True, "crlf": True}})
    try:
        run = live.record(live.runner(), private_note="Mine.")
        live.note_comes(run)
        live.edit(run, sport_type="Walk")
        live.until(lambda: block.SIGNATURE not in live.truth(run)["private_note"])
    finally:
        live.admin("POST", "switches", {"text": {"strip_links": False, "crlf": False}})

    assert live.truth(run)["private_note"] == "Mine."
