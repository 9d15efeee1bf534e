"""The shared rate budget, against a real Valkey: never more than the limit, whoever asks and whatever breaks."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adductor.platforms.base import ErrorKind, PlatformError, Priority
from adductor.platforms.strava.budget import (
    FALLBACK_OWN_SHARE_PCT,
    OPEN_EXPIRES_S,
    PROBE_EXPIRES_S,
    UNBOOKED_CALLS,
    UNDER_WAY_S,
    LocalBudget,
    SharedBudget,
    _Held,
)
from adductor.platforms.strava.limits import Figures, quarter_of
from tests.platforms.conftest import HandClock, Valkey
from tests.platforms.racing import NOON, race, usage

Either = SharedBudget | LocalBudget


def spend(budget: Either, priority: Priority = Priority.CONNECT, *, at_most: int = 10_000) -> int:
    """Calls, each answered without headers, until none is granted; how many there were."""
    for count in range(at_most):
        try:
            budget.take(priority)
        except PlatformError:
            return count
        budget.learn({}, 200)
    return at_most


def refusal(budget: Either, priority: Priority = Priority.FRESH) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        budget.take(priority)
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    return caught.value


@pytest.fixture(params=["shared", "local"])
def new_budget(request: pytest.FixtureRequest, clock: HandClock) -> Either:
    """Nothing is known yet."""
    if request.param == "local":
        return LocalBudget(now=clock, chance=lambda: 0.5)
    return shared(request.getfixturevalue("valkey"), clock)


@pytest.fixture
def budget(new_budget: Either, clock: HandClock, request: pytest.FixtureRequest) -> Either:
    """In use for a while: Strava has answered before."""
    if isinstance(new_budget, LocalBudget):
        new_budget._books.known, new_budget._books.quarter = True, quarter_of(clock())
        new_budget._books.told = [True] * 4
    else:
        open_books(request.getfixturevalue("valkey"), clock)
    return new_budget


TOLD = [f"told{index}" for index in range(4)]


def open_books(valkey: Valkey, clock: Callable[[], datetime], application: str = "default") -> None:
    """Books as they are some time after the first call: nothing is lost, nothing in the dark."""
    key = f"adductor:strava:budget:{application}"
    valkey.client().hset(key, mapping={"known": 1, "quarter": quarter_of(clock()), **dict.fromkeys(TOLD, 1)})


def shared(valkey: Valkey, clock: Callable[[], datetime], **options: object) -> SharedBudget:
    return SharedBudget(valkey.client(**options), now=clock, chance=lambda: 0.5)


def test_a_quarter_holds_the_smallest_tiers_hundred_calls(budget: Either) -> None:
    assert spend(budget) == 100


def test_a_new_quarter_opens_two_seconds_after_the_natural_one(budget: Either, clock: HandClock) -> None:
    spend(budget)
    clock.at = datetime(2026, 11, 22, 12, 15, 1, tzinfo=UTC)
    refusal(budget, Priority.CONNECT)
    clock.at = datetime(2026, 11, 22, 12, 15, 2, tzinfo=UTC)
    assert spend(budget) == 100


def test_a_day_holds_a_thousand_and_the_next_one_opens_at_midnight_utc(budget: Either, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 22, 12, 1, tzinfo=UTC)
    spent = 0
    for _ in range(12):
        spent += spend(budget)
        clock.forward(minutes=15)
    assert spent == 1_000
    error = refusal(budget, Priority.CONNECT)
    assert error.retry_at == datetime(2026, 11, 23, 0, 0, 4, 500_000, tzinfo=UTC)
    assert "this day" in error.message
    clock.at = datetime(2026, 11, 23, 0, 0, 2, tzinfo=UTC)
    assert spend(budget) == 100


@pytest.mark.parametrize(
    ("priority", "calls"),
    [(Priority.CONNECT, 100), (Priority.FRESH, 95), (Priority.RETRY, 85), (Priority.HISTORY, 50)],
)
def test_each_priority_stops_where_the_more_urgent_ones_still_go_on(
    budget: Either, priority: Priority, calls: int
) -> None:
    assert spend(budget, priority) == calls


def test_what_history_leaves_fresh_runs_can_use_and_what_they_leave_is_for_people_connecting(budget: Either) -> None:
    assert [spend(budget, p) for p in (Priority.HISTORY, Priority.RETRY, Priority.FRESH, Priority.CONNECT)] == [
        50,
        35,
        10,
        5,
    ]


def test_history_leaves_three_fifths_of_the_day(budget: Either, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)
    spent = 0
    for _ in range(20):
        spent += spend(budget, Priority.HISTORY)
        clock.forward(minutes=15)
    assert spent == 400
    assert spend(budget, Priority.FRESH) == 95


def test_a_refusal_says_when_to_come_back_in_order_of_urgency(budget: Either) -> None:
    spend(budget)
    back = {priority: refusal(budget, priority).retry_at for priority in Priority}
    opening = datetime(2026, 11, 22, 12, 15, 2, tzinfo=UTC)
    waits = {priority: (moment - opening).total_seconds() for priority, moment in back.items() if moment}
    assert 0 < waits[Priority.CONNECT] < waits[Priority.FRESH] < waits[Priority.RETRY] < waits[Priority.HISTORY]


def test_larger_limits_are_learned_from_the_headers(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((1, 1), (1, 1), limits=(400, 4_000, 200, 2_000)), 200)
    assert spend(budget) == 199


def test_smaller_limits_too(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((1, 1), (1, 1), limits=(20, 200, 10, 100)), 200)
    assert spend(budget) == 9


def test_what_other_programs_use_of_the_same_application_counts(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((60, 60), (60, 60)), 200)
    assert spend(budget) == 40


def test_the_overall_bucket_counts_where_it_is_the_fuller_one(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((180, 180), (5, 5)), 200)
    assert spend(budget) == 20


def test_answers_that_overtake_each_other_never_lower_the_count(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((2, 2), (2, 2)), 200)
    budget.take(Priority.FRESH)
    budget.learn(usage((1, 1), (1, 1)), 200)
    assert budget.state().used == Figures(2, 2, 2, 2)


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Limit": ",", "X-RateLimit-Usage": ","}])
@pytest.mark.parametrize("status", [0, 200, 401, 500])
def test_a_call_without_figures_counts(budget: Either, headers: Mapping[str, str], status: int) -> None:
    budget.take(Priority.FRESH)
    budget.learn(headers, status)
    assert budget.state().used == Figures(1, 1, 1, 1)


def test_a_429_without_figures_closes_the_quarter_and_nothing_more(budget: Either, clock: HandClock) -> None:
    budget.take(Priority.FRESH)
    budget.learn({}, 429)
    assert spend(budget) == 0
    clock.forward(minutes=15)
    assert spend(budget) == 100


def test_a_429_with_the_day_spent_closes_the_day(budget: Either, clock: HandClock) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((3, 1_000), (3, 1_000)), 429)
    clock.forward(minutes=15)
    error = refusal(budget, Priority.CONNECT)
    assert error.retry_at is not None
    assert error.retry_at.date() == datetime(2026, 11, 23, tzinfo=UTC).date()


def test_the_figures_of_a_closed_window_do_not_close_the_new_one(budget: Either, clock: HandClock) -> None:
    budget.take(Priority.FRESH)
    clock.forward(minutes=11)
    budget.learn(usage((100, 100), (100, 100)), 200)
    # One of them may have been counted on this side of the boundary.
    assert spend(budget) == 99


def test_calls_on_their_way_over_a_boundary_count_on_both_sides(budget: Either, clock: HandClock) -> None:
    budget.take(Priority.FRESH)
    budget.learn({}, 200)
    for _ in range(10):
        budget.take(Priority.FRESH)
    clock.forward(minutes=11)
    assert spend(budget) == 90


def test_calls_of_the_first_two_seconds_count_in_both_windows(budget: Either, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 22, 12, 15, 1, tzinfo=UTC)
    for count in range(1, 11):
        budget.take(Priority.FRESH)
        budget.learn({}, 200)
        assert budget.state().used.read_quarter == count
    clock.forward(seconds=5)
    assert spend(budget) == 90


def test_word_that_never_comes_counts_as_a_call_until_stravas_figures_tell(budget: Either, clock: HandClock) -> None:
    budget.take(Priority.FRESH)
    budget.learn(usage((1, 1), (1, 1)), 200)
    for _ in range(5):
        budget.take(Priority.FRESH)  # and the process is killed
    clock.forward(seconds=OPEN_EXPIRES_S + 1)
    for call in range(6):
        budget.take(Priority.FRESH)
        budget.learn(usage((2 + call, 2 + call), (2 + call, 2 + call)), 200)
    # Strava never saw those five: its own count has caught up with ours.
    assert budget.state().used == Figures(7, 7, 7, 7)


def test_a_clock_that_is_set_back_by_hours_loses_no_count(budget: Either, clock: HandClock) -> None:
    spend(budget, at_most=40)
    clock.forward(hours=-5)
    assert spend(budget) == 60


def test_a_process_that_is_a_moment_behind_does_not_reopen_the_old_window(valkey: Valkey, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 22, 12, 15, 3, tzinfo=UTC)
    open_books(valkey, clock)
    assert spend(shared(valkey, clock)) == 100
    behind = shared(valkey, lambda: clock.at - timedelta(seconds=5))
    assert spend(behind) == 0


def test_with_nothing_known_a_single_call_finds_out_before_the_others_go(new_budget: Either, clock: HandClock) -> None:
    new_budget.take(Priority.FRESH)
    error = refusal(new_budget, Priority.CONNECT)
    assert error.retry_at == clock.at + timedelta(seconds=3)
    new_budget.learn(usage((90, 90), (90, 90)), 200)
    # In Redis, room is left for calls that others had under way when it lost its memory.
    assert spend(new_budget) == (10 if isinstance(new_budget, LocalBudget) else 10 - UNBOOKED_CALLS)


def test_a_finding_call_that_is_lost_holds_the_others_only_for_a_while(new_budget: Either, clock: HandClock) -> None:
    new_budget.take(Priority.FRESH)
    clock.forward(seconds=PROBE_EXPIRES_S + 1)
    new_budget.take(Priority.FRESH)


def test_served_beyond_the_believed_limit_the_limit_is_higher(budget: Either) -> None:
    budget.take(Priority.FRESH)
    budget.learn({"X-ReadRateLimit-Usage": "150,150"}, 200)
    assert budget.state().limits.read_quarter == 150


def test_two_clients_on_one_redis_share_one_budget_and_two_applications_do_not(
    valkey: Valkey, clock: HandClock
) -> None:
    open_books(valkey, clock)
    open_books(valkey, clock, "another")
    first, second = shared(valkey, clock), shared(valkey, clock)
    assert spend(first, at_most=70) + spend(second) == 100
    other = SharedBudget(valkey.client(), now=clock, application="another")
    assert spend(other) == 100


def test_a_restarted_process_finds_the_count_as_it_was(valkey: Valkey, clock: HandClock) -> None:
    open_books(valkey, clock)
    spend(shared(valkey, clock), at_most=80)
    assert spend(shared(valkey, clock, decode_responses=True)) == 20


def test_the_hash_does_not_stay_for_ever(valkey: Valkey, clock: HandClock) -> None:
    shared(valkey, clock).take(Priority.FRESH)
    client = valkey.client()
    keys = client.keys("*")
    assert keys == [b"adductor:strava:budget:default"]
    assert 86_400 < client.ttl(keys[0]) <= 2 * 86_400


def test_a_state_is_shown_without_taking_anything(budget: Either, clock: HandClock) -> None:
    spend(budget, at_most=3)
    for _ in range(3):
        assert budget.state().used == Figures(3, 3, 3, 3)
    clock.forward(minutes=15)
    assert budget.state().used == Figures(0, 3, 0, 3)
    assert budget.state().limits == Figures(200, 2_000, 100, 1_000)


# --- many at once ---------------------------------------------------------------------------------------------------


# The clock stands still, so lost calls stay on the books beside Strava's figures: some of the hundred go unused.
@pytest.mark.parametrize(("troubled", "at_least"), [(False, 100), (True, 40)])
def test_processes_that_race_are_granted_the_limit_and_not_one_call_more(
    valkey: Valkey, troubled: bool, at_least: int
) -> None:
    open_books(valkey, lambda: NOON)
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


def test_threads_of_one_process_share_it_exactly(budget: Either) -> None:
    spend(budget, at_most=1)
    granted: list[int] = []
    threads = [threading.Thread(target=lambda: granted.append(spend(budget))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 99


# --- without Redis --------------------------------------------------------------------------------------------------


def test_without_redis_each_process_goes_on_with_a_small_share(own_valkey: Valkey, clock: HandClock) -> None:
    budget = shared(own_valkey, clock)
    spend(budget, at_most=5)
    own_valkey.kill()
    assert spend(budget) == FALLBACK_OWN_SHARE_PCT
    assert budget.state().shared is False
    clock.forward(minutes=15)
    assert spend(budget) == FALLBACK_OWN_SHARE_PCT


def test_a_lost_call_is_not_taken_for_one_that_strava_has_counted_before_it(budget: Either, clock: HandClock) -> None:
    for _ in range(2):
        budget.take(Priority.FRESH)
    budget.learn({}, 0)  # counted as the second, but nobody told us
    budget.learn(usage((1, 1), (1, 1)), 200)
    assert budget.state().used == Figures(2, 2, 2, 2)
    clock.forward(seconds=3)
    budget.take(Priority.FRESH)
    budget.learn(usage((3, 3), (3, 3)), 200)
    assert budget.state().used == Figures(3, 3, 3, 3)


def test_without_redis_stravas_own_figures_still_hold(own_valkey: Valkey, clock: HandClock) -> None:
    budget = shared(own_valkey, clock)
    budget.take(Priority.FRESH)
    budget.learn(usage((78, 78), (78, 78)), 200)
    own_valkey.kill()
    assert spend(budget) == 2


def test_without_redis_what_the_common_books_said_last_still_holds(own_valkey: Valkey, clock: HandClock) -> None:
    """Where answers carry no figures, that is all there is to know of the others' calls."""
    one, another = shared(own_valkey, clock), shared(own_valkey, clock)
    open_books(own_valkey, clock)
    spend(another, at_most=76)
    one.take(Priority.FRESH)
    one.learn({}, 200)
    own_valkey.kill()

    assert spend(one) == 80 - 77
    clock.forward(minutes=15)
    assert spend(one) == FALLBACK_OWN_SHARE_PCT


