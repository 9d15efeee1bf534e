"""Choice of the routine from stage, placement, dose, equipment, time and progress.

The same situation always gives the same routine: variety comes from the count of sessions at the stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from adductor.catalogue.models import Catalogue, Exercise, RoutinePlan, routine_seconds
from adductor.coaching import constants as k
from adductor.coaching.normalise import Facts
from adductor.coaching.progression import is_deload_week, jump_lunges_allowed
from adductor.coaching.situation import Dose, ExerciseProgress, Placement, Routine, RoutineItem

SQUEEZE = "supine_adductor_squeeze"
JUMP = "jump_lunges"
BEFORE_JUMP = "elevated_split_squat"


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything that a routine depends on. ``equipment`` None: never asked, the catalogue's routine stands."""

    stage: int
    placement: Placement
    dose: Dose
    turn: int = 0  # which session of the stage this is, counted from 0; turns the rotation
    squeezes_only: bool = False
    equipment: frozenset[str] | None = None
    minutes_available: int | None = None
    progress: tuple[ExerciseProgress, ...] = ()
    one_set_less: bool = False
    half_the_sets: bool = False
    jump_lunges: bool = False


def choose(
    seen: Facts, catalogue: Catalogue, placement: Placement, dose: Dose, *, squeezes_only: bool = False
) -> Routine:
    """The routine for a decision that was just made."""
    athlete = seen.athlete
    return build(
        catalogue,
        Wish(
            stage=athlete.programme_stage,
            placement=placement,
            dose=dose,
            turn=athlete.sessions_at_stage,
            squeezes_only=squeezes_only,
            equipment=athlete.equipment,
            minutes_available=athlete.minutes_available,
            progress=athlete.progress,
            one_set_less=_back_after_a_gap(seen),
            half_the_sets=is_deload_week(athlete.programme_started_on, seen.today),
            jump_lunges=jump_lunges_allowed(seen),
        ),
    )


def _back_after_a_gap(seen: Facts) -> bool:
    gap = seen.days_since_last_done
    return gap is not None and k.ONE_SET_LESS_GAP_DAYS <= gap < k.REENTRY_GAP_DAYS


def why_less(seen: Facts) -> str | None:
    """In words, when a full routine has fewer sets than usual today."""
    if is_deload_week(seen.athlete.programme_started_on, seen.today):
        return "half the sets, every sixth week is an easier one"
    return "one set less after the gap" if _back_after_a_gap(seen) else None


@lru_cache(maxsize=4096)
def build(catalogue: Catalogue, wish: Wish) -> Routine:
    """The routine for a wish: at most three exercises, each within its stage, the equipment and the time there is."""
    plan = _plan(catalogue, wish)
    items = [
        _item(catalogue.exercises[line.exercise], line.sets, line.count, wish)
        for line in plan.lines
        if not wish.squeezes_only or line.exercise == SQUEEZE
    ]
    if wish.jump_lunges and wish.placement is Placement.REST_DAY and wish.dose is Dose.FULL:
        items = [_jumped(catalogue, item, wish) for item in items]
    items = _doable(catalogue, items, wish)
    items = [replace(item, sets=_fewer_sets(item.sets, wish)) for item in items]
    items = _within_time([_timed(catalogue, item) for item in items], wish.minutes_available, catalogue)
    seconds = routine_seconds([item.seconds for item in items])
    return Routine(
        id=plan.id,
        stage=plan.stage,
        dose=wish.dose,
        minutes=math.ceil(seconds / 60),
        seconds=seconds,
        items=tuple(items),
    )


def _plan(catalogue: Catalogue, wish: Wish) -> RoutinePlan:
    if wish.dose is Dose.ACTIVATION:
        return catalogue.routines["warm_up_activation"]
    if wish.dose is Dose.LIGHT:
        return catalogue.routines["stage1_light"]
    id_ = "stage1_standard" if wish.stage == 1 else f"stage{wish.stage}_{wish.placement}"
    rotation = catalogue.rotation(id_)
    return rotation[wish.turn % len(rotation)]


