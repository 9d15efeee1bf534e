"""Which events go out, and what becomes of them on the way."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from flask import Flask

from sandbox.app import close, create_app
from sandbox.config import SandboxConfig
from tests.sandbox.conftest import MARA, Callback, Sandbox

READ_ONLY = ["read", "activity:read", "activity:write"]


def settled(sandbox: Sandbox) -> None:
    sandbox.look("/wait?for=deliveries&timeout_s=15")


def brief(event: dict[str, Any]) -> tuple[str, Any]:
    return event["aspect_type"], event["updates"]


def test_a_recorded_activity_is_announced(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin("/clock", {"now": "2026-11-22T10:00:00Z"})
    activity_id = subscribed.record()
    (event,) = callback.wait_for(1)
    assert abs(event.pop("event_time") - 1_795_341_600) <= 1
    assert event == {
        "aspect_type": "create",
        "object_id": activity_id,
        "object_type": "activity",
        "owner_id": MARA,
        "subscription_id": 1,
        "updates": {},
    }


def test_title_type_and_privacy_are_told_as_strings(subscribed: Sandbox, callback: Callback) -> None:
    activity_id = subscribed.record()
    subscribed.edit(activity_id, title="New", sport_type="TrailRun")
    subscribed.admin(f"/activities/{activity_id}/private")
    subscribed.admin(f"/activities/{activity_id}/public")
    subscribed.admin(f"/activities/{activity_id}", method="DELETE")
    callback.wait_for(5)
    settled(subscribed)
    assert Counter(map(str, map(brief, callback.events))) == Counter(
        map(
            str,
            [
                ("create", {}),
                ("update", {"title": "New", "type": "Run"}),
                ("update", {"private": "true"}),
                ("update", {"private": "false"}),
                ("delete", {}),
            ],
        )
    )


def test_description_and_private_note_are_edited_in_silence(subscribed: Sandbox) -> None:
    activity_id = subscribed.record(silent=True)
    subscribed.edit(activity_id, description="a", private_note="b", workout_type="race", commute=True)
    subscribed.call("PUT", f"/activities/{activity_id}", json={"description": "c", "private_note": "d"})
    assert subscribed.look("/deliveries")["deliveries"] == []


def test_an_edit_that_changes_nothing_is_no_event(subscribed: Sandbox) -> None:
    activity_id = subscribed.record(silent=True, title="Same")
    subscribed.edit(activity_id, title="Same", sport_type="Run", visibility="everyone")
    assert subscribed.look("/deliveries")["deliveries"] == []


def test_our_own_title_edit_comes_back_as_an_event(subscribed: Sandbox, callback: Callback) -> None:
    activity_id = subscribed.record(silent=True)
    subscribed.call("PUT", f"/activities/{activity_id}", json={"name": "Ours"})
    assert brief(callback.wait_for(1)[0]) == ("update", {"title": "Ours"})


def test_without_read_all_privacy_looks_like_deletion_and_creation(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.connect(READ_ONLY)
    activity_id = subscribed.record(silent=True)
    subscribed.admin(f"/activities/{activity_id}/private")
    assert brief(callback.wait_for(1)[0]) == ("delete", {})
    subscribed.edit(activity_id, title="nobody hears this")
    subscribed.admin(f"/activities/{activity_id}/public")
    assert brief(callback.wait_for(2)[1]) == ("create", {})
    subscribed.record(visibility="only_me")
    settled(subscribed)
    assert len(callback.events) == 2


def test_a_restored_activity_is_created_again_with_its_old_id(subscribed: Sandbox, callback: Callback) -> None:
    activity_id = subscribed.record(silent=True)
    subscribed.admin(f"/activities/{activity_id}", {"silent": True}, method="DELETE")
    subscribed.admin(f"/activities/{activity_id}/restore")
    assert (callback.wait_for(1)[0]["object_id"], callback.events[0]["aspect_type"]) == (activity_id, "create")
    assert subscribed.call("GET", f"/activities/{activity_id}").status_code == 200


def test_leaving_is_told_and_then_there_is_silence(subscribed: Sandbox, callback: Callback) -> None:
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": True}
    (event,) = callback.wait_for(1)
    assert (event["object_type"], event["object_id"], event["owner_id"]) == ("athlete", MARA, MARA)
    assert brief(event) == ("update", {"authorized": "false"})
    subscribed.record()
    assert subscribed.admin(f"/runners/{MARA}/disconnect") == {"disconnected": False}
    settled(subscribed)
    assert len(callback.events) == 1


def test_those_who_never_connected_are_not_talked_about(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin(f"/runners/{MARA + 1}/activities")
    settled(subscribed)
    assert callback.events == []


def test_three_attempts_a_minute_apart_and_then_it_is_lost(subscribed: Sandbox, callback: Callback) -> None:
    callback.status = 503
    subscribed.record()
    for attempt in range(1, 4):
        callback.wait_for(attempt)
        subscribed.http.get("/admin/wait?for=deliveries&timeout_s=0.3")  # an early one would come now
        assert len(callback.events) == attempt
        subscribed.admin("/clock", {"advance_s": 61})
    settled(subscribed)
    (delivery,) = subscribed.look("/deliveries")["deliveries"]
    assert delivery["state"] == "failed"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 503, 503]
    first, second, third = (attempt["at"] for attempt in delivery["attempts"])
    assert second - first >= 60
    assert third - second >= 60
    assert callback.events[0] == callback.events[2]


def test_the_second_attempt_can_be_the_good_one(subscribed: Sandbox, callback: Callback) -> None:
    callback.status = 500
    subscribed.record()
    callback.wait_for(1)
    give_up_at = time.monotonic() + 10
    while not subscribed.look("/deliveries")["deliveries"][0]["attempts"]:  # so that the next has its time
        assert time.monotonic() < give_up_at
    callback.status = 200
    subscribed.admin("/clock", {"speed": 600})
    callback.wait_for(2)
    settled(subscribed)
    (delivery,) = subscribed.look("/deliveries")["deliveries"]
    assert delivery["state"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 200]


def test_an_answer_after_two_seconds_is_none(subscribed: Sandbox, callback: Callback) -> None:
    callback.delay_s = 60
    subscribed.admin("/switches", {"delivery": {"attempts": 1}})
    subscribed.record()
    settled(subscribed)
    (delivery,) = subscribed.look("/deliveries?state=failed")["deliveries"]
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, "ReadTimeout")
    assert 2000 <= attempt["ms"] < 30_000


def test_copies_arrive_all_alike(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin("/switches", {"delivery": {"copies": 3}})
    subscribed.record()
    events = callback.wait_for(3)
    assert events[0] == events[1] == events[2]


def test_a_seed_makes_losses_and_doubles_repeatable(subscribed: Sandbox) -> None:
    def outcome() -> list[tuple[int, str]]:
        subscribed.admin("/reset", {"what": "deliveries"})
        unkind = {"seed": None, "paused": True}
        subscribed.admin("/switches", {"delivery": unkind})
        subscribed.admin("/switches", {"delivery": {"seed": 7, "drop_share": 0.3, "duplicate_share": 0.3}})
        first = subscribed.record()
        for _ in range(29):
            subscribed.record()
        return [
            (delivery["event"]["object_id"] - first, delivery["state"])
            for delivery in subscribed.look("/deliveries")["deliveries"]
        ]

    once = outcome()
    assert outcome() == once
    states = Counter(state for _, state in once)
    assert len(once) > 30
    assert states["dropped"] > 0


def test_events_can_change_places(subscribed: Sandbox, callback: Callback) -> None:
    reorder = {"reorder_share": 1.0, "reorder_within_s": 1000, "paused": True, "seed": 1}
    subscribed.admin("/switches", {"delivery": reorder})
    ids = [subscribed.record() for _ in range(8)]
    subscribed.admin("/clock", {"speed": 1000})
    subscribed.admin("/switches", {"delivery": {"paused": False}})
    arrived = [event["object_id"] for event in callback.wait_for(8)]
    assert sorted(arrived) == ids
    assert arrived != ids


def test_events_can_come_late(subscribed: Sandbox) -> None:
    subscribed.admin("/switches", {"delivery": {"late_share": 1.0, "late_by_s": 1800, "paused": True}})
    now = subscribed.look("/clock")["now"]
    subscribed.record()
    (delivery,) = subscribed.look("/deliveries")["deliveries"]
    assert 1790 < delivery["due"] - now < 1810


def test_paused_events_wait(subscribed: Sandbox, callback: Callback) -> None:
    subscribed.admin("/switches", {"delivery": {"paused": True}})
    subscribed.record()
    assert subscribed.http.get("/admin/wait?for=deliveries&timeout_s=0.3").status_code == 504
    assert callback.events == []
    subscribed.admin("/switches", {"delivery": {"paused": False}})
    callback.wait_for(1)


def test_any_event_can_be_sent_by_hand_and_any_delivery_again(subscribed: Sandbox, callback: Callback) -> None:
    sent = subscribed.admin("/events", {"forged": True, "owner_id": -1})
    assert callback.wait_for(1) == [{"forged": True, "owner_id": -1}]
    subscribed.admin(f"/deliveries/{sent['id']}/again")
    assert callback.wait_for(2)[1] == {"forged": True, "owner_id": -1}


def test_what_was_not_delivered_goes_out_after_a_restart(
    app: Flask, subscribed: Sandbox, callback: Callback, config: SandboxConfig
) -> None:
    subscribed.admin("/switches", {"delivery": {"paused": True}})
    activity_id = subscribed.record(private_note="kept")
    close(app)
    second = create_app(config)
    try:
        again = Sandbox(second.test_client(), subscribed.token)
        assert again.call("GET", f"/activities/{activity_id}").get_json()["private_note"] == "kept"
        again.admin("/switches", {"delivery": {"paused": False}})
        assert callback.wait_for(1)[0]["object_id"] == activity_id
        assert again.record() == activity_id + 1
    finally:
        close(second)


def test_many_at_once_all_arrive_once(subscribed: Sandbox, callback: Callback) -> None:
    many = 200
    subscribed.admin("/switches", {"delivery": {"timeout_s": 60}})  # a busy machine is no second attempt
    made = subscribed.admin(f"/runners/{MARA}/activities/many", {"activities": [{}] * many})["ids"]
    arrived = Counter(event["object_id"] for event in callback.wait_for(many, 60))
    assert arrived == dict.fromkeys(made, 1)
