"""Normalisation of the log: facts derived once from a `Situation` and shared by every rule.

Deleted and not-yet-uploaded entries are gone, watch-and-phone duplicates are one, split files are one run, and every
entry has its local day. Instants are compared as seconds since the epoch, so that a change of the clocks or of the
time zone cannot shift them; local days are dates in the athlete's zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from adductor.coaching import constants as k
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Hold,
    Intensity,
    Placement,
    PlannedRun,
    Session,
    Situation,
)

_severity = (Intensity.UNKNOWN, Intensity.EASY, Intensity.MODERATE, Intensity.HARD, Intensity.RACE).index


class Entry(NamedTuple):
    """One entry of the log. ``timed`` is false when its time of day is a placeholder."""

    activity: Activity
    day: date
    start_s: float
    end_s: float
    timed: bool


class Run(NamedTuple):
    """A run as the legs felt it: one file or several with short stops between. ``day`` is where it began."""

    ids: tuple[str, ...]
    day: date
    start_s: float
    end_s: float
    timed: bool
    moving_min: float
    intensity: Intensity
    gain_m: float

    @property
    def qualifies(self) -> bool:
        return self.moving_min >= k.QUALIFYING_RUN_MIN_MOVING_MIN


class Counted(NamedTuple):
    """A session that takes its place in cap and spacing. ``done`` is false for one suggested and never answered."""

    day: date
    at_s: float
    done: bool


class Planned(NamedTuple):
    """A planned run with its local day."""

    run: PlannedRun
    day: date
    start_s: float

    @property
    def is_a_run(self) -> bool:
        return self.run.kind not in k.NOT_A_RUN_KINDS

    @property
    def priority(self) -> str:
        """The priority of a race. Without one a planned race is taken as the most important: err on rest."""
        return self.run.priority or (k.USUAL_RACE_PRIORITY if self.run.usual else "A")


class Raced(NamedTuple):
    """A race that was run: its local day and how many days after it stay free. A C-race blocks none."""

    day: date
    block_days: int
    priority: str

    @property
    def blocks(self) -> bool:
        return self.priority in k.PRE_RACE_BLOCK_DAYS


@dataclass(slots=True)
class Facts:
    """Everything the rules ask about, worked out once. Built by `facts`."""

    situation: Situation
    athlete: Athlete
    now_s: float
    now_time: time
    today: date
    entries: list[Entry]
    runs: list[Run]
    plan: list[Planned]
    counted: list[Counted]
    check_ins: list[CheckIn]
    hold: Hold | None
    back_since_s: float | None = None
    trigger: Placement | None = None
    trigger_run: Run | None = None
    pain: int | None = None
    pain_where: str = ""
    soreness: int | None = None
    last_run_before_today: date | None = None
    last_run_day: date | None = None
    last_done: date | None = None
    races: list[Raced] = field(default_factory=list)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.athlete.timezone).date()

    @property
    def runs_today(self) -> list[Run]:
        """Runs long enough to count that began today."""
        return [run for run in self.runs if run.day == self.today and run.qualifies]

    def running_min(self, day: date) -> float:
        """Minutes of all runs that began on a local day."""
        return sum(run.moving_min for run in self.runs if run.day == day)

    @property
    def in_window(self) -> list[Counted]:
        """Sessions of the last seven local days, today among them."""
        first = self.today - timedelta(days=k.WEEKLY_WINDOW_LOCAL_DAYS - 1)
        return [session for session in self.counted if session.day >= first]

    @property
    def days_since_last_done(self) -> int | None:
        """Local days since a session was done; None when none is known."""
        return None if self.last_done is None else (self.today - self.last_done).days

    @property
    def sessions_ever(self) -> int:
        """Sessions done in the athlete's life with us, as far as total and log tell."""
        return max(self.athlete.sessions_completed_total, sum(1 for s in self.counted if s.done))


