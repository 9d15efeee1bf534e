"""Double progression along the ladder of stages: deload, regression, return after a break, the jump gate.

Only answered sessions move an athlete up. The numbers are those of `constants`, the texts behind them the catalogue's
``progression``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching import constants as k
from adductor.coaching.normalise import Facts
from adductor.coaching.situation import (
    Athlete,
    Dose,
    ExerciseProgress,
    Placement,
    PlannedRun,
    Routine,
    RoutineItem,
    Session,
)

LAST_STAGE = 4
SPLIT_SQUATS = ("elevated_split_squat", "split_squat_floor")
_LOADS = frozenset({"dumbbell", "kettlebell", "backpack", "bottle", "long_band", "loop_band", "mini_band", "cable"})


@dataclass(frozen=True, slots=True)
class Advance:
    """The athlete after a step. ``changes`` words the differences, for pages and notes."""

    athlete: Athlete
    changes: tuple[str, ...] = ()


def after_session(athlete: Athlete, catalogue: Catalogue, session: Session, routine: Routine | None) -> Advance:
    """The athlete after a session: totals, progress of each exercise of its routine, and the stage.

    ``routine`` is what was prescribed (None: unknown, only totals move). An unanswered session and a warm-up change
    nothing; less than half of a session nothing but what pain and missed reps say.
    """
    if not session.answered or session.kind == "warm_up":
        return Advance(athlete)
    day = session.completed_at.astimezone(athlete.timezone).date()
    came_back = _after_break(athlete, catalogue, day)
    athlete, changes = came_back.athlete, list(came_back.changes)
    if routine is not None and not came_back.changes:
        known = [item for item in routine.items if item.exercise in catalogue.exercises]  # no steps for own ones
        steps = [_step(athlete, catalogue, session, routine, item, day) for item in known]
        athlete = replace(athlete, progress=_with(athlete.progress, (progress for progress, _ in steps)))
        changes += [change for _, change in steps if change is not None]
    if session.completed_pct >= k.SESSION_COUNTS_FROM_COMPLETED_PCT:
        athlete = _with_day(athlete, catalogue, () if routine is None else routine.items, day)
        # A light session above the first stage is not one of the stage.
        of_stage = session.kind == "strength_full" or (athlete.programme_stage == 1 and athlete.hold_lifted_at is None)
        athlete = replace(
            athlete,
            sessions_completed_total=athlete.sessions_completed_total + 1,
            sessions_at_stage=athlete.sessions_at_stage + (1 if of_stage else 0),
            last_completed_session_date=day,
            programme_started_on=athlete.programme_started_on or day,
            stage_since=athlete.stage_since or day,
        )
    if _stage_is_done(athlete, catalogue) and not is_deload_week(athlete, day):
        stage = athlete.programme_stage + 1
        athlete = replace(athlete, programme_stage=stage, sessions_at_stage=0, stage_since=day)
        changes.append(f"Level {stage} from now on: {catalogue.stage(stage).name.lower()}.")
    return Advance(athlete, tuple(changes))


def after_soreness(athlete: Athlete, catalogue: Catalogue, exercises: Iterable[str], soreness_0_10: int) -> Advance:
    """The athlete after the word on the day after a session of these exercises.

    Soreness of 5 or more makes them easier; 4 keeps them where they are and starts the count of good sessions anew.
    """
    if soreness_0_10 <= k.ADD_MAX_SORENESS_0_10:
        return Advance(athlete)
    progress, changes = [], []
    for exercise in (catalogue.exercises[id_] for id_ in exercises if id_ in catalogue.exercises):
        mine = _progress_of(athlete, exercise)
        if soreness_0_10 >= k.EASIER_SORENESS_FROM_0_10:
            mine = _easier(exercise, mine, "easier where you were sore")
            changes.append(f"{exercise.name}: easier next time, you were sore.")
        progress.append(replace(mine, at_top_in_a_row=0))
    return Advance(replace(athlete, progress=_with(athlete.progress, progress)), tuple(changes))


def is_deload_week(athlete: Athlete, today: date) -> bool:
    """Whether a local day is in a sixth week of the programme. False while the start is unknown, and in maintenance."""
    started_on = athlete.programme_started_on
    weeks = 0 if started_on is None or athlete.maintaining else (today - started_on).days // 7 + 1
    return weeks > 0 and weeks % k.DELOAD_EVERY_WEEKS == 0


def is_back_for_days(athlete: Athlete, today: date, days: int) -> bool:
    """Whether the programme began, or began anew after weeks off or a hold, less than so many local days ago."""
    started_on = athlete.programme_started_on
    return started_on is not None and (today - started_on).days < days


def minutes_for(athlete: Athlete, placement: Placement) -> int:
    """The longest routine of a placement that the runner wants, in minutes."""
    own = athlete.minutes_after_run if placement is Placement.POST_RUN else athlete.minutes_rest_day
    usual = k.MINUTES_AFTER_RUN if placement is Placement.POST_RUN else k.MINUTES_REST_DAY
    return min(own or usual, athlete.minutes_available or own or usual)


# --- one exercise ---------------------------------------------------------------------------------------------------


def start_of(exercise: Exercise) -> ExerciseProgress:
    """The start column: the first sessions of an exercise, never the article's dose on day one."""
    dose = exercise.dose
    return ExerciseProgress(
        exercise=exercise.id, sets=dose.sets.start, reps_or_holds=dose.first_count, hold_s=dose.first_hold_s
    )


