"""What the runners write, and which part of a text is theirs. Knows nothing of the product but the two lines that it
promises to put around its block."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

HEADING = "Adductor routine · "
SIGNATURE = "— Adductor Coach"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")


@dataclass(frozen=True, slots=True)
class Parts:
    """A text around its first block; without a block all of it is ``before``."""

    before: str
    block: str | None
    after: str


def blocks(text: str) -> list[tuple[int, int]]:
    """Where blocks stand: from the last heading line before a signature line to the end of that."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for line in _LINE.finditer(text):
        words = line.group().rstrip("\r\n")
        if words.startswith(HEADING):
            start = line.start()
        elif start is not None and words.rstrip(" \t") == SIGNATURE:
            found.append((start, line.start() + len(SIGNATURE)))
            start = None
    return found


def parts(text: str) -> Parts:
    """The text around its first block."""
    found = blocks(text)
    if not found:
        return Parts(text, None, "")
    start, end = found[0]
    return Parts(text[:start], text[start:end], text[end:])


def same_words(before: str, after: str, *, blank_line_is_ours: bool) -> bool:
    """Whether an application's change from one text to the other leaves everything outside its block byte for byte.

    ``blank_line_is_ours``: it put a blank line before its block, which may go with the block.
    """
    old, new = parts(before), parts(after)
    if old.block is None and new.block is None:
        return before == after
    if old.block is None:
        return new.before == old.before + ("\n\n" if old.before else "") and not new.after
    if new.block is None:
        return after == without(before, blank_line_is_ours=blank_line_is_ours)
    return (old.before, old.after) == (new.before, new.after)


def without(text: str, *, blank_line_is_ours: bool) -> str:
    """The text with its block taken away."""
    found = parts(text)
    if found.block is None:
        return text
    before = found.before
    if blank_line_is_ours:
        for separator in ("\r\n\r\n", "\n\n"):
            if before.endswith(separator):
                before = before[: -len(separator)]
                break
    return before + found.after


_WORDS = (
    "Legs felt heavy.", "Along the river, wind from the east", "5 x 3 min, all even", "Schön war's \U0001f327️", "膝は大丈夫",
    "Shoes: 312 km", "https://example.org/route/77", "pace 5.25, heart rate 141", "Trailing spaces here   ", "\ttab first",
    "- one\n- two", "Zwei\r\nZeilen", "“quotes” & <b>tags</b>", "Adductor routine · mine was the shower", "…", "é e\u0301",
)  # fmt: skip


def words(chance: random.Random) -> str:
    """Something that a runner might write, with every kind of line end and blank."""
    chosen = [chance.choice(_WORDS) for _ in range(chance.randint(1, 4))]
    text = chance.choice(("\n", "\n", "\n\n", "\r\n")).join(chosen)
    return text + chance.choice(("", "", "", "\n", "\n\n", "  "))


def edited(text: str, chance: random.Random) -> str:
    """The text after its runner has been at it; a block in it is left as it is."""
    found, new = parts(text), words(chance)
    if found.block is None:
        return chance.choice((new, f"{text}\n{new}", f"{new}\n{text}", new, ""))
    return chance.choice(
        (
            f"{new}\n{text}",
            f"{text}\n{new}",
            f"{new}\n\n{found.block}{found.after}",
            f"{found.before}{found.block}\n\n{new}",
            f"{text}\n\n",
        )
    )


def tampered(text: str) -> str:
    """The runner changes a line inside the block: from now on it is theirs."""
    found = parts(text)
    if found.block is None:
        return text
    lines = found.block.split("\n")
    return found.before + "\n".join([lines[0], "(did half of it)", *lines[1:]]) + found.after
