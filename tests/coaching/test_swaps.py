"""Other exercises in place: easier always, without equipment where something is needed, harder never above the dose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from adductor import catalogue
from adductor.coaching import swaps
from adductor.coaching.routine import Composer
from adductor.coaching.situation import Athlete, Dose, Placement, Routine

CATALOGUE = catalogue.catalogue()
ROUTINES = [
    Composer(CATALOGUE, Athlete(ZoneInfo("UTC"), programme_stage=stage), placement, dose, came_on=came_on).routine()
    for stage in (1, 2, 3, 4)
    for placement in (Placement.POST_RUN, Placement.REST_DAY)
    for dose in (Dose.FULL, Dose.LIGHT, Dose.ACTIVATION)
    for came_on in ({}, dict.fromkeys(CATALOGUE.pool(stage, placement).exercises[:4], date(2026, 11, 20)))
]


@pytest.mark.parametrize("routine", ROUTINES, ids=lambda routine: f"{routine.id}-{routine.dose}")
def test_no_swap_leads_above_the_dose_and_the_routine_stays_whole(routine: Routine) -> None:
    assert swaps.swap(CATALOGUE, routine, 0, routine.items[0].exercise) is routine
    for index, item in enumerate(routine.items):
        for found in swaps.alternatives(CATALOGUE, routine, index):
            exercise = CATALOGUE.exercises[found.item.exercise]
            assert exercise.stage <= max(routine.stage, CATALOGUE.exercises[item.exercise].stage)
            assert not exercise.plyometric
            assert found.item.sets <= item.sets
            assert found.item.exercise not in {other.exercise for other in routine.items}
            assert found.way is not swaps.Way.WITHOUT_EQUIPMENT or exercise.can_be_done_with(frozenset())
            assert found.way is not swaps.Way.HARDER or routine.dose is Dose.FULL
            made = swaps.swap(CATALOGUE, routine, index, found.item.exercise)
            assert len(made.items) == len(routine.items)
            assert made.items[index].substituted_for is not None
            assert made.seconds == sum(i.seconds for i in made.items)
            assert abs(made.seconds - 60 * made.minutes) <= 30
            assert (made.remark, made.placement) == (routine.remark, routine.placement)


def test_what_needs_a_band_has_something_without() -> None:
    routine = Composer(CATALOGUE, Athlete(ZoneInfo("UTC"), programme_stage=2), Placement.POST_RUN, Dose.FULL).routine()
    place = [item.exercise for item in routine.items].index("standing_resisted_adduction")
    ways = [found.way for found in swaps.alternatives(CATALOGUE, routine, place)]
    assert swaps.Way.WITHOUT_EQUIPMENT in ways
    own = replace(routine.items[place], exercise="own_bridge", name="Bridge")
    assert swaps.alternatives(CATALOGUE, replace(routine, items=(own,)), 0) == ()
