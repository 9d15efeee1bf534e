"""Rules between the keys of a catalogue: ids that must exist, durations that must follow from the doses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adductor.catalogue.models import Catalogue, Exercise, RoutinePlan, routine_seconds


def find_problems(catalogue: Catalogue) -> Iterator[str]:
    """List every broken rule with the path of its key."""
    if [stage.number for stage in catalogue.stages] != list(range(1, len(catalogue.stages) + 1)):
        yield "stages: must be numbered 1, 2, 3 and so on, in order"
    for name, entries in (
        ("exercises", catalogue.exercise_list),
        ("routines", catalogue.routine_list),
        ("citations", catalogue.citation_list),
    ):
        yield from _repeated(name, [entry.id for entry in entries])
    for i, exercise in enumerate(catalogue.exercise_list):
        yield from (f"exercises[{i}].{problem}" for problem in _in_exercise(exercise))
        yield from (f"exercises[{i}].{problem}" for problem in _references(catalogue, exercise))
    for i, routine in enumerate(catalogue.routine_list):
        yield from (f"routines[{i}].{problem}" for problem in _in_routine(catalogue, routine))


def _repeated(where: str, ids: Sequence[str]) -> Iterator[str]:
    for i, id_ in enumerate(ids):
        if id_ in ids[:i]:
            yield f"{where}[{i}].id: {id_!r} is there twice"


def _in_exercise(exercise: Exercise) -> Iterator[str]:
    dose, stated = exercise.dose, exercise.estimated_seconds
    if exercise.in_article and exercise.article_name is None:
        yield "article_name: must be the article's wording when in_article is true"
    if (exercise.tempo is None) == (dose.reps is not None):
        yield "tempo_s: must be given for reps, and only for reps"
        return  # no duration follows
    if len(exercise.positions) != (dose.positions if dose.positions > 1 else 0):
        yield f"positions: {len(exercise.positions)} are described but the dose says {dose.positions}"
    for key, said, seconds in (
        ("start", stated.start, exercise.seconds(dose.sets.start, dose.count.min)),
        ("typical_target", stated.typical_target, exercise.seconds(dose.sets.target, dose.count.default)),
        ("max", stated.max, exercise.seconds(dose.sets.max, dose.count.max)),
    ):
        if said != seconds:
            yield f"estimated_seconds.{key}: {said} does not follow from the dose ({seconds})"


def _references(catalogue: Catalogue, exercise: Exercise) -> Iterator[str]:
    if exercise.stage > len(catalogue.stages):
        yield f"stage: there is no stage {exercise.stage}"
    for key, others in (("easier", exercise.easier), ("harder", exercise.harder)):
        yield from (f"{key}: there is no exercise {other!r}" for other in others if other not in catalogue.exercises)
    other = exercise.replaced_without_equipment_by
    if other is not None and other not in catalogue.exercises and "none" not in exercise.equipment.needs.any_of:
        yield f"equipment.substitutes: there is no exercise {other!r}"
    for source in exercise.sources:
        if source not in catalogue.citations:
            yield f"sources: there is no citation {source!r}"


def _in_routine(catalogue: Catalogue, routine: RoutinePlan) -> Iterator[str]:
    if routine.stage > len(catalogue.stages):
        yield f"stage: there is no stage {routine.stage}"
    base = routine.variation_of
    if base is not None and (base not in catalogue.routines or catalogue.routines[base].variation_of):
        yield f"variation_of: there is no routine {base!r} to vary"
    if routine.estimated_minutes != round(routine.seconds / 60, 1):
        yield f"estimated_minutes: {routine.estimated_minutes} is not {routine.seconds} seconds ({routine.seconds / 60:.1f})"
    of_lines: list[int] = []
    for j, line in enumerate(routine.lines):
        exercise = catalogue.exercises.get(line.exercise)
        if exercise is None:
            yield f"items[{j}].exercise: there is no exercise {line.exercise!r}"
            continue
        if exercise.stage > routine.stage:
            yield f"items[{j}].exercise: {line.exercise} is of stage {exercise.stage}"
        if line.sets > exercise.dose.sets.max:
            yield f"items[{j}].sets: {line.sets} is above {exercise.dose.sets.max}"
        count = exercise.dose.count
        if not count.min <= line.count <= count.max:
            yield f"items[{j}].reps_or_holds: {line.count} is not within {count.min}-{count.max}"
        of_lines.append(exercise.seconds(line.sets, line.count))
    if len(of_lines) == len(routine.lines) and routine.seconds != routine_seconds(of_lines):
        yield f"estimated_seconds: {routine.seconds} does not follow from the items ({routine_seconds(of_lines)})"
