"""Which events go out, and what becomes of them on the way."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import MARA, Callback, Sandbox, running

READ_ONLY = ["read", "activity:read", "activity:write"]


def settled(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every delivery, once none waits any longer."""
    assert sandbox.look("/wait?for=deliveries&timeout_s=30") == {"happened": True}
    return deliveries(sandbox)


def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.look("/deliveries")["deliveries"]
    return found


def sent(sandbox: Sandbox) -> list[tuple[str, Any]]:
    """Aspect and updates of every event, in the order in which they were queued."""
    return [(row["event"]["aspect_type"], row["event"]["updates"]) for row in settled(sandbox)]


def attempted(sandbox: Sandbox, count: int) -> dict[str, Any]:
    """The only delivery, after its attempt number `count` has ended."""
    while True:
        (delivery,) = deliveries(sandbox)
        if len(delivery["attempts"]) >= count:
            return delivery
        sandbox.http.get("/admin/wait?for=deliveries&timeout_s=0.02")


def deliver(sandbox: Sandbox, **switches: Any) -> None:
    sandbox.admin("/switches", {"delivery": switches})


# --- which -----------------------------------------------------------------------------------------------------------


def test_recorded_activity_is_announced_and_copies_are_all_alike(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin("/clock", {"now": "2026-11-22T10:00:00Z"})
    deliver(subscribed, copies=3)
    activity_id = subscribed.record()
    event, *copies = callback.wait_for(3)
    assert copies == [event, event]
    assert event.pop("event_time") >= 1_795_341_600
    assert event == {
        "aspect_type": "create",
        "object_id": activity_id,
        "object_type": "activity",
        "owner_id": MARA,
        "subscription_id": 1,
        "updates": {},
    }


def test_title_type_and_privacy_are_told_as_strings_and_other_edits_not(subscribed: Sandbox) -> None:
    activity_id = subscribed.record(title="Old")
    subscribed.edit(activity_id, description="a", private_note="b", workout_type="race", commute=True)
    subscribed.put(activity_id, description="c", private_note="d")
    subscribed.edit(activity_id, title="Old", sport_type="Run", visibility="everyone")  # changes nothing
    subscribed.edit(activity_id, title="New", sport_type="TrailRun")
    subscribed.put(activity_id, name="Ours")
    subscribed.admin(f"/activities/{activity_id}/private")
    subscribed.admin(f"/activities/{activity_id}/public")
    subscribed.admin(f"/activities/{activity_id}", method="DELETE")
    subscribed.admin(f"/activities/{activity_id}/restore")
    subscribed.admin(f"/runners/{MARA + 1}/activities")  # never connected
    assert sent(subscribed) == [
        ("create", {}),
        ("update", {"title": "New", "type": "Run"}),
        ("update", {"title": "Ours"}),
        ("update", {"private": "true"}),
        ("update", {"private": "false"}),
        ("delete", {}),
        ("create", {}),
    ]
    assert {row["event"]["object_id"] for row in deliveries(subscribed)} == {activity_id}


def test_privacy_without_read_all_looks_like_deletion_and_creation(subscribed: Sandbox) -> None:
    subscribed.connect(READ_ONLY)
    activity_id = subscribed.record(silent=True)
    subscribed.admin(f"/activities/{activity_id}/private")
    subscribed.edit(activity_id, title="not told")
    subscribed.admin(f"/activities/{activity_id}/public")
    subscribed.record(visibility="only_me")
    assert sent(subscribed) == [("delete", {}), ("create", {})]


def test_leaving_is_told_and_then_there_is_silence(subscribed: Sandbox) -> None:
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": True}
    subscribed.record()
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": False}
    assert sent(subscribed) == [("update", {"authorized": "false"})]
    event = deliveries(subscribed)[0]["event"]
    assert (event["object_type"], event["object_id"], event["owner_id"]) == ("athlete", MARA, MARA)


# --- attempts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "state"), [((503, 503, 503), "failed"), ((500, 200), "delivered"), ((500, 500, 200), "delivered")]
)
def test_event_is_tried_three_times_a_minute_apart(
    subscribed: Sandbox, callback: Callback, answers: tuple[int, ...], state: str
) -> None:
    callback.status = answers[0]
    subscribed.record()
    for number, following in enumerate(answers[1:], start=1):
        assert attempted(subscribed, number)["state"] == "waiting"
        callback.status = following
        subscribed.admin("/clock", {"advance_s": 200})
    (delivery,) = settled(subscribed)
    assert delivery["state"] == state
    assert tuple(attempt["status"] for attempt in delivery["attempts"]) == answers
    at = [attempt["at"] for attempt in delivery["attempts"]]
    assert all(later - earlier >= 60 for earlier, later in itertools.pairwise(at))
    assert callback.events == [callback.events[0]] * len(answers)


