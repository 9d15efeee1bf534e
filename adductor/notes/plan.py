"""Plan a delivery: what is known of it and what was read decide the next step. Pure: no I/O, no clock.

An absent private note is unknown, not empty. It counts as empty after two readings a minute apart. One reading is enough when
all of this holds, so that an athlete who leaves the note empty doesn't wait each time:

- an absent note of this athlete was proved empty in that way, and our block stood there afterwards;
- no reading since has shown a private note without our block: a platform that shows empty ones leaves none out;
- no private note of this athlete is known to have held words of their own: such words may come late;
- the answer shows the description, so the platform has filled in the texts of the activity.

Doubt is never taken for refusal. An answer that doesn't show our block is read again; only repeated answers prove that the
private note doesn't work, and then the plan ends here: it never writes into another field.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from adductor.notes import block
from adductor.notes.block import Identity, Placing

PRIVATE_NOTE = "private_note"
DESCRIPTION = "description"
PRESENT, ABSENT = "present", "absent"

WRITTEN = "written"
REMOVED = "removed"
NOTHING_THERE = str(Placing.NOTHING_THERE)
# The private note doesn't work: the routine takes another channel.
NOTE_REFUSED = "note_refused"

# A platform may leave the private note out of an answer because it is empty, or because it isn't there yet. Fields of a new
# run may fill in later, and no platform says how much: only a second reading, this much later, counts as empty.
LOOK_AGAIN_AFTER = timedelta(minutes=1)
# Within about four minutes: so many readings and answers in which neither the field nor our block appeared.
READS_OF_PROOF = 4
# Within about an hour: so many readings without a field in which a note of ours may stand.
MOST_READS_WITHOUT_FIELD = 6


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a delivery before a reading.

    ``written``: a block of ours is known to have stood in the field. ``unconfirmed_writes``: writes that may have arrived.
    ``reads_without_field``: readings without the field, and answers to a write without our block. ``separated``: whether
    words of the runner stood before our block when it was put there. ``absent_means_empty``: one reading is enough.
    """

    desired_state: str
    field: str
    identity: Identity
    written: bool = False
    separated: bool | None = None
    unconfirmed_writes: int = 0
    reads_without_field: int = 0
    absent_means_empty: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Replace the field with ``text``, in which our block stands. ``read``: the field as it was read; None: absent."""

    field: str
    text: str
    read: str | None
    separated: bool


@dataclass(frozen=True, slots=True)
class Remove:
    """Replace the field with ``text``, from which our block is gone."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The delivery has ended. ``standing``: our block as it stands now. ``absent_was_empty``: an absent field took it."""

    outcome: str
    standing: str | None = None
    separated: bool | None = None
    absent_was_empty: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Read again after ``wait`` (None: the retry policy's). ``missing``: counts as a reading without the field."""

    problem: str
    wait: timedelta | None = None
    missing: bool = True


Step = Write | Remove | Done | Retry


def plan(known: Known, read: str | None) -> Step:
    """The next step after a reading of the field; None: the field was absent."""
    text = read if read is not None else _text_of_absent(known)
    if not isinstance(text, str):
        return text
    if known.desired_state == ABSENT:
        removed = block.remove(text, known.identity, separated=known.separated is not False)
        return Remove(known.field, removed.text) if removed.placing is Placing.WRITE else Done(str(removed.placing))
    placed = block.place(text, known.identity, was_there=known.written)
    if placed.placing is Placing.WRITE:
        return Write(known.field, placed.text, read, _is_separated(known, text, placed.text))
    standing = block.standing(text, known.identity)
    if standing is None:
        return Done(str(placed.placing))
    return Done(WRITTEN, standing.text, _is_separated(known, text, text))


def disproves_absence(known: Known, read: str | None) -> bool:
    """Whether the reading shows a private note without our block: absent ones may then be late ones."""
    return known.field == PRIVATE_NOTE and read is not None and not block.find(read, known.identity)


def confirm(known: Known, sent: Write | Remove, answer: str | None) -> Done | Retry:
    """The next step after the answer to a write: the field as the platform shows it now; None: absent from the answer."""
    if isinstance(sent, Remove):
        if answer is None and sent.text.strip():
            return Retry("the answer lacks the field that our note was taken out of")
        if block.remove(answer or "", known.identity).placing is Placing.WRITE:
            return Retry("the answer still shows the note", missing=False)
        return Done(REMOVED)
    standing = block.standing(answer or "", known.identity, before=sent.read or "")
    if standing is not None:
        return Done(WRITTEN, standing.text, sent.separated, absent_was_empty=sent.read is None)
    if known.field == PRIVATE_NOTE and known.reads_without_field + 1 >= READS_OF_PROOF:
        return Done(NOTE_REFUSED)
    return Retry("the answer doesn't show the note")


def _text_of_absent(known: Known) -> str | Done | Retry:
    """The text to assume for a field that the platform left out: unknown is not empty."""
    waited_out = known.reads_without_field >= MOST_READS_WITHOUT_FIELD
    look_again = Retry(
        f"the answer leaves the {known.field.replace('_', ' ')} out",
        wait=None if known.reads_without_field else LOOK_AGAIN_AFTER,
    )
    if known.desired_state == ABSENT:
        # Taken for empty too soon, the note would appear again later and never be removed.
        may_stand = known.written or known.unconfirmed_writes > 0
        return look_again if may_stand and not waited_out else Done(NOTHING_THERE)
    if known.field != PRIVATE_NOTE:
        return look_again
    if known.written:
        return "" if waited_out else look_again
    if known.unconfirmed_writes and known.separated:
        # Words of the runner stood in it: a write now would replace them.
        return Done(NOTE_REFUSED) if waited_out else look_again
    return "" if known.absent_means_empty or known.reads_without_field else look_again


def _is_separated(known: Known, before: str, after: str) -> bool:
    """Whether the blank line before our block in ``after`` is ours: as it was when the block was first put there."""
    stood = any(piece.kind in (block.Kind.CURRENT, block.Kind.OUTDATED) for piece in block.find(before, known.identity))
    if known.separated is not None and stood:
        return known.separated
    standing = block.standing(after, known.identity)
    return standing is not None and standing.start > 0
