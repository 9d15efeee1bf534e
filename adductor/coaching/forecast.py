"""Forecast: simulate the next days and report on which a session is expected, and of which kind.

It is the decision itself, asked about moments to come: the runs that are planned (or that the runner does every week),
and the evenings of the other days. Sessions it expects are taken as done, so that the next ones keep their distance.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from adductor.catalogue.models import Catalogue
from adductor.coaching import constants as k
from adductor.coaching import words
from adductor.coaching.decide import decide
from adductor.coaching.normalise import Facts, facts
from adductor.coaching.situation import (
    Activity,
    Decision,
    Dose,
    Event,
    EventType,
    Expected,
    Hold,
    Intensity,
    Placement,
    Session,
    Situation,
    Verdict,
)

HABIT_WINDOW_DAYS = 14  # judgement: a weekday on which the runner ran in both of the last two weeks is a habit
USUAL_RUN_MIN = 45.0  # judgement: the length of a planned run that doesn't say
_KINDS_CALLED_RUN = ("easy", "key", "long", "recovery", "steady", "moderate", "tempo", "threshold", "hard")


class _ToCome(NamedTuple):
    run: Activity
    words: str


def forecast(situation: Situation, catalogue: Catalogue, days: int) -> tuple[Expected, ...]:
    """The next ``days`` local days, today first (as far as today is still to come).

    ``placement`` None means that nothing is expected; ``reason`` says why, or what the session will follow.
    """
    seen = facts(situation)
    ahead = replace(situation, event=Event(EventType.CLOCK_TICK))
    expected = []
    for offset in range(days):
        entry, ahead = _look_at(seen, ahead, catalogue, seen.today + timedelta(days=offset))
        expected.append(entry)
    return tuple(expected)


def _look_at(seen: Facts, ahead: Situation, catalogue: Catalogue, day: date) -> tuple[Expected, Situation]:
    """Simulate one day: the expected session, and the situation after it."""
    now = seen.situation.now
    nearest: Verdict | None = None  # the "no" that came closest to a yes says most
    found: Expected | None = None
    moments: list[tuple[datetime, _ToCome | None]] = [(now, None)] if day == seen.today else []
    moments += [(run.run.start + timedelta(minutes=run.run.moving_min), run) for run in _runs_on(seen, day)]
    evening = datetime.combine(day, seen.athlete.rest_day_prompt_local, tzinfo=seen.athlete.timezone)
    if evening > now:
        moments.append((evening, None))
    moments.sort(key=lambda moment: moment[0].timestamp())
    for at, to_come in moments:
        event = Event(EventType.CLOCK_TICK)
        if to_come is not None:
            ahead = replace(ahead, activities=(*ahead.activities, to_come.run))
            event = Event(EventType.ACTIVITY_UPLOADED, to_come.run.id)
        if found is not None:
            continue
        verdict = decide(replace(ahead, now=at, event=event), catalogue)
        if verdict.routine is None:
            if nearest is None or len(verdict.considered) > len(nearest.considered):
                nearest = verdict
            if verdict.decision is Decision.REFER:
                # Said once; from then on the runner's word is awaited.
                ahead = replace(ahead, athlete=replace(ahead.athlete, hold=Hold(at, verdict.rule)))
            continue
        placement = Placement(verdict.decision)
        found = Expected(day, placement, verdict.dose, _why(verdict, placement, to_come))
        kind = "strength_light" if verdict.dose is Dose.LIGHT else "strength_full"
        ahead = replace(ahead, sessions=(*ahead.sessions, Session(completed_at=at, kind=kind)))
    return found or Expected(day, None, Dose.NONE, nearest.reason if nearest else "Nothing more today."), ahead


def _why(verdict: Verdict, placement: Placement, to_come: _ToCome | None) -> str:
    where = "rest day" if placement is Placement.REST_DAY else "after your run" if to_come is None else to_come.words
    return where if verdict.light_because is None else f"{where}, kept light: {verdict.light_because}"


def _runs_on(seen: Facts, day: date) -> list[_ToCome]:
    """Runs still to come on a day: the planned ones; without a plan for the day the ones of every week."""
    on_day = [planned for planned in seen.plan if planned.day == day]
    runs = []
    for index, planned in enumerate(on_day):
        if not planned.is_a_run or planned.start_s <= seen.now_s:
            continue
        run = planned.run
        is_race = run.kind == "race"
        is_hard = run.kind in k.KEY_SESSION_KINDS - {"long"}
        activity = Activity(
            f"expected-{day}-{index}",
            "run",
            run.start,
            run.planned_min or (k.LONG_RUN_MIN if run.kind == "long" else USUAL_RUN_MIN),
            distance_km=run.distance_km,
            intensity=Intensity.RACE if is_race else Intensity.HARD if is_hard else Intensity.EASY,
            race_priority=planned.priority if is_race else None,
        )
        known = "usual" if run.usual else "planned"
        name = f"{run.kind} run" if run.kind in _KINDS_CALLED_RUN else run.kind.replace("_", " ")
        runs.append(_ToCome(activity, f"after your {known} {name}"))
    if on_day:
        return runs
    habit = _habit(seen, day)
    return [habit] if habit is not None else []


def _habit(seen: Facts, day: date) -> _ToCome | None:
    """The run of a weekday on which the runner ran in both of the last two weeks, at the time of the latest."""
    since = seen.today - timedelta(days=HABIT_WINDOW_DAYS)
    same = [
        run
        for run in seen.runs
        if run.qualifies and run.timed and since <= run.day < day and run.day.weekday() == day.weekday()
    ]
    if len({run.day for run in same}) < 2 or (day == seen.today and seen.runs_today):  # one run is no habit
        return None
    zone = seen.athlete.timezone
    latest = max(same, key=lambda run: run.start_s)
    start = datetime.combine(day, datetime.fromtimestamp(latest.start_s, zone).time(), tzinfo=zone)
    if start <= seen.situation.now:
        return None
    activity = Activity(f"expected-{day}", "run", start, latest.moving_min, intensity=Intensity.EASY)
    return _ToCome(activity, f"after your usual {words.weekday(day)} run")
