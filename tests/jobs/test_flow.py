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
        ({"aspect_type": "create"}, {"aspect_type": "create"}, 1),
        ({"aspect_type": "update", "updates": {"title": "Along the river"}}, {"aspect_type": "create"}, 1),
        ({"aspect_type": "delete"}, {"aspect_type": "create", "event_time": 1_795_000_000}, 0),
    ],
    ids=["two creates", "an edit overtakes", "a delete overtakes"],
)
def test_two_events_of_one_run_leave_one_note(
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
    "body",
    [b"", b"{", b"[]", b"null", b'{"object_type": "activity"}', b"\xff\xfe", b'{"object_id": "x"}'],
    ids=["empty", "cut off", "a list", "null", "half", "not text", "wrong type"],
)
def test_a_malformed_event_is_named_and_leaves_no_row(live: Live, body: bytes) -> None:
    before = live.count_events()

    answer = requests.post(live.here.installation.settings.webhook_url, data=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert live.count_events() == before


def test_an_event_with_the_wrong_key_is_not_found(live: Live) -> None:
    before = live.count_events()

    answer = requests.post(f"{live.web}/webhooks/strava/not-the-key-at-all", json={}, timeout=10)

    assert answer.status_code == 404
    assert live.count_events() == before


def test_an_activity_that_cant_be_read_yet_gets_its_note_a_little_later(live: Live) -> None:
    live.admin("POST", "switches", {"new_activity": {"not_found_reads": 2}})
    run = live.record(live.runner())
    live.admin("POST", "switches", {"new_activity": {"not_found_reads": 0}})

    live.note_comes(run)

    assert [call["status"] for call in live.calls("activities.get", run)][:2] == [404, 404]
    assert len(live.written(run)) == 1


def test_fields_that_come_late_are_waited_for(live: Live) -> None:
    live.admin(
        "POST", "switches", {"new_activity": {"late_fields": ["moving_time", "sport_type", "type"], "late_reads": 1}}
    )
    run = live.record(live.runner())
    live.admin("POST", "switches", {"new_activity": {"late_fields": [], "late_reads": 0}})

    live.note_comes(run)

    assert len(live.written(run)) == 1


def test_an_expired_token_is_renewed_and_the_note_comes(live: Live) -> None:
    runner = live.runner()
    live.admin("POST", f"runners/{runner.strava_id}/expire-tokens")
    run = live.record(runner)

    live.note_comes(run)

    assert len(live.written(run)) == 1


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


def test_a_private_note_that_comes_late_is_not_overwritten(live: Live) -> None:
    live.admin("POST", "switches", {"new_activity": {"late_fields": ["private_note"], "late_reads": 1}})
    run = live.record(live.runner(), private_note="My own words.")
    live.admin("POST", "switches", {"new_activity": {"late_fields": [], "late_reads": 0}})

    text = live.note_comes(run)

    assert text.startswith("My own words.\n\n")


def test_the_runners_words_stay_byte_for_byte(live: Live) -> None:
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


def test_words_before_and_after_our_block_survive_its_removal(live: Live) -> None:
    run = live.record(live.runner(), private_note="Before 🙂\r\n")
    text = live.note_comes(run)
    live.edit(run, private_note=f"{text}\r\nand after, without an end of line")

    live.edit(run, sport_type="Walk")
    live.until(lambda: block.SIGNATURE not in live.truth(run)["private_note"])

    assert live.truth(run)["private_note"] == "Before 🙂\r\n\r\nand after, without an end of line"


def test_a_block_that_the_runner_edited_stays_when_the_run_becomes_a_walk(live: Live) -> None:
    run = live.record(live.runner())
    edited = live.note_comes(run).replace("Stop if it hurts.", "Did it, felt good.")
    live.edit(run, private_note=edited)

    live.edit(run, sport_type="Walk")
    live.until(lambda: [row.outcome for row in live.deliveries(run)] == ["edited_by_runner"])

    assert live.truth(run)["private_note"] == edited


def test_a_walk_that_becomes_a_run_gets_its_routine(live: Live) -> None:
    run = live.record(live.runner(), sport_type="Walk")
    live.settles(run)
    assert live.written(run) == []

    live.edit(run, sport_type="Run")

    live.note_comes(run)


def test_a_revoked_connection_without_an_event_is_noticed_by_the_first_call(live: Live) -> None:
    runner = live.runner()
    live.admin("POST", f"runners/{runner.strava_id}/disconnect", {"silent": True})
    run = live.record(runner, silent=True)

    live.event(object_id=run, owner_id=runner.strava_id)
    (event,) = live.settles(run)

    assert event.outcome == "revoked"
    assert live.athlete(runner).connection.state == "revoked"


def test_a_runner_for_whom_nothing_can_be_due_costs_no_call(live: Live) -> None:
    now = live.here.installation.clock.now()
    table: list[tuple[dict[str, Any], str]] = [
        ({"hold_since": now, "hold_reason": "high_pain"}, "on_hold"),
        ({"screening_completed_at": None}, "not_cleared"),
        ({"clearance_needed": True}, "not_cleared"),
        ({"paused_until": date(2027, 1, 1)}, "not_cleared"),
    ]
    runs = [live.record(live.runner(**state)) for state, _ in table]

    for run, (_, rule) in zip(runs, table, strict=True):
        live.settles(run)
        (decision,) = live.decisions(run)
        assert (decision.decision, decision.rule, decision.asked_platform) == ("none", rule, False)
        assert live.calls(activity=run) == []


def test_before_the_first_questions_are_answered_nothing_is_read_or_written(live: Live) -> None:
    run = live.record(live.runner(confirmed_at=None))

    (event,) = live.settles(run)

    assert event.outcome == "not_confirmed"
    assert live.calls(activity=run) == []


def test_a_runner_who_chose_the_description_finds_it_there(live: Live) -> None:
    run = live.record(live.runner(channels={"post_run": "description"}), description="Felt easy.")

    text = live.note_comes(run, "description")

    assert text.startswith("Felt easy.\n\n")
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


def test_a_write_that_strava_answers_with_an_error_page_is_tried_again(live: Live) -> None:
    runner = live.runner()
    live.fault(
        endpoint="activities.update", runner_id=runner.strava_id, status=502, html="<h1>Bad gateway</h1>", times=1
    )
    run = live.record(runner)

    live.note_comes(run)

    assert len(live.written(run)) == 1


def test_a_write_that_arrived_but_whose_answer_was_lost_is_not_made_twice(live: Live) -> None:
    runner = live.runner()
    live.fault(endpoint="activities.update", runner_id=runner.strava_id, when="after", drop=True, times=1)
    run = live.record(runner)

    live.note_comes(run)

    assert len(live.written(run)) == 1
    assert live.truth(run)["private_note"].count(block.SIGNATURE) == 1
