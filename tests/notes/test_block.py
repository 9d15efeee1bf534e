"""Our block in a text that belongs to the runner."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adductor.notes import block
from adductor.notes.block import Identity, Kind, Placed, Placing

KEY, OTHER_KEY = "abcdefgh1234", "zyxwvuts9876"
BLOCK = "\n".join(
    [
        f"{block.HEADING}level 2 · 8 min",
        "1. Squeeze, three positions: 3 x 10 s each",
        "Why today: 7.5 km done easily, 3 days since the last one, 1 of 2 in the last 7 days.",
        f"Stop if it hurts. Steps and timer: https://coach.example.org/routine/{KEY}",
        block.SIGNATURE,
    ]
)
CHANGED = BLOCK.replace("level 2", "light")  # the same routine in other words
OTHER = BLOCK.replace(KEY, OTHER_KEY)  # another routine in the same words
LINES = BLOCK.split("\n")

# What a text may hold that could be mistaken for something of ours.
_OURS = (block.HEADING, block.SIGNATURE, f"{block.HEADING}level 9")
_TRICKY = st.sampled_from([*_OURS, "\r\n", "\n\n", "\r", "\x0b", "\u2028", " ", "🙂", "https://x.example"])
TEXTS = st.lists(st.one_of(_TRICKY, st.text(max_size=12)), max_size=8).map("".join)


def ours(*texts: str) -> Identity:
    """The block that should stand is the first of these texts; the others are known too."""
    return Identity(texts[0], texts, frozenset((KEY,)))


def _kinds(text: str, identity: Identity) -> list[Kind]:
    return [found.kind for found in block.find(text, identity)]


# -- the runner's words -------------------------------------------------------------------------------------------------


@given(TEXTS)
def test_place_and_remove_keep_every_byte_of_the_runner(words: str) -> None:
    placed = block.place(words, ours(BLOCK))
    if placed.placing is not Placing.WRITE:
        # Something that looks like a block and isn't one that we wrote: theirs, and left alone.
        assert placed == Placed(Placing.EDITED, words)
        return

    assert placed.text.startswith(words)
    removed = block.remove(placed.text, ours(BLOCK))
    if removed.placing is Placing.WRITE:
        assert removed.text == words


@given(TEXTS, TEXTS)
def test_remove_keeps_the_blank_line_that_the_runner_put_above(above: str, below: str) -> None:
    removed = block.remove(f"{above}\n\n{BLOCK}\n{below}", ours(BLOCK), separated=False)

    if removed.placing is Placing.WRITE:
        assert removed.text == f"{above}\n\n\n{below}"


@given(TEXTS, TEXTS, st.sampled_from([CHANGED, OTHER]))
def test_place_replaces_an_outdated_or_stale_block_where_it_stands(before: str, after: str, old: str) -> None:
    before, after = (words.replace(block.HEADING.strip(), "").replace(block.SIGNATURE, "") for words in (before, after))

    placed = block.place(f"{before}\n{old}\n{after}", ours(BLOCK, CHANGED, OTHER))

    assert placed.text == f"{before}\n{BLOCK}\n{after}"


# -- whose block --------------------------------------------------------------------------------------------------------

_ALTERED = {
    "crlf": BLOCK.replace("\n", "\r\n"),
    "other dashes and dots": BLOCK.replace("—", "-").replace("·", "•"),
    "no dashes and dots": BLOCK.replace("— ", "").replace("· ", ""),
    "entities": BLOCK.replace("—", "&mdash;").replace("·", "&middot;"),
    "trailing spaces": BLOCK.replace("\n", "  \n"),
    "no-break spaces": BLOCK.replace(" ", "\u00a0"),
    "capitals": BLOCK.upper().replace(KEY.upper(), KEY),
    "blank lines between": BLOCK.replace("\n", "\n\n"),
    "link gone": BLOCK.replace(f" https://coach.example.org/routine/{KEY}", ""),
    "link without scheme": BLOCK.replace("https://", ""),
    "link cut": BLOCK.replace(KEY, KEY[:8]),
    "runner's own link": BLOCK.replace(f"routine/{KEY}", f"r/{KEY}mnopqrst5672"),
    "runner's own link cut": BLOCK.replace(f"routine/{KEY}", f"r/{KEY}mno"),
    "decimal point gone": BLOCK.replace("7.5", "75"),
    "decimal gone": BLOCK.replace("7.5 ", ""),
    **{f"line {number} cut": "\n".join([*LINES[:number], *LINES[number + 1 :]]) for number in range(len(LINES))},
    "end cut": BLOCK[:150],
}  # fmt: skip


@pytest.mark.parametrize("altered", _ALTERED.values(), ids=_ALTERED)
def test_a_block_that_the_platform_altered_is_ours(altered: str) -> None:
    text = f"Mine\n\n{altered}"

    assert _kinds(text, ours(BLOCK)) == [Kind.CURRENT]
    assert block.place(text, ours(BLOCK), was_there=True).placing is Placing.ALREADY_THERE
    assert block.remove(text, ours(BLOCK)).text.strip() == "Mine"


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("Stop if it hurts.", "Did it, felt good."),
        ("3 x 10 s", "3 x 20 s"),
        ("1. ", "1. tomorrow: "),
        ("level 2", "level two"),
        (block.HEADING, f"Done: {block.HEADING}"),
        (block.SIGNATURE, f"{block.SIGNATURE}, thanks"),
        ("Why today", "That was hard\nWhy today"),
    ],
)
def test_a_block_that_the_runner_edited_is_theirs(words: str, instead: str) -> None:
    edited = BLOCK.replace(words, instead)

    for text in (edited, edited.replace(f"https://coach.example.org/routine/{KEY}", "")):
        assert block.place(text, ours(BLOCK), was_there=True) == Placed(Placing.EDITED, text)
        assert block.remove(text, ours(BLOCK)) == Placed(Placing.EDITED, text)


def test_a_block_that_the_runner_deleted_stays_away() -> None:
    assert block.place("Mine", ours(BLOCK), was_there=True) == Placed(Placing.DELETED, "Mine")


@pytest.mark.parametrize(
    ("known", "placed"),
    [([BLOCK, OTHER], f"Mine\n\n{BLOCK}"), ([BLOCK], f"Mine\n\n{OTHER}\n\n{BLOCK}")],
    ids=["this athlete's", "a stranger's"],
)
def test_the_same_words_with_another_link_are_another_routine(known: list[str], placed: str) -> None:
    """Ours to replace when the link is one of this athlete's; else words of the runner."""
    text = f"Mine\n\n{OTHER}"

    assert block.place(text, ours(*known)).text == placed
    assert block.remove(text, ours(*known)) == Placed(Placing.NOTHING_THERE, text)


