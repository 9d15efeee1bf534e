"""The keys of a scenario file, as `docs/scenario-file.md` lists them, and what they fill."""

from __future__ import annotations

from datetime import time
from typing import Any

from adductor.coaching import constants as k
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Event,
    EventType,
    ExerciseProgress,
    Hold,
    Intensity,
    Placement,
    PlannedRun,
    Session,
    Situation,
)
from adductor.scenario.shapes import MOST_PROBLEMS, ScenarioError, Shape, listed, nested
from adductor.scenario.values import (
    Reader,
    WrongValueError,
    among,
    clock,
    day,
    enum,
    flag,
    identifier,
    moment,
    number,
    shortened,
    slug,
    text,
    whole,
    zone,
)

LONGEST_ACTIVITY_MIN = 7 * 24 * 60  # the longest races take a week
SESSION_KINDS = ("strength_full", "strength_light", "warm_up")
SOURCES = ("device", "manual")
BODY_PARTS = ("upper", "lower", "full", "core")
PRIORITIES = ("A", "B", "C")
EASY_KINDS = ("easy", "recovery", "steady", "moderate", "run")
PLAN_KINDS = (*EASY_KINDS, *sorted(k.KEY_SESSION_KINDS), *sorted(k.NOT_A_RUN_KINDS))
GAIN_SPELLINGS = ("gain_m", "climb_m", "ascent_m", "elevation_m", "total_elevation_gain_m", "total_elevation_gain")
# Pain elsewhere may be named by its place; all of it is "other pain" to the rules.
OTHER_PLACES = (
    "other", "knee", "outer_knee", "outer_hip", "low_back", "lower_back", "back", "thigh", "hamstring", "calf", "shin",
    "achilles", "ankle", "foot", "pelvis",
)  # fmt: skip


def _same_names(*fields: tuple[str, Reader]) -> dict[str, tuple[str, Reader]]:
    return {name: (name, reader) for name, reader in fields}


def _quiet_hours(value: Any) -> tuple[time, time]:
    if not isinstance(value, list) or len(value) != 2:
        raise WrongValueError("must be a list of two local times like ['22:30', '05:00']")
    return clock(value[0]), clock(value[1])


def _target(value: Any) -> int:
    target: int = whole(1, k.WEEKLY_CAP_MAX)(value)
    return target


def _not(reader: Reader) -> Reader:
    return lambda value: not reader(value)


_SCORE = whole(0, 10)

_CHECK_IN = Shape(
    {
        "at": ("at", moment),
        "hip_groin_pain_0_10": ("hip_groin_pain_0_10", _SCORE),
        "squeeze_pain_0_10": ("squeeze_pain_0_10", _SCORE),
        **{f"{place}_pain_0_10": (f"{place}_pain_0_10", _SCORE) for place in OTHER_PLACES},
        "adductor_soreness_0_10": ("adductor_soreness_0_10", _SCORE),
        "feeling_1_5": ("feeling_1_5", whole(1, 5)),
        "red_flags": ("red_flags", listed(among(tuple(k.RED_FLAGS)), frozenset)),
    },
    required=("at",),
)

_HOLD = Shape(_same_names(("since", moment), ("reason", text)), required=("since", "reason"))

_PROGRESS = Shape(
    _same_names(
        ("exercise", slug),
        ("sets", whole(1, 10)),
        ("reps_or_holds", whole(1, 100)),
        ("hold_s", whole(1, 300)),
        ("at_top_in_a_row", whole(0, 1000)),
        ("missed_in_a_row", whole(0, 1000)),
        ("at_target", flag),
        ("last_rpe_1_10", number(1, 10)),
        ("last_pain_0_10", _SCORE),
    ),
    required=("exercise",),
)

_ATHLETE = Shape(
    {
        **_same_names(
            ("timezone", zone),
            ("age", whole(0, 120)),
            ("target_sessions_per_week", _target),
            ("programme_stage", whole(1, 4)),
            ("sessions_completed_total", whole(0, 100_000)),
            ("sessions_at_stage", whole(0, 100_000)),
            ("screening_completed", flag),
            ("clearance_needed", flag),
            ("hold", nested(_HOLD, Hold)),
            ("illness", flag),
            ("paused_until", day),
            ("placements_enabled", listed(enum(Placement), frozenset)),
            ("rest_day_prompt_local", clock),
            ("quiet_hours_local", _quiet_hours),
            ("last_completed_session_date", day),
            ("last_run_date_before_window", day),
            ("programme_started_on", day),
            ("stage_since", day),
            ("plyometrics_cleared", flag),
            ("equipment", listed(slug, frozenset)),
            ("minutes_available", whole(1, 240)),
            ("progress", listed(nested(_PROGRESS, ExerciseProgress))),
        ),
        # The same answer in other words.
        "clearance_required": ("clearance_needed", flag),
        "needs_clearance": ("clearance_needed", flag),
        "clearance_pending": ("clearance_needed", flag),
        "cleared": ("clearance_needed", _not(flag)),
        "clearance_given": ("clearance_needed", _not(flag)),
        "pregnant": ("pregnant", flag),
        "postpartum": ("postpartum", flag),
    },
    required=("timezone",),
)

