"""Injected faults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import MARA, Sandbox


def fault(sandbox: Sandbox, endpoint: str, **effect: Any) -> Any:
    return sandbox.admin("/faults", {"endpoint": endpoint, **effect})


def test_status_a_few_times_after_a_few_good_ones(connected: Sandbox) -> None:
    fault(connected, "activities.list", status=503, skip=1, times=2)
    assert [connected.call("GET", "/athlete/activities").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert connected.call("GET", "/athlete/activities").status_code == 200
    assert [seen["happened"] for seen in connected.look("/faults")] == [2]


@pytest.mark.parametrize(
    ("effect", "kind", "body"),
    [
        ({"status": 502, "html": "<h1>Bad gateway</h1>"}, "text/html", b"<h1>Bad gateway</h1>"),
        ({"status": 500, "body": ""}, "application/json", b""),
        ({"status": 503, "delay_ms": 50}, "application/json", None),
    ],
)
def test_answer_can_be_html_or_empty_or_late(
    connected: Sandbox, effect: dict[str, Any], kind: str, body: bytes | None
) -> None:
    fault(connected, "*", times=1, **effect)
    assert connected.http.get("/oauth/authorize").status_code == 400  # the page that people see is spared
    answer = connected.call("GET", "/athlete/activities")
    assert (answer.status_code, answer.mimetype) == (effect["status"], kind)
    assert body is None or answer.get_data() == body
    assert connected.look("/calls?endpoint=activities.list")["calls"][-1]["ms"] >= effect.get("delay_ms", 0)
    assert connected.call("GET", "/athlete/activities").status_code == 200


@pytest.mark.parametrize(
    ("effect", "status", "note"),
    [
        ({"drop": True}, None, ""),
        ({"drop": True, "when": "after"}, None, "x"),
        ({"status": 504, "when": "after"}, 504, "x"),
    ],
    ids=str,
)
def test_answer_is_lost_before_or_after_the_write_took_effect(
    connected: Sandbox, effect: dict[str, Any], status: int | None, note: str
) -> None:
    activity_id = connected.record()
    fault(connected, "activities.update", times=1, **effect)
    if status is None:
        with pytest.raises(ConnectionAbortedError):
            connected.put(activity_id, private_note="x")
    else:
        assert connected.put(activity_id, private_note="x").status_code == status
    assert connected.truth(activity_id)["private_note"] == note
    assert connected.look("/calls")["counts"]["activities.update"] == {str(status or "dropped"): 1}


def test_refresh_whose_answer_is_lost_has_still_rotated_the_token(connected: Sandbox) -> None:
    connected.admin(f"/runners/{MARA}/expire-tokens")
    fault(connected, "oauth.token", when="after", status=502, times=1)
    assert [connected.refresh().status_code for _ in range(2)] == [502, 400]


def test_another_application_edits_between_our_read_and_our_write(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="mine", description="d")
    fault(connected, "activities.get", times=1, edit={"author": "Shoes", "private_note": "{old}, shoes 312 km"})
    seen = [connected.get(activity_id).get_json()["private_note"] for _ in range(2)]
    assert seen == ["mine", "mine, shoes 312 km"]
    truth = connected.truth(activity_id)
    assert (truth["description"], truth["edits"][-1]["author"]) == ("d", "Shoes")


def test_fault_can_be_for_one_runner_or_one_activity_and_is_removed(connected: Sandbox) -> None:
    first, second = connected.record(), connected.record()
    made = fault(connected, "activities.get", activity_id=first, status=500)
    fault(connected, "activities.list", runner_id=MARA + 1, status=500)
    assert [connected.get(activity_id).status_code for activity_id in (first, second)] == [500, 200]
    assert connected.call("GET", "/athlete/activities").status_code == 200
    connected.admin(f"/faults/{made['id']}", method="DELETE")
    assert connected.get(first).status_code == 200
    connected.admin(f"/faults/{made['id']}", method="DELETE", status=404)