def _progress_of(athlete: Athlete, exercise: Exercise) -> ExerciseProgress:
    return next((p for p in athlete.progress if p.exercise == exercise.id), None) or start_of(exercise)


def _with(old: Iterable[ExerciseProgress], new: Iterable[ExerciseProgress]) -> tuple[ExerciseProgress, ...]:
    merged = {progress.exercise: progress for progress in old}
    merged.update({progress.exercise: progress for progress in new})
    return tuple(merged.values())


def _with_day(athlete: Athlete, catalogue: Catalogue, items: Iterable[RoutineItem], day: date) -> Athlete:
    """The athlete with the day on which these exercises were done, own ones among them."""
    known = {progress.exercise: progress for progress in athlete.progress}
    done = []
    for item in items:
        exercise = catalogue.exercises.get(item.exercise)
        start = ExerciseProgress(item.exercise) if exercise is None else start_of(exercise)
        done.append(replace(known.get(item.exercise, start), last_done_on=day))
    return replace(athlete, progress=_with(athlete.progress, done))


def _step(
    athlete: Athlete, catalogue: Catalogue, session: Session, routine: Routine, item: RoutineItem, day: date
) -> tuple[ExerciseProgress, str | None]:
    """Advance one exercise after a session; return its progress and the change in words."""
    # A substitute stands for the exercise it replaced, until that one can come back.
    avoided = next((p for p in athlete.progress if p.exercise == item.substituted_for and p.use_easier), None)
    mine = avoided or _progress_of(athlete, catalogue.exercises[item.exercise])
    exercise = catalogue.exercises[mine.exercise]
    pain, rpe = session.pain_during_0_10, session.rpe_1_10
    shown = routine.dose is Dose.FULL  # a light routine shows nothing of it
    mine = replace(mine, last_rpe_1_10=rpe, last_pain_0_10=pain, changed=None if shown else mine.changed)
    if session.stopped_for_pain or (pain or 0) > k.EASIER_PAIN_ABOVE_0_10:
        return _easier(exercise, mine, "easier where it hurt"), f"{exercise.name}: easier next time, it hurt."
    if session.completed_pct < 100:
        mine = replace(mine, at_top_in_a_row=0, easy_in_a_row=0, missed_in_a_row=mine.missed_in_a_row + 1)
        if mine.missed_in_a_row >= k.EASIER_AFTER_SESSIONS_MISSED:
            easier = _easier(exercise, mine, "easier where it was too much")
            return easier, f"{exercise.name}: easier next time, as you missed part of it twice."
        return mine, None
    mine = replace(mine, missed_in_a_row=0)
    if (pain or 0) > k.ADD_MAX_PAIN_0_10:
        return replace(mine, at_top_in_a_row=0, easy_in_a_row=0), None
    if routine.dose is not Dose.FULL and (athlete.programme_stage > 1 or athlete.hold_lifted_at is not None):
        return mine, None  # a light day is no step up, and no step back
    if is_deload_week(athlete, day) or athlete.maintaining:
        return mine, None
    if avoided is not None:
        if mine.at_top_in_a_row + 1 < k.ADD_AFTER_SESSIONS_AT_TOP:
            return replace(mine, at_top_in_a_row=mine.at_top_in_a_row + 1), None
        return start_of(exercise), f"{exercise.name}: back, from the start."
    if item.sets >= exercise.dose.sets.target and item.count >= exercise.dose.first_count:
        here = () if routine.placement is None or routine.placement in mine.target_done_in else (routine.placement,)
        mine = replace(mine, target_doses_done=mine.target_doses_done + 1, target_done_in=(*mine.target_done_in, *here))
    return _by_effort(athlete, exercise, mine, item)


