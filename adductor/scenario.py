"""Scenario files: a runner's situation written down by hand or by a program, read strictly.

One document is one situation (`docs/scenario-file.md` lists the keys). A file holds one or many, as YAML documents or as
JSON, one after the other. Nothing is guessed: unknown keys, wrong types, times without an offset and impossible values
are refused, all of a document at once, each with the path of its key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
from adductor.scenario_yaml import ScenarioSyntaxError, yaml_documents

# Situations of this product lie in these years; a date outside is a slip of the pen.
FIRST_YEAR, LAST_YEAR = 2000, 2100
LONGEST_ACTIVITY_MIN = 7 * 24 * 60  # the longest races take a week
SESSION_KINDS = ("strength_full", "strength_light", "warm_up")
SOURCES = ("device", "manual")
BODY_PARTS = ("upper", "lower", "full", "core")
PRIORITIES = ("A", "B", "C")
EASY_KINDS = ("easy", "recovery", "steady", "moderate", "run")
PLAN_KINDS = (*EASY_KINDS, *sorted(k.KEY_SESSION_KINDS), *sorted(k.NOT_A_RUN_KINDS))
# Pain elsewhere may be named by its place; all of it is "other pain" to the rules.
OTHER_PLACES = (
    "other", "knee", "outer_knee", "outer_hip", "low_back", "lower_back", "back", "thigh", "hamstring", "calf", "shin",
    "achilles", "ankle", "foot", "pelvis",
)  # fmt: skip

E = TypeVar("E", bound=StrEnum)
_NOT_GIVEN: Any = object()
_SLUG = re.compile(r"[a-z][a-z0-9_]*\Z")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


class ScenarioError(ValueError):
    """A scenario is wrong. ``problems`` are lines like ``activities[2].moving_min: -5 is below 0``."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class _Wrong(Exception):
    """One value is wrong; the caller knows where it stands."""


Reader = Callable[[Any], Any]


# --- values ---------------------------------------------------------------------------------------------------------


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {_shortened(value)!r}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else type(value).__name__


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise _Wrong(f"must be true or false, not {_kind(value)}")
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"must be text, not {_kind(value)}")
    return value


def _identifier(value: Any) -> str:
    # A number that stands where an id does (platform ids are numbers) is that id.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _slug(value: Any) -> str:
    if not isinstance(value, str) or not _SLUG.match(value):
        raise _Wrong(f"must be a lower-case word like trail_run, not {_kind(value)}")
    return value