@pytest.mark.parametrize(
    ("standing", "placing"),
    [((BLOCK, CHANGED), Placing.WRITE), ((BLOCK, OTHER), Placing.WRITE), ((OTHER, BLOCK), Placing.WRITE),
     ((BLOCK, BLOCK), Placing.WRITE), ((BLOCK,), Placing.ALREADY_THERE)],
)  # fmt: skip
def test_several_blocks_of_ours_become_one(standing: tuple[str, ...], placing: Placing) -> None:
    placed = block.place("\n\n".join(("Mine", *standing)), ours(BLOCK, CHANGED, OTHER), was_there=True)

    assert placed == Placed(placing, f"Mine\n\n{BLOCK}")


@pytest.mark.parametrize(
    "words",
    [
        f"{block.HEADING}is what I call it\nno signature here",
        "Did my adductor routine.",
        "Did my adductor routine.\nAdductor Coach is right: easy.",
        LINES[0],
        "\n".join(LINES[1:3]),
        block.SIGNATURE,
    ],
)
def test_words_that_only_resemble_a_block_are_the_runners(words: str) -> None:
    assert block.place(words, ours(BLOCK)) == Placed(Placing.WRITE, f"{words}\n\n{BLOCK}")


def test_a_block_that_a_write_brought_in_is_ours_in_any_words() -> None:
    unforeseen = BLOCK.replace(" x ", " × ").replace("Steps", "Etapes")

    assert block.standing(unforeseen, ours(BLOCK)) is None
    assert block.standing(unforeseen, ours(BLOCK), before=unforeseen) is None
    found = block.standing(unforeseen, ours(BLOCK), before="Mine")
    assert found is not None
    assert found.text == unforeseen


# -- interleavings ---------------------------------------------------------------------------------------------------

