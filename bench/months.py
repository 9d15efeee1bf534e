"""Twelve months of coaching for made-up runners: `python -m bench.months [RUNNERS]`.

Different habits: 3-7 runs a week, long runs and hard days, races, holidays, illness, shift work, travel, pain, and runners
who answer always, mostly, or never. Each meets the coach's pure core as the product does: after every run, and every
evening. The exit code is 1 when a promise (PROMISES) is broken, or when steady runners on target 2 train outside 1.5-2.0
sessions a week. The same runners every time: nothing depends on the day or the machine.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import mean, median
from zoneinfo import ZoneInfo

from adductor.catalogue import catalogue
from adductor.coaching import after_hold, after_session, after_soreness, decide
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Decision,
    Event,
    EventType,
    Hold,
    Intensity,
    PlannedRun,
    Routine,
    Session,
    Situation,
)

RUNNERS = 1000
DAYS = 364
FIRST_DAY = date(2026, 1, 5)  # a Monday
WINDOW = timedelta(days=14)
HOLD_LASTS = timedelta(days=10)
HOMES = ("Europe/London", "Europe/Berlin", "America/New_York", "Pacific/Auckland")
AWAY = ("America/Denver", "Asia/Tokyo", "Europe/Lisbon")
RACE_KM = (5.0, 10.0, 21.1, 42.2)
WEEKDAYS = {3: (1, 3, 6), 4: (1, 3, 5, 6), 5: (0, 1, 3, 5, 6), 6: (0, 1, 2, 3, 5, 6), 7: range(7)}
STAGE_AFTER_WEEKS = (4, 13, 26, 52)
STEADY, STEADY_A_WEEK = ("target 2", 4, "always"), (1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a day, known to its runner in advance."""

    hour: int
    minutes: float
    intensity: Intensity
    kind: str
    kilometres: float


