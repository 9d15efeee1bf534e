"""Texts of athletes, and the parser that tells their words from our block by its heading and its signature alone."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

HEADING = "Adductor routine · "
SIGNATURE = "— Adductor Coach"
# From the last heading line before a signature line to the signature's end.
_BLOCK = re.compile(
    rf"(?:\A|(?<=[\r\n])){HEADING}(?:(?![\r\n]{HEADING}).)*?[\r\n]{SIGNATURE}(?=[ \t]*(?:[\r\n]|\Z))", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A text around its first block; without a block all of it is ``before``."""

    before: str
    block: str | None
    after: str


def blocks(text: str) -> list[tuple[int, int]]:
    """Start and end of each block."""
    return [found.span() for found in _BLOCK.finditer(text)]


def parts(text: str) -> Parts:
    """The text around its first block."""
    found = blocks(text)
    if not found:
        return Parts(text, None, "")
    start, end = found[0]
    return Parts(text[:start], text[start:end], text[end:])


def same_words(before: str, after: str, *, blank_line_is_ours: bool) -> bool:
    """Whether a change leaves everything outside the block byte for byte.

    ``blank_line_is_ours``: we put a blank line before the block, which may go with it.
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
    """The text without its block."""
    found = parts(text)
    if found.block is None:
        return text
    before = re.sub(r"(\r\n\r\n|\n\n)\Z", "", found.before) if blank_line_is_ours else found.before
    return before + found.after


_WORDS = (
    "Legs felt heavy.", "Along the river, wind from the east", "5 x 3 min, all even", "Schön war's \U0001f327️", "膝は大丈夫",
    "Shoes: 312 km", "https://example.org/route/77", "pace 5.25, heart rate 141", "Trailing spaces here   ", "\ttab first",
    "- one\n- two", "Zwei\r\nZeilen", "“quotes” & <b>tags</b>", "Adductor routine · mine was the shower", "…", "é e\u0301",
)  # fmt: skip


def words(chance: random.Random) -> str:
    """A made-up text, with every kind of line end and blank."""
    chosen = [chance.choice(_WORDS) for _ in range(chance.randint(1, 4))]
    text = chance.choice(("\n", "\n", "\n\n", "\r\n")).join(chosen)
    return text + chance.choice(("", "", "", "\n", "\n\n", "  "))


def edited(text: str, chance: random.Random) -> str:
    """The text after an edit by its athlete that leaves our block as it is."""
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


def taken_away(text: str) -> str:
    """The text after its athlete removed our block and the blank line above it."""
    return without(text, blank_line_is_ours=True)


def tampered(text: str) -> str:
    """The text after its athlete changed a line inside our block: from then on the block is theirs."""
    found = parts(text)
    if found.block is None:
        return text
    lines = found.block.split("\n")
    return found.before + "\n".join([lines[0], "(did half of it)", *lines[1:]]) + found.after