def test_answer_after_two_seconds_is_none(subscribed: Sandbox, callback: Callback) -> None:
    assert subscribed.look("/switches")["delivery"]["timeout_s"] == 2
    callback.delay_s = 60
    deliver(subscribed, attempts=1, timeout_s=0.1)
    subscribed.record()
    (delivery,) = settled(subscribed)
    (attempt,) = delivery["attempts"]
    assert (delivery["state"], attempt["status"], attempt["error"]) == ("failed", None, "ReadTimeout")


def test_seed_makes_losses_and_duplicates_repeatable(subscribed: Sandbox) -> None:
    def outcome() -> list[tuple[int, str]]:
        subscribed.admin("/reset", {"what": "deliveries"})
        deliver(subscribed, seed=None, paused=True)
        deliver(subscribed, seed=7, drop_share=0.3, duplicate_share=0.3)
        ids = [subscribed.record() for _ in range(30)]
        return [(row["event"]["object_id"] - ids[0], row["state"]) for row in deliveries(subscribed)]

    once = outcome()
    assert outcome() == once
    assert len(once) > 30
    assert "dropped" in [state for _, state in once]


def test_events_can_change_places_come_late_and_be_held_by_a_pause(subscribed: Sandbox, callback: Callback) -> None:
    deliver(subscribed, reorder_share=1.0, reorder_within_s=1000, late_share=1.0, late_by_s=1800, paused=True, seed=1)
    now = subscribed.look("/clock")["now"]
    ids = [subscribed.record() for _ in range(8)]
    assert all(delivery["due"] - now >= 1800 for delivery in deliveries(subscribed))
    subscribed.admin("/clock", {"advance_s": 4000})
    assert subscribed.http.get("/admin/wait?for=deliveries&timeout_s=0.1").status_code == 504
    assert callback.events == []
    deliver(subscribed, paused=False)
    arrived = [event["object_id"] for event in callback.wait_for(8)]
    assert sorted(arrived) == ids
    assert arrived != ids


def test_undelivered_events_go_out_after_a_restart(tmp_path: Path, callback: Callback) -> None:
    with running(tmp_path) as first:
        first.connect()
        first.subscribe(callback.url)
        deliver(first, paused=True)
        activity_id = first.record(private_note="kept")
    with running(tmp_path, token=first.token) as second:
        assert second.get(activity_id).get_json()["private_note"] == "kept"
        deliver(second, paused=False)
        assert callback.wait_for(1)[0]["object_id"] == activity_id
        assert second.record() == activity_id + 1


def test_many_at_once_all_arrive_once(subscribed: Sandbox, callback: Callback) -> None:
    # A busy machine must not turn a slow answer into a second attempt a minute later.
    deliver(subscribed, timeout_s=60)
    made = subscribed.admin(f"/runners/{MARA}/activities/many", {"activities": [{}] * 200})["ids"]
    attempts = [[attempt["error"] for attempt in row["attempts"]] for row in settled(subscribed)]
    assert attempts == [[None]] * 200  # names the reason if one was lost
    assert Counter(event["object_id"] for event in callback.events) == dict.fromkeys(made, 1)
