"""The words of a note."""

from __future__ import annotations

import re

import pytest

from adductor import catalogue
from adductor.coaching.situation import Dose, Routine, RoutineItem
from adductor.mail.messages import AddressError, checked_address
from adductor.notes import wording
from tools import examples

# A note is read on a phone between two other things. Judgement.
MOST_NOTE_CHARS = 620
MOST_LINE_CHARS = 125


def _item(**values: object) -> RoutineItem:
    return RoutineItem(**{"exercise": "supine_adductor_squeeze", "sets": 3, "per_side": False, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (_item(sets=2, reps=12, per_side=True), "2 x 12 each side"),
        (_item(sets=2, reps=12), "2 x 12"),
        (_item(sets=1, holds=1, hold_s=10, positions=3), "1 x 10 s each"),
        (_item(sets=3, holds=1, hold_s=20, per_side=True), "3 x 20 s each side"),
        (_item(sets=3, holds=3, hold_s=5, per_side=True), "3 x 3 holds of 5 s each side"),
    ],
)
def test_dose_in_words(item: RoutineItem, words: str) -> None:
    assert wording.dose_of(item) == words


def test_every_exercise_of_the_catalogue_has_one_short_name() -> None:
    names = {wording.short_name(exercise.id): exercise for exercise in catalogue.catalogue().exercise_list}
    assert len(names) == len(catalogue.catalogue().exercises)
    assert all(len(name) <= 40 and name == exercise.name for name, exercise in names.items())
    assert wording.short_name("gone_since") == "Gone since"


def test_name_of_an_own_exercise_stands_in_no_public_note() -> None:
    routine = Routine("r", 2, Dose.FULL, 5, 300, (_item(reps=12, exercise="own_1", name="Pelvic tilt"),))

    private, public = (wording.note_block(routine, "because", None, public=public) for public in (False, True))

    assert "1. Pelvic tilt: 3 x 12" in private
    assert "1. An exercise of my own: 3 x 12" in public
    assert "Pelvic" not in public


def test_the_reason_stands_on_one_line_with_its_full_stop() -> None:
    assert wording.sentence("easy  run\ndone") == "easy run done."
    assert wording.sentence("How is it?") == "How is it?"
    assert wording.sentence("It is.") == "It is."


@pytest.mark.parametrize("example", examples.ALL, ids=lambda example: example.name)
def test_notes_are_short_kind_and_plain(example: examples.Example) -> None:
    text = example.note

    assert len(text) <= MOST_NOTE_CHARS
    assert all(len(line) <= MOST_LINE_CHARS for line in text.splitlines())
    assert "!" not in text
    assert "Stop if it hurts." in text
    assert not re.search(r"prevent|treat|rehab|cure|heal|diagnos|injur", text, re.IGNORECASE)


@pytest.mark.parametrize(
    "address", ["anna@example.org", "anna.b+runs@mail.example.co.uk", " a@b.de ", "anna@bücher.example"]
)
def test_address_that_mail_goes_to(address: str) -> None:
    checked = checked_address(address)

    assert checked.isascii()
    assert checked == checked.strip()


@pytest.mark.parametrize(
    "address",
    ["", "anna", "anna@", "@example.org", "anna@localhost", "a b@example.org", "anna@example..org",
     f"{'a' * 65}@example.org", "änna@example.org", "a..b@example.org", "anna@example.org,x@example.org"],
)  # fmt: skip
def test_address_that_mail_does_not_go_to(address: str) -> None:
    with pytest.raises(AddressError, match=r"anna@example\.org"):
        checked_address(address)
