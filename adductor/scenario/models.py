"""The keys of a scenario file as pydantic models; `docs/scenario-file.md` lists them for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AliasChoices,
    Field,
    ModelWrapValidatorHandler,
    Strict,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from adductor.coaching import constants as k
from adductor.coaching import situation as words
from adductor.documents.problems import shortened
from adductor.documents.values import (
    Clock,
    Day,
    Identifier,
    Items,
    ItemSet,
    Moment,
    Slug,
    StrictModel,
    Text,
    Zone,
    among,
)

LONGEST_ACTIVITY_MIN = 7 * 24 * 60  # the longest races take a week
EASY_KINDS = ("easy", "recovery", "steady", "moderate", "run")
PLAN_KINDS = (*EASY_KINDS, *sorted(k.KEY_SESSION_KINDS), *sorted(k.NOT_A_RUN_KINDS))
GAIN_SPELLINGS = ("gain_m", "climb_m", "ascent_m", "elevation_m", "total_elevation_gain_m", "total_elevation_gain")
# Pain elsewhere may be named by its place; the rules know only "other pain".
OTHER_PLACES = (
    "other", "knee", "outer_knee", "outer_hip", "low_back", "lower_back", "back", "thigh", "hamstring", "calf", "shin",
    "achilles", "ankle", "foot", "pelvis",
)  # fmt: skip

Priority = Literal["A", "B", "C"]
Placement = Annotated[words.Placement, Strict(False)]
Intensity = Annotated[words.Intensity, Strict(False)]
EventType = Annotated[words.EventType, Strict(False)]


class _Keys(StrictModel):
    """A mapping of the file. It validates into ``makes``, called with the given keys; null is the same as absent."""

    makes: ClassVar[Callable[..., Any]]

    @model_validator(mode="wrap")
    @classmethod
    def _make(cls, value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        if isinstance(value, Mapping):
            value = {key: given for key, given in value.items() if given is not None}
        read = handler(value)
        return cls.makes(**{name: getattr(read, name) for name in read.model_fields_set})


class Hold(_Keys):
    makes = words.Hold
    since: Moment
    reason: Text


class Progress(_Keys):
    makes = words.ExerciseProgress
    exercise: Slug
    sets: int | None = Field(None, ge=1, le=10)
    reps_or_holds: int | None = Field(None, ge=1, le=100)
    hold_s: int | None = Field(None, ge=1, le=300)
    at_top_in_a_row: int | None = Field(None, ge=0, le=1000)
    missed_in_a_row: int | None = Field(None, ge=0, le=1000)
    at_target: bool | None = None
    last_rpe_1_10: float | None = Field(None, ge=1, le=10)
    last_pain_0_10: int | None = Field(None, ge=0, le=10)


def _athlete(
    *, cleared: bool | None = None, pregnant: bool = False, postpartum: bool = False, **fields: Any
) -> words.Athlete:
    if cleared is not None:
        fields["clearance_needed"] = not cleared
    if pregnant or postpartum:
        # Guidance conflicts, so a professional decides (evidence.md section 4).
        fields.setdefault("clearance_needed", True)
    return words.Athlete(**fields)


class Athlete(_Keys):
    makes = _athlete
    timezone: Zone
    age: int | None = Field(None, ge=0, le=120)
    target_sessions_per_week: int | None = Field(None, ge=1)
    programme_stage: int | None = Field(None, ge=1, le=4)
    sessions_completed_total: int | None = Field(None, ge=0, le=100_000)
    sessions_at_stage: int | None = Field(None, ge=0, le=100_000)
    screening_completed: bool | None = None
    clearance_needed: bool | None = Field(
        None,
        validation_alias=AliasChoices("clearance_needed", "clearance_required", "needs_clearance", "clearance_pending"),
    )
    cleared: bool | None = Field(None, validation_alias=AliasChoices("cleared", "clearance_given"))
    pregnant: bool | None = None
    postpartum: bool | None = None
    hold: Hold | None = None
    illness: bool | None = None
    paused_until: Day | None = None
    placements_enabled: ItemSet[Placement] | None = None
    rest_day_prompt_local: Clock | None = None
    quiet_hours_local: Annotated[tuple[Clock, Clock], Strict(False)] | None = None
    last_completed_session_date: Day | None = None
    last_run_date_before_window: Day | None = None
    programme_started_on: Day | None = None
    stage_since: Day | None = None
    plyometrics_cleared: bool | None = None
    equipment: ItemSet[Slug] | None = None
    minutes_available: int | None = Field(None, ge=1, le=240)
    progress: Items[Progress] | None = None

    @field_validator("target_sessions_per_week")
    @classmethod
    def _within_the_cap(cls, value: int | None) -> int | None:
        # Read at validation, not at import, so that `make mutate` can change the constant.
        if value is not None and value > k.WEEKLY_CAP_MAX:
            raise ValueError(f"{shortened(str(value))} is above {k.WEEKLY_CAP_MAX}")
        return value

    @field_validator("cleared")
    @classmethod
    def _said_once(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if info.data.get("clearance_needed") is not None:
            raise ValueError("says the same as another key of this mapping")
        return value


def _check_in(**fields: Any) -> words.CheckIn:
    other = [fields.pop(key) for key in [f"{place}_pain_0_10" for place in OTHER_PLACES] if key in fields]
    return words.CheckIn(**fields, other_pain_0_10=max(other, default=None))


class _CheckIn(_Keys):
    makes = _check_in
    at: Moment
    hip_groin_pain_0_10: int | None = Field(None, ge=0, le=10)
    squeeze_pain_0_10: int | None = Field(None, ge=0, le=10)
    adductor_soreness_0_10: int | None = Field(None, ge=0, le=10)
    feeling_1_5: int | None = Field(None, ge=1, le=5)
    red_flags: ItemSet[Annotated[str, among(tuple(k.RED_FLAGS))]] | None = None


CheckIn: type[_CheckIn] = create_model(  # type: ignore[call-overload]
    "CheckIn",
    __base__=_CheckIn,
    **{f"{place}_pain_0_10": (int | None, Field(None, ge=0, le=10)) for place in OTHER_PLACES},
)


class PlannedRun(_Keys):
    makes = words.PlannedRun
    start: Moment
    kind: Annotated[str, among(PLAN_KINDS)]
    priority: Priority | None = None
    distance_km: float | None = Field(None, ge=0, le=1000)
    planned_min: float | None = Field(None, ge=0, le=LONGEST_ACTIVITY_MIN)
    usual: bool | None = None


class Activity(_Keys):
    makes = words.Activity
    id: Identifier
    sport: Slug
    start: Moment
    moving_min: float = Field(ge=0, le=LONGEST_ACTIVITY_MIN)
    elapsed_min: float | None = Field(None, ge=0, le=LONGEST_ACTIVITY_MIN)
    distance_km: float | None = Field(None, ge=0, le=5000)
    elevation_gain_m: float | None = Field(
        None, ge=0, le=30_000, validation_alias=AliasChoices("elevation_gain_m", *GAIN_SPELLINGS)
    )
    intensity: Intensity | None = None
    source: Literal["device", "manual"] | None = None
    uploaded_at: Moment | None = None
    deleted_at: Moment | None = None
    time_unreliable: bool | None = None
    race_priority: Priority | None = None
    body_part: Literal["upper", "lower", "full", "core"] | None = None
    is_adductor_session: bool | None = None

    @field_validator("elapsed_min")
    @classmethod
    def _not_below_moving(cls, value: float | None, info: ValidationInfo) -> float | None:
        moving = info.data.get("moving_min")
        if value is not None and moving is not None and value < moving:
            raise ValueError(f"{value:g} is below the moving time of {moving:g}")
        return value


class Session(_Keys):
    makes = words.Session
    completed_at: Moment
    kind: Literal["strength_full", "strength_light", "warm_up"]
    completed_pct: float | None = Field(None, ge=0, le=100)
    answered: bool | None = None
    rpe_1_10: float | None = Field(None, ge=1, le=10, validation_alias=AliasChoices("rpe_1_10", "rpe"))
    pain_during_0_10: int | None = Field(None, ge=0, le=10)
    stopped_for_pain: bool | None = None
    routine_id: Slug | None = None
    exercises: Items[Slug] | None = None


class Event(_Keys):
    makes = words.Event
    type: EventType
    activity_id: Identifier | None = None


class Scenario(_Keys):
    """One document; it validates into a `Situation`."""

    makes = words.Situation
    athlete: Athlete
    check_ins: Items[CheckIn] | None = None
    plan: Items[PlannedRun] | None = None
    activities: Items[Activity] | None = None
    sessions: Items[Session] | None = None
    event: Event
    now: Moment