def _whole(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if not isinstance(value, int) or value is True or value is False:
            raise _Wrong(f"must be a whole number, not {_kind(value)}")
        if not low <= value <= high:
            raise _Wrong(f"{value} is not within {low} to {high}")
        return value

    return read


def _number(low: float, high: float) -> Reader:
    def read(value: Any) -> float:
        if not isinstance(value, int | float) or value is True or value is False:
            raise _Wrong(f"must be a number, not {_kind(value)}")
        if not math.isfinite(value) or not low <= value <= high:
            raise _Wrong(f"{value} is not within {low:g} to {high:g}")
        return value

    return read


def _among(choices: Sequence[str]) -> Reader:
    known = frozenset(choices)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _Wrong(f"must be one of {', '.join(choices)}, not {_kind(value)}")
        return value

    return read


def _enum(type_: type[E]) -> Reader:
    members = {member.value: member for member in type_}

    def read(value: Any) -> E:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise _Wrong(f"must be one of {', '.join(members)}, not {_kind(value)}")
        return member

    return read


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise _Wrong(f"must be a time like 2026-11-17T07:50:00+00:00, not {_kind(value)}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _Wrong(f"{_shortened(value)!r} is not a time like 2026-11-17T07:50:00+00:00") from None
    if moment.tzinfo is None:
        raise _Wrong(f"{value!r} has no offset; write it like 2026-11-17T07:50:00+00:00")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _Wrong(f"the year {moment.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def _day(value: Any) -> date:
    try:
        if not isinstance(value, str) or len(value) != len("2026-11-27"):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        raise _Wrong(f"must be a date like 2026-11-27, not {_kind(value)}") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _Wrong(f"the year {day.year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return day


@lru_cache(maxsize=512)
def _clock_of(text: str) -> time | None:
    match = _CLOCK.match(text)
    return time(int(match[1]), int(match[2])) if match else None


def _clock(value: Any) -> time:
    clock = _clock_of(value) if isinstance(value, str) else None
    if clock is None:
        raise _Wrong(f"must be a local time like '17:30', not {_kind(value)}")
    return clock


def _zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or not value:
        raise _Wrong(f"must be a time zone like Europe/London, not {_kind(value)}")
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Wrong(f"{_shortened(value)!r} is not a time zone like Europe/London") from None


# --- mappings and lists ---------------------------------------------------------------------------------------------


class _Shape:
    """The keys of one kind of mapping: for each the field it fills and how it is read."""

    def __init__(self, keys: Mapping[str, tuple[str, Reader]], required: Sequence[str] = ()) -> None:
        self.keys = keys
        self.required = required

    def read(self, value: Any, path: str, problems: list[str]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            problems.append(f"{path or '(document)'}: must be a mapping, not {_kind(value)}")
            return {}
        fields: dict[str, Any] = {}
        for key, given in value.items():
            entry = self.keys.get(key) if isinstance(key, str) else None
            if entry is None:
                problems.append(f"{_join(path, key)}: unknown key; known here: {', '.join(self.keys)}")
                continue
            name, reader = entry
            if given is None:
                if key in self.required:
                    problems.append(f"{_join(path, key)}: must be given")
                continue
            try:
                read = reader(given)
            except _Wrong as wrong:
                problems.append(f"{_join(path, key)}: {wrong}")
                continue
            except ScenarioError as error:
                problems.extend(f"{_join(path, key)}{problem}" for problem in error.problems)
                continue
            if name in fields:
                problems.append(f"{_join(path, key)}: says the same as another key of this mapping")
            fields[name] = read
        problems.extend(f"{_join(path, key)}: must be given" for key in self.required if key not in value)
        return fields


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _nested(shape: _Shape, make: Callable[..., Any]) -> Reader:
    """A mapping inside a mapping. Its problems carry their own part of the path."""

    def read(value: Any) -> Any:
        problems: list[str] = []
        fields = shape.read(value, "", problems)
        if problems:
            raise ScenarioError([_below(problem) for problem in problems])
        return make(**fields)

    return read


def _below(problem: str) -> str:
    return problem.removeprefix("(document)") if problem.startswith("(document)") else f".{problem}"


def _list(reader: Reader, make: Callable[[list[Any]], Any] = tuple) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise _Wrong(f"must be a list, not {_kind(value)}")
        problems: list[str] = []
        found = []
        for index, item in enumerate(value):
            try:
                found.append(reader(item))
            except _Wrong as wrong:
                problems.append(f"[{index}]: {wrong}")
            except ScenarioError as error:
                problems.extend(f"[{index}]{problem}" for problem in error.problems)
        if problems:
            raise ScenarioError(problems)
        return make(found)

    return read


def _same_names(*fields: tuple[str, Reader]) -> dict[str, tuple[str, Reader]]:
    return {name: (name, reader) for name, reader in fields}


def _quiet_hours(value: Any) -> tuple[time, time]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Wrong("must be a list of two local times like ['22:30', '05:00']")
    return _clock(value[0]), _clock(value[1])


def _not(reader: Reader) -> Reader:
    return lambda value: not reader(value)


_SCORE = _whole(0, 10)

_CHECK_IN = _Shape(
    {
        "at": ("at", _moment),
        "hip_groin_pain_0_10": ("hip_groin_pain_0_10", _SCORE),
        "squeeze_pain_0_10": ("squeeze_pain_0_10", _SCORE),
        **{f"{place}_pain_0_10": (f"{place}_pain_0_10", _SCORE) for place in OTHER_PLACES},
        "adductor_soreness_0_10": ("adductor_soreness_0_10", _SCORE),
        "feeling_1_5": ("feeling_1_5", _whole(1, 5)),
        "red_flags": ("red_flags", _list(_among(tuple(k.RED_FLAGS)), frozenset)),
    },
    required=("at",),
)

_HOLD = _Shape(_same_names(("since", _moment), ("reason", _text)), required=("since", "reason"))

_PROGRESS = _Shape(
    _same_names(
        ("exercise", _slug),
        ("sets", _whole(1, 10)),
        ("reps_or_holds", _whole(1, 100)),
        ("hold_s", _whole(1, 300)),
        ("at_top_in_a_row", _whole(0, 1000)),
        ("missed_in_a_row", _whole(0, 1000)),
        ("at_target", _flag),
        ("last_rpe_1_10", _number(1, 10)),
        ("last_pain_0_10", _SCORE),
    ),
    required=("exercise",),
)

_ATHLETE = _Shape(
    {
        **_same_names(
            ("timezone", _zone),
            ("age", _whole(0, 120)),
            ("target_sessions_per_week", _whole(1, k.WEEKLY_CAP_MAX)),
            ("programme_stage", _whole(1, 4)),
            ("sessions_completed_total", _whole(0, 100_000)),
            ("sessions_at_stage", _whole(0, 100_000)),
            ("screening_completed", _flag),
            ("clearance_needed", _flag),
            ("hold", _nested(_HOLD, Hold)),
            ("illness", _flag),
            ("paused_until", _day),
            ("placements_enabled", _list(_enum(Placement), frozenset)),
            ("rest_day_prompt_local", _clock),
            ("quiet_hours_local", _quiet_hours),
            ("last_completed_session_date", _day),
            ("last_run_date_before_window", _day),
            ("programme_started_on", _day),
            ("stage_since", _day),
            ("plyometrics_cleared", _flag),
            ("equipment", _list(_slug, frozenset)),
            ("minutes_available", _whole(1, 240)),
            ("progress", _list(_nested(_PROGRESS, ExerciseProgress))),
        ),
        # The same answer in other words.
        "clearance_required": ("clearance_needed", _flag),
        "needs_clearance": ("clearance_needed", _flag),
        "cleared": ("clearance_needed", _not(_flag)),
        "pregnant": ("pregnant", _flag),
    },
    required=("timezone",),
)

_PLANNED = _Shape(
    _same_names(
        ("start", _moment),
        ("kind", _among(PLAN_KINDS)),
        ("priority", _among(PRIORITIES)),
        ("distance_km", _number(0, 1000)),
        ("planned_min", _number(0, LONGEST_ACTIVITY_MIN)),
    ),
    required=("start", "kind"),
)

_GAIN = _number(0, 30_000)

_ACTIVITY = _Shape(
    {
        **_same_names(
            ("id", _identifier),
            ("sport", _slug),
            ("start", _moment),
            ("moving_min", _number(0, LONGEST_ACTIVITY_MIN)),
            ("elapsed_min", _number(0, LONGEST_ACTIVITY_MIN)),
            ("distance_km", _number(0, 5000)),
            ("elevation_gain_m", _GAIN),
            ("intensity", _enum(Intensity)),
            ("source", _among(SOURCES)),
            ("uploaded_at", _moment),
            ("deleted_at", _moment),
            ("time_unreliable", _flag),
            ("race_priority", _among(PRIORITIES)),
            ("body_part", _among(BODY_PARTS)),
            ("is_adductor_session", _flag),
        ),
        "gain_m": ("elevation_gain_m", _GAIN),
        "climb_m": ("elevation_gain_m", _GAIN),
        "ascent_m": ("elevation_gain_m", _GAIN),
    },
    required=("id", "sport", "start", "moving_min"),
)

_SESSION = _Shape(
    {
        **_same_names(
            ("completed_at", _moment),
            ("kind", _among(SESSION_KINDS)),
            ("completed_pct", _number(0, 100)),
            ("answered", _flag),
            ("rpe_1_10", _number(1, 10)),
            ("pain_during_0_10", _SCORE),
            ("stopped_for_pain", _flag),
            ("routine_id", _slug),
            ("exercises", _list(_slug)),
        ),
        "rpe": ("rpe_1_10", _number(1, 10)),
    },
    required=("completed_at", "kind"),
)

_EVENT = _Shape({"type": ("type", _enum(EventType)), "activity_id": ("activity_id", _identifier)}, required=("type",))


def _check_in(**fields: Any) -> CheckIn:
    other = [fields.pop(key) for key in [f"{place}_pain_0_10" for place in OTHER_PLACES] if key in fields]
    return CheckIn(**fields, other_pain_0_10=max(other, default=None))


def _athlete(**fields: Any) -> Athlete:
    if fields.pop("pregnant", False):
        # Guidance conflicts, so a professional decides (evidence.md section 4).
        fields.setdefault("clearance_needed", True)
    return Athlete(**fields)


def _activity(**fields: Any) -> Activity:
    elapsed = fields.get("elapsed_min")
    if elapsed is not None and elapsed < fields["moving_min"]:
        raise ScenarioError([f".elapsed_min: {elapsed} is below the moving time of {fields['moving_min']}"])
    return Activity(**fields)


_SCENARIO = _Shape(
    _same_names(
        ("athlete", _nested(_ATHLETE, _athlete)),
        ("check_ins", _list(_nested(_CHECK_IN, _check_in))),
        ("plan", _list(_nested(_PLANNED, PlannedRun))),
        ("activities", _list(_nested(_ACTIVITY, _activity))),
        ("sessions", _list(_nested(_SESSION, Session))),
        ("event", _nested(_EVENT, Event)),
        ("now", _moment),
    ),
    required=("athlete", "event", "now"),
)


# --- documents ------------------------------------------------------------------------------------------------------


def parse(document: Any) -> Situation:
    """The situation in one document. Raises `ScenarioError` with every problem found, each with the path of its key."""
    problems: list[str] = []
    fields = _SCENARIO.read(document, "", problems)
    if not problems:
        seen: set[str] = set()
        for index, activity in enumerate(fields.get("activities", ())):
            if activity.id in seen:
                problems.append(f"activities[{index}].id: {activity.id!r} is there twice")
            seen.add(activity.id)
    if problems:
        raise ScenarioError(problems)
    return Situation(**fields)


def documents(text: str) -> Iterator[Any]:
    """The documents of a file, one after the other: JSON (also one per line) or YAML.

    Raises `ScenarioError` for text that is neither.
    """
    rest = text.lstrip("\ufeff")
    if rest.lstrip().startswith("{"):
        decoded = _json_documents(rest)
        if decoded is not None:
            yield from decoded
            return
    try:
        yield from yaml_documents(rest)
    except ScenarioSyntaxError as error:
        raise ScenarioError([str(error)]) from None


def _json_documents(text: str) -> list[Any] | None:
    """The documents when all of the text is JSON, else None: YAML may start with a brace, too."""
    decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_constant)
    at, end = 0, len(text)
    found = []
    while True:
        while at < end and text[at] in " \t\r\n":
            at += 1
        if at == end:
            return found
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return None
        found.append(document)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ScenarioError([f"{twice}: is there twice"])
    return mapping


def _no_constant(name: str) -> None:
    raise ScenarioError([f"(document): {name} is not a number"])