def test_without_redis_a_process_that_was_refused_last_makes_no_call(own_valkey: Valkey, clock: HandClock) -> None:
    one, another = shared(own_valkey, clock), shared(own_valkey, clock)
    open_books(own_valkey, clock)
    spend(another)
    refusal(one)
    own_valkey.kill()

    assert spend(one) == 0


def test_what_the_common_books_held_counts_alone_until_stravas_figures_tell(
    own_valkey: Valkey, clock: HandClock
) -> None:
    one = shared(own_valkey, clock)
    open_books(own_valkey, clock)
    spend(one, at_most=78)
    own_valkey.kill()
    clock.forward(seconds=1)
    one.take(Priority.FRESH)
    clock.forward(seconds=20)
    one.learn(usage((40, 40), (40, 40)), 200)  # from before: the others' calls may not have arrived then
    assert one.state().used.read_quarter == 78
    one.take(Priority.FRESH)
    one.learn(usage((41, 41), (41, 41)), 200)

    assert one.state().used.read_quarter == 41


def test_when_redis_hangs_the_first_call_waits_and_the_next_do_not(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket
    import time

    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(tmp_path / "silent.sock"))
    silent.listen()
    try:
        client = redis.Redis(unix_socket_path=str(tmp_path / "silent.sock"), socket_timeout=1.0, retry=None)
        budget = SharedBudget(client, now=clock)
        began = time.monotonic()
        assert spend(budget) == FALLBACK_OWN_SHARE_PCT
        # The first waits for a second; as many more would wait for half a minute.
        assert time.monotonic() - began < FALLBACK_OWN_SHARE_PCT / 2
    finally:
        silent.close()


