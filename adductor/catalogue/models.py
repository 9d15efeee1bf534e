"""Pydantic models of the catalogue of exercises and routines, and its duration formula. Durations are whole seconds.

The fields are the keys of catalogue.yaml; what is written there for readers of the file alone stays `Prose`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from adductor.documents.values import Items, ItemSet, StrictModel, Text, Texts

# Always available: the floor and one's own body.
ALWAYS_AT_HAND = frozenset({"none"})
# A hard floor makes a slide of a sock (article: "using a towel or sock while standing on tile/hardwood is a great
# replication"); a carpet makes one of a paper plate.
FLOORS = {"hard_floor": "sock_on_hard_floor", "carpet": "paper_plate_on_carpet"}

HOLD_STEP_S = 5  # judgement: hold seconds grow in steps of five

# The largest number in a catalogue is a routine's seconds, and a day has fewer than this.
_MOST = 100_000

Count = Annotated[int, Field(ge=1, le=_MOST)]
Seconds = Annotated[int, Field(ge=0, le=_MOST)]
SomeTexts = Annotated[Texts, Field(min_length=1)]
TextByKey = Mapping[str, Text]
Prose = Mapping[str, Any]  # for people who read the file: the product uses none of it
Placement = Literal["warm_up", "post_run", "rest_day"]


class _Rising(StrictModel):
    """Whole numbers that never fall from one field to the next."""

    @model_validator(mode="after")
    def _never_falls(self) -> _Rising:
        for (lower, least), (name, value) in pairwise(self):
            if value < least:
                raise ValueError(f"the {name} of {value} is below the {lower} of {least}")
        return self


class Sets(_Rising):
    """How many sets: for the first sessions, as the aim, and at most."""

    start: Count
    target: Count
    max: Count


class Span(_Rising):
    """A range with its default."""

    min: Count
    default: Count
    max: Count

    def clamp(self, value: int) -> int:
        return min(max(value, self.min), self.max)


class Tempo(StrictModel):
    """Seconds of the four phases of one rep."""

    eccentric: Seconds
    bottom: Seconds
    concentric: Seconds
    top: Seconds

    @property
    def rep_s(self) -> int:
        return self.eccentric + self.bottom + self.concentric + self.top


class DosePlan(StrictModel):
    """The dose that may be prescribed of one exercise: ``reps``, or ``holds`` of ``hold_s`` in each position."""

    type: Literal["reps", "holds"]
    sets: Sets
    reps: Span | None = None
    holds: Span | None = None
    hold_s: Span | None = None
    hold_steps_s: Items[Count] = ()  # the seconds grow along these before the count does
    positions: Count = 1
    between_holds_s: Seconds = 0
    rest_s: Span
    setup_s: Seconds
    side_switch_s: Seconds

    @model_validator(mode="after")
    def _complete(self) -> DosePlan:
        of_holds = {"holds", "hold_s", "between_holds_s"}
        needed, excluded = ({"reps"}, {*of_holds, "positions"}) if self.type == "reps" else (of_holds, {"reps"})
        if not needed <= self.model_fields_set or excluded & self.model_fields_set:
            raise ValueError(
                f"of type {self.type} needs {', '.join(sorted(needed))} and no {', '.join(sorted(excluded))}"
            )
        return self

    @property
    def first_hold_s(self) -> int | None:
        """Seconds of the first holds."""
        return self.hold_steps_s[0] if self.hold_steps_s else self.hold_s.default if self.hold_s else None

    @property
    def steps_s(self) -> tuple[int, ...]:
        """The seconds along which holds grow; in steps of five where the catalogue names none."""
        if self.hold_s is None:
            return ()
        return self.hold_steps_s or tuple(range(self.hold_s.default, self.hold_s.max + 1, HOLD_STEP_S))

    @property
    def first_count(self) -> int:
        """The reps, or the holds, of the first sessions."""
        return self.count.min if self.hold_s is None else self.count.default

    @property
    def count(self) -> Span:
        """The reps, or the holds, per set."""
        span = self.reps or self.holds
        assert span is not None  # noqa: S101 - _complete refuses a dose with neither
        return span


class After(StrictModel):
    """What must be held before an exercise comes: seconds of another one."""

    exercise: Text
    hold_s: Count


class Interpretation(StrictModel, extra="allow"):
    """Our reading of an item that the article leaves open; ``show_user`` is the visible note."""

    issue: Text
    show_user: Text
    readings: Items[Prose] = ()
    dose_issue: Text | None = None


class Needs(StrictModel):
    """One of ``any_of`` is needed; ``none`` in it means that the exercise can be done with nothing."""

    any_of: Annotated[ItemSet[Text], Field(min_length=1)]
    optional: ItemSet[Text] = frozenset()


class Equipment(StrictModel):
    """Equipment of an exercise: ids that are needed, and in words the preferred and the substitute pieces."""

    needs: Needs
    preferred: Texts
    substitutes: Texts


class Exercise(StrictModel):
    """One exercise. ``easier`` and ``harder`` are ids, ``easier_notes`` and ``harder_notes`` variations in words."""

    id: Text
    name: Text
    in_article: bool
    article_name: Text | None
    article_prescription: Text | None
    category: Literal["isometric", "isotonic", "dynamic", "compound"]
    stage: Count
    per_side: bool
    plyometric: bool
    interpretation: Interpretation | None = None
    dose: DosePlan
    dose_source: Text | None = None
    tempo: Tempo | None = Field(validation_alias="tempo_s")
    tempo_note: Text | None = None
    positions: Items[Prose] = ()  # of a hold in several
    effort: TextByKey | None = None
    estimated_seconds: Mapping[str, Count]  # at first, at the aim, at most
    muscles: Mapping[str, Texts]
    equipment: Equipment
    setup: Text
    cues: SomeTexts
    faults: SomeTexts
    limb_order: Text
    easier_lines: Texts = Field(alias="easier")
    harder_lines: Texts = Field(alias="harder")
    contraindications: SomeTexts
    sources: SomeTexts
    article_relation: Text | None = None
    note: Text | None = None
    after: After | None = None
    gate: Text | None = None
    load_gate: Text | None = None
    weekly_dose_evidence: Text | None = None

    # Words in brackets are variations of the same exercise, everything else must be an id.
    @cached_property
    def easier(self) -> tuple[str, ...]:
        return tuple(line for line in self.easier_lines if not line.startswith("("))

    @cached_property
    def easier_notes(self) -> tuple[str, ...]:
        """Easier variations in words."""
        return tuple(line for line in self.easier_lines if line.startswith("("))

    @cached_property
    def harder(self) -> tuple[str, ...]:
        return tuple(line for line in self.harder_lines if not line.startswith("("))

    @cached_property
    def harder_notes(self) -> tuple[str, ...]:
        """Harder variations in words."""
        return tuple(line for line in self.harder_lines if line.startswith("("))

    @cached_property
    def replaced_without_equipment_by(self) -> str | None:
        """The id in a substitute like ``no band: side_lying_adduction_top_leg_elevated``."""
        for line in self.equipment.substitutes:
            _, colon, after = line.partition(": ")
            if colon and line.startswith("no ") and " " not in after:
                return after
        return None

    @cached_property
    def is_direct(self) -> bool:
        """Whether it is direct work for the adductors: they come first in it, and it is no compound."""
        return self.category != "compound" and self.muscles["primary"][0].startswith("adductor")

    def can_be_done_with(self, equipment: frozenset[str] | None) -> bool:
        """Whether the athlete has the equipment. None: never asked, so nothing is ruled out."""
        if equipment is None:
            return True
        have = equipment | ALWAYS_AT_HAND | {slide for floor, slide in FLOORS.items() if floor in equipment}
        return not self.equipment.needs.any_of.isdisjoint(have)

    def seconds(self, sets: int, count: int, hold_s: int | None = None) -> int:
        """How long ``sets`` of ``count`` reps (or holds of ``hold_s`` seconds, default the usual) take, with rests.

        The formula is the catalogue's own (``duration_formula``).
        """
        dose = self.dose
        sides = 2 if self.per_side else 1
        one_set = sides * self.work_s(count, hold_s) + (sides - 1) * dose.side_switch_s
        return dose.setup_s + sets * one_set + (sets - 1) * dose.rest_s.default

    def work_s(self, count: int, hold_s: int | None = None) -> int:
        """Seconds of one set on one side."""
        dose = self.dose
        if self.tempo is not None:
            return count * self.tempo.rep_s
        held = dose.hold_s.default if dose.hold_s else 0
        holds = count * dose.positions
        return holds * (held if hold_s is None else hold_s) + (holds - 1) * dose.between_holds_s


class RoutineLine(StrictModel):
    """One exercise of a routine with its sets and its reps or holds."""

    exercise: Text
    sets: Count
    count: Count = Field(validation_alias="reps_or_holds")


class RoutinePlan(StrictModel):
    """A routine of the catalogue with its lines: a warm-up, the light one, or one on request."""

    id: Text
    use_for: Annotated[ItemSet[Placement], Field(min_length=1)]
    stage: Count
    lines: Annotated[Items[RoutineLine], Field(min_length=1)] = Field(validation_alias="items")
    seconds: Count = Field(validation_alias="estimated_seconds")
    note: Text


class Pool(StrictModel):
    """The exercises of a stage and placement, from which a routine is composed. ``id`` is that of its routines."""

    id: Text
    use_for: Annotated[ItemSet[Placement], Field(min_length=1)]
    stage: Count
    exercises: Annotated[Items[Text], Field(min_length=1)]


class Stage(StrictModel):
    """One rung of the ladder. ``minimum_sessions`` is None on the last one."""

    number: Count = Field(validation_alias="stage")
    name: Text
    minimum_sessions: Count | None
    contains: Text


class Citation(StrictModel):
    """Where something comes from, and how much of it was read."""

    id: Text
    ref: Text
    doi: Text | None = None
    seen: Annotated[Text, BeforeValidator(lambda seen: "not seen" if seen is False else seen)]


class Meta(StrictModel, extra="allow"):
    """The catalogue's title page, with the article's own words."""

    title: Text
    version: Text
    scope: Text
    premise: Text


class Catalogue(StrictModel):
    """Everything the coach can prescribe."""

    meta: Meta
    duration_formula: TextByKey
    stages: Annotated[Items[Stage], Field(min_length=1)]
    progression: Prose
    routine_list: Annotated[Items[RoutinePlan], Field(min_length=1)] = Field(alias="routines")
    pools: Annotated[Items[Pool], Field(min_length=1)]
    exercise_list: Annotated[Items[Exercise], Field(min_length=1)] = Field(alias="exercises")
    citation_list: Items[Citation] = Field(alias="citations")

    @cached_property
    def routines(self) -> Mapping[str, RoutinePlan]:
        return {routine.id: routine for routine in self.routine_list}

    @cached_property
    def exercises(self) -> Mapping[str, Exercise]:
        return {exercise.id: exercise for exercise in self.exercise_list}

    @cached_property
    def citations(self) -> Mapping[str, Citation]:
        return {citation.id: citation for citation in self.citation_list}

    def stage(self, number: int) -> Stage:
        """The rung with this number. Raises `KeyError` for one that does not exist."""
        return {stage.number: stage for stage in self.stages}[number]

    def pool(self, stage: int, placement: str) -> Pool:
        """The pool of a stage and placement. Raises `KeyError` for a stage or a placement without one."""
        return self._pools[stage, placement]

    @cached_property
    def _pools(self) -> Mapping[tuple[int, str], Pool]:
        return {(pool.stage, placement): pool for pool in self.pools for placement in pool.use_for}
