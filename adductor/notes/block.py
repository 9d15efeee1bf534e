"""Find, place and remove our block in a text that belongs to the runner.

A block runs from its heading line to its signature line. Its own link tells which routine it belongs to. Everything outside
the block stays byte for byte as it was read.

The platform may alter a text on its way (Strava stripped links and text with decimal points from 2024-09 to 2025-03). A block
is altered by the platform when its lines are lines of a text that we wrote, in their order, whatever happened to punctuation,
spaces, case and links. New or changed words make it the runner's own: an edited block is never touched.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

HEADING = "Adductor routine · "
SIGNATURE = "— Adductor Coach"

# Between the runner's words and our block. Removed with the block, so that the runner's text is what it was before.
_SEPARATOR = "\n\n"
_HEADING_WORDS, _SIGNATURE_WORDS = "adductor routine", "adductor coach"
_LINE = re.compile(r"[^\r\n]+")
_LINK = re.compile(r"://|/(?:routine|r|a)/")
# A routine's public id: all of a link that others may read, the beginning of the key in the runner's own.
_KEY = re.compile(r"/(?:routine|r)/([A-Za-z0-9_-]{1,12})")
_POINT_IN_NUMBER = re.compile(r"(?<=\d)[.,](?=\d)")
_NO_WORD = re.compile(r"[\W_]+")
_TOKEN_WITH_POINT = re.compile(r"\S*\w\.\w\S*")
# A shorter beginning of a line proves nothing: the runner may have typed it.
_SHORTEST_CUT = 12
# A key this long that begins ours is ours with its end cut off (a whole one has 12 characters).
_SHORTEST_KEY = 6


class Placing(StrEnum):
    """What a text needs so that our block stands there, or doesn't."""

    WRITE = "write"  # the text must be written
    ALREADY_THERE = "already_there"
    NOTHING_THERE = "nothing_there"
    EDITED = "edited_by_runner"
    DELETED = "deleted_by_runner"


class Kind(StrEnum):
    """What a block found in a text is to the delivery that looks for its own."""

    CURRENT = "current"  # the block that should stand there, perhaps altered by the platform
    OUTDATED = "outdated"  # an earlier text of the same routine
    STALE = "stale"  # another routine of this athlete
    EDITED = "edited"  # changed by the runner


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a block ours.

    ``keys`` are the keys in the links of this routine. ``texts`` are all blocks of this athlete that may stand in the text,
    also of other routines: those carry other keys. ``orphans`` are keys under our address that no routine has any more: the
    database was restored from before them.
    """

    block: str
    texts: tuple[str, ...]
    keys: frozenset[str]
    orphans: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """``text`` is the whole new text when ``placing`` is WRITE, else the text as it was."""

    placing: Placing
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A block in a text, from ``start`` to ``end``."""

    start: int
    end: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    words: str
    keys: frozenset[str]


def place(current: str, identity: Identity, *, was_there: bool = False) -> Placed:
    """Append the block, or replace ours and stale ones with it. Idempotent.

    ``was_there``: a block of ours is known to have stood in this text, so its absence is the runner's word.
    """
    found = find(current, identity)
    ours = [piece for piece in found if piece.kind in (Kind.CURRENT, Kind.OUTDATED)]
    stale = [piece for piece in found if piece.kind is Kind.STALE]
    if not ours:
        if any(piece.kind is Kind.EDITED for piece in found):
            return Placed(Placing.EDITED, current)
        if was_there:
            return Placed(Placing.DELETED, current)
        if not stale:
            return Placed(Placing.WRITE, current + (_SEPARATOR if current else "") + identity.block)
    if [piece.kind for piece in (*ours, *stale)] == [Kind.CURRENT]:
        return Placed(Placing.ALREADY_THERE, current)
    first = (ours or stale)[0]
    text = current
    for piece in reversed(found):
        if piece is first:
            text = text[: piece.start] + identity.block + text[piece.end :]
        elif piece.kind is not Kind.EDITED:
            text = _without(text, piece)
    return Placed(Placing.WRITE, text)


def remove(current: str, identity: Identity, *, separated: bool = True) -> Placed:
    """Remove our block, and the blank line before it where that is ours too (``separated``)."""
    found = find(current, identity)
    ours = [piece for piece in found if piece.kind in (Kind.CURRENT, Kind.OUTDATED)]
    if not ours:
        edited = any(piece.kind is Kind.EDITED for piece in found)
        return Placed(Placing.EDITED if edited else Placing.NOTHING_THERE, current)
    text = current
    for piece in reversed(ours):
        text = _without(text, piece) if separated else text[: piece.start] + text[piece.end :]
    return Placed(Placing.WRITE, text)


def standing(text: str, identity: Identity, *, before: str | None = None) -> Found | None:
    """Our current block as it stands in ``text``.

    ``before``: the text that was read before we wrote. A block that our write brought in is ours, even in words that no rule
    recognises.
    """
    for piece in find(text, identity):
        brought_in = before is not None and piece.kind is Kind.EDITED and piece.text not in before
        if piece.kind is Kind.CURRENT or brought_in:
            return piece
    return None


def fits_inside(text: str) -> bool:
    """Whether words of the runner can stand within a line of our block, and the block is still found and told apart."""
    named = any(marker in _words(text) for marker in (_HEADING_WORDS, _SIGNATURE_WORDS))
    return text[:1].isalnum() and text.isprintable() and not named and not _LINK.search(text)


