"""The subscription and its handshake; which events go out, and what becomes of them on the way."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sandbox import subscriptions
from tests.sandbox.conftest import CLIENT_ID, CREDENTIALS, MARA, Callback, Sandbox, running

ADDRESS = "/api/v3/push_subscriptions"


def refusal(answer: Any) -> tuple[str, str]:
    """Field and code of Strava's 400."""
    assert (answer.status_code, answer.get_json()["message"]) == (400, "Bad Request")
    (found,) = answer.get_json()["errors"]
    assert found["resource"] == "PushSubscription"
    return found["field"], found["code"]


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


# --- the subscription -----------------------------------------------------------------------------------------------


def test_application_has_one_subscription_looks_at_it_and_ends_it(strava: Sandbox, callback: Callback) -> None:
    assert strava.http.get(ADDRESS, query_string=CREDENTIALS).get_json() == []
    answer = strava.subscribe(callback.url)
    assert (answer.status_code, answer.get_json()) == (201, {"id": 1})
    (handshake,) = callback.handshakes  # before the POST returned
    assert (handshake["hub.mode"], handshake["hub.verify_token"]) == ("subscribe", "from the application")
    assert len(handshake["hub.challenge"]) >= 8
    assert refusal(strava.subscribe(callback.url)) == ("", "already exists")
    (listed,) = strava.http.get(ADDRESS, query_string=CREDENTIALS).get_json()
    assert (listed["id"], listed["callback_url"], listed["application_id"]) == (1, callback.url, CLIENT_ID)
    assert strava.http.delete(f"{ADDRESS}/2", query_string=CREDENTIALS).status_code == 404
    ended = strava.http.delete(f"{ADDRESS}/1", query_string=CREDENTIALS)
    assert (ended.status_code, ended.get_data()) == (204, b"")
    assert strava.subscribe(callback.url).get_json() == {"id": 2}
    assert strava.http.get(ADDRESS).status_code == 400
    assert strava.http.get(ADDRESS, query_string=CREDENTIALS | {"client_secret": "ß"}).status_code == 401


@pytest.mark.parametrize(
    ("url", "behaviour", "code"),
    [
        (None, {"status": 404}, "GET to callback URL does not return 200"),
        (None, {"echo": False}, "not verifiable"),
        (None, {"delay_s": 60}, "not verifiable"),
        ("http://127.0.0.1:1/hook", {}, "not verifiable"),
        ("", {}, "invalid"),
        ("ftp://127.0.0.1/x", {}, "invalid"),
        ("http://127.0.0.1/" + "x" * 256, {}, "invalid"),
    ],
    ids=str,
)
def test_failed_handshake_has_stravas_reason(
    strava: Sandbox,
    callback: Callback,
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    behaviour: dict[str, Any],
    code: str,
) -> None:
    if "delay_s" in behaviour:
        assert subscriptions.HANDSHAKE_S == 2
        monkeypatch.setattr(subscriptions, "HANDSHAKE_S", 0.05)
    for name, value in behaviour.items():
        setattr(callback, name, value)
    assert refusal(strava.subscribe(callback.url if url is None else url)) == ("callback url", code)


# --- which events ---------------------------------------------------------------------------------------------------