def test_after_redis_has_lost_its_memory_it_is_told_what_this_process_has_heard(
    valkey: Valkey, clock: HandClock
) -> None:
    budget = shared(valkey, clock)
    budget.take(Priority.FRESH)
    budget.learn(usage((150, 150), (150, 150), limits=(400, 4_000, 200, 2_000)), 200)
    valkey.client().flushall()
    assert spend(budget) == 50 - UNBOOKED_CALLS


def test_after_redis_has_lost_its_memory_it_is_told_what_it_held(valkey: Valkey, clock: HandClock) -> None:
    one, another, newcomer = (shared(valkey, clock) for _ in range(3))
    open_books(valkey, clock)
    spend(another, at_most=89)
    one.take(Priority.FRESH)
    one.learn({}, 200)
    valkey.client().flushall()
    newcomer.take(Priority.FRESH)
    newcomer.learn({}, 200)

    assert spend(one) == 100 - 90 - 1 - UNBOOKED_CALLS
    assert spend(newcomer) == 0


def test_calls_made_alone_are_told_to_a_redis_that_has_lost_its_memory(
    own_valkey: Valkey, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adductor.platforms.strava.budget._REDIS_REST_S", 0.0)
    one = shared(own_valkey, clock)
    open_books(own_valkey, clock)
    spend(one, at_most=60)
    own_valkey.kill()
    spend(one, at_most=5)
    own_valkey.start()

    assert spend(one) == 100 - 65 - UNBOOKED_CALLS


def test_calls_made_before_redis_was_there_are_told_to_it(
    own_valkey: Valkey, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adductor.platforms.strava.budget._REDIS_REST_S", 0.0)
    one = shared(own_valkey, clock)
    own_valkey.kill()
    assert spend(one) == FALLBACK_OWN_SHARE_PCT
    own_valkey.start()

    assert spend(one) == 100 - FALLBACK_OWN_SHARE_PCT - UNBOOKED_CALLS


def test_what_a_lost_redis_held_counts_until_stravas_figures_tell(valkey: Valkey, clock: HandClock) -> None:
    one = shared(valkey, clock)
    open_books(valkey, clock)
    spend(one, at_most=90)
    valkey.client().flushall()
    one.take(Priority.CONNECT)
    one.learn({}, 200)
    assert one.state().used.read_quarter == 90 + 1 + UNBOOKED_CALLS
    clock.forward(seconds=UNDER_WAY_S)
    one.take(Priority.CONNECT)
    one.learn(usage((20, 20), (20, 20)), 200)

    assert one.state().used == Figures(20, 20, 20, 20)


def test_a_process_that_has_heard_nothing_asks_carefully_after_the_memory_is_lost(
    valkey: Valkey, clock: HandClock
) -> None:
    newcomer, other = shared(valkey, clock), shared(valkey, clock)
    newcomer.take(Priority.FRESH)
    refusal(other)
    newcomer.learn(usage((100, 100), (100, 100)), 200)
    assert spend(other) == 0


def test_after_redis_has_lost_its_memory_an_answer_without_figures_does_not_close_the_day(
    valkey: Valkey, clock: HandClock
) -> None:
    """More was used today than the smallest tier allows; by that belief nobody would ask until midnight."""
    old, new = shared(valkey, clock), shared(valkey, clock)
    old.take(Priority.FRESH)
    old.learn(usage((10, 1_500), (10, 1_500), limits=(1_056, 105_600, 528, 52_800)), 200)
    valkey.client().flushall()
    new.take(Priority.FRESH)
    new.learn({}, 502)

    assert spend(old, at_most=20) == 20


def test_a_day_that_is_spent_by_a_limit_nobody_has_told_is_asked_about_one_call_at_a_time(
    new_budget: Either, clock: HandClock
) -> None:
    new_budget.take(Priority.FRESH)
    new_budget.learn(usage((10, 1_500), (10, 1_500), limits=None), 200)

    new_budget.take(Priority.FRESH)
    assert "isn't known yet" in str(refusal(new_budget))
    new_budget.learn({}, 502)
    new_budget.take(Priority.FRESH)
    assert "isn't known yet" in str(refusal(new_budget))
    new_budget.learn(usage((12, 1_502), (12, 1_502), limits=(1_056, 105_600, 528, 52_800)), 200)

    assert spend(new_budget, at_most=20) == 20


def test_asking_about_an_untold_day_ends_for_the_quarter_with_a_429(new_budget: Either, clock: HandClock) -> None:
    new_budget.take(Priority.FRESH)
    new_budget.learn(usage((10, 1_500), (10, 1_500), limits=None), 200)
    new_budget.take(Priority.FRESH)
    new_budget.learn({}, 429)

    assert "quarter of an hour" in str(refusal(new_budget))


def test_back_with_redis_the_calls_made_alone_are_known_from_stravas_figures(
    own_valkey: Valkey, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adductor.platforms.strava.budget._REDIS_REST_S", 0.0)
    budget = shared(own_valkey, clock, retry=None)
    spend(budget, at_most=5)
    own_valkey.kill()
    for call in range(6, 10):
        budget.take(Priority.FRESH)
        budget.learn(usage((call, call), (call, call)), 200)
        clock.forward(seconds=UNDER_WAY_S)
    own_valkey.start()
    assert spend(budget) == 91 - UNBOOKED_CALLS


# --- the two ways of keeping the books ------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from(Priority)),
        st.tuples(
            st.just("learn"),
            st.tuples(st.integers(0, 120), st.integers(0, 1_100), st.booleans(), st.sampled_from([0, 200, 401, 429])),
        ),
        st.tuples(st.just("held elsewhere"), st.tuples(st.integers(0, 120), st.integers(0, 1_100))),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 20, 61, 400, 900, 5_000, 86_400, -30, -4_000])),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 86_399))
