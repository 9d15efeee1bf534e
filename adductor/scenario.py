"""Scenario files: a runner's situation written down by hand or by a program, read strictly.

One document is one situation: the coach's shapes, with the spellings and the checks that only a file needs
(`docs/scenario-file.md` lists the keys). Unknown keys, wrong types, times without an offset and impossible values are
refused, all of a document at once, each with the path of its key.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, Field, ValidationInfo, model_validator

from adductor.coaching import constants as k
from adductor.coaching import situation as words
from adductor.documents import DocumentError, validate
from adductor.documents.problems import shortened
from adductor.documents.values import Flag, Items, ItemSet, Keys, Moment, StrictModel, among, without_nulls

EASY_KINDS = ("easy", "recovery", "steady", "moderate", "run")
PLAN_KINDS = (*EASY_KINDS, *sorted(k.KEY_SESSION_KINDS), *sorted(k.NOT_A_RUN_KINDS))
GAIN_SPELLINGS = ("gain_m", "climb_m", "ascent_m", "elevation_m", "total_elevation_gain_m", "total_elevation_gain")
# Pain may be named by its place; the rules know hip or groin, knee, and elsewhere.
KNEE_PLACES = ("outer_knee",)
PLACES = (
    "outer_hip", "low_back", "lower_back", "back", "thigh", "hamstring", "calf", "shin",
    "achilles", "ankle", "foot", "pelvis",
)  # fmt: skip

T = TypeVar("T")


def _spelled(*names: str) -> Any:
    return Field(validation_alias=AliasChoices(*names))


def _to_base(read: Any, **changes: Any) -> Any:
    """Build the coach's own shape from the values of a subclass in this module."""
    shape: Any = type(read).__base__
    return shape(**{field.name: getattr(read, field.name) for field in fields(shape)} | changes)


Read = Annotated[Keys[T], AfterValidator(_to_base)]


def _within_the_cap(value: int) -> int:
    # Read at validation, not at import, so that `make mutate` can change the constant.
    if value > k.WEEKLY_CAP_MAX:
        raise ValueError(f"{shortened(str(value))} is above {k.WEEKLY_CAP_MAX}")
    return value


def _said_once(value: bool, info: ValidationInfo) -> bool:
    if info.data.get("clearance_needed") is not None:
        raise ValueError("says the same as another key of this mapping")
    return value


@dataclass(frozen=True, slots=True)
class Athlete(words.Athlete):
    """The go-ahead of a professional has several spellings, and a pregnancy asks for one."""

    target_sessions_per_week: Annotated[int, Field(strict=True, ge=1), AfterValidator(_within_the_cap)] = 2
    clearance_needed: Annotated[
        Flag | None, _spelled("clearance_needed", "clearance_required", "needs_clearance", "clearance_pending")
    ] = None
    cleared: Annotated[Flag | None, AfterValidator(_said_once), _spelled("cleared", "clearance_given")] = None
    pregnant: Flag = False
    postpartum: Flag = False


def _athlete(read: Athlete) -> words.Athlete:
    needed = read.clearance_needed if read.cleared is None else not read.cleared
    if needed is None:
        # Guidance conflicts, so a professional decides (evidence.md section 4).
        needed = read.pregnant or read.postpartum
    made: words.Athlete = _to_base(read, clearance_needed=needed)
    return made


# mypy cannot see the fields of a made class.
CheckIn: Any = make_dataclass(
    "CheckIn",
    [
        *((f"{place}_pain_0_10", words.Score | None, None) for place in (*KNEE_PLACES, *PLACES)),
        ("red_flags", ItemSet[Annotated[str, among(tuple(k.RED_FLAGS))]], frozenset()),
    ],
    bases=(words.CheckIn,),
    frozen=True,
)


def _check_in(read: Any) -> words.CheckIn:
    knee, other = (_worst(read, places) for places in (("knee", *KNEE_PLACES), ("other", *PLACES)))
    made: words.CheckIn = _to_base(read, knee_pain_0_10=knee, other_pain_0_10=other)
    return made


def _worst(read: Any, places: tuple[str, ...]) -> int | None:
    scores = (getattr(read, f"{place}_pain_0_10") for place in places)
    return max((score for score in scores if score is not None), default=None)


@dataclass(frozen=True, slots=True)
class PlannedRun(words.PlannedRun):
    """A run of one of the known kinds."""

    kind: Annotated[str, among(PLAN_KINDS)]


def _not_below_moving(value: float, info: ValidationInfo) -> float:
    moving = info.data.get("moving_min")
    if moving is not None and value < moving:
        raise ValueError(f"{value:g} is below the moving time of {moving:g}")
    return value


@dataclass(frozen=True, slots=True)
class Activity(words.Activity):
    """The climb has the spellings of other logs."""

    elapsed_min: Annotated[words.Minutes, AfterValidator(_not_below_moving)] | None = None
    elevation_gain_m: Annotated[words.Climb | None, _spelled("elevation_gain_m", *GAIN_SPELLINGS)] = None


@dataclass(frozen=True, slots=True)
class Session(words.Session):
    """The effort may leave out its scale."""

    rpe_1_10: Annotated[words.Effort | None, _spelled("rpe_1_10", "rpe")] = None


class Scenario(StrictModel, strict=False):
    """One document. Each field of the shapes says for itself how strict it is."""

    athlete: Annotated[Keys[Athlete], AfterValidator(_athlete)]
    check_ins: Items[Annotated[Keys[CheckIn], AfterValidator(_check_in)]] = ()
    plan: Items[Read[PlannedRun]] = ()
    activities: Items[Read[Activity]] = ()
    sessions: Items[Read[Session]] = ()
    event: Keys[words.Event]
    now: Moment

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return without_nulls(value)


def parse(document: Any) -> words.Situation:
    """Build the situation in one document. Raises `DocumentError` with every problem found."""
    situation = words.Situation(**dict(validate(Scenario, document)))
    ids = [activity.id for activity in situation.activities]
    twice = [f"activities[{i}].id: {id_!r} is there twice" for i, id_ in enumerate(ids) if id_ in ids[:i]]
    if twice:
        raise DocumentError(twice)
    return situation
