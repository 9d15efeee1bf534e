"""The promises of `make months` notice a year that breaks them, and a sample of the years keeps them."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adductor.coaching.situation import Dose, Expected, RoutineItem
from bench.months.__main__ import look_at, programme
from bench.months.population import KITS, Traits, pairs, population
from bench.months.promises import JUMP, PROMISES, shown
from bench.months.year import Year
from service.pages.words import EQUIPMENT

TRAITS = Traits("4 runs", "both", "full", minutes=15, known="plan")
SQUEEZE = RoutineItem("supine_adductor_squeeze", 1, per_side=False, holds=1, hold_s=10, positions=3)


@pytest.fixture(scope="module")
def lived() -> Year:
    return Year(TRAITS).live()


def broken(year: Year) -> set[str]:
    return {promise.__name__ for promise in PROMISES if next(promise(year), None)}


def put(whole: Any, path: str, value: object) -> Any:
    """A copy with the value at a path like ``routine.items``."""
    name, _, rest = path.partition(".")
    return replace(whole, **{name: put(getattr(whole, name), rest, value) if rest else value})


@pytest.mark.parametrize(
    ("first", "last", "values", "names"),
    [
        (0, 0, {"verdict.dose": Dose.FULL}, {"light_when_it_must_be"}),
        (3, 3, {"changes": ("Squeeze, three positions: 9 sets from now on.",)}, {"announced_steps_come"}),
        (4, 4, {"routine.items": (replace(SQUEEZE, exercise=JUMP),)}, {"jumps_are_earned"}),
        (8, 8, {"routine.minutes": 16}, {"within_the_minutes"}),
        (8, 8, {"verdict.reason": "half the sets"}, {"deload_every_sixth_week"}),
        (20, 27, {"said": None, "session": None}, {"no_nagging"}),
        (30, 30, {"routine.items": (SQUEEZE,)}, {"less_has_its_reason", "direct_work_in_every_session"}),
        (0, 200, {"routine.items": (SQUEEZE,)}, {"article_doses_are_reached", "the_whole_article_comes"}),
        (0, 200, {"routine.items": (SQUEEZE,)}, {"every_exercise_within_six_sessions"}),
    ],
)  # fmt: skip
def test_promises_broken_in_a_year_are_named(
    lived: Year, first: int, last: int, values: dict[str, object], names: set[str]
) -> None:
    year = copy(lived)
    year.suggestions = list(lived.suggestions)
    for index in range(len(year.suggestions))[first : last + 1]:
        for path, value in values.items():
            year.suggestions[index] = put(year.suggestions[index], path, value)

    assert names <= broken(year)


def test_promises_distances_forecasts_and_weeks_off_are_looked_at(lived: Year) -> None:
    year = copy(lived)
    before, *later = [s for s in shown(lived) if any("squat" in id_ for id_ in s.exercises)]
    later = [s for s in later if (s.day - before.day).days > 21]
    year.suggestions = [before, *later, replace(later[-1], at=later[-1].at + timedelta(hours=1))]
    year.suggestions.append(replace(later[-1], at=later[-1].at + timedelta(hours=30)))
    year.forecasts = [(Expected(before.day, None, Dose.NONE, ""), True)]

    names = {"the_forecast_comes_true", "no_compounds_after_weeks_off", "a_note_within_three_weeks"}
    assert names | {"a_day_between_sessions", "target_in_seven_days"} <= broken(year)


def test_year_of_a_steady_runner_keeps_every_promise_and_is_the_same_again(lived: Year) -> None:
    assert not broken(lived)
    assert [s.verdict for s in Year(TRAITS).live().suggestions] == [s.verdict for s in lived.suggestions]
    assert len(list(programme(TRAITS))) > 40


def test_population_every_value_meets_every_other() -> None:
    runners = population()
    values = [sorted({traits[place] for traits in runners}, key=str) for place in range(len(TRAITS))]

    met = {pair for traits in runners for pair in pairs(traits)}
    assert met == {
        ((one, a), (other, b))
        for one, of_one in enumerate(values)
        for other in range(one + 1, len(values))
        for a in of_one
        for b in values[other]
    }
    assert KITS["full"] == {id_ for id_, _ in EQUIPMENT}


@pytest.mark.parametrize("traits", population()[7::89], ids=str)
def test_sample_of_the_years_keeps_every_promise(traits: Traits) -> None:
    assert look_at(traits).broken == []
