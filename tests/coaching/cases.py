"""The decision cases of this folder as scenario documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import yaml

ATHLETE: dict[str, Any] = {
    "timezone": "Europe/London",
    "age": 34,
    "target_sessions_per_week": 2,
    "programme_stage": 2,
    "sessions_completed_total": 9,
    "screening_completed": True,
}
# Weekday (Monday 0) -> minutes of the morning run.
BACKGROUND = {1: 45, 3: 50, 5: 40, 6: 75}


class Case(NamedTuple):
    """A scenario with the decision, dose and rule that are expected of it. ``says``: the reason, with * for any text."""

    name: str
    document: dict[str, Any]
    expected: tuple[str, str, str]
    says: str = "*"


def given_cases() -> list[Case]:
    """The cases written out in full."""
    about = {"id", "title", "difficulty", "tags", "expected", "says"}
    return [
        Case(
            f"{case['id']} {case['title']}",
            {key: value for key, value in case.items() if key not in about},
            (case["expected"]["decision"], case["expected"]["dose"], case["expected"]["rule"]),
            case.get("says", "*"),
        )
        for case in _read("cases.yaml")["cases"]
    ]


def more_cases() -> list[Case]:
    """The cases written briefly, in full."""
    read = _read("more_cases.yaml")
    return [Case(case["title"], _in_full(case), tuple(case["expect"]), case.get("says", "*")) for case in read]


def all_cases() -> list[Case]:
    """Every case."""
    return given_cases() + more_cases()


def _read(name: str) -> Any:
    return yaml.load(Path(__file__).with_name(name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _in_full(case: dict[str, Any]) -> dict[str, Any]:
    known = {"title", "says", "from", "expect", "athlete", "run", "also", "background", "sessions", "plan", "check_ins"}
    assert not case.keys() - known - {"now", "event"}, case
    athlete = ATHLETE | case.get("athlete", {})
    zone = ZoneInfo(athlete["timezone"])
    after_run = case["from"] == "after_run"
    now = _local(case.get("now", "2026-11-17 07:55" if after_run else "2026-11-20 17:30"), zone)
    activities = [_with_upload(entry, zone) for entry in case.get("also", [])]
    event = {"type": "clock_tick"}
    if after_run:
        run = {"id": "t", "sport": "run", "start": "2026-11-17 07:00", "moving_min": 45, "intensity": "easy"}
        run |= case.get("run", {})
        activities.append(_with_upload(run, zone))
        event = {"type": "activity_uploaded", "activity_id": run["id"]}
    if case.get("background") != "none":
        activities += _background(datetime.fromisoformat(now), zone)
    sessions = case.get("sessions", ["2026-11-12 08:00" if after_run else "2026-11-17 08:05"])
    plan = case.get("plan", [] if after_run else [{"start": "2026-11-21 08:00", "kind": "easy"}])
    return {
        "athlete": athlete,
        "check_ins": [entry | {"at": _local(entry["at"], zone)} for entry in case.get("check_ins", [])],
        "plan": [entry | {"start": _local(entry["start"], zone)} for entry in plan],
        "activities": activities,
        "sessions": [_session(entry, zone) for entry in sessions],
        "event": case.get("event", event),
        "now": now,
    }


def _local(written: str, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(written)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def _with_upload(activity: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The activity with local times in full; uploaded at its end, if it doesn't say."""
    times = ("start", "uploaded_at", "deleted_at")
    made = activity | {key: _local(activity[key], zone) for key in times if key in activity}
    length = timedelta(minutes=activity.get("elapsed_min", activity["moving_min"]))
    end = datetime.fromisoformat(made["start"]).astimezone(UTC) + length
    return {"uploaded_at": end.isoformat()} | made


def _session(entry: str | dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    entry = {"completed_at": entry, "kind": "strength_full"} if isinstance(entry, str) else entry
    return entry | {"completed_at": _local(entry["completed_at"], zone)}


def _background(now: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    days = (now.astimezone(zone).date() - timedelta(days=back) for back in range(1, 13))
    return [
        _with_upload({"id": f"bg-{day}", "sport": "run", "start": f"{day} 07:00", "moving_min": minutes}, zone)
        for day in days
        if (minutes := BACKGROUND.get(day.weekday()))
    ]