_PLANNED = Shape(
    _same_names(
        ("start", moment),
        ("kind", among(PLAN_KINDS)),
        ("priority", among(PRIORITIES)),
        ("distance_km", number(0, 1000)),
        ("planned_min", number(0, LONGEST_ACTIVITY_MIN)),
        ("usual", flag),
    ),
    required=("start", "kind"),
)

_GAIN = number(0, 30_000)

_ACTIVITY = Shape(
    {
        **_same_names(
            ("id", identifier),
            ("sport", slug),
            ("start", moment),
            ("moving_min", number(0, LONGEST_ACTIVITY_MIN)),
            ("elapsed_min", number(0, LONGEST_ACTIVITY_MIN)),
            ("distance_km", number(0, 5000)),
            ("elevation_gain_m", _GAIN),
            ("intensity", enum(Intensity)),
            ("source", among(SOURCES)),
            ("uploaded_at", moment),
            ("deleted_at", moment),
            ("time_unreliable", flag),
            ("race_priority", among(PRIORITIES)),
            ("body_part", among(BODY_PARTS)),
            ("is_adductor_session", flag),
        ),
        # Spellings of other logs.
        **dict.fromkeys(GAIN_SPELLINGS, ("elevation_gain_m", _GAIN)),
    },
    required=("id", "sport", "start", "moving_min"),
)

_SESSION = Shape(
    {
        **_same_names(
            ("completed_at", moment),
            ("kind", among(SESSION_KINDS)),
            ("completed_pct", number(0, 100)),
            ("answered", flag),
            ("rpe_1_10", number(1, 10)),
            ("pain_during_0_10", _SCORE),
            ("stopped_for_pain", flag),
            ("routine_id", slug),
            ("exercises", listed(slug)),
        ),
        "rpe": ("rpe_1_10", number(1, 10)),
    },
    required=("completed_at", "kind"),
)

_EVENT = Shape({"type": ("type", enum(EventType)), "activity_id": ("activity_id", identifier)}, required=("type",))


def _check_in(**fields: Any) -> CheckIn:
    other = [fields.pop(key) for key in [f"{place}_pain_0_10" for place in OTHER_PLACES] if key in fields]
    return CheckIn(**fields, other_pain_0_10=max(other, default=None))


def _athlete(**fields: Any) -> Athlete:
    if fields.pop("pregnant", False) | fields.pop("postpartum", False):
        # Guidance conflicts, so a professional decides (evidence.md section 4).
        fields.setdefault("clearance_needed", True)
    return Athlete(**fields)


def _activity(**fields: Any) -> Activity:
    elapsed = fields.get("elapsed_min")
    if elapsed is not None and elapsed < fields["moving_min"]:
        raise ScenarioError([f".elapsed_min: {elapsed} is below the moving time of {fields['moving_min']}"])
    return Activity(**fields)


_SCENARIO = Shape(
    _same_names(
        ("athlete", nested(_ATHLETE, _athlete)),
        ("check_ins", listed(nested(_CHECK_IN, _check_in))),
        ("plan", listed(nested(_PLANNED, PlannedRun))),
        ("activities", listed(nested(_ACTIVITY, _activity))),
        ("sessions", listed(nested(_SESSION, Session))),
        ("event", nested(_EVENT, Event)),
        ("now", moment),
    ),
    required=("athlete", "event", "now"),
)


def parse(document: Any) -> Situation:
    """The situation in one document. Raises `ScenarioError` with every problem found, each with the path of its key."""
    problems: list[str] = []
    fields = _SCENARIO.read(document, "", problems)
    if not problems:
        seen: set[str] = set()
        for index, activity in enumerate(fields.get("activities", ())):
            if activity.id in seen:
                problems.append(f"activities[{index}].id: {shortened(activity.id)!r} is there twice")
            seen.add(activity.id)
    if len(problems) > MOST_PROBLEMS:
        problems[MOST_PROBLEMS:] = [f"(document): and more; these are the first {MOST_PROBLEMS}"]
    if problems:
        raise ScenarioError(problems)
    return Situation(**fields)