RUNS = 4_000
STEPS = 10
_PIECES = (
    "Felt easy. ", "Legs heavy\r\n", "🙂 ", "\n\n", "Lap 3: 4.5 km ", f"{block.SIGNATURE}\n", "https://x.example/1 ", "  ",
)  # fmt: skip
_ALTERATIONS: tuple[Callable[[str], str], ...] = (
    lambda text: re.sub(r"(?<!\r)\n", "\r\n", text),
    lambda text: re.sub(r"https://coach\S+", "", text),
    lambda text: text.replace("—", "-"),
    lambda text: text.replace("·", "•"),
)


@dataclass
class _Log:
    """One description, the words of each author in it, and us with a worker that may be late or killed."""

    random: random.Random
    text: str = ""
    known: list[str] = field(default_factory=list)
    present: bool = True
    was_there: bool = False
    theirs: bool = False  # the runner edited or deleted our block: it is no longer ours to write
    routines: int = 0

    @property
    def identity(self) -> Identity:
        return ours(self.known[-1], *self.known)

    def authors_write(self) -> None:
        """The runner or another app rewrites or adds to what is outside our block; the block keeps lines of its own."""
        before, standing, after = self.split()
        if not standing:
            before = self._words() if self.random.random() < 0.5 else before + self._words()
        elif self.random.random() < 0.5:
            after = self.random.choice(("", after)) + self.random.choice(("\n", "\r\n")) + self._words()
        else:
            before = self._words() + self.random.choice(("\n", "\n\n", "\r\n")) + self.random.choice(("", before))
        self.text = before + standing + after

    def runner_touches_our_block(self) -> None:
        _, standing, _ = self.split()
        if not standing or self.random.random() < 0.7:
            return
        touched = ("", standing.replace("Stop if it hurts.", "Did it."), f"Done: {standing}")
        self.text = self.text.replace(standing, self.random.choice(touched), 1)
        self.theirs = True

    def log_alters_it(self) -> None:
        self.text = self.random.choice(_ALTERATIONS)(self.text)

    def routine_changes(self) -> None:
        self.routines += 1
        self.present = True
        self.known.append(BLOCK.replace("level 2", f"level {self.routines}"))

    def routine_is_withdrawn(self) -> None:
        self.present = False

    def we_deliver(self) -> None:
        """As a delivery does: read, merge, write, and perhaps be killed before the end is stored."""
        if self.theirs and not self.present:
            return
        if self.present:
            placed = block.place(self.text, self.identity, was_there=self.was_there)
        else:
            placed = block.remove(self.text, self.identity)
        if placed.placing is Placing.WRITE:
            self.text = placed.text
            killed_before_the_commit = self.random.random() < 0.2
            if not killed_before_the_commit:
                self.was_there = self.present

    def split(self) -> tuple[str, str, str]:
        """The text before our block, our block, the text after it."""
        found = [piece for piece in block.find(self.text, self.identity) if piece.kind is not Kind.EDITED]
        if not found:
            return self.text, "", ""
        return self.text[: found[0].start], found[0].text, self.text[found[0].end :]

    def _words(self) -> str:
        return "".join(self.random.choice(_PIECES) for _ in range(self.random.randint(0, 4)))

    def outside(self) -> str:
        """What the authors wrote; the separator before our block came with it."""
        before, standing, after = self.split()
        for separator in ("\r\n\r\n", "\n\n") if standing else ():
            if before.endswith(separator):
                return before[: -len(separator)] + after
        return before + after


def test_thousands_of_interleavings_of_runner_app_and_us() -> None:
    removed = written = 0
    for seed in range(RUNS):
        log = _Log(random.Random(seed))
        log.routine_changes()
        moves = [
            *[log.authors_write] * 2,
            *[log.we_deliver] * 3,
            log.routine_changes,
            log.routine_is_withdrawn,
            log.log_alters_it,
            log.runner_touches_our_block,
        ]
        for _ in range(STEPS):
            move = log.random.choice(moves)
            before, outside = log.text, log.outside()
            move()
            if before == log.text:
                continue
            where = f"seed {seed}, {move.__name__}: {before!r} -> {log.text!r}"
            found = [kind for kind in _kinds(log.text, log.identity) if kind is not Kind.EDITED]
            assert len(found) <= 1, where
            if move == log.we_deliver:
                assert log.outside() == outside, where
                written += bool(found)
                removed += not found
    assert written > RUNS
    assert removed > RUNS / 20
