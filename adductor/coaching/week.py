"""The week plan: the moments of the days ahead, the chance of each slot, and the better slot that a worse one yields to.

Pure. A slot is a weekday and a placement. `decide` asks the plan through the rule ``week_plan``; `forecast` walks the same
moments and asks `decide` at each of them, so that pages, notes, the calendar and the decision agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from adductor.coaching import constants as k
from adductor.coaching import words
from adductor.coaching.normalise import Facts
from adductor.coaching.situation import Activity, Athlete, Event, EventType, Intensity, Placement, Session, Situation

HABIT_WINDOW_DAYS = 14  # judgement: a weekday on which the runner ran in both of the last two weeks is a habit
USUAL_RUN_MIN = 45.0  # judgement: the length of a planned run that doesn't say
_KINDS_CALLED_RUN = ("easy", "key", "long", "recovery", "steady", "moderate", "tempo", "threshold", "hard")
_TICK = Event(EventType.CLOCK_TICK)


class Moment(NamedTuple):
    """A moment at which the coach is asked: the end of a run as it will stand in the log, or the evening of a day."""

    at: datetime
    run: Activity | None = None
    words: str = ""  # what the runner calls the run


class Record(NamedTuple):
    """The record of a slot: what was offered and done, and the same weighted by age."""

    offered: int
    done: int
    weighted_offered: float
    chance: float  # that the next one is done


class Opening(NamedTuple):
    """A slot of a day to come at which a session would be allowed."""

    day: date
    moment: Moment
    placement: Placement
    record: Record


# Whether a session would be allowed in a situation, and where; the plan itself is left aside.
Ask = Callable[[Situation], Placement | None]


def record_of(athlete: Athlete, weekday: int, placement: Placement) -> Record:
    """The record of a slot. Laplace's rule of succession: one in two while nothing is known."""
    mine = [slot for slot in athlete.slots if slot.weekday == weekday and slot.placement is placement]
    weights = [0.5 ** (slot.weeks_ago // k.SLOT_HALF_WEIGHT_WEEKS) for slot in mine]
    offered = sum(slot.offered * weight for slot, weight in zip(mine, weights, strict=True))
    done = sum(slot.done * weight for slot, weight in zip(mine, weights, strict=True))
    counts = sum(slot.offered for slot in mine), sum(slot.done for slot in mine)
    return Record(*counts, offered, (done + 1) / (offered + 2))


def waits_for_a_run(seen: Facts, ask: Ask) -> bool:
    """Whether a run within 24 hours brings a routine that reaches the runner, where that of this rest day would not."""
    alone = seen.athlete.pages_only
    if seen.trigger is not Placement.REST_DAY or Placement.REST_DAY not in alone or Placement.POST_RUN in alone:
        return False
    until = seen.situation.now + timedelta(hours=k.RUN_BEFORE_PAGES_H)
    runs = (opening.moment.run for opening in openings(seen, ask, days=1))
    return any(run is not None and run.start <= until for run in runs)


def better_slot(seen: Facts, ask: Ask) -> Opening | None:
    """The slot of the next three days to which this one yields: clearly better, with the target still in reach."""
    if seen.trigger is None or not _may_wait(seen):
        return None
    now = record_of(seen.athlete, seen.today.weekday(), seen.trigger)
    if now.weighted_offered < k.SLOT_WORSE_FROM_OFFERS:
        return None
    ahead = openings(seen, ask, days=k.WEEKLY_WINDOW_LOCAL_DAYS - 1)
    if seen.trigger not in seen.athlete.pages_only:
        ahead = [opening for opening in ahead if opening.placement not in seen.athlete.pages_only]
    better = next((one for at, one in enumerate(ahead) if not _yields(one.day, one.record, ahead[at + 1 :])), None)
    if better is None or not _yields(seen.today, now, [better]):
        return None
    still = len(openings(seen, ask, days=k.WEEKLY_WINDOW_LOCAL_DAYS - 1, first=better))
    return better if still >= seen.athlete.target_sessions_per_week else None


def _may_wait(seen: Facts) -> bool:
    """Whether the latest suggestion or session is so near that the first chance need not be taken."""
    days = [day for day in (seen.athlete.last_suggested_on, seen.last_done) if day is not None]
    days += [session.day for session in seen.counted]
    return bool(days) and (seen.today - max(days)).days < k.FIRST_CHANCE_AFTER_DAYS


def _yields(day: date, record: Record, later: Sequence[Opening]) -> bool:
    """Whether a slot is clearly worse than one of the later ones within three days."""
    if record.weighted_offered < k.SLOT_WORSE_FROM_OFFERS:
        return False
    near = (other for other in later if (other.day - day).days <= k.SLOT_BETTER_WITHIN_DAYS)
    return any(record.chance <= k.SLOT_WORSE_SHARE * other.record.chance for other in near)


def openings(seen: Facts, ask: Ask, days: int, first: Opening | None = None) -> list[Opening]:
    """The first opening of each day from tomorrow on, each as if no session came before it.

    With ``first``: those from it on, with a session done at each.
    """
    ahead, found = seen.situation, []
    for day in (seen.today + timedelta(days=offset) for offset in range(days + 1)):
        is_asked = day > seen.today and (first is None or day >= first.day)
        for moment, situation in walk(seen, ahead, day):
            ahead = replace(ahead, activities=situation.activities)
            placement = ask(situation) if is_asked else None
            if placement is None:
                continue
            is_asked = False
            found.append(Opening(day, moment, placement, record_of(seen.athlete, day.weekday(), placement)))
            if first is not None:
                ahead = with_session(ahead, moment.at, "strength_full")
    return found


def with_session(ahead: Situation, at: datetime, kind: str) -> Situation:
    """The situation after a session at that moment."""
    return replace(ahead, sessions=(*ahead.sessions, Session(completed_at=at, kind=kind)))


def walk(seen: Facts, ahead: Situation, day: date) -> Iterator[tuple[Moment, Situation]]:
    """The moments of a day that are still to come, each with the situation then: the runs up to it are in the log."""
    athlete, now = seen.athlete, seen.situation.now
    moments = _ends_of_runs(seen, day)
    evening = datetime.combine(day, athlete.rest_day_prompt_local, tzinfo=athlete.timezone)
    if evening > now:
        moments.append(Moment(evening))
    activities = ahead.activities
    for moment in sorted(moments, key=lambda moment: moment.at.timestamp()):
        event = _TICK
        if moment.run is not None:
            activities = (*activities, moment.run)
            event = Event(EventType.ACTIVITY_UPLOADED, moment.run.id)
        yield moment, replace(ahead, activities=activities, now=moment.at, event=event)


def _ends_of_runs(seen: Facts, day: date) -> list[Moment]:
    """Runs still to come on a day: the planned ones; without a plan for the day the ones of every week."""
    on_day = [planned for planned in seen.plan if planned.day == day]
    ends = []
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
        ends.append(_end_of(activity, f"after your {known} {name}"))
    return ends if on_day else _habit(seen, day)


def _end_of(run: Activity, name: str) -> Moment:
    return Moment(run.start + timedelta(minutes=run.moving_min), run, name)


def _habit(seen: Facts, day: date) -> list[Moment]:
    """The run of a weekday on which the runner ran in both of the last two weeks, or which the record of slots knows.

    At the time of the latest one in the log; the record holds no times, so without one it ends at the hour of the prompt.
    """
    since = seen.today - timedelta(days=HABIT_WINDOW_DAYS)
    same = [
        run
        for run in seen.runs
        if run.qualifies and run.timed and since <= run.day < day and run.day.weekday() == day.weekday()
    ]
    is_habit = len({run.day for run in same}) >= 2 or _is_on_record(seen.athlete, day.weekday())  # one run is no habit
    if not is_habit or (day == seen.today and seen.runs_today):
        return []
    zone = seen.athlete.timezone
    minutes = USUAL_RUN_MIN
    end = datetime.combine(day, seen.athlete.rest_day_prompt_local, tzinfo=zone)
    start = end - timedelta(minutes=minutes)
    if same:
        latest = max(same, key=lambda run: run.start_s)
        start = datetime.combine(day, datetime.fromtimestamp(latest.start_s, zone).time(), tzinfo=zone)
        minutes = latest.moving_min
    if start <= seen.situation.now:
        return []
    activity = Activity(f"expected-{day}", "run", start, minutes, intensity=Intensity.EASY)
    return [_end_of(activity, f"after your usual {words.weekday(day)} run")]


def _is_on_record(athlete: Athlete, weekday: int) -> bool:
    """Whether routines followed a run of this weekday often enough of late."""
    recent = [slot for slot in athlete.slots if slot.weeks_ago < k.SLOT_HALF_WEIGHT_WEEKS]
    offered = sum(s.offered for s in recent if s.weekday == weekday and s.placement is Placement.POST_RUN)
    return offered >= k.HABIT_OFFERS
