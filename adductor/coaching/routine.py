"""Choice of the routine from stage, placement, dose, equipment, time and progress.

The same situation always gives the same routine: variety comes from the count of sessions at the stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adductor.catalogue.models import Catalogue, Exercise, RoutinePlan, routine_seconds
from adductor.coaching import constants as k
from adductor.coaching.dose import light_for_pain
from adductor.coaching.normalise import Facts
from adductor.coaching.progression import is_deload_week, is_open, jump_lunges_allowed
from adductor.coaching.situation import Dose, ExerciseProgress, Placement, Routine, RoutineItem

SQUEEZE = "supine_adductor_squeeze"
GENTLY = "Ball between the knees, gently, never above your usual pain; if it rises, stop."  # Lindblom 2023; judgement
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


def choose(seen: Facts, catalogue: Catalogue, placement: Placement, dose: Dose) -> Routine:
    """The routine for a decision that was just made."""
    athlete = seen.athlete
    return build(
        catalogue,
        Wish(
            stage=athlete.programme_stage,
            placement=placement,
            dose=dose,
            turn=athlete.sessions_at_stage,
            squeezes_only=light_for_pain(seen) is not None,
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


def build(catalogue: Catalogue, wish: Wish) -> Routine:
    """The routine for a wish: at most three exercises, each within its stage, the equipment and the time there is."""
    plan = _plan(catalogue, wish)
    items = [
        _item(catalogue.exercises[line.exercise], line.sets, line.count, wish)
        for line in plan.lines
        if not wish.squeezes_only or line.exercise == SQUEEZE
    ]
    if wish.squeezes_only:
        items = [replace(item, advice=GENTLY) for item in items]
    if wish.jump_lunges and wish.placement is Placement.REST_DAY and wish.dose is Dose.FULL:
        jump = catalogue.exercises[JUMP]
        jumps = _item(jump, jump.dose.sets.target, jump.dose.count.default, wish)
        items = [jumps if item.exercise == BEFORE_JUMP else item for item in items]
    items = _doable(catalogue, items, wish)
    items = [with_sets(catalogue, item, _fewer_sets(item.sets, wish)) for item in items]
    items = _within_time(items, wish.minutes_available, catalogue)
    return assemble(plan.id, plan.stage, wish.dose, items)


def assemble(id_: str, stage: int, dose: Dose, items: Sequence[RoutineItem]) -> Routine:
    """The routine of these items, with its duration."""
    seconds = routine_seconds([item.seconds for item in items])
    return Routine(id_, stage, dose, math.ceil(seconds / 60), seconds, tuple(items))


def item_of(
    exercise: Exercise, sets: int, count: int, hold_s: int | None = None, *, instead_of: str | None = None
) -> RoutineItem:
    """One exercise with its dose and its duration. ``hold_s`` None: the usual hold, if it is one of holds."""
    dose = exercise.dose
    if dose.hold_s is not None and hold_s is None:
        hold_s = dose.hold_s.default
    return RoutineItem(
        exercise=exercise.id,
        sets=sets,
        per_side=exercise.per_side,
        reps=None if dose.reps is None else count,
        holds=count if dose.reps is None else None,
        hold_s=hold_s,
        positions=dose.positions,
        rest_s=dose.rest_s.default,
        seconds=exercise.seconds(sets, count, hold_s),
        substituted_for=instead_of,
    )


def with_sets(catalogue: Catalogue, item: RoutineItem, sets: int) -> RoutineItem:
    """The item with another number of sets, and its duration."""
    return replace(item, sets=sets, seconds=catalogue.exercises[item.exercise].seconds(sets, item.count, item.hold_s))


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
    hold = exercise.dose.hold_s
    hold_s = None
    mine = next((p for p in wish.progress if p.exercise == exercise.id), None)
    if mine is not None and wish.dose is not Dose.ACTIVATION:
        sets = min(sets, mine.sets or sets)
        own_count = exercise.dose.count.clamp(mine.reps_or_holds or count)
        # A light routine is never more than the catalogue's, however far the runner is.
        count = min(count, own_count) if wish.dose is Dose.LIGHT else own_count
        if hold is not None and mine.hold_s is not None:
            own_hold = hold.clamp(mine.hold_s)
            hold_s = min(hold.default, own_hold) if wish.dose is Dose.LIGHT else own_hold
    return item_of(exercise, sets, count, hold_s, instead_of=instead_of)


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
        possible = exercise.id not in too_much and exercise.can_be_done_with(wish.equipment)
        return possible and is_open(exercise, wish.progress)

    taken = {item.exercise for item in items if suits(catalogue.exercises[item.exercise])}
    done: list[RoutineItem] = []
    for item in items:
        exercise = catalogue.exercises[item.exercise]
        if item.exercise in taken:
            done.append(item)
            continue
        instead = nearest_substitute(catalogue, exercise, lambda other: other.id not in taken and suits(other))
        if instead is not None:
            taken.add(instead.id)
            sets = min(item.sets, instead.dose.sets.max)
            done.append(_item(instead, sets, instead.dose.count.default, wish, instead_of=exercise.id))
    if done:
        return done
    # The last rung has no easier one: then it stays, at its smallest dose.
    squeeze, first = catalogue.exercises[SQUEEZE], items[0].exercise
    return [_item(squeeze, 1, squeeze.dose.count.min, wish, instead_of=None if first == SQUEEZE else first)]


def nearest_substitute(catalogue: Catalogue, exercise: Exercise, suits: Callable[[Exercise], bool]) -> Exercise | None:
    """Search breadth first: the catalogue's own substitute before the easier ones, from each that does not suit."""
    queue = [exercise.id]
    for id_ in queue:  # the loop reaches the ids that are appended in it
        current = catalogue.exercises[id_]
        if suits(current):
            return current
        nearest = (current.replaced_without_equipment_by or "", *current.easier)
        queue += [other for other in dict.fromkeys(nearest) if other in catalogue.exercises and other not in queue]
    return None


# --- time -----------------------------------------------------------------------------------------------------------


def _within_time(items: list[RoutineItem], minutes: int | None, catalogue: Catalogue) -> list[RoutineItem]:
    """Fewer sets first, then fewer exercises, until it fits; one set of one exercise is the least."""
    while minutes is not None and routine_seconds([item.seconds for item in items]) > 60 * minutes:
        most = max(item.sets for item in items)
        if most > 1:
            last = max(index for index, item in enumerate(items) if item.sets == most)
            items[last] = with_sets(catalogue, items[last], most - 1)
        elif len(items) > 1:
            items.remove(max(items, key=lambda item: item.seconds))
        else:
            break
    return items
