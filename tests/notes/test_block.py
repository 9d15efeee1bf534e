"""Our block in a text that belongs to the runner."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adductor.notes import block
from adductor.notes.block import Placing

BLOCK = "\n".join(
    [
        f"{block.HEADING}level 2 · 8 min",
        "1. Squeeze, three positions: 3 x 10 s each",
        "Why today: easy run done, 3 days since the last one, 1 of 2 this week.",
        "Stop if it hurts. Steps and timer: https://coach.example.org/routine/abc",
        block.SIGNATURE,
    ]
)
OTHER = BLOCK.replace("level 2", "light").replace("/abc", "/def")

# What a text may hold that could be mistaken for something of ours.
_TRICKY = st.sampled_from(
    [
        block.HEADING,
        block.SIGNATURE,
        f"{block.HEADING}level 9",
        "\r\n",
        "\n\n",
        "\r",
        "\x0b",
        "\u2028",
        " ",
        "🙂",
        "https://x.example",
    ]
)
TEXTS = st.lists(st.one_of(_TRICKY, st.text(max_size=12)), max_size=8).map("".join)


@given(TEXTS)
def test_placing_keeps_every_byte_of_the_runner_and_removing_gives_it_back(words: str) -> None:
    placed = block.place(words, BLOCK)
    if placed.placing is not Placing.WRITE:
        # Something that looks like a block and isn't ours: theirs, and left alone.
        assert placed.placing is Placing.EDITED
        assert placed.text == words
        return

    assert placed.text.startswith(words)
    removed = block.remove(placed.text, known=[BLOCK])
    if removed.placing is Placing.WRITE:
        assert removed.text == words


@given(TEXTS, TEXTS)
def test_what_the_runner_later_typed_above_our_block_stays_to_the_last_blank_line(above: str, below: str) -> None:
    placed = block.place("", BLOCK)
    separated = block.separated(placed.text, [BLOCK])
    text = f"{above}\n\n{placed.text}\n{below}"

    removed = block.remove(text, known=[BLOCK], separated=separated)

    assert not separated
    if removed.placing is Placing.WRITE:
        assert removed.text == f"{above}\n\n\n{below}"


def test_the_blank_line_that_came_with_our_block_goes_with_it() -> None:
    placed = block.place("Mine.", BLOCK)

    removed = block.remove(placed.text, known=[BLOCK], separated=block.separated(placed.text, [BLOCK]))

    assert removed.text == "Mine."


@given(TEXTS)
def test_placing_twice_leaves_one_block(words: str) -> None:
    once = block.place(words, BLOCK)
    if once.placing is Placing.WRITE and block.block_in(once.text, [BLOCK]) is not None:
        twice = block.place(once.text, BLOCK, was_there=True)
        assert twice.placing is Placing.ALREADY_THERE
        assert twice.text == once.text


@given(TEXTS, TEXTS)
def test_a_changed_routine_takes_the_place_of_the_old_one(before: str, after: str) -> None:
    before, after = (words.replace(block.HEADING.strip(), "").replace(block.SIGNATURE, "") for words in (before, after))

    placed = block.place(f"{before}\n{BLOCK}\n{after}", OTHER, known=[BLOCK], was_there=True)

    assert placed.text == f"{before}\n{OTHER}\n{after}"


@pytest.mark.parametrize(
    "altered",
    [
        BLOCK.replace("\n", "\r\n"),
        BLOCK.replace("\n", "  \n"),
        BLOCK.replace(" https://coach.example.org/routine/abc", ""),
        f"{BLOCK}   ",
        BLOCK.replace("https://coach.example.org/routine/abc", ""),
    ],
    ids=["crlf", "trailing spaces", "link and its space gone", "spaces after it", "link gone"],
)
def test_a_block_that_the_log_altered_is_still_ours(altered: str) -> None:
    text = f"Mine\n\n{altered}"

    assert block.block_in(text, [BLOCK]) is not None
    assert block.place(text, BLOCK, was_there=True).placing is Placing.ALREADY_THERE
    assert block.remove(text, known=[BLOCK]).text.strip() == "Mine"


@pytest.mark.parametrize(
    "edited",
    [
        BLOCK.replace("Stop if it hurts.", "Did it, felt good."),
        BLOCK.replace("3 x 10 s", "3 x 20 s"),
        BLOCK.replace("1. ", "1. tomorrow: "),
        BLOCK.replace("level 2", "level two"),
    ],
)
def test_a_block_that_the_runner_edited_is_theirs(edited: str) -> None:
    assert block.place(edited, BLOCK, was_there=True) == block.Placed(Placing.EDITED, edited)
    assert block.remove(edited, known=[BLOCK]) == block.Placed(Placing.EDITED, edited)


def test_a_block_that_the_runner_deleted_stays_away() -> None:
    assert block.place("Mine", BLOCK, was_there=True) == block.Placed(Placing.DELETED, "Mine")


def test_two_blocks_of_ours_become_one() -> None:
    placed = block.place(f"Mine\n\n{BLOCK}\n\n{OTHER}", BLOCK, known=[OTHER], was_there=True)

    assert placed.text == f"Mine\n\n{BLOCK}"


def test_a_heading_without_its_signature_is_no_block() -> None:
    words = f"{block.HEADING}is what I call it\nno signature here"

    assert block.place(words, BLOCK).text == f"{words}\n\n{BLOCK}"


# -- interleavings ---------------------------------------------------------------------------------------------------

RUNS = 10_000
STEPS = 10
_PIECES = (
    "Felt easy. ", "Legs heavy\r\n", "🙂 ", "\n\n", "Lap 3: 4.5 km ", f"{block.SIGNATURE}\n", "https://x.example/1 ", "  ",
)  # fmt: skip


@dataclass
class _Log:
    """One description, the words of each author in it, and us with a worker that may be late or killed."""

    random: random.Random
    text: str = ""
    outside: str = ""  # what stands outside our block, as its authors last left it
    known: list[str] = field(default_factory=list)
    wanted: str | None = None
    was_there: bool = False
    theirs: bool = False  # the runner edited or deleted our block: it is no longer ours to write
    routines: int = 0

    def somebody_writes(self) -> None:
        """The runner or another app rewrites or adds to what is outside our block; the block keeps lines of its own."""
        before, ours, after = self._split()
        if not ours:
            before = self._words() if self.random.random() < 0.5 else before + self._words()
        elif self.random.random() < 0.5:
            after = self.random.choice(("", after)) + self.random.choice(("\n", "\r\n")) + self._words()
        else:
            before = self._words() + self.random.choice(("\n", "\n\n", "\r\n")) + self.random.choice(("", before))
        self.text = before + ours + after
        self._note_outside()

    def runner_touches_our_block(self) -> None:
        _, ours, _ = self._split()
        if not ours:
            return
        how = self.random.choice(("deletes it", "edits it", "writes into its heading's line"))
        if how == "deletes it":
            self.text = self.text.replace(ours, "", 1)
        elif how == "edits it":
            self.text = self.text.replace("Stop if it hurts.", "Did it.", 1)
        else:
            self.text = self.text.replace(block.HEADING, f"Done: {block.HEADING}", 1)
        self.theirs = True
        self.outside = self.text

    def log_alters_it(self) -> None:
        """Line ends and links of the whole text, as Strava was seen to do."""
        if self.random.random() < 0.5:
            self.text = re.sub(r"(?<!\r)\n", "\r\n", self.text)
        else:
            self.text = re.sub(r"https://coach\S+", "", self.text)
        self._note_outside()

    def routine_changes(self) -> None:
        self.routines += 1
        self.desired_state = BLOCK.replace("level 2", f"level {self.routines}")
        self.known.append(self.desired_state)

    def routine_is_withdrawn(self) -> None:
        self.desired_state = None

    def we_deliver(self) -> None:
        """As a delivery does: read, merge, write, and perhaps be killed before the end is stored."""
        if not self.known or (self.theirs and self.desired_state is None):
            return
        if self.desired_state is not None:
            placed = block.place(self.text, self.desired_state, known=self.known, was_there=self.was_there)
        else:
            placed = block.remove(self.text, known=self.known)
        if placed.placing is Placing.WRITE:
            self.text = placed.text
            killed_before_the_commit = self.random.random() < 0.2
            if not killed_before_the_commit:
                self.was_there = self.desired_state is not None

    def _words(self) -> str:
        return "".join(self.random.choice(_PIECES) for _ in range(self.random.randint(0, 4)))

    def _split(self) -> tuple[str, str, str]:
        ours = block.block_in(self.text, self.known) if self.known else None
        if ours is None:
            return self.text, "", ""
        start = next(found.start() for found in block._BLOCK.finditer(self.text) if found.group() == ours)
        return self.text[:start], ours, self.text[start + len(ours) :]

    def _note_outside(self) -> None:
        before, ours, after = self._split()
        self.outside = _outside(before, after) if ours else self.text


def _outside(before: str, after: str) -> str:
    """What the authors wrote; the separator before our block came with it."""
    for separator in ("\r\n\r\n", "\n\n"):
        if before.endswith(separator):
            return before[: -len(separator)] + after
    return before + after


def test_ten_thousand_interleavings_of_runner_app_and_us() -> None:
    removed = written = 0
    for seed in range(RUNS):
        log = _Log(random.Random(seed))
        log.routine_changes()
        moves = [
            log.somebody_writes,
            log.somebody_writes,
            log.routine_changes,
            log.routine_is_withdrawn,
            log.we_deliver,
            log.we_deliver,
            log.we_deliver,
            log.log_alters_it,
            log.runner_touches_our_block,
        ]
        for _ in range(STEPS):
            move = log.random.choice(moves)
            if move == log.runner_touches_our_block and log.random.random() < 0.7:
                continue
            before = log.text
            move()
            if before == log.text:
                continue
            where = f"seed {seed}, {move.__name__}: {before!r} -> {log.text!r}"
            found = [match.group() for match in block._BLOCK.finditer(log.text)]
            ours = [text for text in found if block.block_in(text, log.known or [""])]
            assert len(ours) <= 1, where
            if move == log.we_deliver:
                first, ours_now, after = log._split()
                stands = _outside(first, after) if ours_now else log.text
                assert stands == log.outside, where
                written += bool(ours_now)
                removed += not ours_now
    assert written > RUNS
    assert removed > RUNS / 20
