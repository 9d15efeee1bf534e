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
    lines = [f"{known.meta.title} {known.meta.version}. {known.meta.scope}", ""]
    for stage in known.stages:
        lines.append(f"Level {stage.number}, {stage.name.lower()}")
        for exercise in known.exercises.values():
            if exercise.stage == stage.number:
                lines += _exercise(exercise)
        lines.append("")
    lines.append("Routines")
    for routine in known.routines.values():
        where = ", ".join(sorted(place.replace("_", " ") for place in routine.use_for))
        lines.append(f"  {routine.id}: level {routine.stage}, {where}, {round(routine.seconds / 60)} min")
        for line in routine.lines:
            exercise = known.exercises[line.exercise]
            lines.append(f"    {exercise.name}: {line.sets} x {line.count} {_unit(exercise)}")
    lines += ["", "Composed from, what was done longest ago first, as far as the minutes go"]
    for pool in known.pools:
        where = ", ".join(sorted(place.replace("_", " ") for place in pool.use_for))
        names = ", ".join(known.exercises[id_].name for id_ in pool.exercises)
        lines.append(f"  {pool.id}: level {pool.stage}, {where}: {names}")
    return "\n".join(lines)


def _unit(exercise: Exercise) -> str:
    dose = exercise.dose
    side = " each side" if exercise.per_side else ""
    if dose.hold_s is None:
        return f"reps{side}"
    return f"holds of {dose.hold_s.default} s{side}" + (f" in {dose.positions} positions" if dose.positions > 1 else "")


def _exercise(exercise: Exercise) -> list[str]:
    dose = exercise.dose
    count = dose.count
    span = str(count.default) if count.min == count.max else f"{count.min}-{count.max}"
    lines = [
        f"  {exercise.name} ({exercise.id})",
        f"    {dose.sets.start} to {dose.sets.target} sets of {span} {_unit(exercise)}",
    ]
    if exercise.article_name is not None:
        lines.append(f'    article: "{exercise.article_name}", {exercise.article_prescription}')
    if exercise.interpretation is not None:
        lines.append(f"    note: {exercise.interpretation.show_user}")
    substitutes = f" (or {', '.join(exercise.equipment.substitutes)})" if exercise.equipment.substitutes else ""
    lines.append(f"    needs: {', '.join(exercise.equipment.preferred)}{substitutes}")
    lines.append(f"    sources: {', '.join(exercise.sources)}")
    return lines
