"""Our block in a text that belongs to the runner."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
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

_PIECES = (
    "Felt easy. ", "Legs heavy\r\n", "🙂 ", "\n\n", "Lap 3: 4.5 km ", f"{block.SIGNATURE}\n", "https://x.example/1 ", "  ",
)  # fmt: skip
_ALTERATIONS: tuple[Callable[[str], str], ...] = (
    lambda text: re.sub(r"(?<!\r)\n", "\r\n", text),
    lambda text: re.sub(r"https://coach\S+", "", text),
    lambda text: text.replace("—", "-"),
    lambda text: text.replace("·", "•"),
)
_MOVES = st.one_of(
    st.tuples(st.sampled_from(["above", "below"]), st.lists(st.sampled_from(_PIECES), max_size=4).map("".join)),
    st.tuples(st.just("alter"), st.sampled_from(_ALTERATIONS)),
    st.tuples(st.just("change routine"), st.sampled_from([BLOCK, CHANGED, BLOCK.replace("level 2", "level 3")])),
    st.tuples(st.just("withdraw"), st.none()),
    st.tuples(st.just("deliver"), st.booleans()),
)


def _split(text: str, identity: Identity) -> tuple[str, str, str]:
    """The text before our block without its separator, our block, the text after it."""
    found = [piece for piece in block.find(text, identity) if piece.kind is not Kind.EDITED]
    assert len(found) <= 1
    if not found:
        return text, "", ""
    before = text[: found[0].start]
    ending = next((separator for separator in ("\r\n\r\n", "\n\n") if before.endswith(separator)), "")
    return before.removesuffix(ending), found[0].text, text[found[0].end :]


@settings(max_examples=2_000)
@given(st.lists(_MOVES, max_size=10))
def test_deliveries_between_edits_of_runner_and_platform_keep_the_words_and_one_block(
    moves: list[tuple[str, Any]],
) -> None:
    """Of a worker that was killed before its commit (False) it is not known that its block stood."""
    text, known, present, was_there = "", [BLOCK], True, False
    for move, value in moves:
        identity = ours(known[-1], *known)
        above, standing, below = _split(text, identity)
        if move == "above":
            text = f"{value}\n\n{standing}{below}" if standing else text + value
        elif move == "below":
            text = f"{text}\r\n{value}"
        elif move == "alter":
            text = value(text)
        elif move == "deliver":
            placed = block.place(text, identity, was_there=was_there) if present else block.remove(text, identity)
            text, was_there = placed.text, present and (value or was_there)
            left = _split(text, identity)
            assert (left[0] + left[2], bool(left[1])) == (above + below, present)
        else:
            present = move == "change routine"
            known += [value] if present else []
