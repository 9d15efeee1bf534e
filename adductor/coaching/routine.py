"""Composition of a routine: the eligible exercises that were done longest ago, each at the runner's own dose.

A pool of the catalogue holds the exercises of a stage and placement. Least recently done comes first, direct work for the
adductors is never missing, and the runner's minutes bound the whole. The same situation always gives the same routine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching import constants as k
from adductor.coaching.dose import light_for_pain
from adductor.coaching.normalise import Facts, is_valid
from adductor.coaching.progression import (
    SPLIT_SQUATS,
    dynamic_copenhagen_allowed,
    is_back_for_days,
    is_deload_week,
    is_open,
    jump_lunges_allowed,
    minutes_for,
    nearest_substitute,
)
from adductor.coaching.situation import Athlete, Dose, OwnExercise, Placement, Routine, RoutineItem

SQUEEZE = "supine_adductor_squeeze"
GENTLY = "Ball between the knees, gently, never above your usual pain; if it rises, stop."  # Lindblom 2023; judgement
JUMP = "jump_lunges"
OTHER_PAN = "side_lying_abduction_other_pan"
SIDE_LYING = "side_lying_adduction_top_leg_elevated"
NO_CHAIR = "Without a chair: top foot flat on the floor, in front of the bottom thigh."
TWO_PANS = "Once a week the outer hip: the article's author thinks of a scale with two pans."


def choose(seen: Facts, catalogue: Catalogue, placement: Placement, dose: Dose) -> Routine:
    """The routine for a decision that was just made."""
    athlete = seen.athlete
    if dose is not Dose.FULL:
        hurts = light_for_pain(seen) is not None
        return Composer(catalogue, athlete, placement, dose, squeezes_only=hurts).routine()
    gap = seen.days_since_last_done
    came_on: dict[str, date] = {}
    for session in seen.situation.sessions:
        if session.kind == "warm_up":
            continue  # it loads nothing
        day = seen.day_of(session.completed_at)
        came_on |= {id_: day for id_ in session.exercises if day >= came_on.get(id_, day)}
    composer = Composer(
        catalogue,
        athlete,
        placement,
        dose,
        today=seen.today,
        came_on=came_on,
        one_set_less=gap is not None and k.ONE_SET_LESS_GAP_DAYS <= gap < k.REENTRY_GAP_DAYS,
        half_the_sets=is_deload_week(athlete, seen.today),
        compounds=not is_back_for_days(athlete, seen.today, k.NO_COMPOUNDS_DAYS),
        jump_lunges=placement is Placement.REST_DAY and jump_lunges_allowed(seen),
        dynamic_copenhagen=dynamic_copenhagen_allowed(seen),
        feels_good=_feels_good(seen),
    )
    return composer.routine()


def _feels_good(seen: Facts) -> bool:
    """The article's fourth point: all well at the latest check-in, and no pain."""
    latest = seen.check_ins[-1] if seen.check_ins else None
    return not seen.pain and latest is not None and is_valid(seen, latest) and (latest.feeling_1_5 or 0) >= k.FEELS_GOOD


def all_five(catalogue: Catalogue, athlete: Athlete) -> Routine | None:
    """Every isolation exercise of the article at its dose, on request: no minutes bound it. None below its stage."""
    plan = catalogue.routines["all_isolation"]
    if athlete.programme_stage < plan.stage:
        return None
    return Composer(catalogue, athlete, Placement.REST_DAY, Dose.FULL).of_lines(plan.id)


