"""What can be made to go wrong: injected faults, and fixed-window rate limits with both buckets and their headers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import MARA, Sandbox

SMALL = {"overall": [6, 100], "read": [4, 50], "athletes": 1}
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Usage", "X-ReadRateLimit-Limit", "X-ReadRateLimit-Usage")


def fault(sandbox: Sandbox, endpoint: str, **effect: Any) -> Any:
    return sandbox.admin("/faults", {"endpoint": endpoint, **effect})


@pytest.mark.parametrize(
    ("effect", "kind", "body"),
    [
        ({"status": 502, "html": "<h1>Bad gateway</h1>"}, "text/html", b"<h1>Bad gateway</h1>"),
        ({"status": 500, "body": ""}, "application/json", b""),
        ({"status": 503, "delay_ms": 50}, "application/json", None),
    ],
)
def test_answer_can_be_html_or_empty_or_late_a_few_times_after_a_few_good_ones(
    connected: Sandbox, effect: dict[str, Any], kind: str, body: bytes | None
) -> None:
    fault(connected, "*", skip=1, times=2, **effect)
    assert connected.http.get("/oauth/authorize").status_code == 400  # the page that people see is spared
    first, answer, again, last = (connected.call("GET", "/athlete/activities") for _ in range(4))
    assert (first.status_code, again.status_code, last.status_code) == (200, effect["status"], 200)
    assert (answer.status_code, answer.mimetype) == (effect["status"], kind)
    assert body is None or answer.get_data() == body
    assert connected.look("/calls?endpoint=activities.list")["calls"][1]["ms"] >= effect.get("delay_ms", 0)
    assert [seen["happened"] for seen in connected.look("/faults")] == [2]


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


# --- rate limits ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(strava: Sandbox) -> Sandbox:
    """Four reads a quarter hour; the time is 10:07."""
    strava.admin("/tier", SMALL)
    strava.admin("/clock", {"now": "2026-11-22T10:07:00Z"})
    strava.connect()
    return strava


def headers(answer: Any) -> tuple[str, ...]:
    return tuple(answer.headers.get(name, "absent") for name in HEADERS)


def test_put_counts_as_a_read_and_a_bad_token_costs_nothing(small: Sandbox) -> None:
    activity_id = small.record()
    for _ in range(5):
        assert (
            small.http.get("/api/v3/athlete/activities", headers={"Authorization": "Bearer wrong"}).status_code == 401
        )
    assert headers(small.get(1)) == ("6,100", "1,1", "4,50", "1,1")
    assert headers(small.put(activity_id, description="x")) == ("6,100", "2,2", "4,50", "2,2")


@pytest.mark.parametrize(
    ("limit", "last", "following", "usage"),
    [
        # A window ends at the quarter hour and not after fifteen minutes; calls over its limit count to the day.
        ({}, "2026-11-22T10:14:00Z", "2026-11-22T10:15:00Z", "1,7"),
        ({"overall": [1000, 4], "read": [1000, 4]}, "2026-11-22T23:59:00Z", "2026-11-23T00:00:01Z", "1,1"),
    ],
)
def test_over_the_limit_is_429_until_the_quarter_hour_or_midnight_utc(
    small: Sandbox, limit: dict[str, Any], last: str, following: str, usage: str
) -> None:
    small.admin("/tier", SMALL | limit)
    small.admin("/clock", {"now": last})
    small.connect()
    answers = [small.call("GET", "/athlete/activities") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    refused = answers[-1]
    assert refused.get_json() == {
        "message": "Rate Limit Exceeded",
        "errors": [{"resource": "Application", "field": "rate limit", "code": "exceeded"}],
    }
    assert "Retry-After" not in refused.headers
    assert headers(refused)[1::2] == ("6,6", "6,6")
    limits = small.look("/state")["limits"]
    assert (limits["over_limit"], limits["peak"]["read_15min"]) == (2, 6)
    small.admin("/clock", {"now": following})
    assert headers(small.call("GET", "/athlete/activities"))[3] == usage


@pytest.mark.parametrize(
    ("style", "seen"), [("lower", ("6,100", "1,1", "4,50", "1,1")), ("blank", (",",) * 4), ("absent", ("absent",) * 4)]
)
def test_headers_come_in_every_form_seen_in_the_wild(small: Sandbox, style: str, seen: tuple[str, ...]) -> None:
    small.admin("/switches", {"rate_headers": style})
    answer = small.call("GET", "/athlete/activities")
    assert headers(answer) == seen
    assert ("x-ratelimit-limit" in [name for name, _ in answer.headers]) is (style == "lower")