def test_redis_and_python_keep_the_same_books(valkey: Valkey, steps: list[tuple[str, object]], begin_s: int) -> None:
    valkey.client().flushall()
    clock = HandClock(datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=begin_s))
    in_redis, in_python = (
        shared(valkey, clock),
        LocalBudget(now=clock, unbooked_calls=UNBOOKED_CALLS, chance=lambda: 0.5),
    )
    # Each with a memory of its own that isn't told to Redis: what is compared is the scripts.
    in_redis._alone.heard = lambda quarter: ((-1,) * 4, (-1,) * 4)  # type: ignore[method-assign]
    for step, value in steps:
        match step, value:
            case "take", Priority() as priority:
                replies: list[object] = []
                for budget in (in_redis, in_python):
                    try:
                        budget.take(priority)
                        replies.append("granted")
                    except PlatformError as error:
                        replies.append((error.message, error.retry_at))
                assert replies[0] == replies[1]
            case "learn", (int() as quarter, int() as day, bool() as figures, int() as status):
                headers = usage((quarter, day), (quarter, day)) if figures else {}
                in_redis.learn(headers, status)
                in_python.learn(headers, status)
            case "held elsewhere", (int() as quarter, int() as day):
                held = _Held(quarter_of(clock()), (quarter, day, quarter, day), (-1,) * 4, "other books")
                in_redis._held = held
                in_python.at_least(held)
            case "wait", int() | float() as seconds:
                clock.forward(seconds=seconds)
        shown, own = in_redis.state(), in_python.state()
        assert (shown.limits, shown.used) == (own.limits, own.used)