def assemble(id_: str, stage: int, dose: Dose, items: Sequence[RoutineItem]) -> Routine:
    """The routine of these items. Its duration is that of the player's plan, to the nearest minute."""
    seconds = sum(item.seconds for item in items)
    return Routine(id_, stage, dose, max(1, (seconds + 30) // 60), seconds, tuple(items))


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


def item_of_own(own: OwnExercise) -> RoutineItem:
    """An exercise of the runner's own, as their physiotherapist dosed it, and as long as the player takes for it."""
    sides, pause_s = (2 if own.per_side else 1), k.OWN_PAUSE_S
    work_s = own.reps * k.OWN_REP_S if own.reps else (own.holds or 0) * ((own.hold_s or 0) + pause_s) - pause_s
    one_set_s = sides * work_s + (sides - 1) * pause_s
    return RoutineItem(
        exercise=own.id,
        sets=own.sets,
        per_side=own.per_side,
        reps=own.reps,
        holds=own.holds,
        hold_s=own.hold_s,
        rest_s=k.OWN_REST_S,
        seconds=k.OWN_SETUP_S + own.sets * one_set_s + (own.sets - 1) * k.OWN_REST_S,
        name=own.name,
    )


def direct_work(catalogue: Catalogue, items: Iterable[RoutineItem]) -> float:
    """Direct work for the adductors of each side; 1 is the least that a full routine holds."""
    total = 0.0
    for item in items:
        exercise = catalogue.exercises.get(item.exercise)
        if exercise is not None and exercise.is_direct:
            reps, held_s = item.sets * (item.reps or 0), item.sets * (item.holds or 0) * item.positions
            total += reps / k.LEAST_DIRECT_REPS + held_s * (item.hold_s or 0) / k.LEAST_DIRECT_S
    return total


@dataclass
class Composer:
    """One routine in the making, and all that it depends on. ``came_on``: the local days on which exercises came lately."""

    catalogue: Catalogue
    athlete: Athlete
    placement: Placement
    dose: Dose
    today: date | None = None
    came_on: Mapping[str, date] = field(default_factory=dict)
    squeezes_only: bool = False
    one_set_less: bool = False
    half_the_sets: bool = False
    compounds: bool = True
    jump_lunges: bool = False
    dynamic_copenhagen: bool = True
    feels_good: bool = False

    def __post_init__(self) -> None:
        self.progress = {progress.exercise: progress for progress in self.athlete.progress}
        self.minutes = minutes_for(self.athlete, self.placement)
        self.items: list[RoutineItem] = []
        self.kept_s = 0  # seconds that are kept for what comes last
        self.shortened = False

    def routine(self) -> Routine:
        """A light one or a warm-up has the catalogue's lines, a full one is composed."""
        return self.full() if self.dose is Dose.FULL else self.fixed()

    # --- light ones and warm-ups ---

    def fixed(self) -> Routine:
        routine = self.of_lines("warm_up_activation" if self.dose is Dose.ACTIVATION else "stage1_light")
        items = list(routine.items)
        if self.squeezes_only:
            items = [replace(item, advice=GENTLY) for item in items if item.exercise == SQUEEZE] or items[:1]
        self.items = items
        while len(self.items) > 1 and not self._fits():
            self.items.pop()
        while not self._fits() and self.items[0].sets > 1:
            self.items = [self._with_sets(self.items[0], self.items[0].sets - 1)]
        return assemble(routine.id, routine.stage, self.dose, self.items)

    def of_lines(self, id_: str) -> Routine:
        """A routine of the catalogue's lines, each exercise or its nearest substitute."""
        plan = self.catalogue.routines[id_]
        lines = {line.exercise: line for line in plan.lines}
        items = []
        for exercise, instead_of in self._possible(lines).items():
            line, known = lines.get(exercise), self.catalogue.exercises[exercise]
            dose = known.dose
            least = (1, dose.count.min) if self.dose is Dose.LIGHT else (dose.sets.start, dose.first_count)
            sets, count = (line.sets, line.count) if line else least
            items.append(item_of(known, sets, count, instead_of=instead_of))
        return assemble(plan.id, plan.stage, self.dose, items or [self._least()])

    # --- full ones ---

    def full(self) -> Routine:
        pool = self.catalogue.pool(self.athlete.programme_stage, self.placement)
        order = self._in_order(pool.exercises)
        if not self._begin(order):
            self.items = [self._least()]
        pan = self._other_pan()
        self.kept_s = pan[-1].seconds if pan and self._fits([*self.items, pan[-1]]) else 0
        extras = self._add_own(order)
        self._fill(order)
        self.kept_s = 0
        fitting = [item for item in pan if self._fits([*self.items, item])]
        self.items += fitting[:1]
        self.shortened = self.shortened or (bool(fitting) and len(fitting) < len(pan))
        self._add_for_less_steady_side()
        routine = assemble(pool.id, pool.stage, self.dose, self.items)
        return replace(routine, remark=self._remark(extras), placement=self.placement)

    def _in_order(self, pool: Iterable[str]) -> list[RoutineItem]:
        """The eligible exercises of a pool at the runner's own dose, least recently done first."""
        possible = self._possible(pool)
        for id_ in list(possible):
            after = self.catalogue.exercises[id_].after
            if after is not None:  # the harder rung takes the easier one's place
                possible.pop(after.exercise, None)
        ages = {id_: self._came_on(id_) for id_ in possible}
        squat = next((id_ for id_ in SPLIT_SQUATS if id_ in possible), None)
        if self.jump_lunges and squat is not None and self._suits(self.catalogue.exercises[JUMP]):
            jumped = self._came_on(JUMP)
            if jumped < ages[squat]:  # they take turns
                del ages[squat]
                possible[JUMP], ages[JUMP] = None, jumped
        return [self._own_dose(id_, possible[id_]) for id_ in sorted(ages, key=lambda id_: self._turn(id_, ages[id_]))]

    def _turn(self, id_: str, age: date) -> tuple[bool, date]:
        """Age alone counts, but for the article's dose: once reached, it comes soon in the other placement, too."""
        exercise, mine = self.catalogue.exercises[id_], self.progress.get(id_)
        if mine is None or not (exercise.in_article and exercise.is_direct):
            return True, age
        is_reached = self._fewer(mine.sets or 0) >= exercise.dose.sets.target
        return not is_reached or self.placement in mine.target_done_in, age

    def _possible(self, ids: Iterable[str]) -> dict[str, str | None]:
        """The exercises that can be done, with what each stands for; substitutes for those that cannot."""
        exercises = [self.catalogue.exercises[id_] for id_ in ids]
        suitable = {exercise.id for exercise in exercises if self._suits(exercise)}
        possible: dict[str, str | None] = {}
        for exercise in exercises:
            if exercise.id in suitable:
                possible.setdefault(exercise.id, None)
            elif self._is_due(exercise):
                free = self._nearest(exercise, lambda other: other.id not in suitable and other.id not in possible)
                mine = self.progress.get(exercise.id)
                if free is None and mine is not None and mine.use_easier:  # else no session could bring it back
                    free = self._nearest(exercise, lambda other: possible.get(other.id) is None)
                if free is not None:
                    possible[free.id] = exercise.id
        return possible

    def _nearest(self, exercise: Exercise, is_free: Callable[[Exercise], bool]) -> Exercise | None:
        return nearest_substitute(self.catalogue, exercise, lambda other: is_free(other) and self._suits(other))

    def _suits(self, exercise: Exercise) -> bool:
        mine = self.progress.get(exercise.id)
        return (
            self._is_due(exercise)
            and not (mine is not None and mine.use_easier)
            and exercise.id not in self.athlete.left_out
            and exercise.can_be_done_with(self.athlete.equipment)
        )

    def _is_due(self, exercise: Exercise) -> bool:
        """Whether the programme asks for it now, itself or in another's shape."""
        if exercise.category == "compound":  # the shortest routines hold direct work alone
            return self.compounds and self.minutes >= k.SHORT_ROUTINE_MIN
        if exercise.after is None:
            return True
        return is_open(exercise, self.progress) and (exercise.tempo is None or self.dynamic_copenhagen)

    def _came_on(self, id_: str) -> date:
        """The day on which it came last. What is new comes first in a stage's first routine, then waits from its start on."""
        mine, athlete = self.progress.get(id_), self.athlete
        done = mine.last_done_on if mine is not None else None
        came_on = max(done or date.min, self.came_on.get(id_, date.min))
        return came_on if came_on > date.min or not athlete.sessions_at_stage else athlete.stage_since or came_on

    def _own_dose(self, id_: str, instead_of: str | None = None) -> RoutineItem:
        exercise, mine = self.catalogue.exercises[id_], self.progress.get(id_)
        dose = exercise.dose
        count, hold_s = dose.first_count, dose.first_hold_s
        if mine is not None:
            count = dose.count.clamp(mine.reps_or_holds or count)
            hold_s = None if dose.hold_s is None else dose.hold_s.clamp(mine.hold_s or hold_s or 0)
        item = item_of(exercise, self._fewer(self._sets_of(id_)), count, hold_s, instead_of=instead_of)
        have = self.athlete.equipment
        bare = id_ == SIDE_LYING and have is not None and exercise.equipment.needs.any_of.isdisjoint(have)
        return replace(item, advice=NO_CHAIR) if bare else item

    def _fewer(self, sets: int) -> int:
        """After 10-20 days without a session one set less; in a deload week half of them, rounded up."""
        if self.half_the_sets:
            return (sets + 1) // 2
        return max(1, sets - 1) if self.one_set_less else sets

    def _begin(self, order: list[RoutineItem]) -> bool:
        """Take the first exercise that leaves room for enough direct work, with that work."""
        if self._begin_with_two(order):
            return True
        placements = self.athlete.placements_enabled - {Placement.WARM_UP}
        waits = any(minutes_for(self.athlete, placement) > self.minutes for placement in placements)
        # A whole dose that a longer routine has room for waits for it.
        whole_ones = [main for main in order if self._fits([main])] if waits else order
        for main in whole_ones or order:
            item: RoutineItem | None = main
            while item is not None:
                whole = [item]
                if self._fits(whole) and self._with_direct_work(whole, order):
                    self.items = whole
                    self.shortened = self.shortened or item is not main
                    return True
                item = self._less(item)
        return False

    def _begin_with_two(self, order: list[RoutineItem]) -> bool:
        """With many exercises the two that waited longest come together, where need be with two sets."""
        if len(order) <= k.COMES_WITHIN_SESSIONS:
            return False  # one a session is often enough
        one, other = sorted(order, key=lambda item: self._came_on(item.exercise))[:2]
        if self._is_compound(one) and self._is_compound(other):
            return False
        for two in ([one, other], [self._with_two_sets(item) for item in (one, other)]):
            if self._fits(two) and direct_work(self.catalogue, two) >= 1:
                self.items, self.shortened = two, two != [one, other]
                return True
        return False

    def _with_two_sets(self, item: RoutineItem) -> RoutineItem:
        """Two sets, but of what still counts: the article's dose in this placement, the split squats before the jumps."""
        mine, exercise = self.progress.get(item.exercise), self.catalogue.exercises[item.exercise]
        counts = mine is None or (
            self.placement not in mine.target_done_in
            if exercise.in_article and exercise.is_direct
            else item.exercise in SPLIT_SQUATS and self._may_jump and mine.target_doses_done < k.JUMP_GATE_TIMES_DONE
        )
        return item if counts or item.sets <= 2 else self._with_sets(item, 2)

    def _with_direct_work(self, items: list[RoutineItem], order: list[RoutineItem]) -> bool:
        """Whether the items hold enough direct work, after one was added or changed where they didn't."""

        def is_enough(made: list[RoutineItem]) -> bool:
            return self._fits(made) and direct_work(self.catalogue, made) >= 1

        others = [item for item in order if item.exercise != items[0].exercise and self._is_direct(item)]
        mades = [items, *([*items, other] for other in others)]
        found = next((made for made in mades if is_enough(made)), None)
        if found is None:
            # More than the easier week's sets, up to the runner's own, or less than their own for the minutes.
            mades = [[more] for more in self._other_sets(items[0])] if self._is_reduced else []
            mades += [[*items, changed] for other in others for changed in self._other_sets(other)]
            found = next((made for made in mades if is_enough(made)), None)
            self.shortened = found is not None and not self._is_reduced
        if found is not None:
            items[:] = found
        return found is not None

    def _other_sets(self, item: RoutineItem) -> list[RoutineItem]:
        own = self._sets_of(item.exercise)
        numbers = range(item.sets + 1, own + 1) if self._is_reduced else range(own - 1, 0, -1)
        return [self._with_sets(item, sets) for sets in numbers]

    @property
    def _may_jump(self) -> bool:
        return self.athlete.plyometrics_cleared and Placement.REST_DAY in self.athlete.placements_enabled

    @property
    def _is_reduced(self) -> bool:
        return self.half_the_sets or self.one_set_less

    def _sets_of(self, id_: str) -> int:
        mine, sets = self.progress.get(id_), self.catalogue.exercises[id_].dose.sets
        return sets.start if mine is None else min(max(sets.start, mine.sets or 1), sets.max)

    def _add_own(self, order: list[RoutineItem]) -> str | None:
        """Add the runner's own exercise of longest ago, and say in words where it or another one yields."""
        mine = [own for own in self.athlete.own_exercises if self.placement in own.placements]
        mine = [own for own in mine if own.id not in self.athlete.left_out]
        if not mine:
            return None
        own = item_of_own(min(mine, key=lambda own: self._came_on(own.id)))
        if not self._fits([*self.items, own]):
            return f"your own exercise has no room in {self.minutes} minutes"
        without, self.items = self.items, [*self.items]
        self._fill(order)
        others, self.items = self.items[len(without) :], [*without, own]
        self._fill(order)
        left = [item for item in others if item not in self.items]
        return f"your own exercise in place of {self.catalogue.exercises[left[0].exercise].name}" if left else None

    def _other_pan(self) -> list[RoutineItem]:
        """The leg raise for the outer hip when its week has come: at the runner's own dose, then with fewer sets."""
        exercise, today = self.catalogue.exercises[OTHER_PAN], self.today
        is_due = today is not None and (today - self._came_on(OTHER_PAN)).days >= k.OTHER_PAN_EVERY_DAYS
        if not is_due or self.placement is not Placement.REST_DAY or not self._suits(exercise):
            return []
        own = replace(self._own_dose(OTHER_PAN), advice=TWO_PANS)
        return [self._with_sets(own, sets) for sets in range(own.sets, 0, -1)]

    def _fill(self, order: list[RoutineItem]) -> None:
        """Add what fits whole, least recently done first."""
        most = k.MOST_EXERCISES if self.minutes > k.SHORT_ROUTINE_MIN else k.MOST_EXERCISES_IN_A_SHORT_ROUTINE
        most -= 1 if self.kept_s else 0
        taken = {item.exercise for item in self.items}
        compound = any(self._is_compound(item) for item in self.items)
        for item in order:
            if len(self.items) >= most:
                return
            if item.exercise in taken or (compound and self._is_compound(item)) or not self._fits([*self.items, item]):
                continue
            self.items.append(item)
            compound = compound or self._is_compound(item)

    def _add_for_less_steady_side(self) -> None:
        """One set more on the side that the runner named, of the first direct exercise with two sides."""
        side = self.athlete.less_steady_side
        index = next((i for i, item in enumerate(self.items) if item.per_side and self._is_direct(item)), None)
        if side is None or index is None or self._fewer(2) < 2:
            return
        item = self.items[index]
        exercise = self.catalogue.exercises[item.exercise]
        one_side_s = exercise.work_s(item.count, item.hold_s) + item.rest_s
        more = replace(item, extra_set_side=side, seconds=item.seconds + one_side_s)
        if self._fits([*self.items[:index], more, *self.items[index + 1 :]]):
            self.items[index] = more

    def _remark(self, extras: str | None) -> str | None:
        """In words, why the routine is smaller than usual, or what is special."""
        ids = [id_ for item in self.items for id_ in (item.exercise, item.substituted_for) if id_ is not None]
        mine = (self.progress.get(id_) for id_ in ids)
        parts = [
            "half the sets, every sixth week is an easier one" if self.half_the_sets else None,
            "one set less after the gap" if self.one_set_less and not self.half_the_sets else None,
            next((one.changed for one in mine if one is not None and one.changed), None),
            extras,
            f"shortened to fit your {self.minutes} minutes" if self.shortened else None,
        ]
        good = "you feel good, and more strength is not a bad thing" if self.feels_good else None
        return "; ".join(part for part in parts if part) or good

    # --- both ---

    def _least(self) -> RoutineItem:
        """The last rung has no easier one: then it stays, at its smallest dose."""
        squeeze = self.catalogue.exercises[SQUEEZE]
        return item_of(squeeze, 1, squeeze.dose.count.min)

    def _fits(self, items: Sequence[RoutineItem] | None = None) -> bool:
        chosen = self.items if items is None else items
        return sum(item.seconds for item in chosen) + self.kept_s < 60 * self.minutes + 30

    def _less(self, item: RoutineItem) -> RoutineItem | None:
        """The next smaller dose: fewer reps before fewer sets. None below one set."""
        exercise = self.catalogue.exercises[item.exercise]
        if item.count > exercise.dose.count.min:
            return item_of(exercise, item.sets, item.count - 1, item.hold_s, instead_of=item.substituted_for)
        return self._with_sets(item, item.sets - 1) if item.sets > 1 else None

    def _with_sets(self, item: RoutineItem, sets: int) -> RoutineItem:
        seconds = self.catalogue.exercises[item.exercise].seconds(sets, item.count, item.hold_s)
        return replace(item, sets=sets, seconds=seconds)

    def _is_direct(self, item: RoutineItem) -> bool:
        return self.catalogue.exercises[item.exercise].is_direct

    def _is_compound(self, item: RoutineItem) -> bool:
        known = self.catalogue.exercises.get(item.exercise)
        return known is not None and known.category == "compound"
