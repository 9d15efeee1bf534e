"""Input and output of the coach: the situation and the verdict.

Every time is an aware datetime; a local day is a date in the athlete's time zone. An absent value means unknown.
The store builds these shapes from its rows. `adductor.scenario` validates a file against the same shapes: the types of
the fields hold the limits of a file's values, and building an object checks none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from adductor.documents.values import (
    Clock,
    Day,
    Flag,
    Identifier,
    Items,
    ItemSet,
    Keys,
    Moment,
    ShortText,
    Slug,
    Text,
    Zone,
    among,
    read_by,
)

LONGEST_ACTIVITY_MIN = 7 * 24 * 60  # the longest races take a week

Score = Annotated[int, Field(strict=True, ge=0, le=10)]
Effort = Annotated[float, Field(strict=True, ge=1, le=10)]
Total = Annotated[int, Field(strict=True, ge=0, le=100_000)]
InARow = Annotated[int, Field(strict=True, ge=0, le=1000)]
Minutes = Annotated[float, Field(strict=True, ge=0, le=LONGEST_ACTIVITY_MIN)]
Climb = Annotated[float, Field(strict=True, ge=0, le=30_000)]
Priority = Annotated[str, among(("A", "B", "C"))]
PAIN_PLACES = ("hip_groin", "knee", "elsewhere")
PainPlace = Annotated[str, among(PAIN_PLACES)]
Sets = Annotated[int, Field(strict=True, ge=1, le=10)]
Reps = Annotated[int, Field(strict=True, ge=1, le=100)]
HoldSeconds = Annotated[int, Field(strict=True, ge=1, le=300)]
RoutineMinutes = Literal[5, 10, 15, 20]


class Placement(StrEnum):
    """When a routine is done; the article's three timings."""

    WARM_UP = "warm_up"
    POST_RUN = "post_run"
    REST_DAY = "rest_day"


class Decision(StrEnum):
    """The coach's answer to one event."""

    NONE = "none"
    POST_RUN = "post_run"
    REST_DAY = "rest_day"
    WARM_UP = "warm_up"
    REFER = "refer"


class Dose(StrEnum):
    """How much: the routine of the stage, the light one, the warm-up one, or nothing."""

    FULL = "full"
    LIGHT = "light"
    ACTIVATION = "activation"
    NONE = "none"


class Intensity(StrEnum):
    """How hard an activity was; unknown when the log doesn't say."""

    EASY = "easy"
    MODERATE = "moderate"
    HARD = "hard"
    RACE = "race"
    UNKNOWN = "unknown"


class EventType(StrEnum):
    """The trigger of a decision."""

    ACTIVITY_UPLOADED = "activity_uploaded"
    ACTIVITY_UPDATED = "activity_updated"
    ACTIVITY_DELETED = "activity_deleted"
    CLOCK_TICK = "clock_tick"
    RUN_STARTING_SOON = "run_starting_soon"
    CHECK_IN = "check_in"


@dataclass(frozen=True, slots=True)
class Hold:
    """Routines are stopped until a professional's word, or two green days after a pain number, lift it."""

    since: Moment
    reason: Text


@dataclass(frozen=True, slots=True)
class OwnExercise:
    """An exercise that the runner's physiotherapist gave: ``reps``, or ``holds`` of ``hold_s`` seconds, in each set."""

    id: Annotated[str, read_by(str, "a lower-case word that begins with own_, like own_calf_raise", r"own_[a-z0-9_]+")]
    name: ShortText
    sets: Sets
    reps: Reps | None = None
    holds: Reps | None = None
    hold_s: HoldSeconds | None = None
    per_side: Flag = False
    placements: ItemSet[Placement] = frozenset({Placement.POST_RUN, Placement.REST_DAY})


def _has_one_dose(own: OwnExercise) -> OwnExercise:
    if (own.reps is None) == (own.holds is None) or (own.holds is None) != (own.hold_s is None):
        raise ValueError("needs either reps, or holds and hold_s")
    return own


def _has_no_id_twice(exercises: tuple[OwnExercise, ...]) -> tuple[OwnExercise, ...]:
    ids = [own.id for own in exercises]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise ValueError(f"{id_!r} is there twice")
    return exercises


