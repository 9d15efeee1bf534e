"""Input and output of the coach: the situation and the verdict.

Every time is an aware datetime; a local day is a date in the athlete's time zone. An absent value means unknown.
The same shapes come from the store (a runner's life) and from a scenario file (``adductor decide``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo


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
    """Routines are stopped until the runner says that it is sorted."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ExerciseProgress:
    """Double-progression state of one exercise. ``at_top_in_a_row`` counts answered sessions."""

    exercise: str
    sets: int | None = None
    reps_or_holds: int | None = None
    hold_s: int | None = None
    at_top_in_a_row: int = 0
    missed_in_a_row: int = 0
    at_target: bool = False
    last_rpe_1_10: float | None = None
    last_pain_0_10: int | None = None
    use_easier: bool = False  # too much for now: the easier rung takes its place


@dataclass(frozen=True, slots=True)
class Athlete:
    """The athlete: choices, health answers, and position on the ladder of stages."""

    timezone: ZoneInfo
    age: int | None = None
    target_sessions_per_week: int = 2
    programme_stage: int = 1
    sessions_completed_total: int = 0
    sessions_at_stage: int = 0
    screening_completed: bool | None = None
    clearance_needed: bool = False
    hold: Hold | None = None
    illness: bool = False
    paused_until: date | None = None  # the first local day on which routines may come again
    placements_enabled: frozenset[Placement] = frozenset(Placement)
    rest_day_prompt_local: time = time(17, 30)
    quiet_hours_local: tuple[time, time] = (time(22, 30), time(5, 0))
    last_completed_session_date: date | None = None  # local; only needed for sessions older than the window
    last_run_date_before_window: date | None = None
    programme_started_on: date | None = None  # local; counts the weeks for the deload
    equipment: frozenset[str] | None = None  # catalogue ids; None = never asked: the usual home is assumed
    minutes_available: int | None = None
    progress: tuple[ExerciseProgress, ...] = ()
    stage_since: date | None = None  # local; when the stage was reached, for the gate of the jump lunges
    plyometrics_cleared: bool = False  # the runner's health answers rule out nothing that forbids jumping


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A check-in: the runner's own scores, from 0 to 10."""

    at: datetime
    hip_groin_pain_0_10: int | None = None
    squeeze_pain_0_10: int | None = None
    other_pain_0_10: int | None = None
    adductor_soreness_0_10: int | None = None
    feeling_1_5: int | None = None
    red_flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run or race to come. ``kind``: easy, rest, long, tempo, intervals, workout, race."""

    start: datetime
    kind: str
    priority: str | None = None  # of a race: A, B or C
    distance_km: float | None = None
    planned_min: float | None = None
    usual: bool = False  # from the runner's weekly habit, not from a plan: any run of the day is that run


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry of the running log, in the coach's words. ``start`` is when it began."""

    id: str
    sport: str  # run, trail_run, treadmill_run, virtual_run, walk, hike, ride, strength, ...
    start: datetime
    moving_min: float
    elapsed_min: float | None = None
    distance_km: float | None = None
    elevation_gain_m: float | None = None
    intensity: Intensity = Intensity.UNKNOWN
    source: str = "device"  # device or manual
    uploaded_at: datetime | None = None
    deleted_at: datetime | None = None
    time_unreliable: bool = False
    race_priority: str | None = None
    body_part: str | None = None  # of strength work: lower, upper, full, core; None = unknown
    is_adductor_session: bool = False  # the log says that this was our kind of work


@dataclass(frozen=True, slots=True)
class Session:
    """A routine done, or one suggested and never answered (``answered=False``: it counts for load, not progress)."""

    completed_at: datetime
    kind: str  # strength_full, strength_light or warm_up
    completed_pct: float = 100
    answered: bool = True
    rpe_1_10: float | None = None
    pain_during_0_10: int | None = None
    stopped_for_pain: bool = False
    routine_id: str | None = None
    exercises: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """The event to decide about."""

    type: EventType
    activity_id: str | None = None


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


@dataclass(frozen=True, slots=True)
class Routine:
    """A routine: one to three exercises with their doses. ``minutes`` is rounded up."""

    id: str
    stage: int
    dose: Dose
    minutes: int
    seconds: int
    items: tuple[RoutineItem, ...]


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
