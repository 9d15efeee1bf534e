"""`adductor catalogue`: the exercises and routines."""

from __future__ import annotations

import click

from adductor.catalogue import catalogue as load_catalogue
from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching.routine import item_of
from adductor.notes import wording


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
def catalogue(as_json: bool) -> None:
    """Show the exercises and routines.

    \b
    Example:
      adductor catalogue
      adductor catalogue --json
    """
    known = load_catalogue()
    click.echo(known.model_dump_json(indent=2, by_alias=True) if as_json else _in_words(known))


def _in_words(known: Catalogue) -> str:
    lines = [f"{known.meta.title} {known.meta.version}. {known.meta.scope}"]
    for stage in known.stages:
        lines += ["", f"Level {stage.number}, {stage.name.lower()}"]
        for exercise in known.exercises.values():
            if exercise.stage == stage.number:
                dose = exercise.dose
                first, aim = ((dose.sets.start, dose.count.min), (dose.sets.target, dose.count.max))
                lines.append(
                    f"  {exercise.name} ({exercise.id}): {_dose(exercise, *first)}, up to {_dose(exercise, *aim)}"
                )
                if exercise.article_name is not None:
                    lines.append(f'    article: "{exercise.article_name}", {exercise.article_prescription}')
    lines += ["", "Routines"]
    for routine in known.routines.values():
        where = ", ".join(sorted(place.replace("_", " ") for place in routine.use_for))
        lines.append(f"  {routine.id}: level {routine.stage}, {where}, {round(routine.seconds / 60)} min")
        for line in routine.lines:
            exercise = known.exercises[line.exercise]
            lines.append(f"    {exercise.name}: {_dose(exercise, line.sets, line.count)}")
    return "\n".join(lines)


def _dose(exercise: Exercise, sets: int, count: int) -> str:
    return wording.dose_of(item_of(exercise, sets, count))