def keys_in(text: str) -> frozenset[str]:
    """The keys of routines in the links of ``text``."""
    return frozenset(_KEY.findall(text))


def find(text: str, identity: Identity) -> list[Found]:
    """Blocks of this athlete in ``text``, in their order. Blocks whose link belongs to another athlete are left out."""
    known = [identity.block, *identity.texts]
    known_lines = {words for block in known for form in _forms(block) for words in form}
    found = []
    for piece in _pieces(_lines(text)):
        region = _trim(piece, known_lines)
        kind = _classify(region, identity, known_lines) if len(region) > 1 else None
        if kind is not None:
            start, end = region[0].start, region[-1].end
            found.append(Found(start, end, kind, text[start:end]))
    return found


def _lines(text: str) -> list[_Line]:
    """The lines of ``text`` that hold more than spaces, without the spaces around them."""
    lines = []
    for match in _LINE.finditer(text):
        content = match.group().strip()
        if content:
            start = match.start() + match.group().index(content)
            lines.append(_Line(start, start + len(content), _words(content), keys_in(content)))
    return lines


def _pieces(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Cut before each line that names the heading and after each line that names the signature."""
    piece: list[_Line] = []
    for line in lines:
        if _HEADING_WORDS in line.words and piece:
            yield piece
            piece = []
        piece.append(line)
        if _SIGNATURE_WORDS in line.words:
            yield piece
            piece = []
    yield piece


def _trim(piece: list[_Line], known_lines: set[str]) -> list[_Line]:
    """From the heading (or the first line known as ours, when it was cut) to the signature (or the last such line)."""
    ours = [number for number, line in enumerate(piece) if _is_line(line.words, known_lines)]
    if not piece:
        return []
    headed, signed = _HEADING_WORDS in piece[0].words, _SIGNATURE_WORDS in piece[-1].words
    first = 0 if headed else min(ours, default=len(piece) - 1)
    last = len(piece) - 1 if signed else max(ours, default=0)
    return piece[first : last + 1]


def _classify(region: Sequence[_Line], identity: Identity, known_lines: set[str]) -> Kind | None:
    """The kind of the block in these lines; None when they are the runner's own and no block."""
    keys = frozenset(key for line in region for key in line.keys)
    if not (keys or _HEADING_WORDS in region[0].words or _SIGNATURE_WORDS in region[-1].words):
        return None
    for block in (identity.block, *identity.texts):
        if _same_routine(keys, keys_in(block)) and _is_altered_copy(region, block):
            if block == identity.block:
                return Kind.CURRENT
            own = not keys_in(block) or keys_in(block) & identity.keys
            return Kind.OUTDATED if own else Kind.STALE
    if keys and keys <= identity.orphans:
        return Kind.STALE if _is_altered_copy(region, identity.block) else Kind.EDITED
    if keys:
        return Kind.EDITED if _same_routine(keys, identity.keys) else None
    whole = region[0].words.startswith(_HEADING_WORDS) and region[-1].words == _SIGNATURE_WORDS
    lines_of_ours = sum(_is_line(line.words, known_lines) for line in region)
    return Kind.EDITED if whole or lines_of_ours > 1 else None


def _same_routine(keys: frozenset[str], others: frozenset[str]) -> bool:
    """Whether a block with these keys in its links may belong to a routine with the ``others``; stripped links may."""
    if not keys or not others or keys & others:
        return True
    return any(len(key) >= _SHORTEST_KEY and other.startswith(key) for key in keys for other in others)


def _is_altered_copy(region: Sequence[_Line], block: str) -> bool:
    """Whether the region holds lines of ``block`` alone, in their order, and more of them than heading and signature."""
    forms = iter(_forms(block))
    if not all(any(_is_line(line.words, form) for form in forms) for line in region):
        return False
    return any(line.keys for line in region) or sum(line.words != _SIGNATURE_WORDS for line in region) > 1


def _is_line(words: str, forms: set[str] | frozenset[str]) -> bool:
    """Whether these are the words of the line with these ``forms``, or a beginning of it."""
    return words in forms or (len(words) >= _SHORTEST_CUT and any(form.startswith(words) for form in forms))


@lru_cache(maxsize=256)
def _forms(block: str) -> tuple[frozenset[str], ...]:
    """For each line of a block its words, and its words after the platform took out what it takes for links."""
    lines = [line for line in block.splitlines() if line.strip()]
    return tuple(frozenset((_words(line), _words(_TOKEN_WITH_POINT.sub(" ", line)))) for line in lines)


def _words(line: str) -> str:
    """A line without links, punctuation, case and the kind of its spaces."""
    if _LINK.search(line):
        line = " ".join(token for token in line.split() if not _LINK.search(token))
    plain = unicodedata.normalize("NFKC", html.unescape(line)).casefold()
    return _NO_WORD.sub(" ", _POINT_IN_NUMBER.sub("", plain)).strip()


def _without(text: str, piece: Found) -> str:
    before, after = text[: piece.start], text[piece.end :]
    for separator in (_SEPARATOR, "\r\n\r\n"):
        if before.endswith(separator):
            return before[: -len(separator)] + after
    return before + after
