"""Finished drawings of the exercises: SVG for pages, PNG for mails, a stylesheet, and alternative texts.

Package data read on demand. `make drawings` generates the files from the pose data in tools/drawings/.
Every function with an ``exercise_id`` raises KeyError for an exercise without a drawing.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

_FOLDER = resources.files(__name__)

Variant = Literal["inline", "mirrored", "moving", "light", "dark"]


class Words(NamedTuple):
    """What a drawing shows, in words.

    ``description``: two or three sentences, an alternative text that works without the drawing. ``captions`` name each
    position, such as "Start" and "Hold"; ``moments_s`` are the seconds of the loop at which the drawing reaches them.
    """

    description: str
    captions: tuple[str, ...]
    moments_s: tuple[float, ...]


@cache
def _words() -> dict[str, Words]:
    read = json.loads(_FOLDER.joinpath("words.json").read_text(encoding="utf-8"))
    return {
        exercise_id: Words(entry["description"], tuple(entry["captions"]), tuple(entry["moments_s"]))
        for exercise_id, entry in read.items()
    }


def exercise_ids() -> tuple[str, ...]:
    """List the ids of all exercises that have a drawing."""
    return tuple(_words())


def words(exercise_id: str) -> Words:
    """Look up the words of a drawing."""
    return _words()[exercise_id]


@cache
def _file(exercise_id: str, name: str) -> bytes:
    words(exercise_id)
    return _FOLDER.joinpath(name).read_bytes()


def svg(exercise_id: str, variant: Variant = "inline") -> str:
    """Read a drawing as SVG. The first three are elements that a page embeds; `stylesheet()` colours and moves them.

    inline: moves between the positions. With reduced motion the other positions appear as pale shapes.
    mirrored: the same for the other side of the body, with ids of its own, so that both fit on one page.
    moving: without the pale shapes; the page shows light or dark to viewers who prefer reduced motion.
    light, dark: a file on that ground that shows the first position with the others as pale shapes.
    """
    return _file(exercise_id, f"svg/{exercise_id}.{variant}.svg").decode()


def png(exercise_id: str) -> bytes:
    """Read the PNG for mails: the positions with captions on a light ground, side by side; three are stacked."""
    return _file(exercise_id, f"png/{exercise_id}.png")


def stylesheet(*exercise_ids: str) -> str:
    """Join the CSS of the inline drawings: the common rules and those of the exercises; without ids, of all of them.

    The result is not cached: a visitor can ask for any of 2**18 selections.
    """
    common = _FOLDER.joinpath("css/common.css").read_text(encoding="utf-8")
    return common + "".join(_file(id_, f"css/{id_}.css").decode() for id_ in exercise_ids or _words())
