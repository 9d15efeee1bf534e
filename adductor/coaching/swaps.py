"""Swaps: alternatives for one exercise of a routine: easier, without equipment, or harder within the prescribed dose.

A runner who stands in front of a missing chair should not have to stop; and nobody should be able to swap their way
above what the coach prescribed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from adductor.catalogue.models import Catalogue, Exercise, routine_seconds
from adductor.coaching.situation import Dose, Routine, RoutineItem

_NOTHING: frozenset[str] = frozenset()


class Way(StrEnum):
    """The way in which an alternative differs."""

    EASIER = "easier"
    WITHOUT_EQUIPMENT = "without_equipment"
    HARDER = "harder"


class SwapError(ValueError):
    """This exercise is not on offer in that place; the message says so."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """An exercise that may stand in for another, with the dose that it gets there."""

    way: Way
    item: RoutineItem


def alternatives(catalogue: Catalogue, routine: Routine, index: int) -> tuple[Alternative, ...]:
    """List the alternatives for the item at ``index``; none that the routine holds already.

    Harder ones only in a full routine, within its stage, never a jump, and at their smallest dose. A warm-up stays as it is
    but for what is missing at hand.
    """
    item = routine.items[index]
    exercise = catalogue.exercises[item.exercise]
    taken = {other.exercise for other in routine.items}
    found: dict[str, Alternative] = {}

    def offer(way: Way, id_: str) -> None:
        if id_ in catalogue.exercises and id_ not in taken and id_ not in found:
            found[id_] = Alternative(way, _item(catalogue, catalogue.exercises[id_], item, way))

    if not exercise.can_be_done_with(_NOTHING):
        instead = _without_equipment(catalogue, exercise, taken)
        if instead is not None:
            offer(Way.WITHOUT_EQUIPMENT, instead)
    for id_ in exercise.easier:
        offer(Way.EASIER, id_)
    if routine.dose is Dose.FULL:
        for id_ in exercise.harder:
            harder = catalogue.exercises.get(id_)
            if harder is not None and harder.stage <= routine.stage and not harder.plyometric:
                offer(Way.HARDER, id_)
    return tuple(found.values())


def swap(catalogue: Catalogue, routine: Routine, index: int, exercise_id: str) -> Routine:
    """The routine with another exercise at ``index``. Raises SwapError for one that `alternatives` doesn't offer."""
    if not 0 <= index < len(routine.items):
        raise SwapError(f"this routine has {len(routine.items)} exercises")
    if routine.items[index].exercise == exercise_id:
        return routine
    chosen = next(
        (found.item for found in alternatives(catalogue, routine, index) if found.item.exercise == exercise_id), None
    )
    if chosen is None:
        raise SwapError("that exercise is not one of the alternatives here")
    items = tuple(chosen if place == index else item for place, item in enumerate(routine.items))
    seconds = routine_seconds([item.seconds for item in items])
    return replace(routine, items=items, seconds=seconds, minutes=math.ceil(seconds / 60))


def _item(catalogue: Catalogue, exercise: Exercise, instead_of: RoutineItem, way: Way) -> RoutineItem:
    dose = exercise.dose
    harder = way is Way.HARDER
    sets = min(instead_of.sets, dose.sets.start if harder else dose.sets.max)
    count = dose.count.min if harder else dose.count.default
    hold_s = dose.hold_s.default if dose.hold_s else None
    return RoutineItem(
        exercise=exercise.id,
        sets=sets,
        per_side=exercise.per_side,
        reps=count if dose.reps is not None else None,
        holds=None if dose.reps is not None else count,
        hold_s=hold_s,
        positions=dose.positions,
        rest_s=dose.rest_s.default,
        seconds=exercise.seconds(sets, count, hold_s),
        substituted_for=instead_of.substituted_for or instead_of.exercise,
    )


def _without_equipment(catalogue: Catalogue, exercise: Exercise, taken: set[str]) -> str | None:
    """The catalogue's own substitute, else the nearest easier exercise that needs nothing."""
    queue = [exercise.replaced_without_equipment_by, *exercise.easier]
    met: set[str] = set()
    while queue:
        id_ = queue.pop(0)
        if id_ is None or id_ in met or id_ not in catalogue.exercises:
            continue
        met.add(id_)
        candidate = catalogue.exercises[id_]
        if id_ not in taken and candidate.can_be_done_with(_NOTHING):
            return id_
        queue += candidate.easier
    return None
