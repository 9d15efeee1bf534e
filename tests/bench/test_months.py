"""The promises of `make months` notice a year that breaks them, and a sample of the years keeps them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adductor.coaching.situation import Dose, Expected
from bench.months.__main__ import look_at, programme
from bench.months.population import KITS, Traits, pairs, population
from bench.months.promises import JUMP, PROMISES, shown
from bench.months.year import Suggestion, Year
from service.pages.words import EQUIPMENT

TRAITS = Traits("4 runs", "both", "full", minutes=15, known="plan")
Spoil = Callable[[list[Suggestion]], None]


@pytest.fixture(scope="module")
def lived() -> Year:
    return Year(TRAITS).live()


def broken(year: Year) -> set[str]:
    return {promise.__name__ for promise in PROMISES if next(promise(year), None)}


def late(suggestions: list[Suggestion]) -> int:
    """A full one of the second month on a rest day, with the next of its kind some weeks on."""
    return next(i for i, s in enumerate(suggestions) if i > 20 and s.verdict.dose is Dose.FULL)


def changed(index: int, **changes: Any) -> Spoil:
    def spoil(suggestions: list[Suggestion]) -> None:
        suggestions[index] = replace(suggestions[index], **changes)

    return spoil


def with_routine(index: int, **changes: Any) -> Spoil:
    def spoil(suggestions: list[Suggestion]) -> None:
        suggestion = suggestions[index]
        items = tuple(replace(item, **changes.get("each", {})) for item in suggestion.routine.items)
        others = {name: value for name, value in changes.items() if name != "each"}
        suggestions[index] = replace(suggestion, routine=replace(suggestion.routine, items=items, **others))

    return spoil


def with_reason(reason: str, *, dose: Dose | None = None, index: int = 0) -> Spoil:
    def spoil(suggestions: list[Suggestion]) -> None:
        verdict = suggestions[index].verdict
        suggestions[index] = replace(
            suggestions[index], verdict=replace(verdict, reason=reason, dose=dose or verdict.dose)
        )

    return spoil


def too_soon(suggestions: list[Suggestion]) -> None:
    suggestions[21] = replace(suggestions[21], at=suggestions[20].at + timedelta(hours=30))


def unheard(suggestions: list[Suggestion]) -> None:
    suggestions[20:28] = [replace(s, said=None, session=None) for s in suggestions[20:28]]


def one_too_many(suggestions: list[Suggestion]) -> None:
    suggestions[21:21] = [replace(suggestions[20], at=suggestions[20].at + timedelta(hours=1))]


def all_one_exercise(suggestions: list[Suggestion]) -> None:
    for index, s in enumerate(suggestions):
        if s.verdict.dose is Dose.FULL:
            suggestions[index] = replace(s, routine=replace(s.routine, items=s.routine.items[:1]))
            suggestions[index] = with_item(suggestions[index], "supine_adductor_squeeze")


def with_item(s: Suggestion, exercise: str) -> Suggestion:
    first = replace(s.routine.items[0], exercise=exercise, sets=1)
    return replace(s, routine=replace(s.routine, items=(first,)))


def jumping(suggestions: list[Suggestion]) -> None:
    suggestions[4] = with_item(suggestions[4], JUMP)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (too_soon, {"a_day_between_sessions"}),
        (one_too_many, {"target_in_seven_days", "a_day_between_sessions"}),
        (with_reason("", dose=Dose.FULL), {"light_when_it_must_be"}),
        (jumping, {"jumps_are_earned", "direct_work_in_every_session"}),
        (with_reason("half the sets", index=8), {"deload_every_sixth_week"}),
        (with_routine(8, minutes=16), {"within_the_minutes"}),
        (changed(3, changes=("Squeeze, three positions: 9 sets from now on.",)), {"announced_steps_come"}),
        (all_one_exercise, {"article_doses_are_reached", "every_exercise_within_six_sessions"}),
        (all_one_exercise, {"the_whole_article_comes", "direct_work_in_every_session"}),
        (with_routine(30, each={"sets": 1, "reps": 1}), {"less_has_its_reason"}),
        (unheard, {"no_nagging"}),
        (list.clear, {"a_note_within_three_weeks"}),
    ],
)  # fmt: skip
def test_promises_broken_in_a_year_are_named(lived: Year, spoil: Spoil, names: set[str]) -> None:
    year = copy(lived)
    year.suggestions = list(lived.suggestions)

    spoil(year.suggestions)

    assert names <= broken(year)


def test_promises_forecasts_offers_and_weeks_off_are_looked_at(lived: Year) -> None:
    year = copy(lived)
    before, *later = [s for s in shown(lived) if any("squat" in id_ for id_ in s.exercises)]
    year.suggestions = [before, *(s for s in later if (s.day - before.day).days > 21)]
    year.forecasts = [(Expected(before.day, None, Dose.NONE, ""), True)]
    year.offers = [(before.day, replace(year.athlete, target_sessions_per_week=1), "once a week keeps it")]

    assert {"the_forecast_comes_true", "maintenance_is_offered", "no_compounds_after_weeks_off"} <= broken(year)


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
