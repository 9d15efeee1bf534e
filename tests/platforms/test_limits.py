"""Strava's rate-limit headers and windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adductor.platforms.base import Priority
from adductor.platforms.strava.limits import (
    QUARTER_S,
    RETURN_SPREAD_S,
    WINDOW_GUARD_S,
    Figures,
    opens_at,
    quarter_of,
    read_headers,
    return_at,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}+00:00")


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_headers_are_read_in_any_letter_case(spell: type[str]) -> None:
    reported = read_headers(
        {
            spell("X-RateLimit-Limit"): "200,2000",
            spell("X-RateLimit-Usage"): "17,352",
            spell("X-ReadRateLimit-Limit"): "100, 1000",
            spell("X-ReadRateLimit-Usage"): "16,351",
        }
    )
    assert reported.limits == Figures(200, 2_000, 100, 1_000)
    assert reported.usage == Figures(17, 352, 16, 351)


@pytest.mark.parametrize("value", [",", "", "17", "1,2,3", "a,b", "-5,-6", "1.5,2.5", "²,³", f"{10**13},{10**13}"])
def test_a_value_that_says_nothing_is_unknown(value: str) -> None:
    reported = read_headers({"X-RateLimit-Usage": value, "X-ReadRateLimit-Usage": value})
    assert reported.usage == Figures(-1, -1, -1, -1)


@given(st.text(max_size=30))
def test_no_header_value_is_an_error(value: str) -> None:
    read_headers({"X-RateLimit-Limit": value, "x-readratelimit-usage": value})


def test_no_headers_are_unknown_and_say_nothing_about_the_day() -> None:
    reported = read_headers({})
    assert reported.usage == reported.limits == Figures(-1, -1, -1, -1)
    assert not reported.day_is_spent


def test_a_day_is_spent_when_either_bucket_is() -> None:
    spent = {"X-ReadRateLimit-Limit": "100,1000", "X-ReadRateLimit-Usage": "3,1000"}
    assert read_headers(spent).day_is_spent


def test_a_window_opens_two_seconds_late_for_us() -> None:
    before = quarter_of(at("12:15:01"))
    assert quarter_of(at("12:00:02")) == before
    assert quarter_of(at("12:15:02")) == before + 1
    assert opens_at(before + 1) == at("12:15:02")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(Priority),
    st.floats(0, 1, exclude_max=True),
)
def test_who_must_wait_comes_back_in_the_next_window_spread(now: datetime, priority: Priority, chance: float) -> None:
    back = return_at(now, priority, day_is_spent=False, chance=lambda: chance)
    assert back > now
    assert quarter_of(back) == quarter_of(now) + 1
    earliest_s, latest_s = RETURN_SPREAD_S[priority]
    after_opening = back - opens_at(quarter_of(now) + 1)
    assert timedelta(seconds=earliest_s) <= after_opening <= timedelta(seconds=latest_s)


def test_with_the_day_spent_it_is_after_midnight_utc() -> None:
    back = return_at(at("12:05:00"), Priority.FRESH, day_is_spent=True, chance=lambda: 0.0)
    assert back == datetime(2026, 11, 23, 0, 0, WINDOW_GUARD_S + 1, tzinfo=UTC)


def test_the_spread_ends_within_the_window() -> None:
    assert all(latest_s < QUARTER_S - WINDOW_GUARD_S for _, latest_s in RETURN_SPREAD_S.values())
