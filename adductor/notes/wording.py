"""A suggestion in words: the note, line by line. Short, kind, without jargon; it makes sense without its link."""

from __future__ import annotations

from adductor.coaching.situation import Dose, Routine, RoutineItem
from adductor.notes.block import HEADING, SIGNATURE

# Names that fit on one line of a phone. The full names, and the article's own, are on the pages.
SHORT_NAMES = {
    "side_lying_adduction_top_leg_elevated": "Side-lying lift, top leg on a chair",
    "supine_adductor_squeeze": "Squeeze, three positions",
    "standing_resisted_adduction": "Standing band adduction",
    "half_kneeling_slide_hinge": "Half-kneeling slide hinge",
    "standing_lateral_slide_lunge": "Side slide lunge",
    "single_leg_deadlift": "Single-leg deadlift",
    "bowler_squat": "Bowler squat",
    "cross_over_step_up": "Cross-over step-up",
    "elevated_split_squat": "Elevated split squat",
    "jump_lunges": "Jump lunges",
    "side_lying_adduction_floor": "Side-lying lift, top foot on the floor",
    "copenhagen_short_lever_hold": "Copenhagen hold, knee on a bench",
    "copenhagen_long_lever_hold": "Copenhagen hold, foot on a bench",
    "copenhagen_dynamic_long_lever": "Copenhagen lift",
    "single_leg_deadlift_kickstand": "Kickstand deadlift",
    "step_up_forward_low": "Low step-up",
    "split_squat_floor": "Split squat",
    "side_lying_abduction_other_pan": "Side-lying leg raise",
}

_KIND = {Dose.LIGHT: "light", Dose.ACTIVATION: "warm-up"}


def title(routine: Routine) -> str:
    """The heading without our name: ``level 2 · 8 min``, ``light · 5 min``."""
    return f"{_KIND.get(routine.dose, f'level {routine.stage}')} · {routine.minutes} min"


def short_name(exercise: str) -> str:
    """The name that stands in notes and mails."""
    return SHORT_NAMES.get(exercise, exercise.replace("_", " ").capitalize())


def dose_of(item: RoutineItem) -> str:
    """``2 x 12 each side``, ``1 x 10 s each``, ``3 x 3 holds of 5 s each side``."""
    side = " each side" if item.per_side else ""
    if item.reps is not None:
        return f"{item.sets} x {item.reps}{side}"
    if item.positions > 1:
        return f"{item.sets} x {item.hold_s} s each{side}"
    if item.holds == 1:
        return f"{item.sets} x {item.hold_s} s{side}"
    return f"{item.sets} x {item.holds} holds of {item.hold_s} s{side}"


def note_block(routine: Routine, reason: str, link: str | None) -> str:
    """The block for the note, from its heading to its signature."""
    lines = [f"{HEADING}{title(routine)}"]
    for number, item in enumerate(routine.items, start=1):
        lines.append(f"{number}. {short_name(item.exercise)}: {dose_of(item)}")
        lines += [item.advice] if item.advice else []
    lines.append(f"Why today: {sentence(reason)}")
    lines.append(f"Stop if it hurts. Steps and timer: {link}" if link else "Stop if it hurts.")
    lines.append(SIGNATURE)
    return "\n".join(lines)


def with_answer_link(block: str, link: str) -> str:
    """The block of a private note: with the runner's way to answer, before the signature. Never for a public text."""
    lines = block.split("\n")
    return "\n".join([*lines[:-1], f"Afterwards, how did it go: {link}", lines[-1]])


def sentence(reason: str) -> str:
    """A reason on one line, with its full stop."""
    reason = " ".join(reason.split())
    return reason if reason.endswith((".", "?")) else f"{reason}."