@dataclass(frozen=True, slots=True)
class ExerciseProgress:
    """Double-progression state of one exercise. The counts in a row are of answered sessions with this exercise."""

    exercise: Slug
    sets: Sets | None = None
    reps_or_holds: Reps | None = None
    hold_s: HoldSeconds | None = None
    at_top_in_a_row: InARow = 0
    missed_in_a_row: InARow = 0
    at_target: Flag = False
    last_rpe_1_10: Effort | None = None
    last_pain_0_10: Score | None = None
    use_easier: Flag = False  # too much for now: the easier rung takes its place
    easy_in_a_row: InARow = 0  # sessions at an RPE that says "too easy"
    hard_in_a_row: InARow = 0  # sessions at an RPE that says "too hard"
    target_doses_done: Total = 0  # sessions in which the target's sets and reps were done, for the gate of the jumps
    target_done_in: Items[Placement] = ()  # where the target's sets and reps were done
    last_done_on: Day | None = None  # local
    load: ShortText | None = None  # in the runner's words: "12 kg", "green band"
    changed: ShortText | None = None  # why the next dose is smaller, in words for its note


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What became of the suggestions of one slot (weekday and placement) that reached the runner, so many weeks ago."""

    weekday: Annotated[int, Field(strict=True, ge=0, le=6)]  # Monday 0
    placement: Placement
    offered: InARow
    done: InARow = 0
    weeks_ago: InARow = 0


def _has_done_no_more_than_offered(slot: SlotRecord) -> SlotRecord:
    if slot.done > slot.offered:
        raise ValueError(f"{slot.done} done is above {slot.offered} offered")
    return slot


@dataclass(frozen=True, slots=True)
class Athlete:
    """The athlete: choices, health answers, and position on the ladder of stages."""

    timezone: Zone
    age: Annotated[int, Field(strict=True, ge=0, le=120)] | None = None
    target_sessions_per_week: Annotated[int, Field(strict=True, ge=1)] = 2
    programme_stage: Annotated[int, Field(strict=True, ge=1, le=4)] = 1
    sessions_completed_total: Total = 0
    sessions_at_stage: Total = 0
    screening_completed: Flag | None = None
    clearance_needed: Flag | None = None
    hold: Keys[Hold] | None = None
    hold_lifted_at: Moment | None = None  # the latest lifting; what was told before it no longer speaks
    illness: Flag = False
    kept_light_because: Text | None = None  # a hint from outside: it keeps the dose light, and never more
    paused_until: Day | None = None  # the first local day on which routines may come again
    declined_on: Day | None = None  # the local day of a routine to which the runner said "not today"
    placements_enabled: ItemSet[Placement] = frozenset(Placement)
    rest_day_prompt_local: Clock = time(17, 30)
    quiet_hours_local: tuple[Clock, Clock] = (time(22, 30), time(5, 0))
    last_completed_session_date: Day | None = None  # local; only needed for sessions older than the window
    last_run_date_before_window: Day | None = None
    slots: Items[Annotated[Keys[SlotRecord], AfterValidator(_has_done_no_more_than_offered)]] = ()
    unanswered_in_a_row: InARow = 0  # the latest suggestions, each without an answer and without an opening
    last_suggested_on: Day | None = None  # local; the latest one that reached the runner, before today
    pages_only: ItemSet[Placement] = frozenset()  # placements whose routines stand on the pages and nowhere else
    raced_on: Day | None = None  # local; a race that the log may have forgotten, and the days after it that stay free
    race_free_days: Annotated[int, Field(strict=True, ge=0, le=60)] | None = None
    programme_started_on: Day | None = None  # local; counts the weeks for the deload
    equipment: ItemSet[Slug] | None = None  # catalogue ids; None = never asked: the usual home is assumed
    minutes_available: Annotated[int, Field(strict=True, ge=1, le=240)] | None = None  # bounds the two below
    minutes_after_run: RoutineMinutes | None = None  # None = 10
    minutes_rest_day: RoutineMinutes | None = None  # None = 15
    left_out: ItemSet[Slug] = frozenset()  # ids of exercises that the runner doesn't want
    own_exercises: Annotated[
        Items[Annotated[Keys[OwnExercise], AfterValidator(_has_one_dose)]], AfterValidator(_has_no_id_twice)
    ] = ()
    less_steady_side: Annotated[str, among(("left", "right"))] | None = None  # gets one set more
    maintaining: Flag = False  # the runner's choice: keep what was built, once a week
    progress: Items[Keys[ExerciseProgress]] = ()
    stage_since: Day | None = None  # local; when the stage was reached, for the gate of the jump lunges
    plyometrics_cleared: Flag = False  # the runner's health answers rule out nothing that forbids jumping


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A check-in: the runner's own scores, from 0 to 10."""

    at: Moment
    hip_groin_pain_0_10: Score | None = None
    squeeze_pain_0_10: Score | None = None
    knee_pain_0_10: Score | None = None
    other_pain_0_10: Score | None = None
    adductor_soreness_0_10: Score | None = None
    feeling_1_5: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    red_flags: ItemSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run or race to come. ``kind``: easy, rest, key, long, tempo, intervals, workout, race."""

    start: Moment
    kind: str
    priority: Priority | None = None  # of a race
    distance_km: Annotated[float, Field(strict=True, ge=0, le=1000)] | None = None
    planned_min: Minutes | None = None
    usual: Flag = False  # from the runner's weekly habit, not from a plan: any run of the day is that run


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry of the running log, in the coach's words. ``start`` is when it began."""

    id: Identifier
    sport: Slug  # run, trail_run, treadmill_run, virtual_run, walk, hike, ride, strength, ...
    start: Moment
    moving_min: Minutes
    elapsed_min: Minutes | None = None
    distance_km: Annotated[float, Field(strict=True, ge=0, le=5000)] | None = None
    elevation_gain_m: Climb | None = None
    intensity: Intensity = Intensity.UNKNOWN
    source: Annotated[str, among(("device", "manual"))] = "device"
    uploaded_at: Moment | None = None
    deleted_at: Moment | None = None
    time_unreliable: Flag = False
    race_priority: Priority | None = None
    body_part: Annotated[str, among(("upper", "lower", "full", "core"))] | None = None  # of strength work
    is_adductor_session: Flag = False  # the log says that this was our kind of work


