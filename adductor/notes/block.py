"""Our block inside a text that belongs to the runner.

The block starts with a plain heading line and ends with a plain signature line; nothing in it is hidden. Everything outside
it stays byte for byte as it was found. A block counts as ours only when it is one that we wrote: one that the runner edited
is theirs, and one that they deleted stays deleted.

The running log may alter a text on its way: line ends, trailing spaces, links taken out (Strava did, 2024-09 to 2025-03).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

HEADING = "Adductor routine · "
SIGNATURE = "— Adductor Coach"

# Between the runner's words and our block. Taken away with the block, so that removing leaves what was there before.
_SEPARATOR = "\n\n"
_BLOCK = re.compile(
    rf"(?:\A|(?<=\n)){re.escape(HEADING)}[^\r\n]*"
    rf"(?:\r?\n(?!{re.escape(HEADING)})[^\r\n]*)*?"
    rf"\r?\n{re.escape(SIGNATURE)}(?=[ \t]*(?:\r?\n|\Z))"
)
_LINK = re.compile(r"https?://\S+")


class Placing(StrEnum):
    """What became of the wish to have our block there, or not there."""

    WRITE = "write"  # the text must be written
    ALREADY_THERE = "already_there"
    NOTHING_THERE = "nothing_there"
    EDITED = "edited_by_runner"
    DELETED = "deleted_by_runner"


@dataclass(frozen=True, slots=True)
class Placed:
    """``text`` is the whole new text when ``placing`` is WRITE, else the text as it was."""

    placing: Placing
    text: str


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    ours: bool
    text: str


def place(current: str, block: str, *, known: Sequence[str] = (), was_there: bool = False) -> Placed:
    """Put ``block`` into ``current``, or replace the one of ours that stands there.

    ``known`` are the blocks that we may have written before. ``was_there``: we know that one of them did stand here, so its
    absence means that the runner took it away.
    """
    found = _find(current, (block, *known))
    ours = [piece for piece in found if piece.ours]
    if not ours:
        if found:
            return Placed(Placing.EDITED, current)
        if was_there:
            return Placed(Placing.DELETED, current)
        return Placed(Placing.WRITE, current + (_SEPARATOR if current else "") + block)
    if len(ours) == 1 and _plain(ours[0].text) == _plain(block):
        return Placed(Placing.ALREADY_THERE, current)
    text = current
    for piece in reversed(ours[1:]):
        text = _without(text, piece)
    first = ours[0]
    return Placed(Placing.WRITE, text[: first.start] + block + text[first.end :])


def remove(current: str, *, known: Sequence[str], separated: bool = True) -> Placed:
    """Take our block away, and the blank line before it where that is ours too (``separated``).

    It isn't where our block began the text: a blank line above it was put there by the runner later.
    """
    found = _find(current, known)
    ours = [piece for piece in found if piece.ours]
    if not ours:
        return Placed(Placing.EDITED if found else Placing.NOTHING_THERE, current)
    text = current
    for piece in reversed(ours):
        text = _without(text, piece) if separated else text[: piece.start] + text[piece.end :]
    return Placed(Placing.WRITE, text)


def block_in(text: str, known: Sequence[str]) -> str | None:
    """Our block as it stands in ``text``, after whatever the running log did to it; None when it isn't there."""
    return next((piece.text for piece in _find(text, known) if piece.ours), None)


def separated(text: str, known: Sequence[str]) -> bool:
    """Whether our block, which we have just written into ``text``, has something of the runner's before it."""
    found = next((piece for piece in _find(text, known) if piece.ours), None)
    return found is not None and found.start > 0


def same(one: str, other: str) -> bool:
    """Whether two texts are the same but for what running logs alter."""
    return _plain(one) == _plain(other)


def _find(text: str, known: Sequence[str]) -> list[_Found]:
    plain = {_plain(block) for block in known}
    return [
        _Found(match.start(), match.end(), _plain(match.group()) in plain, match.group())
        for match in _BLOCK.finditer(text)
    ]


def _without(text: str, piece: _Found) -> str:
    before, after = text[: piece.start], text[piece.end :]
    for separator in (_SEPARATOR, "\r\n\r\n"):
        if before.endswith(separator):
            return before[: -len(separator)] + after
    return before + after


def _plain(text: str) -> str:
    lines = (" ".join(_LINK.sub("", line).split()) for line in text.splitlines())
    return "\n".join(lines).strip()
