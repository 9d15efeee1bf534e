"""The rate budget: shares, fairness, what headers teach, many processes at once, and life without Redis."""

from __future__ import annotations

import itertools
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from adductor.platforms import budget as module
from adductor.platforms.base import ErrorKind, Figures, PlatformError, Priority
from adductor.platforms.budget import (
    ALONE_PCT,
    ATHLETE_CALLS,
    QUARTER_S,
    SHARES,
    WINDOW_GUARD_S,
    WindowBudget,
    opens_at,
    quarter_of,
    return_at,
)
from adductor.platforms.strava.limits import make_budget, read_headers
from tests.platforms.conftest import HandClock, Valkey
from tests.platforms.racing import NOON, race, usage

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}+00:00")


@pytest.fixture(params=["redis", "process"])
def budget(request: pytest.FixtureRequest, clock: HandClock) -> WindowBudget:
    """Everything about the counters holds for both places where they are kept."""
    if request.param == "process":
        return make_budget(None, now=clock, alone=False, chance=lambda: 0.5)
    return shared(request.getfixturevalue("valkey"), clock)


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked again at once after a failure."""
    monkeypatch.setattr(module, "_REDIS_REST_S", 0.0)


def shared(valkey: Valkey, clock: Callable[[], datetime], application: str = "default", **options: Any) -> WindowBudget:
    return make_budget(valkey.client(**options), now=clock, application=application, chance=lambda: 0.5)


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
    [
        (Priority.CONNECT, 100, 1_000),
        (Priority.FRESH, 95, 950),
        (Priority.REPLACEABLE, 95, 850),
        (Priority.RETRY, 85, 850),
        (Priority.HISTORY, 50, 400),
    ],
)
def test_priority_uses_its_share_of_a_quarter_and_of_a_day(
    budget: WindowBudget, clock: HandClock, priority: Priority, quarter: int, day: int
) -> None:
    clock.at = at("00:01:00")
    spent = [0]
    while spent[-1] or len(spent) == 1:
        spent.append(spend(budget, priority))
        clock.forward(minutes=15)
    assert spent[1] == quarter
    assert sum(spent) == day
    assert refusal(budget, priority).retry_at == return_at(clock(), priority, day_is_spent=True, chance=lambda: 0.5)
    clock.at = MIDNIGHT + timedelta(minutes=1)
    assert spend(budget, priority) == quarter


def test_connecting_is_possible_when_every_other_share_is_used(budget: WindowBudget) -> None:
    for priority in (Priority.HISTORY, Priority.RETRY, Priority.REPLACEABLE, Priority.FRESH):
        spend(budget, priority)
    assert spend(budget, Priority.CONNECT) == 5


def test_refusal_says_when_to_return_in_order_of_urgency(budget: WindowBudget) -> None:
    spend(budget)
    back = [refusal(budget, p).retry_at for p in (Priority.CONNECT, Priority.FRESH, Priority.RETRY, Priority.HISTORY)]
    assert all(earlier and later and earlier < later for earlier, later in itertools.pairwise(back))


@pytest.mark.parametrize(
    ("moment", "opened_before"), [("12:15:01", 0), ("12:15:02", 1), ("12:29:59", 1), ("12:30:01", 1), ("12:30:02", 2)]
)
def test_window_opens_two_seconds_late(moment: str, opened_before: int) -> None:
    assert quarter_of(at(moment)) == quarter_of(at("12:00:02")) + opened_before


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


def test_calls_on_their_way_over_a_boundary_count_on_both_sides(budget: WindowBudget, clock: HandClock) -> None:
    call(budget, {})
    for _ in range(10):
        budget.take(Priority.FRESH)
    clock.forward(minutes=11)
    assert budget.state().used == Figures(10, 11, 10, 11)  # the first one had its answer
    budget.learn(usage((100, 100), (100, 100)), 200)  # of the closed window: says nothing about the new one
    assert budget.state().used == Figures(10, 100, 10, 100)


def test_calls_of_the_guard_seconds_count_in_both_windows(budget: WindowBudget, clock: HandClock) -> None:
    clock.at = at("12:15:01")
    for _ in range(10):
        call(budget, {})
    assert budget.state().used.read_quarter == 10
    clock.forward(seconds=5)
    assert spend(budget) == 90


def test_process_with_a_clock_behind_does_not_reopen_the_former_window(valkey: Valkey, clock: HandClock) -> None:
    clock.at = at("12:15:03")
    assert spend(shared(valkey, clock)) == 100
    assert spend(shared(valkey, lambda: clock.at - timedelta(seconds=5))) == 0


def test_clock_that_is_set_back_by_hours_loses_no_count(budget: WindowBudget, clock: HandClock) -> None:
    spend(budget, at_most=40)
    clock.forward(hours=-5)
    assert spend(budget) == 60


# --- fairness between athletes --------------------------------------------------------------------------------------


def test_athlete_beyond_their_share_leaves_the_rest_to_others(budget: WindowBudget) -> None:
    assert spend(budget, Priority.FRESH, athlete="importer") == 50
    for runner in range(4):
        assert spend(budget, Priority.FRESH, athlete=f"runner {runner}", at_most=10) == 10


def test_second_try_of_an_athlete_within_their_share_goes_like_the_first(budget: WindowBudget) -> None:
    spend(budget, Priority.FRESH, at_most=94)
    refusal(budget, Priority.RETRY)  # for nobody in particular
    budget.take(Priority.RETRY, "runner")
    assert refusal(budget, Priority.RETRY, "another").retry_at == refusal(budget, Priority.FRESH, "another").retry_at


def test_share_of_an_athlete_grows_with_the_limits_and_begins_anew_each_quarter(
    budget: WindowBudget, clock: HandClock
) -> None:
    assert ATHLETE_CALLS == 10
    call(budget, usage((300, 300), (300, 300), limits=(1_056, 105_600, 528, 52_800)))
    assert spend(budget, Priority.FRESH, athlete="runner") == 52
    clock.forward(minutes=15)
    assert spend(budget, Priority.FRESH, athlete="runner", at_most=52) == 52


def test_athlete_beyond_their_share_returns_with_the_next_quarter_also_when_historys_day_is_spent(
    budget: WindowBudget, clock: HandClock
) -> None:
    call(budget, usage((20, 500), (20, 500)))
    assert spend(budget, Priority.FRESH, athlete="importer") == 10
    back = refusal(budget, Priority.FRESH, "importer").retry_at
    assert back is not None
    assert quarter_of(back) == quarter_of(clock()) + 1


def test_connecting_beyond_an_athletes_share_leaves_the_reserve_to_others(budget: WindowBudget) -> None:
    assert spend(budget, Priority.CONNECT, athlete="leaving with many notes") == 95
    assert spend(budget, Priority.CONNECT, athlete="new") == 5


# --- what headers teach ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        (usage((1, 1), (1, 1), limits=(400, 4_000, 200, 2_000)), 199),  # larger limits
        (usage((1, 1), (1, 1), limits=(20, 200, 10, 100)), 9),  # smaller ones
        (usage((60, 60), (60, 60)), 40),  # another program uses the same application
        (usage((180, 180), (5, 5)), 20),  # the overall bucket is the fuller one
        ({}, 99),
        ({"X-RateLimit-Limit": ",", "X-RateLimit-Usage": ","}, 99),
    ],
)
@pytest.mark.parametrize("status", [200, 401, 500])
def test_answer_corrects_limits_and_usage(
    budget: WindowBudget, headers: Mapping[str, str], left: int, status: int
) -> None:
    call(budget, headers, status)
    assert spend(budget) == left


def test_answers_that_overtake_each_other_never_lower_the_count(budget: WindowBudget) -> None:
    call(budget, usage((2, 2), (2, 2)))
    call(budget, usage((1, 1), (1, 1)))
    assert budget.state().used == Figures(3, 3, 3, 3)


def test_429_without_figures_closes_the_quarter_and_nothing_more(budget: WindowBudget, clock: HandClock) -> None:
    call(budget, {}, 429)
    assert spend(budget) == 0
    clock.forward(minutes=15)
    assert spend(budget) == 100


def test_429_with_the_day_spent_closes_the_day(budget: WindowBudget, clock: HandClock) -> None:
    call(budget, usage((3, 1_000), (3, 1_000)), 429)
    clock.forward(minutes=15)
    back = refusal(budget).retry_at
    assert back is not None
    assert back.date() == MIDNIGHT.date()


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_headers_are_read_in_any_letter_case(spell: Callable[[str], str]) -> None:
    headers = usage((17, 352), (16, 351), limits=(200, 2_000, 100, 1_000))
    reported = read_headers({spell(name): value.replace(",", ", ") for name, value in headers.items()})
    assert (reported.limits, reported.usage) == (Figures(200, 2_000, 100, 1_000), Figures(17, 352, 16, 351))


@pytest.mark.parametrize(
    "value", [",", "", "17", "1,2,3", "a,b", "-5,-6", "1.5,2.5", "²,³", f"{10**13},{10**13}", f"{'9' * 5000},1,"]
)
def test_unreadable_header_is_unknown(value: str) -> None:
    reported = read_headers({"X-RateLimit-Usage": value, "X-ReadRateLimit-Usage": value})
    assert reported.usage == reported.limits == Figures(-1, -1, -1, -1)
    assert not reported.day_is_spent


@given(st.text(max_size=30))
def test_no_header_value_is_an_error(value: str) -> None:
    read_headers({"X-RateLimit-Limit": value, "x-readratelimit-usage": value})


def test_state_takes_nothing(budget: WindowBudget, clock: HandClock) -> None:
    spend(budget, at_most=3)
    for _ in range(3):
        assert budget.state().used == Figures(3, 3, 3, 3)
    clock.forward(minutes=15)
    assert budget.state().used == Figures(0, 3, 0, 3)
    assert budget.state().limits == Figures(200, 2_000, 100, 1_000)


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("troubled", "at_least"), [(False, 100), (True, 40)])
def test_racing_processes_are_granted_the_limit_and_not_one_call_more(
    valkey: Valkey, troubled: bool, at_least: int
) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, granted = spawn.Event(), spawn.Value("i", 0)
    racers = [
        spawn.Process(target=race, args=(str(valkey.socket), seed, troubled, start, granted)) for seed in range(4)
    ]
    for racer in racers:
        racer.start()
    start.set()
    for racer in racers:
        racer.join(60)
        assert racer.exitcode == 0
    assert at_least <= granted.value <= 100


def test_threads_of_one_process_share_the_budget(budget: WindowBudget) -> None:
    granted: list[int] = []
    threads = [threading.Thread(target=lambda: granted.append(spend(budget))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 100


def test_clients_of_one_redis_share_a_budget_and_applications_do_not(valkey: Valkey, clock: HandClock) -> None:
    first, second, texts = shared(valkey, clock), shared(valkey, clock), shared(valkey, clock, decode_responses=True)
    assert [spend(first, at_most=70), spend(second, at_most=20), spend(texts)] == [70, 20, 10]
    assert spend(shared(valkey, clock, "another")) == 100
    assert all(86_400 < valkey.client().ttl(key) <= 2 * 86_400 for key in valkey.client().keys("*"))


# --- without Redis --------------------------------------------------------------------------------------------------


def test_without_redis_each_process_goes_on_with_a_small_share(own_valkey: Valkey, clock: HandClock) -> None:
    budget = shared(own_valkey, clock)
    spend(budget, at_most=5)
    own_valkey.kill()
    assert spend(budget) == ALONE_PCT
    assert budget.state().shared is False
    clock.forward(minutes=15)
    assert spend(budget) == ALONE_PCT


@pytest.mark.parametrize(("used", "left"), [(70, 10), (78, 2), (80, 0), (100, 0)])
def test_without_redis_what_is_known_of_all_calls_still_holds(
    own_valkey: Valkey, clock: HandClock, used: int, left: int
) -> None:
    one, another = shared(own_valkey, clock), shared(own_valkey, clock)
    spend(another, at_most=used - 1)
    spend(one, at_most=1)
    own_valkey.kill()
    assert spend(one) == left


def test_process_that_has_no_redis_has_a_small_share(clock: HandClock) -> None:
    budget = make_budget(None, now=clock)
    assert spend(budget) == ALONE_PCT
    budget.learn(usage((79, 79), (79, 79), limits=(2_000, 20_000, 1_000, 10_000)), 200)
    assert spend(budget) == 90


@pytest.mark.usefixtures("no_rest")
def test_wiped_redis_gets_the_counts_that_a_process_remembers(own_valkey: Valkey, clock: HandClock) -> None:
    one, newcomer = shared(own_valkey, clock), shared(own_valkey, clock)
    call(one, usage((60, 60), (60, 60), limits=(400, 4_000, 200, 2_000)))
    own_valkey.kill()
    assert spend(one, at_most=5) == 5
    own_valkey.start()
    call(newcomer, {})
    assert spend(one, at_most=1) == 1
    assert newcomer.state().used.read_quarter == 66


@pytest.fixture
def silent_redis(tmp_path: Path) -> Iterator[redis.Redis]:
    """Accepts a connection and never answers."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        yield redis.Redis(unix_socket_path=str(tmp_path / "silent.sock"), socket_timeout=0.2, retry=None)


def test_hanging_redis_costs_one_call_its_timeout_and_not_the_next(
    silent_redis: redis.Redis, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    transaction = silent_redis.transaction
    monkeypatch.setattr(silent_redis, "transaction", lambda *args: (asked.append(time.monotonic()), transaction(*args)))
    assert spend(make_budget(silent_redis, now=clock)) == ALONE_PCT
    assert len(asked) == 1


def test_refusal_holds_words_for_people() -> None:
    budget = make_budget(None, now=lambda: NOON, alone=False)
    spend(budget)
    assert "next quarter of an hour" in refusal(budget).message