@dataclass(frozen=True, slots=True)
class Session:
    """A routine done, or one suggested and never answered (``answered=False``: it counts for load, not progress).

    ``reached=False``: it stood on the pages alone and was never opened, so it counts for nothing.
    """

    completed_at: Moment
    kind: Annotated[str, among(("strength_full", "strength_light", "warm_up"))]
    completed_pct: Annotated[float, Field(strict=True, ge=0, le=100)] = 100
    answered: Flag = True
    reached: Flag = True
    rpe_1_10: Effort | None = None
    pain_during_0_10: Score | None = None
    pain_place: PainPlace = "hip_groin"
    stopped_for_pain: Flag = False
    routine_id: Slug | None = None
    exercises: Items[Slug] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """The event to decide about."""

    type: EventType
    activity_id: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a decision may depend on. Lists cover the last 14 days, in any order."""

    athlete: Athlete
    event: Event
    now: datetime
    check_ins: tuple[CheckIn, ...] = ()
    plan: tuple[PlannedRun, ...] = ()
    activities: tuple[Activity, ...] = ()
    sessions: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutineItem:
    """One exercise of a routine with its dose: ``reps``, or ``holds`` x ``hold_s`` seconds; per side if it says so."""

    exercise: str
    sets: int
    per_side: bool
    reps: int | None = None
    holds: int | None = None
    hold_s: int | None = None
    positions: int = 1
    rest_s: int = 0
    seconds: int = 0  # by the catalogue's formula
    substituted_for: str | None = None
    advice: str | None = None  # how to do it today, in words for note, mail and player
    name: str | None = None  # of an exercise of the runner's own; the catalogue has the other names
    extra_set_side: str | None = None  # left or right: one set more on this side

    @property
    def count(self) -> int:
        """The reps, or the holds, per set."""
        return self.reps or self.holds or 0


@dataclass(frozen=True, slots=True)
class Routine:
    """A routine: its exercises with their doses. ``minutes`` are those of the player's plan, to the nearest."""

    id: str
    stage: int
    dose: Dose
    minutes: int
    seconds: int
    items: tuple[RoutineItem, ...]
    remark: str | None = None  # why it is smaller than usual, or what is special, in words
    placement: Placement | None = None  # None in what was stored before there was one


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule that was looked at: whether it stopped the search, and the fact that decided it."""

    rule: str
    stopped: bool
    because: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The coach's answer, always with the rule and a reason that a runner understands."""

    decision: Decision
    dose: Dose
    rule: str
    reason: str
    considered: tuple[Considered, ...] = ()
    routine: Routine | None = None
    light_because: str | None = None
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """One of the next days, as far as it can be seen from here. ``day`` is local."""

    day: date
    placement: Placement | None  # None: nothing expected
    dose: Dose
    reason: str