def facts(situation: Situation) -> Facts:
    """Derive the facts of a situation. Every valid situation has them; nothing is raised."""
    if not all(session.reached for session in situation.sessions):
        situation = replace(situation, sessions=tuple(session for session in situation.sessions if session.reached))
    athlete = situation.athlete
    if athlete.maintaining:  # once a week keeps what was built (Haroy 2019)
        athlete = replace(athlete, target_sessions_per_week=1)
    zone = athlete.timezone
    now_s = situation.now.timestamp()
    local = situation.now.astimezone(zone)
    entries = _without_duplicates(_entries(situation, now_s))
    runs = _merged_runs(entries)
    seen = Facts(
        situation=situation,
        athlete=athlete,
        now_s=now_s,
        now_time=local.time(),
        today=local.date(),
        entries=entries,
        runs=runs,
        plan=sorted(
            (Planned(run, run.start.astimezone(zone).date(), run.start.timestamp()) for run in situation.plan),
            key=lambda planned: (planned.start_s, planned.run.kind, planned.run.priority or ""),
        ),
        counted=_counted(situation, entries, now_s),
        check_ins=_check_ins(situation, now_s),
        hold=_hold(athlete, now_s),
    )
    _find_trigger(seen)
    _read_check_ins(seen)
    _look_for_a_return(seen)
    _look_back(seen)
    seen.races = _races(seen)
    return seen


# --- the log --------------------------------------------------------------------------------------------------------


def _entries(situation: Situation, now_s: float) -> list[Entry]:
    zone = situation.athlete.timezone
    now = situation.now
    entries = []
    for activity in situation.activities:
        if activity.deleted_at is not None and activity.deleted_at <= now:
            continue
        if activity.uploaded_at is not None and activity.uploaded_at > now:
            continue
        start_s = activity.start.timestamp()
        local = activity.start.astimezone(zone)
        end_s = start_s + 60 * max(activity.moving_min, activity.elapsed_min or 0)
        hidden = _start_is_hidden(activity.start)
        timed = not (hidden or _time_is_made_up(activity, local, start_s, end_s, now_s))
        if timed:  # whatever is in the log is over, whatever its watch thinks
            start_s, end_s = min(start_s, now_s), min(end_s, now_s)
            local = min(local, now.astimezone(zone), key=datetime.timestamp)
        # A hidden start reads 00:00:01 in both of the platform's fields: its date is the local one as it stands.
        day = activity.start.astimezone(UTC).date() if hidden else local.date()
        entries.append(Entry(activity, day, start_s, end_s, timed))
    entries.sort(key=_when)
    return entries


def _when(entry: Entry) -> tuple[float, float, str]:
    return entry.start_s, entry.end_s, entry.activity.id


def _start_is_hidden(start: datetime) -> bool:
    """Strava shows a start time that the runner hides as T00:00:01Z."""
    return start.astimezone(UTC).time() == time(0, 0, 1)


def _time_is_made_up(activity: Activity, local: datetime, start_s: float, end_s: float, now_s: float) -> bool:
    """Whether the time of day is a form's default, or cannot be."""
    if activity.time_unreliable or start_s > now_s + 60 * k.WATCH_AHEAD_MIN:
        return True
    if activity.source != "manual":
        return False
    known_s = now_s if activity.uploaded_at is None else activity.uploaded_at.timestamp()
    if end_s > known_s + 60 * k.CLOCK_TOLERANCE_MIN:
        return True
    on_the_hour = local.minute == 0 and local.second == 0 and local.hour in k.PLACEHOLDER_HOURS
    return on_the_hour and activity.moving_min % k.PLACEHOLDER_ROUND_MIN == 0


def family(sport: str) -> str:
    """Sports that two devices may give to the same outing."""
    if sport in k.QUALIFYING_SPORTS:
        return "run"
    if sport in k.FOOT_SPORTS:
        return "walk"
    return "ride" if sport.endswith("ride") else sport


def _without_duplicates(entries: list[Entry]) -> list[Entry]:
    """One entry for each outing that two devices recorded; the hardest reading of them is kept."""
    kept: list[Entry] = []
    best_first = sorted(
        entries,
        key=lambda e: (e.activity.source == "manual", -e.activity.moving_min, e.start_s, e.activity.id),
    )
    for entry in best_first:
        for index, other in enumerate(kept):
            if _same_outing(entry, other):
                kept[index] = _with_harder_reading(other, entry.activity)
                break
        else:
            kept.append(entry)
    kept.sort(key=_when)
    return kept


def _same_outing(one: Entry, other: Entry) -> bool:
    if not (one.timed and other.timed) or family(one.activity.sport) != family(other.activity.sport):
        return False
    shared = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    shorter = min(one.end_s - one.start_s, other.end_s - other.start_s)
    return shared > k.DUPLICATE_OVERLAP_SHARE * shorter


