"""A suggestion in words: the note, line by line. Short, kind, without jargon; it makes sense without its link."""

from __future__ import annotations

from collections.abc import Sequence

from adductor.catalogue import catalogue
from adductor.coaching.situation import Dose, Placement, Routine, RoutineItem
from adductor.notes.block import HEADING, SIGNATURE

_STOP = "Stop if it hurts."
_KIND = {Dose.LIGHT: "light", Dose.ACTIVATION: "warm-up"}


def title(routine: Routine) -> str:
    """The heading without our name: ``level 2 · 8 min``, ``light · 5 min``."""
    return f"{_KIND.get(routine.dose, f'level {routine.stage}')} · {routine.minutes} min"


def short_name(exercise: str) -> str:
    """The catalogue's name; of an exercise that is no longer in it, its id in words."""
    known = catalogue().exercises.get(exercise)
    return exercise.replace("_", " ").capitalize() if known is None else known.name


def name_of(item: RoutineItem, *, public: bool = False) -> str:
    """The exercise's short name. One of the runner's own has a name that only they read."""
    if item.name is None:
        return short_name(item.exercise)
    return "An exercise of my own" if public else item.name


def dose_of(item: RoutineItem) -> str:
    """``2 x 12 each side``, ``1 x 10 s each``, ``3 x 3 holds of 5 s each side``."""
    side = " each side" if item.per_side else ""
    side += f", one set more {item.extra_set_side}" if item.extra_set_side else ""
    if item.reps is not None:
        return f"{item.sets} x {item.reps}{side}"
    if item.positions > 1:
        return f"{item.sets} x {item.hold_s} s each{side}"
    if item.holds == 1:
        return f"{item.sets} x {item.hold_s} s{side}"
    return f"{item.sets} x {item.holds} holds of {item.hold_s} s{side}"


def note_block(routine: Routine, reason: str, link: str | None, *, public: bool = False) -> str:
    """The block for the note, from its heading to its signature. ``public``: for a place that others read."""
    lines = [f"{HEADING}{title(routine)}"]
    for number, item in enumerate(routine.items, start=1):
        lines.append(f"{number}. {name_of(item, public=public)}: {dose_of(item)}")
        lines += [item.advice] if item.advice else []
    lines.append(f"Why today: {sentence(reason)}")
    lines.append(f"{_STOP} Steps and timer: {link}" if link else _STOP)
    lines.append(SIGNATURE)
    return "\n".join(lines)


def planned_note(placement: Placement, dose: Dose, settings_url: str) -> str:
    """Name and text of a calendar entry for a day ahead. A coach may read it: no private link, and no reason."""
    kind = "light strength" if dose is Dose.LIGHT else "strength"
    when = "on a rest day" if placement is Placement.REST_DAY else "after your run"
    return (
        f"Planned: {kind} for your inner thighs, {when}\n"
        "The plan follows your runs, so it may move. The routine itself comes on its day. "
        f"Switch these entries off under Running logs: {settings_url}"
    )


def with_private_link(block: str, link: str) -> str:
    """The block for a place that only the runner reads: its link also finishes the routine. Never for a public text."""
    lines = [f"{_STOP} Start and finish here: {link}" if line.startswith(_STOP) else line for line in block.split("\n")]
    return "\n".join(lines)


def with_lines(block: str, lines: Sequence[str]) -> str:
    """The block with more lines before its signature."""
    *above, signature = block.split("\n")
    return "\n".join([*above, *lines, signature])


def sentence(reason: str) -> str:
    """A reason on one line, with its full stop."""
    reason = " ".join(reason.split())
    return reason if reason.endswith((".", "?")) else f"{reason}."
