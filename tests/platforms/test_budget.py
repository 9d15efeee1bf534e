"""The rate budget: shares, fairness, what headers teach, many processes at once, and life without Redis."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from adductor.platforms import budget as module
from adductor.platforms.base import ErrorKind, Figures, PlatformError, Priority
from adductor.platforms.budget import QUARTER_S, SHARES, WINDOW_GUARD_S, WindowBudget, opens_at, quarter_of, return_at
from adductor.platforms.strava import read_headers
from tests.platforms.conftest import Valkey, make_budget, usage
from tests.support.runners import SetClock

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}+00:00")


@pytest.fixture(params=["redis", "process"])
def budget(request: pytest.FixtureRequest, clock: SetClock) -> WindowBudget:
    """Everything about the counters holds for both places where they are kept."""
    if request.param == "process":
        return make_budget(None, now=clock.now)
    return shared(request.getfixturevalue("valkey"), clock.now)


def shared(valkey: Valkey, now: Callable[[], datetime], application: str = "default", **options: Any) -> WindowBudget:
    return make_budget(valkey.client(**options), now=now, application=application)


def spend(
    budget: WindowBudget, priority: Priority = Priority.CONNECT, *, athlete: str | None = None, at_most: int = 10_000
) -> int:
    """Call until refused; the answers carry no figures."""
    for count in range(at_most):
        try:
            budget.take(priority, athlete)
        except PlatformError:
            return count
        budget.learn({}, 200)
    return at_most


def refusal(budget: WindowBudget, priority: Priority = Priority.CONNECT, athlete: str | None = None) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        budget.take(priority, athlete)
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    return caught.value


def call(budget: WindowBudget, headers: Mapping[str, str], status: int = 200) -> None:
    budget.take(Priority.CONNECT)
    budget.learn(headers, status)


# --- shares and windows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priority", "quarter", "day"),
    [(Priority.CONNECT, 100, 1_000), (Priority.FRESH, 95, 950), (Priority.RETRY, 85, 850), (Priority.HISTORY, 50, 400)],
)
def test_priority_uses_its_share_of_a_quarter_and_of_a_day(
    budget: WindowBudget, clock: SetClock, priority: Priority, quarter: int, day: int
) -> None:
    clock.at = MIDNIGHT + timedelta(minutes=1)
    spent = [0]
    while spent[-1] or len(spent) == 1:
        spent.append(spend(budget, priority))
        clock.at += timedelta(minutes=15)
    assert spent[1] == quarter
    assert sum(spent) == day
    assert refusal(budget, priority).retry_at == return_at(clock.at, priority, day_is_spent=True, chance=lambda: 0.5)
    clock.at = MIDNIGHT + timedelta(days=1, minutes=1)
    assert spend(budget, priority) == quarter


def test_window_opens_two_seconds_late() -> None:
    first, *later = (quarter_of(at(time)) for time in ("12:15:01", "12:15:02", "12:29:59", "12:30:01", "12:30:02"))
    assert later == [first + 1, first + 1, first + 1, first + 2]


def test_process_with_a_clock_behind_does_not_reopen_the_former_window(valkey: Valkey, clock: SetClock) -> None:
    clock.at = at("12:15:03")
    assert spend(shared(valkey, clock.now)) == 100
    for behind in (timedelta(seconds=5), timedelta(hours=5)):
        assert spend(shared(valkey, lambda behind=behind: clock.at - behind)) == 0


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(Priority),
    st.floats(0, 1, exclude_max=True),
)
def test_return_time_lies_in_the_next_window_and_is_spread(now: datetime, priority: Priority, chance: float) -> None:
    back = return_at(now, priority, day_is_spent=False, chance=lambda: chance)
    earliest_s, latest_s = SHARES[priority].return_s
    assert quarter_of(back) == quarter_of(now) + 1
    assert timedelta(seconds=earliest_s) <= back - opens_at(quarter_of(back)) <= timedelta(seconds=latest_s)
    assert latest_s < QUARTER_S - WINDOW_GUARD_S
    tomorrow = return_at(now, priority, day_is_spent=True, chance=lambda: chance)
    assert (tomorrow - timedelta(seconds=WINDOW_GUARD_S)).date() > (now - timedelta(seconds=WINDOW_GUARD_S)).date()


def test_calls_under_way_or_early_at_a_boundary_count_on_both_sides(budget: WindowBudget, clock: SetClock) -> None:
    call(budget, {})
    for _ in range(10):
        budget.take(Priority.FRESH)  # no answer yet
    clock.at = at("12:16:00")
    assert budget.state().used == Figures(10, 11, 10, 11)  # the first one had its answer
    budget.learn(usage((100, 100)), 200)  # of the closed window: says nothing about the new one
    assert budget.state().used == Figures(10, 100, 10, 100)
    clock.at = at("12:30:01")
    for _ in range(10):
        call(budget, {})  # in the guard seconds: the platform counts them in the next window
    clock.at += timedelta(seconds=5)
    assert budget.state().used.read_quarter == 10


# --- fairness between athletes --------------------------------------------------------------------------------------


def test_spare_call_goes_out_while_hardly_any_was_made(budget: WindowBudget) -> None:
    assert budget.seems_free()
    assert spend(budget, Priority.SPARE, athlete="1") == 10
    assert not budget.seems_free()
    refusal(budget, Priority.SPARE, athlete="1")
    budget.take(Priority.FRESH, "1")


@pytest.mark.parametrize(("priority", "own", "others"), [(Priority.FRESH, 50, [10] * 4), (Priority.CONNECT, 95, [5])])
def test_athlete_beyond_their_share_leaves_the_rest_to_others(
    budget: WindowBudget, priority: Priority, own: int, others: list[int]
) -> None:
    assert spend(budget, priority, athlete="importing, or leaving with many notes") == own
    assert [spend(budget, priority, athlete=f"runner {number}") for number in range(len(others))] == others


def test_second_try_of_an_athlete_within_their_share_goes_like_the_first(budget: WindowBudget) -> None:
    spend(budget, Priority.FRESH, at_most=94)
    refusal(budget, Priority.RETRY)  # a call for no athlete
    budget.take(Priority.RETRY, "runner")
    assert refusal(budget, Priority.RETRY, "another").retry_at == refusal(budget, Priority.FRESH, "another").retry_at


def test_athlete_beyond_their_share_returns_with_the_next_quarter_also_when_historys_day_is_spent(
    budget: WindowBudget, clock: SetClock
) -> None:
    call(budget, usage((20, 500)))
    assert spend(budget, Priority.FRESH, athlete="importer") == 10
    back = refusal(budget, Priority.FRESH, "importer").retry_at
    assert back is not None
    assert quarter_of(back) == quarter_of(clock.at) + 1


# --- what headers teach ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        (usage((1, 1), limits=(400, 4_000, 200, 2_000)), 199),  # larger limits
        (usage((1, 1), limits=(20, 200, 10, 100)), 9),  # smaller ones
        (usage((60, 60)), 40),  # another program uses the same application
        (usage((180, 180), (5, 5)), 20),  # the overall bucket is the fuller one
        ({}, 99),
        ({"X-RateLimit-Limit": ",", "X-RateLimit-Usage": ","}, 99),
        ({name.lower(): value for name, value in usage((60, 60)).items()}, 40),
        ({name.upper(): f" {value.replace(',', ' , ')}" for name, value in usage((60, 60)).items()}, 40),
    ],
)
def test_answer_corrects_limits_and_usage(budget: WindowBudget, headers: Mapping[str, str], left: int) -> None:
    call(budget, headers, 500)
    assert spend(budget) == left


def test_429_closes_the_quarter_and_with_figures_of_a_spent_day_the_day(budget: WindowBudget, clock: SetClock) -> None:
    call(budget, {}, 429)
    assert spend(budget) == 0
    clock.at += timedelta(minutes=15)
    assert budget.state().used == Figures(0, 1, 0, 1)
    call(budget, usage((3, 1_000)), 429)
    clock.at += timedelta(minutes=15)
    back = refusal(budget).retry_at
    assert back is not None
    assert back.date() == MIDNIGHT.date()


@pytest.mark.parametrize("value", [",", "", "17", "1,2,3", "a,b", "-5,-6", "1.5,2.5", "²,³", f"{'9' * 5000},1"])
def test_unreadable_header_is_unknown(value: str) -> None:
    reported = read_headers({"X-RateLimit-Usage": value, "X-ReadRateLimit-Usage": value})
    assert reported.usage == reported.limits == Figures(-1, -1, -1, -1)
    assert not reported.day_is_spent


# --- many at once ---------------------------------------------------------------------------------------------------


def test_racing_clients_are_granted_the_limit_and_not_one_call_more(valkey: Valkey, clock: SetClock) -> None:
    with ThreadPoolExecutor(4) as racers:
        granted = racers.map(spend, [shared(valkey, clock.now) for _ in range(4)])
    assert sum(granted) == 100


def test_clients_of_one_redis_share_a_budget_and_applications_do_not(valkey: Valkey, clock: SetClock) -> None:
    first, second = shared(valkey, clock.now), shared(valkey, clock.now)
    assert [spend(first, at_most=70), spend(second, at_most=20)] == [70, 20]
    assert spend(shared(valkey, clock.now, decode_responses=True)) == 10
    assert spend(shared(valkey, clock.now, "another")) == 100
    assert all(86_400 < valkey.client().ttl(key) <= 2 * 86_400 for key in valkey.client().keys("*"))


# --- without Redis --------------------------------------------------------------------------------------------------


def test_failing_redis_refuses_every_call_for_seconds_and_the_counts_come_back(
    own_valkey: Valkey, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REDIS_REST_S", 0.0)  # it is asked again at once
    budget = shared(own_valkey, clock.now)
    call(budget, usage((60, 60), limits=(400, 4_000, 200, 2_000)))
    own_valkey.kill()
    refused = refusal(budget)
    assert "Redis" in refused.message
    assert refused.retry_at is not None
    assert refused.retry_at - clock.at < timedelta(seconds=15)
    budget.learn({}, 200)
    assert (budget.state().shared, budget.state().used.read_quarter) == (False, 60)
    own_valkey.start()  # empty: the process brings the counts that it saw last
    assert spend(budget) == 140
    assert budget.state().shared


def test_hanging_redis_costs_one_call_its_timeout_and_not_the_next(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:  # accepts a connection and never answers
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        client = redis.Redis(unix_socket_path=str(tmp_path / "silent.sock"), socket_timeout=0.2, retry=None)
        asked: list[object] = []
        evaluate = client.eval
        monkeypatch.setattr(client, "eval", lambda *args: (asked.append(args), evaluate(*args)))
        budget = make_budget(client, now=clock.now)
        assert [refusal(budget).kind for _ in range(3)] == [ErrorKind.RATE_LIMITED] * 3
    assert len(asked) == 1