def _with_harder_reading(entry: Entry, duplicate: Activity) -> Entry:
    kept = entry.activity
    if _severity(duplicate.intensity) <= _severity(kept.intensity) and not duplicate.elevation_gain_m:
        return entry
    merged = replace(
        kept,
        distance_km=kept.distance_km if kept.distance_km is not None else duplicate.distance_km,
        elevation_gain_m=max(kept.elevation_gain_m or 0, duplicate.elevation_gain_m or 0),
        intensity=max(kept.intensity, duplicate.intensity, key=_severity),
        race_priority=kept.race_priority or duplicate.race_priority,
        is_adductor_session=kept.is_adductor_session or duplicate.is_adductor_session,
    )
    return entry._replace(activity=merged)


def _merged_runs(entries: Iterable[Entry]) -> list[Run]:
    """Run files in order, those with a short stop between them joined."""
    gap_s = 60 * k.SPLIT_FILE_MERGE_GAP_MIN
    runs: list[Run] = []
    open_at = -1  # the last timed run: only a time that was measured can be joined to
    for activity, day, start_s, end_s, timed in entries:
        if activity.sport not in k.QUALIFYING_SPORTS:
            continue
        gain_m = activity.elevation_gain_m or 0.0
        if timed and open_at >= 0 and start_s - runs[open_at].end_s <= gap_s:
            run = runs[open_at]
            runs[open_at] = run._replace(
                ids=(*run.ids, activity.id),
                end_s=max(run.end_s, end_s),
                moving_min=run.moving_min + activity.moving_min,
                intensity=max(run.intensity, activity.intensity, key=_severity),
                gain_m=run.gain_m + gain_m,
            )
            continue
        runs.append(Run((activity.id,), day, start_s, end_s, timed, activity.moving_min, activity.intensity, gain_m))
        if timed:
            open_at = len(runs) - 1
    return runs


# --- sessions and check-ins -----------------------------------------------------------------------------------------


def _counted(situation: Situation, entries: list[Entry], now_s: float) -> list[Counted]:
    zone = situation.athlete.timezone
    counted = []
    for session in situation.sessions:
        if session.kind == "warm_up":
            continue  # "does not count" (catalogue, warm_up_activation)
        at_s = session.completed_at.timestamp()
        if at_s > now_s:
            continue
        if session.answered and session.completed_pct < k.SESSION_COUNTS_FROM_COMPLETED_PCT:
            continue
        counted.append(Counted(session.completed_at.astimezone(zone).date(), at_s, session.answered))
    days = {session.day for session in counted}
    # Our kind of work that the runner logged elsewhere; on a day with a session of ours it is that session.
    counted += [
        Counted(entry.day, entry.end_s, True)
        for entry in entries
        if entry.activity.is_adductor_session and entry.day not in days
    ]
    counted.sort(key=lambda session: (session.at_s, session.done))
    return counted


def _check_ins(situation: Situation, now_s: float) -> list[CheckIn]:
    """Check-ins since the latest lifting of a hold, oldest first. Pain told with a session is one of its moment."""
    since_s = lifted_s(situation.athlete, now_s)
    told = [_told_with(session) for session in situation.sessions if session.pain_during_0_10 is not None]
    made = [
        check_in
        for check_in in (*situation.check_ins, *told)
        if (since_s is None or check_in.at.timestamp() >= since_s) and check_in.at.timestamp() <= now_s
    ]
    made.sort(key=lambda check_in: (check_in.at.timestamp(), worst_pain(check_in) or 0))
    return made


_PAIN_FIELDS = (
    ("hip_groin_pain_0_10", "hip or groin pain"),
    ("squeeze_pain_0_10", "pain when squeezing"),
    ("knee_pain_0_10", "knee pain"),
    ("other_pain_0_10", "pain elsewhere"),
)


def _told_with(session: Session) -> CheckIn:
    place = "other" if session.pain_place == "elsewhere" else session.pain_place
    scores: dict[str, Any] = {f"{place}_pain_0_10": session.pain_during_0_10}
    return CheckIn(session.completed_at, **scores)


def lifted_s(athlete: Athlete, now_s: float) -> float | None:
    """When the latest hold was lifted; None for never, or for a moment to come."""
    at_s = None if athlete.hold_lifted_at is None else athlete.hold_lifted_at.timestamp()
    return None if at_s is None or at_s > now_s else at_s


def _hold(athlete: Athlete, now_s: float) -> Hold | None:
    """The hold that still stands: not one that was lifted after it began."""
    since_s = lifted_s(athlete, now_s)
    if athlete.hold is None or (since_s is not None and athlete.hold.since.timestamp() <= since_s):
        return None
    return athlete.hold