def _by_effort(
    athlete: Athlete, exercise: Exercise, mine: ExerciseProgress, item: RoutineItem
) -> tuple[ExerciseProgress, str | None]:
    """A step up, two of them, or one back. Holds advance on completion and pain alone."""
    rpe = None if exercise.dose.reps is None else mine.last_rpe_1_10
    easy = mine.easy_in_a_row + 1 if rpe is not None and rpe <= k.SKIP_MAX_RPE_1_10 else 0
    hard = mine.hard_in_a_row + 1 if rpe is not None and rpe >= k.BACK_FROM_RPE_1_10 else 0
    mine = replace(mine, easy_in_a_row=easy, hard_in_a_row=hard)
    if hard >= k.BACK_AFTER_SESSIONS:
        return _back(exercise, replace(mine, at_top_in_a_row=0, hard_in_a_row=0))
    if (rpe or 0) > k.ADD_MAX_RPE_1_10:
        return replace(mine, at_top_in_a_row=0), None
    if item.sets < min(mine.sets or 1, 2) or item.count < (mine.reps_or_holds or 1):
        return mine, None  # no step from much less than the runner's own dose
    moved, change = _harder(athlete, exercise, mine)
    more_load = change is not None and moved.sets == mine.sets
    if easy < k.SKIP_AFTER_SESSIONS or more_load:
        return moved, change
    twice = replace(moved, at_top_in_a_row=k.ADD_AFTER_SESSIONS_AT_TOP, easy_in_a_row=0)
    further, change = _harder(athlete, exercise, twice)
    is_a_step = (further.sets, further.reps_or_holds) != (mine.sets, mine.reps_or_holds)
    if is_a_step and (change is None or further.sets != moved.sets):
        change = f"{exercise.name}: {further.sets} x {further.reps_or_holds} from now on, twice too easy."
    return replace(further, at_top_in_a_row=0), change


def _easier(exercise: Exercise, mine: ExerciseProgress, why: str) -> ExerciseProgress:
    """Back to the start column; from there to the easier rung, if there is one. ``why`` goes into its next note."""
    start = start_of(exercise)
    at_start = (mine.sets, mine.reps_or_holds, mine.hold_s) == (start.sets, start.reps_or_holds, start.hold_s)
    return replace(
        _from_the_start(exercise, mine, why),
        use_easier=(at_start or mine.use_easier) and bool(exercise.easier),
        last_rpe_1_10=mine.last_rpe_1_10,
        last_pain_0_10=mine.last_pain_0_10,
    )


def _from_the_start(exercise: Exercise, mine: ExerciseProgress, why: str) -> ExerciseProgress:
    """The start column again. The day and the load stay; ``why`` goes into the next note."""
    return replace(start_of(exercise), last_done_on=mine.last_done_on, load=mine.load, changed=why)


def _back(exercise: Exercise, mine: ExerciseProgress) -> tuple[ExerciseProgress, str]:
    """One step back after two hard sessions: a rep, then a set, then the easier rung."""
    start = start_of(exercise)
    sets, count = mine.sets or 1, mine.reps_or_holds or 1
    if count > (start.reps_or_holds or 1):
        count -= 1
    elif sets > (start.sets or 1):
        sets -= 1
    else:
        easier = _easier(exercise, mine, "easier where it was too hard")
        return easier, f"{exercise.name}: easier next time, twice too hard."
    mine = replace(mine, sets=sets, reps_or_holds=count, changed="easier where it was too hard")
    return mine, f"{exercise.name}: {sets} x {count} from now on, twice too hard."