def _item(exercise: Exercise, sets: int, count: int, wish: Wish, instead_of: str | None = None) -> RoutineItem:
    """One exercise at the runner's own level, never above what the routine allows in sets."""
    hold_s = exercise.dose.hold_s.default if exercise.dose.hold_s else None
    mine = next((p for p in wish.progress if p.exercise == exercise.id), None)
    if mine is not None and wish.dose is not Dose.ACTIVATION:
        span = exercise.dose.count
        sets = min(sets, mine.sets or sets)
        own_count = min(max(mine.reps_or_holds or count, span.min), span.max)
        # A light routine is never more than the catalogue's, however far the runner is.
        count = min(count, own_count) if wish.dose is Dose.LIGHT else own_count
        if hold_s is not None and mine.hold_s is not None and exercise.dose.hold_s is not None:
            own_hold = min(max(mine.hold_s, exercise.dose.hold_s.min), exercise.dose.hold_s.max)
            hold_s = min(hold_s, own_hold) if wish.dose is Dose.LIGHT else own_hold
    is_reps = exercise.dose.reps is not None
    return RoutineItem(
        exercise=exercise.id,
        sets=sets,
        per_side=exercise.per_side,
        reps=count if is_reps else None,
        holds=None if is_reps else count,
        hold_s=hold_s,
        positions=exercise.dose.positions,
        rest_s=exercise.dose.rest_s.default,
        substituted_for=instead_of,
    )


def _jumped(catalogue: Catalogue, item: RoutineItem, wish: Wish) -> RoutineItem:
    if item.exercise != BEFORE_JUMP:
        return item
    jump = catalogue.exercises[JUMP]
    return _item(jump, jump.dose.sets.target, jump.dose.count.default, wish)


def _timed(catalogue: Catalogue, item: RoutineItem) -> RoutineItem:
    count = item.reps if item.reps is not None else item.holds
    assert count is not None  # noqa: S101 - _item sets one of them
    return replace(item, seconds=catalogue.exercises[item.exercise].seconds(item.sets, count, item.hold_s))


def _fewer_sets(sets: int, wish: Wish) -> int:
    """After 10-20 days without a session one set less; in a deload week half of them; always at least one."""
    if wish.dose is Dose.FULL:
        if wish.one_set_less:
            sets -= 1
        if wish.half_the_sets:
            sets //= 2
    return max(sets, 1)


# --- equipment ------------------------------------------------------------------------------------------------------


def _doable(catalogue: Catalogue, items: Sequence[RoutineItem], wish: Wish) -> list[RoutineItem]:
    """Replace items that the equipment rules out or that are too much for now; no exercise twice."""
    too_much = {p.exercise for p in wish.progress if p.use_easier}

    def suits(exercise: Exercise) -> bool:
        return exercise.id not in too_much and exercise.can_be_done_with(wish.equipment)

    taken = {item.exercise for item in items if suits(catalogue.exercises[item.exercise])}
    done: list[RoutineItem] = []
    for item in items:
        exercise = catalogue.exercises[item.exercise]
        if item.exercise in taken:
            done.append(item)
            continue
        instead = _substitute(catalogue, exercise, suits, taken)
        if instead is not None:
            taken.add(instead.id)
            sets = min(item.sets, instead.dose.sets.max)
            done.append(_item(instead, sets, instead.dose.count.default, wish, instead_of=exercise.id))
    # The last rung has no easier one: then it stays, at its smallest dose.
    return done or [_smallest(catalogue, items[0], wish)]


def _smallest(catalogue: Catalogue, item: RoutineItem, wish: Wish) -> RoutineItem:
    squeeze = catalogue.exercises[SQUEEZE]
    return _item(
        squeeze, 1, squeeze.dose.count.min, wish, instead_of=None if item.exercise == SQUEEZE else item.exercise
    )


def _substitute(
    catalogue: Catalogue, exercise: Exercise, suits: Callable[[Exercise], bool], taken: set[str]
) -> Exercise | None:
    """The catalogue's own substitute, else the nearest easier exercise that suits and is not in the routine."""
    queue = [exercise.id]
    met = {exercise.id}
    while queue:
        current = catalogue.exercises[queue.pop(0)]
        if current.id not in taken and suits(current):
            return current
        first = current.replaced_without_equipment_by
        for id_ in (*((first,) if first in catalogue.exercises else ()), *current.easier):
            if id_ is not None and id_ not in met:
                met.add(id_)
                queue.append(id_)
    return None


# --- time -----------------------------------------------------------------------------------------------------------


def _within_time(items: list[RoutineItem], minutes: int | None, catalogue: Catalogue) -> list[RoutineItem]:
    """Fewer sets first, then fewer exercises, until it fits; one set of one exercise is the least."""
    while minutes is not None and routine_seconds([item.seconds for item in items]) > 60 * minutes:
        most = max(item.sets for item in items)
        if most > 1:
            last = max(index for index, item in enumerate(items) if item.sets == most)
            items = [
                _timed(catalogue, replace(item, sets=item.sets - 1)) if index == last else item
                for index, item in enumerate(items)
            ]
        elif len(items) > 1:
            longest = max(range(len(items)), key=lambda index: items[index].seconds)
            items = [item for index, item in enumerate(items) if index != longest]
        else:
            break
    return items