def hold_is_over(situation: Situation) -> bool:
    """Whether a hold stood and the check-ins since have ended it: green days after a pain number."""
    return situation.athlete.hold is not None and facts(situation).hold is None


def is_from_a_number(hold: Hold) -> bool:
    """Whether a pain number began the hold. Warning signs and unknown reasons are a professional's."""
    reason = hold.reason.lower().replace(" ", "_")
    return "pain" in reason and "red_flag" not in reason and not any(flag in reason for flag in k.RED_FLAGS)


def where_it_hurts(check_in: CheckIn) -> str:
    """The place of the worst pain of a check-in, in words."""
    worst = worst_pain(check_in)
    return next((words for name, words in _PAIN_FIELDS if getattr(check_in, name) == worst), "pain")


def worst_pain(check_in: CheckIn) -> int | None:
    """The highest pain score of a check-in, wherever it is; None when no pain was asked."""
    scores = [getattr(check_in, name) for name, _ in _PAIN_FIELDS]
    return max((score for score in scores if score is not None), default=None)


def is_valid(seen: Facts, check_in: CheckIn) -> bool:
    """Whether a check-in still says something about today."""
    return (seen.today - seen.day_of(check_in.at)).days <= k.CHECK_IN_VALID_DAYS


def _read_check_ins(seen: Facts) -> None:
    """The latest word on each kind of pain, the worst of them, and the latest soreness."""
    valid = [check_in for check_in in seen.check_ins if is_valid(seen, check_in)]
    for name, words in _PAIN_FIELDS:
        score = _latest(valid, name)
        if score is not None and (seen.pain is None or score > seen.pain):
            seen.pain, seen.pain_where = score, words
    recent_s = seen.now_s - 3600 * k.SORENESS_VALID_H
    seen.soreness = _latest([c for c in valid if c.at.timestamp() >= recent_s], "adductor_soreness_0_10")


def _latest(check_ins: list[CheckIn], name: str) -> int | None:
    """The newest known score; of two given at the same moment the worse."""
    scores = [(check_in.at.timestamp(), getattr(check_in, name)) for check_in in check_ins]
    return max(((at_s, score) for at_s, score in scores if score is not None), default=(0.0, None))[1]


def spells_of_pain(seen: Facts) -> Iterator[tuple[CheckIn, int]]:
    """Each check-in with a pain score: the check-in, and the days since the pain above green began (-1: it is green)."""
    began: date | None = None
    for check_in in seen.check_ins:
        pain = worst_pain(check_in)
        if pain is None:
            continue
        day = seen.day_of(check_in.at)
        began = None if pain <= k.PAIN_GREEN_MAX else began or day
        yield check_in, -1 if began is None else (day - began).days


def _look_for_a_return(seen: Facts) -> None:
    """Since when the runner is back after a hold or a referral, and whether green days have ended the hold."""
    back_s = lifted_s(seen.athlete, seen.now_s)
    green: dict[date, float] = {}  # green days since the hold began, each with its first word
    for check_in, spell_days in spells_of_pain(seen):
        at_s = check_in.at.timestamp()
        if spell_days >= k.PERSISTENT_YELLOW_DAYS or (worst_pain(check_in) or 0) > k.PAIN_YELLOW_MAX:
            back_s = at_s
        if spell_days >= 0:
            green.clear()
        elif seen.hold is not None and at_s > seen.hold.since.timestamp():
            green.setdefault(seen.day_of(check_in.at), at_s)
    flagged = any(check_in.red_flags for check_in in seen.check_ins)
    if seen.hold is not None and is_from_a_number(seen.hold) and not flagged and len(green) >= k.HOLD_GREEN_DAYS:
        seen.hold = None
        back_s = sorted(green.values())[k.HOLD_GREEN_DAYS - 1]
    seen.back_since_s = back_s


# --- derived facts --------------------------------------------------------------------------------------------------


def _find_trigger(seen: Facts) -> None:
    """The moment for a routine: the end of a run, else the evening of a day without one."""
    window_s = 3600 * k.POST_RUN_WINDOW_H
    for run in reversed(seen.runs):
        if run.timed and run.qualifies and 0 <= seen.now_s - run.end_s <= window_s:
            seen.trigger, seen.trigger_run = Placement.POST_RUN, run
            # A later run of the day replaces an unopened suggestion instead of adding to it.
            seen.counted = [
                session
                for session in seen.counted
                if session.done or session.day != seen.today or session.at_s > run.start_s
            ]
            return
    if seen.now_time >= seen.athlete.rest_day_prompt_local:
        seen.trigger = Placement.REST_DAY


