"""Double progression along the ladder of stages: deload, regression, return after a break, the jump gate.

Only answered sessions move an athlete up. The numbers are those of `constants`, the texts behind them the catalogue's
``progression``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching import constants as k
from adductor.coaching.normalise import Facts
from adductor.coaching.situation import Athlete, Dose, ExerciseProgress, Routine, RoutineItem, Session

LAST_STAGE = 4
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
        steps = [_step(athlete, catalogue, session, routine, item, day) for item in routine.items]
        athlete = replace(athlete, progress=_with(athlete.progress, (progress for progress, _ in steps)))
        changes += [change for _, change in steps if change is not None]
    if session.completed_pct >= k.SESSION_COUNTS_FROM_COMPLETED_PCT:
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
    if _stage_is_done(athlete, catalogue):
        stage = athlete.programme_stage + 1
        athlete = _at_stage(athlete, catalogue, stage, day)
        changes.append(f"Level {stage} from now on: {catalogue.stage(stage).name.lower()}.")
    return Advance(athlete, tuple(changes))


def after_soreness(athlete: Athlete, catalogue: Catalogue, exercises: Iterable[str], soreness_0_10: int) -> Advance:
    """The athlete after the word on the day after a session of these exercises.

    Soreness of 5 or more makes them easier; 4 keeps them where they are and starts the count of good sessions anew.
    """
    if soreness_0_10 <= k.ADD_MAX_SORENESS_0_10:
        return Advance(athlete)
    progress, changes = [], []
    for id_ in exercises:
        exercise = catalogue.exercises[id_]
        mine = _progress_of(athlete, exercise)
        if soreness_0_10 >= k.EASIER_SORENESS_FROM_0_10:
            mine = _easier(exercise, mine)
            changes.append(f"{exercise.name}: easier next time, you were sore.")
        progress.append(replace(mine, at_top_in_a_row=0))
    return Advance(replace(athlete, progress=_with(athlete.progress, progress)), tuple(changes))


def is_deload_week(started_on: date | None, today: date) -> bool:
    """Whether a local day is in a sixth week of the programme. False while the start is unknown."""
    weeks = 0 if started_on is None else (today - started_on).days // 7 + 1
    return weeks > 0 and weeks % k.DELOAD_EVERY_WEEKS == 0


# --- one exercise ---------------------------------------------------------------------------------------------------


def start_of(exercise: Exercise) -> ExerciseProgress:
    """The start column: the first sessions of an exercise, never the article's dose on day one."""
    dose = exercise.dose
    return ExerciseProgress(
        exercise=exercise.id, sets=dose.sets.start, reps_or_holds=dose.count.min, hold_s=dose.first_hold_s
    )


def _progress_of(athlete: Athlete, exercise: Exercise) -> ExerciseProgress:
    return next((p for p in athlete.progress if p.exercise == exercise.id), None) or start_of(exercise)


def _with(old: Iterable[ExerciseProgress], new: Iterable[ExerciseProgress]) -> tuple[ExerciseProgress, ...]:
    merged = {progress.exercise: progress for progress in old}
    merged.update({progress.exercise: progress for progress in new})
    return tuple(merged.values())


