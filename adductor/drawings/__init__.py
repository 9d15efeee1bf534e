"""Drawings of the exercises, made from pose data: inline SVG for pages, PNG for mails, and words for those who listen.

Pure functions of the exercise id; no web framework, no network.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from adductor.drawings import floor_poses, picture, sheet, standing_poses
from adductor.drawings.scene import Drawing

__all__ = [
    "at_rest",
    "captions",
    "describe",
    "exercise_ids",
    "moments_s",
    "png",
    "positions",
    "stylesheet",
    "svg",
]

MAIL_GROUND = "#f7f9fa"


@cache
def _drawings() -> dict[str, Drawing]:
    return {d.exercise_id: d for d in (*floor_poses.drawings(), *standing_poses.drawings())}


def drawing(exercise_id: str) -> Drawing:
    """The pose data of an exercise. Raises KeyError, naming the known ids, when there is none."""
    try:
        return _drawings()[exercise_id]
    except KeyError:
        raise KeyError(f"no drawing for {exercise_id!r}; known: {', '.join(exercise_ids())}") from None


def exercise_ids() -> tuple[str, ...]:
    """The ids of all exercises that have a drawing."""
    return tuple(_drawings())


@cache
def svg(
    exercise_id: str,
    *,
    animated: bool = True,
    size: int | None = None,
    mirrored: bool = False,
    suffix: str = "",
    still: bool = True,
) -> str:
    """An SVG to put into a page, described by its own title and desc.

    animated: one picture that moves between the positions (by `stylesheet()`; still, with the other position as a
    pale shape, when the viewer prefers reduced motion). Otherwise the positions side by side.
    size: width in CSS pixels; without it the picture fills its container.
    mirrored: left and right exchanged, for the other side of the body.
    suffix: added to the ids, for a second copy of the same drawing on one page.
    still: with that pale shape (half a kilobyte); without it the page shows `at_rest` to whom nothing may move.
    Raises KeyError for an unknown exercise.
    """
    return picture.inline_svg(
        drawing(exercise_id), animated=animated, width_px=size, mirrored=mirrored, suffix=suffix, still=still
    )


def positions(exercise_id: str) -> int:
    """How many positions the exercise's drawing has (two; the squeeze and the jump have three)."""
    return len(drawing(exercise_id).shown)


def captions(exercise_id: str) -> tuple[str, ...]:
    """A word or two for each position, such as "Start" and "Hold"."""
    return drawing(exercise_id).captions


def moments_s(exercise_id: str) -> tuple[float, ...]:
    """When each position is reached in the loop of the moving drawing, in seconds from its start: where to stop it to
    show one. Raises KeyError for an unknown exercise."""
    chosen = drawing(exercise_id)
    reached = {0: 0.0}
    now = 0.0
    for step in chosen.steps:
        now += step.move_s
        reached.setdefault(step.to, now)
        now += step.hold_s
    return tuple(round(reached[position], 3) for position in chosen.shown)


def at_rest(exercise_id: str, *, dark: bool = False) -> str:
    """The first position with the others as pale shapes, as an SVG file for a light or a dark ground.

    Raises KeyError for an unknown exercise.
    """
    return picture.still_svg(drawing(exercise_id), picture.DARK if dark else picture.LIGHT)


def poster(exercise_id: str) -> str:
    """All positions side by side as an SVG file, on a light ground: the source of the PNG."""
    chosen = drawing(exercise_id)
    return picture.standalone_svg(chosen, chosen.shown, MAIL_GROUND)


def _file(name: str) -> Any:
    return resources.files("adductor.drawings").joinpath(name)


@cache
def png(exercise_id: str) -> bytes:
    """The positions side by side as a PNG for mails, on a light ground. Raises KeyError for an unknown exercise."""
    drawing(exercise_id)
    found: bytes = _file(f"png/{exercise_id}.png").read_bytes()
    return found


def stylesheet(*exercise_ids: str) -> str:
    """The CSS that colours and moves the inline drawings; static, to be served as a file.

    With ids only what these exercises need: the whole is about 130 kB (15 kB compressed), one exercise a few.
    Raises KeyError for an unknown exercise. Not cached: there are as many selections as sets of exercises, and whoever
    asks for them keeps what they need.
    """
    whole: str = _file("drawings.css").read_text(encoding="utf-8")
    if not exercise_ids:
        return whole
    for exercise_id in exercise_ids:
        drawing(exercise_id)
    first, *sections = re.split(r"^(?=/\* [a-z0-9_]+ \*/$)", whole, flags=re.MULTILINE)
    wanted = {sheet.section(exercise_id) for exercise_id in exercise_ids}
    return first + "".join(text for text in sections if text.splitlines()[0] in wanted)


def describe(exercise_id: str) -> str:
    """The exercise in two or three sentences: an alternative text that can be followed without the drawing."""
    chosen = drawing(exercise_id)
    return f"{chosen.title}. Start: {chosen.start} Movement: {chosen.movement}"
