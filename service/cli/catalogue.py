"""`adductor catalogue`: the exercises and routines."""

from __future__ import annotations

import click

from adductor.catalogue import catalogue as load_catalogue
from adductor.catalogue.models import Catalogue, Exercise


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
                lines += _exercise(exercise)
    lines += ["", "Routines"]
    for routine in known.routines.values():
        where = ", ".join(sorted(place.replace("_", " ") for place in routine.use_for))
        lines.append(f"  {routine.id}: level {routine.stage}, {where}, {round(routine.seconds / 60)} min")
        for line in routine.lines:
            exercise = known.exercises[line.exercise]
            lines.append(f"    {exercise.name}: {line.sets} x {line.count} {_unit(exercise)}")
    return "\n".join(lines)


def _exercise(exercise: Exercise) -> list[str]:
    dose, count = exercise.dose, exercise.dose.count
    span = str(count.default) if count.min == count.max else f"{count.min}-{count.max}"
    lines = [
        f"  {exercise.name} ({exercise.id}): {dose.sets.start} to {dose.sets.target} sets of {span} {_unit(exercise)}"
    ]
    if exercise.article_name is not None:
        lines.append(f'    article: "{exercise.article_name}", {exercise.article_prescription}')
    return lines


def _unit(exercise: Exercise) -> str:
    dose = exercise.dose
    side = " each side" if exercise.per_side else ""
    if dose.hold_s is None:
        return f"reps{side}"
    return f"holds of {dose.hold_s.default} s{side}" + (f" in {dose.positions} positions" if dose.positions > 1 else "")