@dataclass
class Life:
    """Habits of a runner, and the days that go another way."""

    chance: random.Random
    runs_a_week: int
    answers: str  # always, mostly, never
    target: int
    home: ZoneInfo
    shifts: bool
    long_runs: bool
    plans: bool
    races: dict[date, tuple[str, float]] = field(default_factory=dict)
    off: set[date] = field(default_factory=set)
    ill: set[date] = field(default_factory=set)
    away: dict[date, ZoneInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """A session with the moment of its suggestion and the zone where its runner was."""

    at: datetime
    session: Session
    routine: Routine
    zone: ZoneInfo

    @property
    def day(self) -> date:
        return self.at.astimezone(self.zone).date()


def make_life(number: int) -> Life:
    """The runner with this number; always the same one."""
    chance = random.Random(f"runner {number}")  # noqa: S311 - made-up people, no secret
    life = Life(
        chance=chance,
        runs_a_week=3 + number % 5,
        answers=("always", "always", "mostly", "never")[number // 5 % 4],
        target=1 if chance.random() < 0.2 else 2,
        home=ZoneInfo(chance.choice(HOMES)),
        shifts=chance.random() < 0.1,
        long_runs=chance.random() < 0.5,
        plans=chance.random() < 0.3,
    )
    for _ in range(chance.randrange(0, 5)):
        day = FIRST_DAY + timedelta(days=7 * chance.randrange(6, 51) + 6)
        life.races[day] = (chance.choice("ABC"), chance.choice(RACE_KM))
    for days, into, most in ((chance.randrange(7, 36), life.off, 2), (chance.randrange(3, 11), life.ill, 3)):
        for _ in range(chance.randrange(0, most)):
            start = FIRST_DAY + timedelta(days=chance.randrange(20, 340))
            into.update(start + timedelta(days=n) for n in range(days))
    if chance.random() < 0.3:
        start, zone = FIRST_DAY + timedelta(days=chance.randrange(20, 340)), ZoneInfo(chance.choice(AWAY))
        life.away = {start + timedelta(days=n): zone for n in range(9)}
    return life


def runs_of(life: Life, day: date) -> list[Run]:
    """The runs of a day."""
    chance = life.chance
    if day in life.races:
        kilometres = life.races[day][1]
        return [Run(9, 5.2 * kilometres, Intensity.RACE, "race", kilometres)]
    if day in life.off or day in life.ill:
        return []
    if day.weekday() not in WEEKDAYS[life.runs_a_week] or chance.random() < 0.08:
        return []
    hour = chance.choice((3, 10, 22)) if life.shifts else chance.choice((7, 7, 12, 18))
    if day.weekday() == 6 and life.long_runs:
        minutes = chance.choice((75, 90, 105, 120))
        return [Run(hour, minutes, Intensity.EASY, "long" if minutes >= 90 else "easy", minutes / 6)]
    if day.weekday() == 3 and life.runs_a_week >= 4 and chance.random() < 0.6:
        return [Run(hour, 55, Intensity.HARD, "intervals", 10.5)]
    minutes = chance.choice((30, 40, 45, 55))
    return [Run(hour, minutes, Intensity.EASY, "easy", minutes / 6)]


class Year:
    """One runner meeting the coach for a year."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.log: list[Activity] = []
        self.done: list[Done] = []
        self.check_ins: list[CheckIn] = []
        self.referrals = 0
        self.stages: dict[int, int] = {}  # after weeks
        self.athlete = Athlete(
            timezone=life.home,
            age=35,
            target_sessions_per_week=life.target,
            screening_completed=True,
            quiet_hours_local=(time(8, 30), time(15)) if life.shifts else (time(22, 30), time(5)),
            rest_day_prompt_local=time(16, 30) if life.shifts else time(17, 30),
        )
        # Decided once, so that the plan can know it.
        self.runs = {day: runs_of(life, day) for day in (FIRST_DAY + timedelta(days=n) for n in range(DAYS + 8))}

    def live(self) -> None:
        """The year, day by day."""
        for number in range(DAYS):
            self._day(FIRST_DAY + timedelta(days=number))
            if (number + 1) % 7 == 0 and (number + 1) // 7 in STAGE_AFTER_WEEKS:
                self.stages[(number + 1) // 7] = self.athlete.programme_stage

    def sessions_by_week(self) -> dict[int, int]:
        """Sessions in each week without a race, an absence or a pause, from the fifth on."""
        counts, blocked = Counter((done.day - FIRST_DAY).days // 7 for done in self.done), self._blocked_weeks()
        return {week: counts[week] for week in range(4, DAYS // 7) if week not in blocked}

    def _blocked_weeks(self) -> set[int]:
        """Weeks touched by a race (a week around it), an absence, or a pause for pain."""
        days = self.life.off | self.life.ill
        for race in self.life.races:
            days |= {race + timedelta(days=n) for n in range(-7, 8)}
        for check in self.check_ins:
            if (check.hip_groin_pain_0_10 or 0) > 2:
                days |= {check.at.date() + timedelta(days=n) for n in range(14)}
        return {(day - FIRST_DAY).days // 7 for day in days}

    def _day(self, day: date) -> None:
        """The day's runs, then its evening."""
        life = self.life
        zone = life.away.get(day, life.home)
        self.athlete = replace(self.athlete, timezone=zone, illness=day in life.ill)
        hold = self.athlete.hold
        if hold is not None and day >= hold.since.date() + HOLD_LASTS:
            lifted = datetime.combine(day, time(6), zone).astimezone(UTC)
            self.athlete = replace(self.athlete, hold=None, hold_lifted_at=lifted)
            self.athlete = after_hold(self.athlete, catalogue(), day).athlete
        prompt = datetime.combine(day, self.athlete.rest_day_prompt_local, zone).astimezone(UTC)
        moments: list[tuple[datetime, Activity | None]] = [(prompt, None)]
        for run in self.runs[day]:
            start = datetime.combine(day, time(run.hour), zone).astimezone(UTC)
            logged = Activity(
                f"{day} {run.hour}", "run", start, run.minutes, distance_km=run.kilometres, intensity=run.intensity
            )
            if run.intensity is Intensity.RACE:
                logged = replace(logged, race_priority=life.races[day][0])
            moments.append((start + timedelta(minutes=run.minutes + 6), logged))
        for at, uploaded in sorted(moments, key=lambda moment: moment[0]):
            event = Event(EventType.CLOCK_TICK)
            if uploaded is not None:
                self.log.append(uploaded)
                event = Event(EventType.ACTIVITY_UPLOADED, uploaded.id)
            self._meet(at, event)
        if life.answers != "never":
            self._check_in(datetime.combine(day, time(23), zone).astimezone(UTC))

    def _plan(self, at: datetime, zone: ZoneInfo) -> Iterable[PlannedRun]:
        """Races are known ahead by all; the runs of the next days by those who plan."""
        for number in range(9):
            day = at.astimezone(zone).date() + timedelta(days=number)
            for run in self.runs.get(day, ()):
                start = datetime.combine(day, time(run.hour), zone)
                if run.kind == "race" or (self.life.plans and number <= 2 and start > at):
                    priority = self.life.races[day][0] if run.kind == "race" else None
                    yield PlannedRun(start, run.kind, priority, run.kilometres, run.minutes)

    def _meet(self, at: datetime, event: Event) -> None:
        """The coach decides; the runner follows, or not."""
        since = at - WINDOW
        lifted = self.athlete.hold_lifted_at
        sessions = [done.session for done in self.done if done.session.completed_at > (lifted or since)][:2]
        sessions += [done.session for done in self.done[-8:] if done.session.completed_at > since]
        self.log = [activity for activity in self.log if activity.start > since]
        verdict = decide(
            Situation(
                athlete=self.athlete,
                event=event,
                now=at,
                check_ins=tuple(check for check in self.check_ins if check.at > since),
                plan=tuple(self._plan(at, self.athlete.timezone)),
                activities=tuple(self.log),
                sessions=tuple({session.completed_at: session for session in sessions}.values()),
            ),
            catalogue(),
        )
        if verdict.decision is Decision.REFER:
            self.referrals += 1
            self.athlete = replace(self.athlete, hold=Hold(at, verdict.rule))
        if verdict.routine is None or verdict.decision not in (Decision.POST_RUN, Decision.REST_DAY):
            return
        chance = self.life.chance
        if self.life.answers != "never" and chance.random() < 0.08:
            return  # "not today" is answered, so it counts as no session
        answered = self.life.answers == "always" or (self.life.answers == "mostly" and chance.random() < 0.7)
        session = Session(
            at + timedelta(minutes=verdict.routine.minutes + 3) if answered else at,
            f"strength_{verdict.dose}",
            completed_pct=60 if answered and chance.random() < 0.05 else 100,
            answered=answered,
            rpe_1_10=chance.choice((6, 7, 7, 8, 8, 9)) if answered else None,
            pain_during_0_10=chance.choice((0, 0, 0, 0, 1, 1, 2, 3)) if answered else None,
        )
        done = Done(at, session, verdict.routine, self.athlete.timezone)
        if self.done and self.done[-1].session.completed_at.astimezone(done.zone).date() == done.day:
            self.done.pop()  # an unopened suggestion of the same day is replaced
        self.done.append(done)
        self.athlete = after_session(self.athlete, catalogue(), session, verdict.routine).athlete

    def _check_in(self, at: datetime) -> None:
        """Now and then soreness the day after, and seldom pain."""
        chance = self.life.chance
        if self.done and at - self.done[-1].at < timedelta(hours=30) and chance.random() < 0.15:
            soreness = chance.choice((0, 1, 2, 3, 4, 5))
            self.check_ins.append(CheckIn(at, adductor_soreness_0_10=soreness))
            exercises = [item.exercise for item in self.done[-1].routine.items]
            self.athlete = after_soreness(self.athlete, catalogue(), exercises, soreness).athlete
        if chance.random() < 0.004:
            self.check_ins.append(CheckIn(at, hip_groin_pain_0_10=chance.choice((3, 3, 4, 5, 6))))


def simulate(number: int) -> Year:
    """One runner's year."""
    year = Year(make_life(number))
    year.live()
    return year


def _days_since(year: Year, done: Done) -> Iterator[int]:
    """Days from each earlier session to this one, in the zone where the runner is at this one."""
    for other in year.done:
        if other.at < done.at:
            yield (done.day - other.at.astimezone(done.zone).date()).days


def a_day_between_sessions(year: Year) -> list[datetime]:
    """No two sessions within two local dates."""
    return [done.at for done in year.done if min(_days_since(year, done), default=9) < 2]


def thirty_six_hours_between_sessions(year: Year) -> list[datetime]:
    """No two sessions within 36 hours."""
    return [later.at for one, later in pairwise(year.done) if later.at - one.at < timedelta(hours=36)]


def target_in_seven_days(year: Year) -> list[datetime]:
    """Never more than the target in any seven local days."""
    return [done.at for done in year.done if 1 + sum(days < 7 for days in _days_since(year, done)) > year.life.target]


# Each returns the moments at which it was broken.
PROMISES: tuple[Callable[[Year], list[datetime]], ...] = (
    a_day_between_sessions,
    thirty_six_hours_between_sessions,
    target_in_seven_days,
)


def row(name: str, years: list[Year]) -> str:
    """One line of the table; weeks without a race, an absence or a pause."""
    counts = [count for year in years for count in year.sessions_by_week().values()]
    on_target = [count >= year.life.target for year in years for count in year.sessions_by_week().values()]
    gaps = [(b.day - a.at.astimezone(b.zone).date()).days for year in years for a, b in pairwise(year.done)]
    stages = " / ".join(f"{mean(year.stages[week] for year in years):.1f}" for week in STAGE_AFTER_WEEKS)
    return (
        f"| {name} | {len(years)} | {mean(counts):.2f} | {100 * mean(on_target):.0f} % | {median(gaps):.0f} | "
        f"{stages} | {sum(year.referrals for year in years)} |"
    )


def main(argv: list[str]) -> int:
    """Simulate, print; 1 when a promise was broken."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        years = list(pool.map(simulate, range(int(argv[0]) if argv else RUNNERS), chunksize=10))
    groups: dict[tuple[str, int, str], list[Year]] = defaultdict(list)
    for year in years:
        groups[f"target {year.life.target}", year.life.runs_a_week, year.life.answers].append(year)
    weeks = " / ".join(map(str, STAGE_AFTER_WEEKS))
    print(f"| | runners | sessions a week | weeks on target | days between | stage after {weeks} weeks | referrals |")
    print("|---" + "|--:" * 6 + "|")
    for target, runs, answers in sorted(groups):
        print(row(f"{target}, {runs} runs, {answers}", groups[target, runs, answers]))
    print(row("all", years))
    broken = [
        f"runner {number} at {at}: {promise.__doc__}"
        for number, year in enumerate(years)
        for promise in PROMISES
        for at in promise(year)
    ]
    steady = mean(count for year in groups[STEADY] for count in year.sessions_by_week().values())
    print(f"\nTarget 2, 4 runs a week, always answers: {steady:.2f} sessions a week (1.5-2.0).")
    if not STEADY_A_WEEK[0] <= steady <= STEADY_A_WEEK[1]:
        broken.append("steady runners train outside 1.5-2.0 sessions a week")
    print("\n".join(f"broken: {entry}" for entry in broken) or "Every promise was kept.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