def _harder(athlete: Athlete, exercise: Exercise, mine: ExerciseProgress) -> tuple[ExerciseProgress, str | None]:
    """After a good session: sets up to the aim, then reps or hold seconds to the top, then load. Never past the minutes."""
    dose, start = exercise.dose, start_of(exercise)
    sets = max(mine.sets or 0, dose.sets.start)
    count = dose.count.clamp(mine.reps_or_holds or dose.first_count)
    hold_s = mine.hold_s or start.hold_s
    twice = mine.at_top_in_a_row + 1 >= k.ADD_AFTER_SESSIONS_AT_TOP
    spare = dose.reps is not None and mine.last_rpe_1_10 is not None and mine.last_rpe_1_10 <= k.SPARE_MAX_RPE_1_10
    counted = replace(mine, at_top_in_a_row=mine.at_top_in_a_row + 1)

    limits = [minutes_for(athlete, placement) for placement in athlete.placements_enabled - {Placement.WARM_UP}]

    def is_within(limit_s: int, sets: int, count: int, hold_s: int | None) -> bool:
        return exercise.seconds(sets, count, hold_s) < limit_s

    has_load = can_be_loaded(exercise, athlete)
    shortest = min(limits, default=0)
    room_s = _room_s(shortest) if has_load else 60 * shortest + 30
    if sets < dose.sets.target and is_within(60 * max(limits, default=0) + 30, sets + 1, count, hold_s):
        if not twice and not spare:
            return counted, None
        return replace(mine, sets=sets + 1, at_top_in_a_row=0), f"{exercise.name}: {sets + 1} sets from now on."
    held = not dose.hold_steps_s or dose.hold_s is None or (hold_s or 0) >= dose.hold_s.default
    mine = replace(mine, at_target=mine.at_target or (held and count >= dose.first_count))
    longer = next((step for step in dose.steps_s if step > (hold_s or 0)), None)
    most = dose.first_count if dose.hold_steps_s and longer is not None else dose.count.max
    if count < most and is_within(room_s, sets, count + 1, hold_s):
        return replace(mine, reps_or_holds=count + 1, at_top_in_a_row=0), None
    if longer is not None and hold_s is not None:
        # Longer holds are fewer, so that the whole grows by a step and is not doubled.
        fewer = next((c for c in range(dose.count.min, count) if c * longer > count * hold_s), count)
        if is_within(room_s, sets, fewer, longer):
            moved = replace(mine, hold_s=longer, reps_or_holds=fewer, at_top_in_a_row=0)
            return moved, f"{exercise.name}: holds of {longer} s from now on."
    if not twice or not has_load:
        return replace(counted, at_target=mine.at_target), None
    least = dose.count.min
    moved = replace(mine, reps_or_holds=least, at_top_in_a_row=0)
    how_much = "the next band" if "long_band" in exercise.equipment.needs.any_of else "2-10 %"
    step = f"{exercise.name}: a little more load ({how_much})"
    if least == count:
        return moved, f"{step}."
    return replace(moved, changed="fewer reps, with a little more load"), f"{step}, and back to {least}."


def can_be_loaded(exercise: Exercise, athlete: Athlete) -> bool:
    """Whether the runner has something to load the exercise with."""
    needs = exercise.equipment.needs
    loads = _LOADS & (needs.any_of | needs.optional)
    return bool(loads if athlete.equipment is None else loads & athlete.equipment)


def _room_s(minutes: int) -> int:
    """How long one exercise may grow, so that another has room beside it: half of a routine; in a short one, the squeeze."""
    if minutes > k.SHORT_ROUTINE_MIN:
        return 30 * minutes + 15
    return 60 * minutes + 30 - (k.SQUEEZE_S if minutes == k.SHORT_ROUTINE_MIN else 0)