def _look_back(seen: Facts) -> None:
    run_days = [run.day for run in seen.runs if run.qualifies and run.day <= seen.today]
    if seen.athlete.last_run_date_before_window is not None:
        run_days.append(seen.athlete.last_run_date_before_window)
    seen.last_run_day = max(run_days, default=None)
    seen.last_run_before_today = max((day for day in run_days if day < seen.today), default=None)
    done = [session.day for session in seen.counted if session.done]
    if seen.athlete.last_completed_session_date is not None:
        done.append(seen.athlete.last_completed_session_date)
    seen.last_done = max(done, default=None)


def post_race_block_days(distance_km: float | None, moving_min: float | None) -> int:
    """Days after a race that stay free, by distance or time, whichever gives more. Time stands in for the distance."""
    if not distance_km and not moving_min:
        return k.UNKNOWN_RACE_BLOCK_DAYS
    km = distance_km or (moving_min or 0) / k.UNKNOWN_RACE_PACE_MIN_PER_KM
    free = next(days for up_to_km, days in k.POST_RACE_BLOCK_DAYS if km <= up_to_km)
    return max(free, k.HOURS_LONG_RACE_BLOCK_DAYS) if (moving_min or 0) >= k.HOURS_LONG_RACE_MIN else free


def logged_race(situation: Situation) -> Raced | None:
    """The race of the log that keeps days free for longest; None without one."""
    races = [race for race in _logged_races(facts(situation)) if race.blocks]
    return max(races, key=lambda race: race.day + timedelta(days=race.block_days), default=None)


def _logged_races(seen: Facts) -> list[Raced]:
    return [
        Raced(
            entry.day,
            post_race_block_days(entry.activity.distance_km, entry.activity.moving_min),
            entry.activity.race_priority or _known_priority(seen, entry.day),
        )
        for entry in seen.entries
        if entry.activity.sport in k.QUALIFYING_SPORTS
        and (entry.activity.intensity is Intensity.RACE or entry.activity.race_priority is not None)
    ]


def _races(seen: Facts) -> list[Raced]:
    """Races that were run, from the log, else as they were remembered, else from the plan."""
    races = _logged_races(seen)
    logged = {race.day for race in races}
    athlete = seen.athlete
    if athlete.raced_on is not None and athlete.raced_on <= seen.today and athlete.raced_on not in logged:
        days = k.UNKNOWN_RACE_BLOCK_DAYS if athlete.race_free_days is None else athlete.race_free_days
        races.append(Raced(athlete.raced_on, days, k.LOGGED_RACE_PRIORITY))
        logged.add(athlete.raced_on)
    return races + [
        Raced(planned.day, post_race_block_days(planned.run.distance_km, planned.run.planned_min), planned.priority)
        for planned in seen.plan
        if planned.run.kind == "race"
        and not planned.run.usual
        and planned.day < seen.today
        and planned.day not in logged
        and not _ran_something_else(seen, planned)
    ]


def _known_priority(seen: Facts, day: date) -> str:
    """The priority of a logged race: the planned one's of the day, else the usual one's of the weekday."""
    planned = [p for p in seen.plan if p.run.kind == "race"]
    of_day = [p.priority for p in planned if p.day == day and not p.run.usual]
    of_weekday = [p.priority for p in planned if p.run.usual and p.day.weekday() == day.weekday()]
    return min(of_day or of_weekday, default=k.LOGGED_RACE_PRIORITY)


def _ran_something_else(seen: Facts, race: Planned) -> bool:
    """Whether the day of a planned race passed with easy running of another length: then the race was not run."""
    runs = [e.activity for e in seen.entries if e.day == race.day and e.activity.sport in k.QUALIFYING_SPORTS]
    return bool(runs) and all(run.intensity is Intensity.EASY and _differs(run, race.run) for run in runs)


def _differs(run: Activity, race: PlannedRun) -> bool:
    """Whether a run is of another length than the race, as far as both are known."""
    for ran, planned in ((run.distance_km, race.distance_km), (run.moving_min, race.planned_min)):
        if ran and planned:
            return abs(ran - planned) > k.ANOTHER_LENGTH_SHARE * planned
    return False
