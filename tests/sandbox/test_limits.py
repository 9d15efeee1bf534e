"""Fixed-window rate limits: both buckets, their natural windows, their headers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox

SMALL = {"overall": [6, 100], "read": [4, 50], "athletes": 1}
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Usage", "X-ReadRateLimit-Limit", "X-ReadRateLimit-Usage")


@pytest.fixture
def small(strava: Sandbox) -> Sandbox:
    """Four reads a quarter hour; the time is 10:07."""
    strava.admin("/tier", SMALL)
    strava.admin("/clock", {"now": "2026-11-22T10:07:00Z"})
    strava.connect()
    return strava


def headers(answer: Any) -> tuple[str, ...]:
    return tuple(answer.headers.get(name, "absent") for name in HEADERS)


def test_every_answer_tells_limits_and_usage_and_a_put_counts_as_a_read(small: Sandbox) -> None:
    activity_id = small.record()
    assert headers(small.call("GET", "/athlete/activities")) == ("6,100", "1,1", "4,50", "1,1")
    assert headers(small.get(1)) == ("6,100", "2,2", "4,50", "2,2")
    assert headers(small.put(activity_id, description="x")) == ("6,100", "3,3", "4,50", "3,3")


def test_over_the_limit_is_429_without_retry_after_and_still_counts(small: Sandbox) -> None:
    answers = [small.call("GET", "/athlete/activities") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    refused = answers[-1]
    assert refused.get_json() == {
        "message": "Rate Limit Exceeded",
        "errors": [{"resource": "Application", "field": "rate limit", "code": "exceeded"}],
    }
    assert "Retry-After" not in refused.headers
    assert headers(refused) == ("6,100", "6,6", "4,50", "6,6")
    limits = small.look("/state")["limits"]
    assert (limits["over_limit"], limits["peak"]["read_15min"]) == (2, 6)


@pytest.mark.parametrize(
    ("limit", "last", "following", "usage"),
    [
        # A window ends at the quarter hour and not after fifteen minutes; calls over its limit count to the day.
        ({}, "2026-11-22T10:14:00Z", "2026-11-22T10:15:00Z", "1,6"),
        ({"overall": [1000, 4], "read": [1000, 4]}, "2026-11-22T23:59:00Z", "2026-11-23T00:00:01Z", "1,1"),
    ],
)
def test_window_ends_at_the_quarter_hour_and_at_midnight_utc(
    small: Sandbox, limit: dict[str, Any], last: str, following: str, usage: str
) -> None:
    small.admin("/tier", SMALL | limit)
    small.admin("/clock", {"now": last})
    small.connect()
    assert [small.call("GET", "/athlete/activities").status_code for _ in range(5)] == [200] * 4 + [429]
    small.admin("/clock", {"now": following})
    assert headers(small.call("GET", "/athlete/activities"))[3] == usage


def test_bad_token_costs_nothing(small: Sandbox) -> None:
    for _ in range(5):
        assert (
            small.http.get("/api/v3/athlete/activities", headers={"Authorization": "Bearer wrong"}).status_code == 401
        )
    assert headers(small.call("GET", "/athlete/activities")) == ("6,100", "1,1", "4,50", "1,1")


@pytest.mark.parametrize(
    ("style", "seen"), [("lower", ("6,100", "1,1", "4,50", "1,1")), ("blank", (",",) * 4), ("absent", ("absent",) * 4)]
)
def test_headers_come_in_every_form_seen_in_the_wild(small: Sandbox, style: str, seen: tuple[str, ...]) -> None:
    small.admin("/switches", {"rate_headers": style})
    answer = small.call("GET", "/athlete/activities")
    assert headers(answer) == seen
    assert ("x-ratelimit-limit" in [name for name, _ in answer.headers]) is (style == "lower")
