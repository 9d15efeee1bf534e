"""The catalogue of exercises and routines: its shape and the duration formula. Durations are whole seconds.

`adductor.catalogue.reader` makes one from what a YAML reader made of the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Before the first exercise and between two of them; part of the routine line of `duration_formula`.
ROUTINE_START_S = 20
BETWEEN_EXERCISES_S = 20


# What needs no asking: the floor and one's own body.
ALWAYS_AT_HAND = frozenset({"none"})
# A hard floor makes a slide of a sock (article: "using a towel or sock while standing on tile/hardwood is a great
# replication"); a carpet makes one of a paper plate.
FLOORS = {"hard_floor": "sock_on_hard_floor", "carpet": "paper_plate_on_carpet"}


class CatalogueError(ValueError):
    """The catalogue is wrong. ``problems`` are lines like
    ``exercises[3].dose.sets.max: 2 is below the target of 3``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Sets:
    """How many sets: for the first sessions, as the aim, and at most."""

    start: int
    target: int
    max: int


@dataclass(frozen=True, slots=True)
class Span:
    """A range with its default."""

    min: int
    default: int
    max: int


@dataclass(frozen=True, slots=True)
class Tempo:
    """Seconds of the four phases of one rep."""

    eccentric: int
    bottom: int
    concentric: int
    top: int

    @property
    def rep_s(self) -> int:
        """Seconds of one rep."""
        return self.eccentric + self.bottom + self.concentric + self.top


@dataclass(frozen=True, slots=True)
class DosePlan:
    """What may be prescribed of one exercise. Either ``reps`` or ``holds`` with ``hold_s`` is set."""

    sets: Sets
    reps: Span | None
    holds: Span | None
    hold_s: Span | None
    positions: int
    between_holds_s: int
    rest_s: Span
    setup_s: int
    side_switch_s: int

    @property
    def count(self) -> Span:
        """The reps, or the holds, per set."""
        span = self.reps or self.holds
        assert span is not None  # noqa: S101 - parse refuses a dose with neither
        return span


@dataclass(frozen=True, slots=True)
class Position:
    """One of the positions in which an exercise is done within a set."""

    id: str
    article_name: str
    squeeze_between: str
    hip_flexion_deg: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an item of the article, with how likely it seems to us (judgement, not data)."""

    reading: str
    likelihood: float


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What we made of an item that the article leaves open; ``show_user`` is the visible note."""

    confidence: str
    issue: str
    show_user: str
    readings: tuple[Reading, ...] = ()
    default_reading: str | None = None
    dose_issue: str | None = None


@dataclass(frozen=True, slots=True)
class Equipment:
    """What an exercise needs: one of ``any_of``; ``none`` means that it can be done with nothing."""

    any_of: frozenset[str]
    optional: frozenset[str]
    preferred: tuple[str, ...]
    substitutes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Exercise:
    """One exercise. ``easier`` and ``harder`` are ids, ``easier_notes`` and ``harder_notes`` variations in words."""

    id: str
    name: str
    article_name: str | None
    article_prescription: str | None
    in_article: bool
    category: str
    stage: int
    per_side: bool
    plyometric: bool
    dose: DosePlan
    dose_source: str | None
    tempo: Tempo | None
    estimated_seconds: Mapping[str, int]
    muscles_primary: tuple[str, ...]
    muscles_secondary: tuple[str, ...]
    equipment: Equipment
    setup: str
    cues: tuple[str, ...]
    faults: tuple[str, ...]
    limb_order: str
    easier: tuple[str, ...]
    easier_notes: tuple[str, ...]
    harder: tuple[str, ...]
    harder_notes: tuple[str, ...]
    contraindications: tuple[str, ...]
    sources: tuple[str, ...]
    positions: tuple[Position, ...] = ()
    interpretation: Interpretation | None = None
    effort: Mapping[str, str] | None = None
    article_relation: str | None = None
    note: str | None = None
    tempo_note: str | None = None
    gate: str | None = None
    load_gate: str | None = None
    weekly_dose_evidence: str | None = None
    replaced_without_equipment_by: str | None = None

    def can_be_done_with(self, equipment: frozenset[str] | None) -> bool:
        """Whether a runner has what the exercise needs. None: never asked, so nothing is ruled out."""
        if equipment is None:
            return True
        have = equipment | ALWAYS_AT_HAND | {slide for floor, slide in FLOORS.items() if floor in equipment}
        return not self.equipment.any_of.isdisjoint(have)

    def seconds(self, sets: int, count: int, hold_s: int | None = None) -> int:
        """How long ``sets`` of ``count`` reps (or holds of ``hold_s`` seconds, default the usual) take, with rests.

        The formula is the catalogue's own (``duration_formula``).
        """
        dose = self.dose
        if self.tempo is not None:
            work = count * self.tempo.rep_s
        else:
            held = dose.hold_s.default if dose.hold_s else 0
            holds = count * dose.positions
            work = holds * (held if hold_s is None else hold_s) + (holds - 1) * dose.between_holds_s
        sides = 2 if self.per_side else 1
        one_set = sides * work + (sides - 1) * dose.side_switch_s
        return dose.setup_s + sets * one_set + (sets - 1) * dose.rest_s.default


@dataclass(frozen=True, slots=True)
class RoutineLine:
    """One exercise of a routine with its sets and its reps or holds."""

    exercise: str
    sets: int
    count: int


@dataclass(frozen=True, slots=True)
class RoutinePlan:
    """A routine of the catalogue."""

    id: str
    use_for: frozenset[str]
    stage: int
    lines: tuple[RoutineLine, ...]
    seconds: int
    note: str
    variation_of: str | None = None

    @property
    def minutes(self) -> int:
        """Whole minutes, rounded up."""
        return math.ceil(self.seconds / 60)


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung of the ladder. ``minimum_sessions`` is None on the last one."""

    number: int
    name: str
    minimum_sessions: int | None
    contains: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where something comes from, and how much of it was read."""

    id: str
    ref: str
    doi: str | None
    seen: str


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Everything the coach can prescribe. Compared by identity: there is one per process."""

    title: str
    version: str
    date: str
    scope: str
    article_timing: tuple[str, ...]
    article_frequency: str
    article_substitution: str
    article_balance_idea: str
    duration_formula: Mapping[str, str]
    stages: tuple[Stage, ...]
    progression: Mapping[str, Any]
    routines: Mapping[str, RoutinePlan]
    exercises: Mapping[str, Exercise]
    citations: Mapping[str, Citation]

    def stage(self, number: int) -> Stage:
        """The rung with this number. Raises `KeyError` for one that does not exist."""
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise KeyError(number)

    def rotation(self, routine_id: str) -> tuple[RoutinePlan, ...]:
        """A routine and its variations, in the order in which sessions go through them."""
        return (
            self.routines[routine_id],
            *(plan for plan in self.routines.values() if plan.variation_of == routine_id),
        )


def routine_seconds(exercise_seconds: Sequence[int]) -> int:
    """Seconds of a routine from those of its exercises, by the catalogue's formula."""
    return ROUTINE_START_S + sum(exercise_seconds) + BETWEEN_EXERCISES_S * (len(exercise_seconds) - 1)
