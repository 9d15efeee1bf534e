"""Swaps: alternatives for one exercise of a routine: easier, without equipment, or harder within the prescribed dose.

A missing chair should not end a session, and no swap may lead above the prescribed dose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching.progression import nearest_substitute
from adductor.coaching.routine import assemble, item_of
from adductor.coaching.situation import Dose, Routine, RoutineItem


class Way(StrEnum):
    """The way in which an alternative differs."""

    EASIER = "easier"
    WITHOUT_EQUIPMENT = "without_equipment"
    HARDER = "harder"


@dataclass(frozen=True, slots=True)
class Alternative:
    """An exercise that may stand in for another, with the dose that it gets there."""

    way: Way
    item: RoutineItem


def alternatives(catalogue: Catalogue, routine: Routine, index: int) -> tuple[Alternative, ...]:
    """List the alternatives for the item at ``index``; none that the routine holds already.

    Harder ones only in a full routine, within its stage, never a jump, and at their smallest dose. A warm-up stays as it is
    but for what is missing at hand. The runner's own exercise has none: its physiotherapist knows why.
    """
    item = routine.items[index]
    known = catalogue.exercises
    if item.exercise not in known:
        return ()
    exercise = known[item.exercise]
    taken = {other.exercise for other in routine.items}
    without = nearest_substitute(
        catalogue, exercise, lambda other: other.id not in taken and other.can_be_done_with(frozenset())
    )
    ways: list[tuple[Way, str]] = []
    if without is not None and not exercise.can_be_done_with(frozenset()):
        ways.append((Way.WITHOUT_EQUIPMENT, without.id))
    ways += [(Way.EASIER, id_) for id_ in exercise.easier]
    if routine.dose is Dose.FULL:
        harder = (known[id_] for id_ in exercise.harder)
        ways += [(Way.HARDER, other.id) for other in harder if other.stage <= routine.stage and not other.plyometric]
    found: dict[str, Alternative] = {}
    for way, id_ in ways:
        if id_ not in taken:
            found.setdefault(id_, Alternative(way, _item(known[id_], item, way)))
    return tuple(found.values())


def swap(catalogue: Catalogue, routine: Routine, index: int, exercise_id: str) -> Routine:
    """The routine with another exercise at ``index``. Raises ValueError for one that `alternatives` doesn't offer."""
    if not 0 <= index < len(routine.items):
        raise ValueError(f"this routine has {len(routine.items)} exercises")
    if routine.items[index].exercise == exercise_id:
        return routine
    chosen = next(
        (found.item for found in alternatives(catalogue, routine, index) if found.item.exercise == exercise_id), None
    )
    if chosen is None:
        raise ValueError("that exercise is not one of the alternatives here")
    items = [chosen if place == index else item for place, item in enumerate(routine.items)]
    made = assemble(routine.id, routine.stage, routine.dose, items)
    return replace(made, remark=routine.remark, placement=routine.placement)


def _item(exercise: Exercise, instead_of: RoutineItem, way: Way) -> RoutineItem:
    dose = exercise.dose
    harder = way is Way.HARDER
    sets = min(instead_of.sets, dose.sets.start if harder else dose.sets.max)
    count = dose.first_count if harder else dose.count.default
    hold_s = dose.first_hold_s if harder else None
    return item_of(exercise, sets, count, hold_s, instead_of=instead_of.substituted_for or instead_of.exercise)