def _step(
    athlete: Athlete, catalogue: Catalogue, session: Session, routine: Routine, item: RoutineItem, day: date
) -> tuple[ExerciseProgress, str | None]:
    """Advance one exercise after a session; return its progress and the change in words."""
    # A substitute stands for the exercise it replaced, until that one can come back.
    avoided = next((p for p in athlete.progress if p.exercise == item.substituted_for and p.use_easier), None)
    mine = avoided or _progress_of(athlete, catalogue.exercises[item.exercise])
    exercise = catalogue.exercises[mine.exercise]
    pain, rpe = session.pain_during_0_10, session.rpe_1_10
    mine = replace(mine, last_rpe_1_10=rpe, last_pain_0_10=pain)
    if session.stopped_for_pain or (pain or 0) > k.EASIER_PAIN_ABOVE_0_10:
        return _easier(exercise, mine), f"{exercise.name}: easier next time, it hurt."
    if session.completed_pct < 100 or (rpe or 0) >= k.MISSED_FROM_RPE_1_10:
        mine = replace(mine, at_top_in_a_row=0, missed_in_a_row=mine.missed_in_a_row + 1)
        if mine.missed_in_a_row >= k.EASIER_AFTER_SESSIONS_MISSED:
            return _easier(exercise, mine), f"{exercise.name}: easier next time, as you missed part of it twice."
        return mine, None
    mine = replace(mine, missed_in_a_row=0)
    if (rpe or 0) > k.ADD_MAX_RPE_1_10 or (pain or 0) > k.ADD_MAX_PAIN_0_10:
        return replace(mine, at_top_in_a_row=0), None
    if routine.dose is not Dose.FULL and (athlete.programme_stage > 1 or athlete.hold_lifted_at is not None):
        return mine, None  # a light day is no step up, and no step back
    if is_deload_week(athlete.programme_started_on, day):
        return mine, None
    if avoided is not None:
        if mine.at_top_in_a_row + 1 < k.ADD_AFTER_SESSIONS_AT_TOP:
            return replace(mine, at_top_in_a_row=mine.at_top_in_a_row + 1), None
        return start_of(exercise), f"{exercise.name}: back, from the start."
    return _harder(exercise, mine)


def _easier(exercise: Exercise, mine: ExerciseProgress) -> ExerciseProgress:
    """Back to the start column; from there to the easier rung, if there is one."""
    start = start_of(exercise)
    at_start = (mine.sets, mine.reps_or_holds, mine.hold_s) == (start.sets, start.reps_or_holds, start.hold_s)
    return replace(
        start,
        use_easier=(at_start or mine.use_easier) and bool(exercise.easier),
        last_rpe_1_10=mine.last_rpe_1_10,
        last_pain_0_10=mine.last_pain_0_10,
    )


def _harder(exercise: Exercise, mine: ExerciseProgress) -> tuple[ExerciseProgress, str | None]:
    """After a good session: sets up to the aim, then reps or hold seconds to the top, then load or the next rung."""
    dose = exercise.dose
    start = start_of(exercise)
    sets = mine.sets or dose.sets.start
    count = mine.reps_or_holds or dose.count.min
    hold_s = mine.hold_s or start.hold_s
    twice = mine.at_top_in_a_row + 1 >= k.ADD_AFTER_SESSIONS_AT_TOP
    counted = replace(mine, at_top_in_a_row=mine.at_top_in_a_row + 1)
    if sets < dose.sets.target:
        if not twice:
            return counted, None
        return replace(mine, sets=sets + 1, at_top_in_a_row=0), f"{exercise.name}: {sets + 1} sets from now on."
    held = not dose.hold_steps_s or dose.hold_s is None or (hold_s or 0) >= dose.hold_s.default
    mine = replace(mine, at_target=mine.at_target or (held and count >= dose.count.default))
    longer = next((step for step in dose.hold_steps_s if step > (hold_s or 0)), None)
    if longer is not None:
        return replace(mine, hold_s=longer, at_top_in_a_row=0), f"{exercise.name}: holds of {longer} s from now on."
    if count < dose.count.max:
        return replace(mine, reps_or_holds=count + 1, at_top_in_a_row=0), None
    if dose.hold_s is not None and hold_s is not None and hold_s < dose.hold_s.max:
        return replace(mine, hold_s=min(hold_s + k.HOLD_STEP_S, dose.hold_s.max), at_top_in_a_row=0), None
    if not twice or not _LOADS & (exercise.equipment.needs.any_of | exercise.equipment.needs.optional):
        return replace(counted, at_target=mine.at_target), None
    return (
        replace(mine, reps_or_holds=dose.count.min, at_top_in_a_row=0),
        f"{exercise.name}: a little more load (2-10 %, or the next band), and back to {dose.count.min}.",
    )


# --- the stage ------------------------------------------------------------------------------------------------------


def exercises_of_stage(athlete: Athlete, catalogue: Catalogue) -> tuple[Exercise, ...]:
    """The exercises to master at a stage: those of its routines that are new there, open, and that the runner can do."""
    stage = athlete.programme_stage
    ids = [
        line.exercise
        for routine in catalogue.routines.values()
        if routine.id.startswith(f"stage{stage}_")
        and any(placement in routine.use_for for placement in athlete.placements_enabled)
        for line in routine.lines
        if catalogue.exercises[line.exercise].stage == stage
    ]
    exercises = (catalogue.exercises[id_] for id_ in dict.fromkeys(ids))
    return tuple(e for e in exercises if e.can_be_done_with(athlete.equipment) and is_open(e, athlete.progress))


