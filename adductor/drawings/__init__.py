"""Finished drawings of the exercises: SVG for pages, PNG for mails, a stylesheet, and alternative texts.

Package data read on demand. `make drawings` generates the files from the pose data in tools/drawings/.
Every function with an ``exercise_id`` raises KeyError, naming the known ids, for an exercise without a drawing.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

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

_FOLDER = resources.files(__name__)

Inline = Literal["inline", "mirrored", "moving"]


class _Words(NamedTuple):
    description: str
    captions: tuple[str, ...]
    moments_s: tuple[float, ...]


@cache
def _words() -> dict[str, _Words]:
    read = json.loads(_FOLDER.joinpath("words.json").read_text(encoding="utf-8"))
    return {
        exercise_id: _Words(entry["description"], tuple(entry["captions"]), tuple(entry["moments_s"]))
        for exercise_id, entry in read.items()
    }


def _words_of(exercise_id: str) -> _Words:
    try:
        return _words()[exercise_id]
    except KeyError:
        raise KeyError(f"no drawing for {exercise_id!r}; known: {', '.join(exercise_ids())}") from None


@cache
def _text(exercise_id: str, name: str) -> str:
    _words_of(exercise_id)
    return _FOLDER.joinpath(name).read_text(encoding="utf-8")


def exercise_ids() -> tuple[str, ...]:
    """List the ids of all exercises that have a drawing."""
    return tuple(_words())


def svg(exercise_id: str, variant: Inline = "inline") -> str:
    """Read the SVG element that a page embeds; `stylesheet()` colours and moves it.

    inline: moves between the positions. With reduced motion the other positions appear as pale shapes.
    mirrored: the same for the other side of the body, with ids of its own, so that both fit on one page.
    moving: without the pale shapes; the page shows `at_rest` to viewers who prefer reduced motion.
    """
    return _text(exercise_id, f"svg/{exercise_id}.{variant}.svg")


def at_rest(exercise_id: str, *, dark: bool = False) -> str:
    """Read the SVG file that shows the first position with the others as pale shapes, on a light or dark ground."""
    return _text(exercise_id, f"svg/{exercise_id}.{'dark' if dark else 'light'}.svg")


@cache
def png(exercise_id: str) -> bytes:
    """Read the PNG for mails: the positions side by side on a light ground."""
    _words_of(exercise_id)
    return _FOLDER.joinpath(f"png/{exercise_id}.png").read_bytes()


def stylesheet(*exercise_ids: str) -> str:
    """Join the CSS of the inline drawings: the common rules and those of the exercises; without ids, of all of them.

    The result is not cached: a visitor can ask for any of 2**18 selections.
    """
    chosen = [id_ for id_ in _words() if not exercise_ids or id_ in exercise_ids]
    for id_ in exercise_ids:
        _words_of(id_)
    common = _FOLDER.joinpath("css/common.css").read_text(encoding="utf-8")
    return common + "".join(_text(id_, f"css/{id_}.css") for id_ in chosen)


def positions(exercise_id: str) -> int:
    """Count the positions that the drawing shows (two; the squeeze and the jump have three)."""
    return len(captions(exercise_id))


def captions(exercise_id: str) -> tuple[str, ...]:
    """Name each position in a word or two, such as "Start" and "Hold"."""
    return _words_of(exercise_id).captions


def moments_s(exercise_id: str) -> tuple[float, ...]:
    """Give the seconds from the start of the loop at which the moving drawing reaches each position."""
    return _words_of(exercise_id).moments_s


def describe(exercise_id: str) -> str:
    """Describe the exercise in two or three sentences: an alternative text that works without the drawing."""
    return _words_of(exercise_id).description
