"""The forms of the runner's own choices: minutes, side and sentence; own exercises; maintenance; what is left out."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from adductor.athletes import situations
from adductor.catalogue.models import Catalogue, Exercise
from adductor.coaching import progression
from adductor.coaching.situation import Placement
from adductor.notes import block
from adductor.store.models import Athlete
from service.pages.forms import Field, Form, Given, one_of, optional, read, whole
from service.pages.words import PLACEMENTS

MINUTES = (5, 10, 15, 20)
SIDES = {"left": "Left", "right": "Right"}
# Why an exercise is left out. The coach treats all alike; the runner reads it when they think of taking it back.
REASONS = {
    "pain": "It hurts or feels wrong",
    "told": "I was told not to do it",
    "place": "I have no room or place for it",
    "dislike": "I don't like it",
}
MOST_OWN = 6
LONGEST_NAME = 60
LONGEST_SENTENCE = 120
_ON_ONE_LINE = (
    "use at most {} letters that begin with a letter or a number, without a link and without “Adductor routine” or "
    "“Adductor Coach”: those mark where our lines begin and end."
)


LAST_ONE = (
    "it is the last exercise of the first level that works the adductors directly, and one must stay. Take another "
    "one back first, or pause the routines."
)


def line(longest: int) -> Callable[[str], str]:
    """A reader of the runner's words that may stand in a line of a note; spaces and line breaks become one space."""

    def read_line(text: str) -> str:
        text = " ".join(text.split())
        if len(text) > longest or not block.fits_inside(text):
            raise ValueError(text)
        return text

    return read_line


def minutes_of(athlete: Athlete) -> tuple[int, int]:
    """The longest routine after a run and on a rest day, as the form offers them. An older limit bounds both."""
    coached = situations.athlete_of(athlete)
    longest = [progression.minutes_for(coached, placement) for placement in (Placement.POST_RUN, Placement.REST_DAY)]
    after_run, rest_day = (max((n for n in MINUTES if n <= each), default=MINUTES[0]) for each in longest)
    return after_run, rest_day


def may_be_left_out(catalogue: Catalogue, athlete: Athlete, exercise: Exercise) -> bool:
    """Whether an exercise that works the adductors directly, without equipment, is left without this one."""
    gone = {*athlete.left_out, exercise.id}
    return any(other.is_direct and other.stage == 1 and other.id not in gone for other in catalogue.exercises.values())


def in_place_of(catalogue: Catalogue, athlete: Athlete, exercise: Exercise) -> str:
    """In words, the exercise that comes where one that is left out would have come."""
    gone, have = {*athlete.left_out, exercise.id}, situations.athlete_of(athlete).equipment
    instead = progression.nearest_substitute(
        catalogue, exercise, lambda other: other.id not in gone and other.can_be_done_with(have)
    )
    return "The others come more often instead." if instead is None else f"In its place: {instead.name}."


def routines(form: Form, athlete: Athlete) -> Given:
    """How long routines are, which side gets more, and the runner's own sentence beside them."""
    sentence = optional(line(LONGEST_SENTENCE))
    given = read(
        form,
        Field("after_run", one_of(MINUTES), "After a run: choose one of the lengths.", "minutes_after_run"),
        Field("rest_day", one_of(MINUTES), "On a rest day: choose one of the lengths.", "minutes_rest_day"),
        Field("side", optional(one_of(SIDES)), "Less steady side: choose left, right or neither.", "less_steady_side"),
        Field("sentence", sentence, f"Your sentence: {_ON_ONE_LINE.format(LONGEST_SENTENCE)}", "if_then"),
    )
    if (given.changes.get("minutes_after_run"), given.changes.get("minutes_rest_day")) != minutes_of(athlete):
        given.changes["minutes_available"] = None  # the one limit from before there were two
    return given


def maintain(form: Form, _: Athlete) -> Given:
    """Once a week keeps what was built."""
    return read(form, Field("maintaining", bool))


def own_exercise(form: Form, athlete: Athlete) -> Given:
    """One more exercise from the runner's physiotherapist."""
    given = read(
        form,
        Field("name", line(LONGEST_NAME), f"Name: {_ON_ONE_LINE.format(LONGEST_NAME)}"),
        Field("sets", whole(1, 5), "Sets: give a number from 1 to 5."),
        Field("count", whole(1, 50), "Reps or holds: give a number from 1 to 50."),
        Field("hold_s", optional(whole(1, 120)), "Seconds of a hold: give a number from 1 to 120, or leave it empty."),
        Field("per_side", bool),
    )
    placements = [name for name in PLACEMENTS if form.get(f"on_{name}")]
    if not placements:
        given.problems["on_post_run"] = "When: choose at least one."
    kept = athlete.own_exercises
    name = given.changes.get("name", "")
    if len(kept) >= MOST_OWN:
        given.problems["name"] = f"Name: {MOST_OWN} exercises of your own are there already; remove one first."
    elif any(one["name"].casefold() == name.casefold() for one in kept):
        given.problems["name"] = f"Name: “{name}” is there already; remove it first."
    if given.problems:
        return given
    count, hold_s = given.changes.pop("count"), given.changes["hold_s"]
    dose = {"reps": None, "holds": count} if hold_s else {"reps": count, "holds": None}
    added = {"id": f"own_{secrets.token_hex(4)}", **given.changes, **dose, "placements": placements}
    return Given({"own_exercises": [*kept, added]})


FORMS: dict[str, Callable[[Form, Athlete], Given]] = {"routines": routines, "keep": maintain, "own": own_exercise}