def next_load(mine: ExerciseProgress) -> str | None:
    """One line on the next load, from the last one and its RPE. None without both."""
    if mine.load is None or mine.last_rpe_1_10 is None:
        return None
    rpe = mine.last_rpe_1_10
    last = f"Last time {mine.load} at RPE {rpe:g}"
    found = re.search(r"\d+(?:[.,]\d+)?", mine.load)
    if rpe > k.ADD_MAX_RPE_1_10:
        return f"{last}: take a little less."
    if rpe > k.SPARE_MAX_RPE_1_10:
        return f"{last}: the same again."
    if found is None:
        return f"{last}: try the next band or weight."
    weight = float(found.group().replace(",", "."))
    step = k.LOAD_STEP_HEAVY if weight >= k.HEAVY_FROM else k.LOAD_STEP_LIGHT
    more = step * -(-weight * (1 + k.LOAD_MORE_SHARE) // step)
    return f"{last}: try {mine.load[: found.start()]}{more:g}{mine.load[found.end() :]} or the next band."


# --- the stage ------------------------------------------------------------------------------------------------------


def exercises_of_stage(athlete: Athlete, catalogue: Catalogue) -> tuple[Exercise, ...]:
    """The exercises to master at a stage: the article's, each itself or the nearest one that the runner can do."""

    def suits(exercise: Exercise) -> bool:
        return exercise.id not in athlete.left_out and exercise.can_be_done_with(athlete.equipment)

    of_article = (e for e in catalogue.exercise_list if e.in_article and e.stage == athlete.programme_stage)
    found = (nearest_substitute(catalogue, e, suits) for e in of_article if not e.plyometric)
    return tuple({exercise.id: exercise for exercise in found if exercise is not None}.values())


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


class Opening(NamedTuple):
    """One thing that a runner doesn't have, and the exercises of the article that it opens."""

    thing: str
    exercises: tuple[str, ...]


def one_thing(catalogue: Catalogue, athlete: Athlete, things: Iterable[str]) -> Opening | None:
    """The one of these things that opens the most; None when the runner can do everything, or was never asked."""
    have = athlete.equipment
    if have is None:
        return None
    missing = [e for e in catalogue.exercise_list if e.in_article and not e.can_be_done_with(have)]
    opened = [
        Opening(thing, tuple(e.id for e in missing if e.can_be_done_with(have | {thing})))
        for thing in things
        if thing not in have
    ]
    return max((one for one in opened if one.exercises), key=lambda one: len(one.exercises), default=None)


def _stage_is_done(athlete: Athlete, catalogue: Catalogue) -> bool:
    minimum = catalogue.stage(athlete.programme_stage).minimum_sessions
    if minimum is None or athlete.sessions_at_stage < minimum:
        return False
    at_target = {progress.exercise for progress in athlete.progress if progress.at_target}
    return all(exercise.id in at_target for exercise in exercises_of_stage(athlete, catalogue))


def is_open(exercise: Exercise, progress: Mapping[str, ExerciseProgress]) -> bool:
    """Whether what must come before an exercise was held long enough, or the exercise was done already."""
    if exercise.after is None:
        return True
    own, before = progress.get(exercise.id), progress.get(exercise.after.exercise)
    done_already = own is not None and own.last_rpe_1_10 is not None
    return done_already or (before is not None and (before.hold_s or 0) >= exercise.after.hold_s)


def _stage_down(athlete: Athlete, catalogue: Catalogue, day: date) -> Athlete:
    """The athlete one stage down, with everything from the start column."""
    known = catalogue.exercises
    why = "from the start after the pause"
    progress = (_from_the_start(known[p.exercise], p, why) if p.exercise in known else p for p in athlete.progress)
    return replace(
        athlete,
        programme_stage=max(1, athlete.programme_stage - 1),
        sessions_at_stage=0,
        stage_since=day,
        programme_started_on=day,
        progress=tuple(progress),
    )


def after_hold(athlete: Athlete, catalogue: Catalogue, day: date) -> Advance:
    """The athlete when a hold is lifted: one stage down, from the start column. The first sessions there are light."""
    athlete = _stage_down(athlete, catalogue, day)
    words = f"Back after the pause: level {athlete.programme_stage} from the start, after two light sessions."
    return Advance(athlete, (words,))


def _after_break(athlete: Athlete, catalogue: Catalogue, day: date) -> Advance:
    """Three weeks off begin the weeks of the programme anew; four are one stage down, from the start column."""
    last = athlete.last_completed_session_date
    gap = 0 if last is None else (day - last).days
    if gap < k.REENTRY_GAP_DAYS:
        return Advance(athlete)
    lifted = athlete.hold_lifted_at
    by_hold = last is not None and lifted is not None and lifted.astimezone(athlete.timezone).date() >= last
    if by_hold:
        return Advance(athlete)  # the end of the hold took the stage already
    if gap < k.STAGE_DOWN_GAP_DAYS:
        return Advance(replace(athlete, programme_started_on=day))
    athlete = _stage_down(athlete, catalogue, day)
    return Advance(athlete, (f"Back after {gap} days: level {athlete.programme_stage} again, from the start.",))


def maintenance_offer(athlete: Athlete, races: Iterable[PlannedRun], today: date) -> str | None:
    """In words, why the runner may choose to maintain, or to build again; None when there is nothing to offer.

    ``races`` are all that are planned, however far ahead.
    """
    days_to_a_race = [
        (race.start.astimezone(athlete.timezone).date() - today).days
        for race in races
        if race.kind == "race" and race.priority == "A"
    ]
    race_season = any(0 <= days <= k.RACE_SEASON_DAYS for days in days_to_a_race)
    if athlete.maintaining:
        return None if race_season else "You keep what you built, once a week. You can build again, twice a week."
    if athlete.programme_stage < LAST_STAGE or athlete.target_sessions_per_week < k.WEEKLY_CAP_MAX:
        return None
    if race_season:
        return "Your A-race is near: once a week keeps what you built."
    built = athlete.stage_since is not None and (today - athlete.stage_since).days >= 7 * k.MAINTAIN_AFTER_WEEKS
    return f"{k.MAINTAIN_AFTER_WEEKS} weeks on the last level: once a week keeps what you built." if built else None


def jump_lunges_allowed(seen: Facts) -> bool:
    """The gate of the jump lunges (catalogue, ``jump_lunges.gate``): everything must be known, done and good."""
    athlete, since_last = seen.athlete, seen.days_since_last_done
    squats = [p for p in athlete.progress if p.exercise in SPLIT_SQUATS and p.last_rpe_1_10 is not None]
    # The floor counts where nothing is there to raise a foot on.
    base = next((p for id_ in SPLIT_SQUATS for p in squats if p.exercise == id_), None)
    return (
        athlete.programme_stage >= LAST_STAGE
        and athlete.plyometrics_cleared
        and athlete.stage_since is not None
        and (seen.today - athlete.stage_since).days >= 7 * k.JUMP_GATE_WEEKS_AT_STAGE_4
        and base is not None
        and base.target_doses_done >= k.JUMP_GATE_TIMES_DONE
        and (base.last_rpe_1_10 or 0) <= k.JUMP_GATE_MAX_RPE_1_10
        and (base.last_pain_0_10 or 0) <= k.JUMP_GATE_MAX_PAIN_0_10
        and (seen.pain or 0) <= k.JUMP_GATE_MAX_PAIN_0_10
        and since_last is not None
        and since_last < k.REENTRY_GAP_DAYS
        and not _tired_legs(seen)
        and not _race_near(seen)
    )


def dynamic_copenhagen_allowed(seen: Facts) -> bool:
    """Whether no race and no key session is near (catalogue, contraindications of the Copenhagen lift)."""
    gap_s = 3600 * k.PLYOMETRIC_RACE_GAP_H
    key = (planned for planned in seen.plan if planned.run.kind in k.KEY_SESSION_KINDS)
    return not _race_near(seen) and not any(0 <= planned.start_s - seen.now_s <= gap_s for planned in key)


def _tired_legs(seen: Facts) -> bool:
    """A hard, long or hilly run today or yesterday."""
    yesterday = seen.today - timedelta(days=1)
    return any(
        run.day >= yesterday
        and (
            run.intensity in k.HARD_INTENSITIES or run.moving_min >= k.LONG_RUN_MIN or run.gain_m >= k.HILLY_RUN_GAIN_M
        )
        for run in seen.runs
    )


def _race_near(seen: Facts) -> bool:
    gap_s = 3600 * k.PLYOMETRIC_RACE_GAP_H
    if any(planned.run.kind == "race" and abs(planned.start_s - seen.now_s) <= gap_s for planned in seen.plan):
        return True
    days = k.PLYOMETRIC_RACE_GAP_H // 24
    return any(0 <= (seen.today - race.day).days <= days for race in seen.races)