def _stage_is_done(athlete: Athlete, catalogue: Catalogue) -> bool:
    minimum = catalogue.stage(athlete.programme_stage).minimum_sessions
    if minimum is None or athlete.sessions_at_stage < minimum:
        return False
    at_target = {progress.exercise for progress in athlete.progress if progress.at_target}
    return all(exercise.id in at_target for exercise in exercises_of_stage(athlete, catalogue))


def is_open(exercise: Exercise, progress: tuple[ExerciseProgress, ...]) -> bool:
    """Whether what must come before an exercise was held long enough, or it was done already. Unknown progress is open."""
    if exercise.after is None or not progress:
        return True
    own, before = ({p.exercise: p for p in progress}.get(id_) for id_ in (exercise.id, exercise.after.exercise))
    done_already = own is not None and own.last_rpe_1_10 is not None
    return done_already or (before is not None and (before.hold_s or 0) >= exercise.after.hold_s)


def _at_stage(athlete: Athlete, catalogue: Catalogue, stage: int, day: date) -> Athlete:
    """The athlete at another stage: its own exercises from the start column, the others as they were."""
    athlete = replace(athlete, programme_stage=stage, sessions_at_stage=0, stage_since=day)
    starts = [start_of(exercise) for exercise in exercises_of_stage(athlete, catalogue)]
    return replace(athlete, progress=_with(athlete.progress, starts))


def after_hold(athlete: Athlete, catalogue: Catalogue, day: date) -> Advance:
    """The athlete when a hold is lifted: one stage down, from the start column. The first sessions there are light."""
    stage = max(1, athlete.programme_stage - 1)
    athlete = replace(_at_stage(athlete, catalogue, stage, day), programme_started_on=day)
    return Advance(athlete, (f"Back after the pause: level {stage} from the start, after two light sessions.",))


def _after_break(athlete: Athlete, catalogue: Catalogue, day: date) -> Advance:
    """Four weeks off or more: one stage down, from the start column."""
    last = athlete.last_completed_session_date
    if last is None or (day - last).days < k.STAGE_DOWN_GAP_DAYS:
        return Advance(athlete)
    lifted = athlete.hold_lifted_at
    if lifted is not None and lifted.astimezone(athlete.timezone).date() >= last:
        return Advance(athlete)  # the end of the hold took the stage already
    stage = max(1, athlete.programme_stage - 1)
    athlete = _at_stage(athlete, catalogue, stage, day)
    athlete = replace(athlete, programme_started_on=day)
    return Advance(athlete, (f"Back after {(day - last).days} days: level {stage} again, from the start.",))


def jump_lunges_allowed(seen: Facts) -> bool:
    """The gate of the jump lunges (catalogue, ``jump_lunges.gate``): everything must be known and good."""
    athlete, since_last = seen.athlete, seen.days_since_last_done
    base = next((p for p in athlete.progress if p.exercise == "elevated_split_squat"), None)
    return (
        athlete.programme_stage >= LAST_STAGE
        and athlete.plyometrics_cleared
        and athlete.stage_since is not None
        and (seen.today - athlete.stage_since).days >= 7 * k.JUMP_GATE_WEEKS_AT_STAGE_4
        and base is not None
        and (base.sets or 0) >= k.JUMP_GATE_SETS
        and (base.reps_or_holds or 0) >= k.JUMP_GATE_REPS
        and base.last_rpe_1_10 is not None
        and base.last_rpe_1_10 <= k.JUMP_GATE_MAX_RPE_1_10
        and (base.last_pain_0_10 or 0) <= k.JUMP_GATE_MAX_PAIN_0_10
        and (seen.pain or 0) <= k.JUMP_GATE_MAX_PAIN_0_10
        and since_last is not None
        and since_last < k.REENTRY_GAP_DAYS
        and not _tired_legs(seen)
        and not _race_near(seen)
    )


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