def test_recorded_activity_is_announced_and_copies_are_all_alike(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin("/clock", {"now": "2026-11-22T10:00:00Z"})
    subscribed.switch(delivery={"copies": 3})
    activity_id = subscribed.record()
    event, *copies = callback.wait_for(3)
    assert copies == [event, event]
    assert event.pop("event_time") >= 1_795_341_600
    ours = {"object_id": activity_id, "owner_id": MARA, "subscription_id": 1}
    assert event == ours | {"aspect_type": "create", "object_type": "activity", "updates": {}}


def test_title_type_and_privacy_are_told_as_strings_and_other_edits_not(subscribed: Sandbox) -> None:
    activity_id = subscribed.record(title="Old")
    subscribed.edit(activity_id, description="a", private_note="b", workout_type="race")
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


def test_privacy_without_read_all_looks_like_deletion_and_creation_and_leaving_is_told(subscribed: Sandbox) -> None:
    subscribed.connect(["read", "activity:read", "activity:write"])
    activity_id = subscribed.record(silent=True)
    subscribed.admin(f"/activities/{activity_id}/private")
    subscribed.edit(activity_id, title="not told")
    subscribed.admin(f"/activities/{activity_id}/public")
    subscribed.record(visibility="only_me")
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": True}
    subscribed.record()
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": False}
    assert sent(subscribed) == [("delete", {}), ("create", {}), ("update", {"authorized": "false"})]
    event = deliveries(subscribed)[-1]["event"]
    assert (event["object_type"], event["object_id"], event["owner_id"]) == ("athlete", MARA, MARA)


# --- attempts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answers", "state"), [((503, 503, 503), "failed"), ((500, 500, 200), "delivered")])
def test_event_is_tried_three_times_a_minute_apart(
    subscribed: Sandbox, callback: Callback, answers: tuple[int, ...], state: str
) -> None:
    callback.status = answers[0]
    subscribed.record()
    for number, following in enumerate(answers[1:], start=1):
        assert subscribed.attempted(number)["state"] == "waiting"
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
    subscribed.switch(delivery={"attempts": 1, "timeout_s": 0.1})
    subscribed.record()
    (delivery,) = settled(subscribed)
    (attempt,) = delivery["attempts"]
    assert (delivery["state"], attempt["status"], attempt["error"]) == ("failed", None, "ReadTimeout")


def test_seed_makes_losses_and_duplicates_repeatable(subscribed: Sandbox) -> None:
    def outcome() -> list[tuple[int, str]]:
        subscribed.admin("/reset", {"what": "deliveries"})
        subscribed.switch(delivery={"seed": None, "paused": True})
        subscribed.switch(delivery={"seed": 7, "drop_share": 0.3, "duplicate_share": 0.3})
        ids = [subscribed.record() for _ in range(30)]
        return [(row["event"]["object_id"] - ids[0], row["state"]) for row in deliveries(subscribed)]

    once = outcome()
    assert outcome() == once
    assert len(once) > 30
    assert "dropped" in [state for _, state in once]


def test_events_can_change_places_come_late_and_be_held_by_a_pause(subscribed: Sandbox, callback: Callback) -> None:
    late = {"reorder_share": 1.0, "reorder_within_s": 1000, "late_share": 1.0, "late_by_s": 1800}
    subscribed.switch(delivery={**late, "paused": True, "seed": 1})
    now = subscribed.look("/clock")["now"]
    ids = [subscribed.record() for _ in range(8)]
    assert all(delivery["due"] - now >= 1800 for delivery in deliveries(subscribed))
    subscribed.admin("/clock", {"advance_s": 4000})
    assert subscribed.http.get("/admin/wait?for=deliveries&timeout_s=0.1").status_code == 504
    assert callback.events == []
    subscribed.switch(delivery={"paused": False})
    arrived = [event["object_id"] for event in callback.wait_for(8)]
    assert sorted(arrived) == ids
    assert arrived != ids


def test_undelivered_events_go_out_after_a_restart(tmp_path: Path, callback: Callback) -> None:
    with running(tmp_path) as first:
        first.connect()
        first.subscribe(callback.url)
        first.switch(delivery={"paused": True})
        activity_id = first.record()
    with running(tmp_path) as second:
        second.switch(delivery={"paused": False})
        assert callback.wait_for(1)[0]["object_id"] == activity_id
        assert second.record() == activity_id + 1


def test_many_at_once_all_arrive_once(subscribed: Sandbox, callback: Callback) -> None:
    # A busy machine must not turn a slow answer into a second attempt a minute later.
    subscribed.switch(delivery={"timeout_s": 60})
    made = subscribed.admin(f"/runners/{MARA}/activities/many", {"activities": [{}] * 200})["ids"]
    attempts = [[attempt["error"] for attempt in row["attempts"]] for row in settled(subscribed)]
    assert attempts == [[None]] * 200  # names the reason if one was lost
    assert Counter(event["object_id"] for event in callback.events) == dict.fromkeys(made, 1)
