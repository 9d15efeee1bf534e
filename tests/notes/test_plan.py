"""The plan of a delivery: what is known and what was read decide the next step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adductor.notes import plan
from adductor.notes.plan import ABSENT, DESCRIPTION, PRESENT, PRIVATE_NOTE, Done, Known, Remove, Retry, Step, Write
from tests.notes.test_block import BLOCK, CHANGED, OTHER, TEXTS, ours

KNOWN = Known(PRESENT, PRIVATE_NOTE, ours(BLOCK, CHANGED, OTHER))
WRITTEN = replace(KNOWN, written=True, separated=True)
WITHDRAWN = replace(WRITTEN, desired_state=ABSENT)
NOTE = f"Mine.\n\n{BLOCK}"
EDITED = NOTE.replace("Stop if it hurts", "Did it")
ALTERED = BLOCK.replace("—", "-").replace("·", "•")
LEFT_OUT = "the answer leaves the private note out"

FIRST_LOOK = Retry(LEFT_OUT, wait=plan.LOOK_AGAIN_AFTER)
LOOK_AGAIN = Retry(LEFT_OUT)
OVER_ABSENT = Write(PRIVATE_NOTE, BLOCK, None, separated=False)


@pytest.mark.parametrize(
    ("known", "read", "step"),
    [
        (KNOWN, "", Write(PRIVATE_NOTE, BLOCK, "", separated=False)),
        (KNOWN, "Mine.", Write(PRIVATE_NOTE, NOTE, "Mine.", separated=True)),
        (replace(KNOWN, field=DESCRIPTION), "Mine.", Write(DESCRIPTION, NOTE, "Mine.", separated=True)),
        (replace(KNOWN, unconfirmed_writes=1), "Mine.", Write(PRIVATE_NOTE, NOTE, "Mine.", separated=True)),
        (replace(KNOWN, unconfirmed_writes=1), NOTE, Done(plan.WRITTEN, BLOCK, separated=True)),
        (replace(KNOWN, unconfirmed_writes=1, separated=False), NOTE, Done(plan.WRITTEN, BLOCK, separated=False)),
        (KNOWN, f"Mine.\n\n{ALTERED}", Done(plan.WRITTEN, ALTERED, separated=True)),
        (KNOWN, f"Mine.\n\n{OTHER}", Write(PRIVATE_NOTE, NOTE, f"Mine.\n\n{OTHER}", separated=True)),
        (WRITTEN, f"Mine.\n\n{CHANGED}", Write(PRIVATE_NOTE, NOTE, f"Mine.\n\n{CHANGED}", separated=True)),
        (WRITTEN, EDITED, Done("edited_by_runner")),
        (WRITTEN, "Mine.", Done("deleted_by_runner")),
        (WITHDRAWN, NOTE, Remove(PRIVATE_NOTE, "Mine.")),
        (replace(WITHDRAWN, separated=False), NOTE, Remove(PRIVATE_NOTE, "Mine.\n\n")),
        (WITHDRAWN, f"Mine.\n\n{ALTERED}", Remove(PRIVATE_NOTE, "Mine.")),
        (WITHDRAWN, "Mine.", Done("nothing_there")),
        (WITHDRAWN, EDITED, Done("edited_by_runner")),
        (replace(KNOWN, desired_state=ABSENT), f"Mine.\n\n{OTHER}", Done("nothing_there")),
    ],
)
def test_plan_text_was_read(known: Known, read: str, step: Step) -> None:
    assert plan.plan(known, read) == step


@pytest.mark.parametrize(
    ("known", "reads_without_field", "step"),
    [
        (KNOWN, 0, FIRST_LOOK),
        (KNOWN, 1, OVER_ABSENT),
        (replace(KNOWN, absent_means_empty=True), 0, OVER_ABSENT),
        # An earlier write arrived or didn't; the runner's words were not in the field then.
        (replace(KNOWN, unconfirmed_writes=1, separated=False), 1, OVER_ABSENT),
        # The runner's words were: they are not written over, however often the field is left out.
        (replace(KNOWN, unconfirmed_writes=1, separated=True), 1, LOOK_AGAIN),
        (replace(KNOWN, unconfirmed_writes=1, separated=True, absent_means_empty=True), 5, LOOK_AGAIN),
        (replace(KNOWN, unconfirmed_writes=1, separated=True), 6, Done(plan.NOTE_REFUSED)),
        (WRITTEN, 0, FIRST_LOOK),
        (replace(WRITTEN, absent_means_empty=True), 5, LOOK_AGAIN),
        (WRITTEN, 6, Done("deleted_by_runner")),
        (WITHDRAWN, 0, FIRST_LOOK),
        (replace(WITHDRAWN, written=False, unconfirmed_writes=1, absent_means_empty=True), 5, LOOK_AGAIN),
        (WITHDRAWN, 6, Done("nothing_there")),
        (replace(WITHDRAWN, written=False), 0, Done("nothing_there")),
        (replace(KNOWN, field=DESCRIPTION), 9, Retry("the answer leaves the description out")),
    ],
)
def test_plan_field_was_absent(known: Known, reads_without_field: int, step: Step) -> None:
    assert plan.plan(replace(known, reads_without_field=reads_without_field), None) == step


WRITE = Write(PRIVATE_NOTE, NOTE, "Mine.", separated=True)
UNCLEAR = Retry("the answer doesn't show the note")


@pytest.mark.parametrize(
    ("known", "sent", "answer", "step"),
    [
        (KNOWN, WRITE, NOTE, Done(plan.WRITTEN, BLOCK, separated=True)),
        (KNOWN, WRITE, f"Mine.\n\n{ALTERED}", Done(plan.WRITTEN, ALTERED, separated=True)),
        (KNOWN, WRITE, EDITED, Done(plan.WRITTEN, EDITED.removeprefix("Mine.\n\n"), separated=True)),
        (KNOWN, WRITE, None, UNCLEAR),
        (KNOWN, WRITE, "Mine.", UNCLEAR),
        (KNOWN, replace(WRITE, read=f"Mine.\n\n{CHANGED}"), f"Mine.\n\n{CHANGED}", UNCLEAR),
        (replace(KNOWN, reads_without_field=3), WRITE, NOTE, Done(plan.WRITTEN, BLOCK, separated=True)),
        (replace(KNOWN, reads_without_field=3), WRITE, None, Done(plan.NOTE_REFUSED)),
        (replace(KNOWN, reads_without_field=3, field=DESCRIPTION), replace(WRITE, field=DESCRIPTION), None, UNCLEAR),
        (KNOWN, OVER_ABSENT, BLOCK, Done(plan.WRITTEN, BLOCK, separated=False, absent_was_empty=True)),
        (WITHDRAWN, Remove(PRIVATE_NOTE, ""), None, Done(plan.REMOVED)),
        (WITHDRAWN, Remove(PRIVATE_NOTE, "Mine."), "Mine.", Done(plan.REMOVED)),
        (WITHDRAWN, Remove(PRIVATE_NOTE, "Mine."), None,
         Retry("the answer lacks the field that our note was taken out of")),
        (WITHDRAWN, Remove(PRIVATE_NOTE, "Mine."), NOTE,
         Retry("the answer still shows the note", missing=False)),
    ],
)  # fmt: skip
def test_confirm_answer(known: Known, sent: Write | Remove, answer: str | None, step: Step) -> None:
    assert plan.confirm(known, sent, answer) == step


# -- a platform in any mood ---------------------------------------------------------------------------------------------

_ANSWERS = st.sampled_from(["true", "true", "absent", "stale", "altered", "lost", "ignored"])
_READINGS = st.sampled_from(["true", "true", "true", "absent", "altered"])


@dataclass
class _Platform:
    """A private note whose readings and answers are drawn; nothing here can write anywhere else."""

    note: str
    known: Known
    writes: list[Write | Remove] = field(default_factory=list)

    def attempt(self, reading: str, answering: str) -> Step:
        """One attempt of a delivery, as the job carries it out."""
        step = plan.plan(self.known, self._shown(reading, self.note))
        if isinstance(step, Write | Remove):
            before = self.note
            self.writes.append(step)
            if answering != "ignored":
                self.note = step.text
            if answering == "lost":
                self._remember(missing=False)
                return Retry("no answer", missing=False)
            shown = before if answering == "stale" else self.note
            step = plan.confirm(self.known, step, self._shown(answering, shown))
        if isinstance(step, Retry):
            self._remember(missing=step.missing)
        return step

    def _remember(self, *, missing: bool) -> None:
        wrote = len(self.writes) > self.known.unconfirmed_writes
        last = self.writes[-1] if wrote else None
        self.known = replace(
            self.known,
            unconfirmed_writes=len(self.writes),
            reads_without_field=self.known.reads_without_field + missing,
            separated=last.separated if isinstance(last, Write) else self.known.separated,
        )

    @staticmethod
    def _shown(how: str, text: str) -> str | None:
        if how == "absent":
            return None
        return text.replace("—", "-").replace("·", "•") if how == "altered" else text


# Words that the platform doesn't alter here and in which nothing resembles a block.
_WORDS = TEXTS.map(lambda words: words.replace("·", "").replace("—", "")).filter(lambda words: "dductor" not in words)


@settings(max_examples=300, deadline=None)
@given(_WORDS, _ANSWERS, st.lists(st.tuples(_READINGS, _ANSWERS), max_size=12))
def test_plan_any_answers_keep_the_words_and_one_block(words: str, first: str, attempts: list[tuple[str, str]]) -> None:
    """Once the words were read, whatever the platform shows later; and nothing is written into another field."""
    platform = _Platform(words, KNOWN)
    for reading, answering in [("true", first), *attempts]:
        step = platform.attempt(reading, answering)
        assert platform.note in (words, f"{words}\n\n{BLOCK}" if words else BLOCK)
        if isinstance(step, Done):
            break
    assert {write.field for write in platform.writes} == {PRIVATE_NOTE}
