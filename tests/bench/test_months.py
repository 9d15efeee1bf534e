"""The promises of `make months` notice a year that breaks them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adductor.coaching.situation import Session
from bench.months import PROMISES, Done, Year, make_life, simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "broken"),
    [
        ([0, 49, 190], set()),
        ([0, 47], set()),
        ([0, 30], {"a_day_between_sessions", "thirty_six_hours_between_sessions"}),
        ([0, 12], {"a_day_between_sessions", "thirty_six_hours_between_sessions"}),
        ([0, 48, 96], {"target_in_seven_days"}),
    ],
)
def test_promises_broken_in_a_year_are_named(hours: list[int], broken: set[str]) -> None:
    life = make_life(2)
    life.target = 2
    year = Year(life)
    for hour in hours:
        at = START + timedelta(hours=hour)
        year.done.append(Done(at, Session(at, "strength_full"), None, life.home))  # type: ignore[arg-type]

    assert {promise.__name__ for promise in PROMISES if promise(year)} == broken


def test_simulate_same_number_gives_the_same_year() -> None:
    one, same = simulate(3), simulate(3)

    assert [done.at for done in one.done] == [done.at for done in same.done]
    assert len(one.done) > 20
    assert not [at for promise in PROMISES for at in promise(one)]
