"""A year in the life of 1,000 made-up runners: `python -m bench.simulate [RUNNERS]`.

Different habits: 3-7 runs a week, long runs and hard days, races, holidays, illness, shift work, travel, pain, and
runners who answer always, mostly, or never. Each of them meets the coach as the product does: after every run, and every
evening. Prints what came of it and exits 1 when a promise is broken: more sessions than the target in any seven local
days, two within two local dates or 36 hours, or a steady runner on target 2 outside 1.5-2.0 sessions a week.
The same runners every time: nothing depends on the day or the machine.
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import mean, median
from zoneinfo import ZoneInfo

from adductor.catalogue import catalogue
from adductor.coaching import after_session, after_soreness, decide
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
HOMES = ("Europe/London", "Europe/Berlin", "America/New_York", "Pacific/Auckland")
AWAY = ("America/Denver", "Asia/Tokyo", "Europe/Lisbon")
RACE_KM = (5.0, 10.0, 21.1, 42.2)
WEEKDAYS = {3: (1, 3, 6), 4: (1, 3, 5, 6), 5: (0, 1, 3, 5, 6), 6: (0, 1, 2, 3, 5, 6), 7: range(7)}
LOOKED_AT_WEEKS = (4, 13, 26, 52)


@dataclass
class Life:
    """What a runner is like, and which weeks go another way."""

    random: random.Random
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

    @property
    def group(self) -> tuple[int, str]:
        """The row of the table."""
        return self.runs_a_week, self.answers


@dataclass
class Year:
    """What came of it."""

    runs_a_week: int
    answers: str
    target: int
    done: list[tuple[datetime, ZoneInfo]]  # when, and where the runner was
    blocked_weeks: set[int]
    messages: int
    referrals: int
    stages: dict[int, int]


def a_life(number: int) -> Life:
    """The runner with this number; always the same one."""
    chance = random.Random(f"runner {number}")  # noqa: S311 - made-up people, not secrets
    life = Life(
        random=chance,
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


def runs_of(life: Life, day: date) -> list[tuple[int, float, Intensity, str, float]]:
    """The runs of a day: hour, minutes, how hard, planned kind, kilometres."""
    if day in life.races:
        kilometres = life.races[day][1]
        return [(9, 5.2 * kilometres, Intensity.RACE, "race", kilometres)]
    if day in life.off or day in life.ill:
        return []
    if day.weekday() not in WEEKDAYS[life.runs_a_week] or life.random.random() < 0.08:
        return []
    hour = life.random.choice((7, 7, 12, 18)) if not life.shifts else life.random.choice((3, 10, 22))
    if day.weekday() == 6 and life.long_runs:
        minutes = life.random.choice((75, 90, 105, 120))
        return [(hour, minutes, Intensity.EASY, "long" if minutes >= 90 else "easy", minutes / 6)]
    if day.weekday() == 3 and life.runs_a_week >= 4 and life.random.random() < 0.6:
        return [(hour, 55, Intensity.HARD, "intervals", 10.5)]
    minutes = life.random.choice((30, 40, 45, 55))
    return [(hour, minutes, Intensity.EASY, "easy", minutes / 6)]


class Living:
    """One runner meeting the coach for a year."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.log: list[Activity] = []
        self.suggested: list[tuple[datetime, Session, Routine, ZoneInfo]] = []
        self.check_ins: list[CheckIn] = []
        self.messages = self.referrals = 0
        self.stages: dict[int, int] = {}
        self.athlete = Athlete(
            timezone=life.home,
            age=35,
            target_sessions_per_week=life.target,
            screening_completed=True,
            quiet_hours_local=(time(8, 30), time(15)) if life.shifts else (time(22, 30), time(5)),
            rest_day_prompt_local=time(16, 30) if life.shifts else time(17, 30),
        )
        # What each day holds is decided once, so that the plan can know it.
        days = [FIRST_DAY + timedelta(days=n) for n in range(DAYS + 8)]
        self.runs = {day: runs_of(life, day) for day in days}

    def live(self) -> Year:
        """The year, day by day."""
        for number in range(DAYS):
            self.a_day(FIRST_DAY + timedelta(days=number))
            if (number + 1) % 7 == 0 and (number + 1) // 7 in LOOKED_AT_WEEKS:
                self.stages[(number + 1) // 7] = self.athlete.programme_stage
        done = [(session.completed_at, zone) for _, session, _, zone in self.suggested]
        return Year(
            self.life.runs_a_week,
            self.life.answers,
            self.life.target,
            done,
            self.blocked_weeks(),
            self.messages,
            self.referrals,
            self.stages,
        )

    def blocked_weeks(self) -> set[int]:
        """Weeks touched by a race (from three days before to a week after), an absence, or a pause for pain."""
        days = set(self.life.off | self.life.ill)
        for race in self.life.races:
            days |= {race + timedelta(days=n) for n in range(-7, 8)}
        days |= {check.at.date() + timedelta(days=n) for check in self.check_ins for n in range(14) if pain(check) > 2}
        return {(day - FIRST_DAY).days // 7 for day in days}

    def a_day(self, day: date) -> None:
        """The day's runs, then its evening."""
        life = self.life
        zone = life.away.get(day, life.home)
        self.athlete = replace(self.athlete, timezone=zone, illness=day in life.ill)
        hold = self.athlete.hold
        if hold is not None and day >= hold.since.date() + timedelta(days=10):
            # Seen by somebody, better, and says so.
            self.athlete = replace(self.athlete, hold=None)
            self.check_ins.append(CheckIn(datetime.combine(day, time(6), zone).astimezone(UTC), hip_groin_pain_0_10=0))
        moments: list[tuple[datetime, Activity | None]] = []
        for hour, minutes, intensity, _, kilometres in self.runs[day]:
            start = datetime.combine(day, time(hour), zone).astimezone(UTC)
            run = Activity(f"{day} {hour}", "run", start, minutes, distance_km=kilometres, intensity=intensity)
            if intensity is Intensity.RACE:
                run = replace(run, race_priority=life.races[day][0])
            moments.append((start + timedelta(minutes=minutes + 6), run))
        prompt = datetime.combine(day, self.athlete.rest_day_prompt_local, zone).astimezone(UTC)
        moments.append((prompt, None))
        for at, logged in sorted(moments, key=lambda moment: moment[0]):
            event = Event(EventType.CLOCK_TICK)
            if logged is not None:
                self.log.append(logged)
                event = Event(EventType.ACTIVITY_UPLOADED, logged.id)
            self.meet(at, event)
        self.how_it_feels(day, zone)

    def plan(self, at: datetime, zone: ZoneInfo) -> Iterable[PlannedRun]:
        """Races are known ahead by all; the runs of the next days by those who plan."""
        today = at.astimezone(zone).date()
        for number in range(9):
            day = today + timedelta(days=number)
            for hour, minutes, _, kind, kilometres in self.runs.get(day, ()):
                start = datetime.combine(day, time(hour), zone)
                if kind == "race":
                    yield PlannedRun(start, kind, self.life.races[day][0], kilometres, minutes)
                elif self.life.plans and number <= 2 and start > at:
                    yield PlannedRun(start, kind, None, kilometres, minutes)

    def meet(self, at: datetime, event: Event) -> None:
        """The coach looks, and the runner does what they do about it."""
        since = at - WINDOW
        self.log = [activity for activity in self.log if activity.start > since]
        verdict = decide(
            Situation(
                athlete=self.athlete,
                event=event,
                now=at,
                check_ins=tuple(check for check in self.check_ins if check.at > since),
                plan=tuple(self.plan(at, self.athlete.timezone)),
                activities=tuple(self.log),
                sessions=tuple(session for _, session, _, _ in self.suggested[-8:] if session.completed_at > since),
            ),
            catalogue(),
        )
        if verdict.decision is Decision.REFER:
            self.messages += 1
            self.referrals += 1
            self.athlete = replace(self.athlete, hold=Hold(at, verdict.rule))
        if verdict.routine is None or verdict.decision not in (Decision.POST_RUN, Decision.REST_DAY):
            return
        self.messages += 1
        zone = self.athlete.timezone
        chance = self.life.random
        if self.life.answers != "never" and chance.random() < 0.08:
            return  # "not today": answered, so it takes no place
        answered = self.life.answers == "always" or (self.life.answers == "mostly" and chance.random() < 0.7)
        session = Session(
            at + timedelta(minutes=verdict.routine.minutes + 3) if answered else at,
            f"strength_{verdict.dose}",
            completed_pct=60 if answered and chance.random() < 0.05 else 100,
            answered=answered,
            rpe_1_10=chance.choice((6, 7, 7, 8, 8, 9)) if answered else None,
            pain_during_0_10=chance.choice((0, 0, 0, 0, 1, 1, 2, 3)) if answered else None,
        )
        if self.suggested and self.suggested[-1][1].completed_at.astimezone(zone).date() == at.astimezone(zone).date():
            self.suggested.pop()  # an unopened card of the same day is replaced, not added to
        self.suggested.append((at, session, verdict.routine, zone))
        self.athlete = after_session(self.athlete, catalogue(), session, verdict.routine).athlete

    def how_it_feels(self, day: date, zone: ZoneInfo) -> None:
        """Now and then a word on soreness the day after, and seldom on pain."""
        chance = self.life.random
        if self.life.answers == "never":
            return
        at = datetime.combine(day, time(23), zone).astimezone(UTC)
        if self.suggested and at - self.suggested[-1][0] < timedelta(hours=30) and chance.random() < 0.15:
            soreness = chance.choice((0, 1, 2, 3, 4, 5))
            self.check_ins.append(CheckIn(at, adductor_soreness_0_10=soreness))
            exercises = [item.exercise for item in self.suggested[-1][2].items]
            self.athlete = after_soreness(self.athlete, catalogue(), exercises, soreness).athlete
        if chance.random() < 0.004:
            self.check_ins.append(CheckIn(at, hip_groin_pain_0_10=chance.choice((3, 3, 4, 5, 6))))


def pain(check_in: CheckIn) -> int:
    """The pain of a check-in, 0 when not asked."""
    return check_in.hip_groin_pain_0_10 or 0


def a_year(number: int) -> Year:
    """One runner's year."""
    return Living(a_life(number)).live()


# --- the table ------------------------------------------------------------------------------------------------------


def broken_promises(year: Year) -> list[str]:
    """What must never happen, and did."""
    # Local days are those of the place where the runner is at the session that is looked at.
    broken = []
    for at, zone in year.done:
        before = [other for other, _ in year.done if other < at and at - other < timedelta(days=9)]
        gaps = [(at.astimezone(zone).date() - other.astimezone(zone).date()).days for other in before]
        if any(gap < 2 for gap in gaps):
            broken.append(f"two sessions within two local dates at {at}")
        if any(at - other < timedelta(hours=36) for other in before):
            broken.append(f"two sessions within 36 hours at {at}")
        if 1 + sum(1 for gap in gaps if gap < 7) > year.target:
            broken.append(f"more than {year.target} sessions in seven days at {at}")
    return broken


def days_of(year: Year) -> list[date]:
    """The local days of the sessions."""
    return sorted(at.astimezone(zone).date() for at, zone in year.done)


def per_week(year: Year) -> dict[int, int]:
    """Sessions in each week without a block."""
    weeks = {week: 0 for week in range(4, DAYS // 7) if week not in year.blocked_weeks}
    for day in days_of(year):
        week = (day - FIRST_DAY).days // 7
        if week in weeks:
            weeks[week] += 1
    return weeks


def row(name: str, years: list[Year]) -> str:
    """One line of the table."""
    weeks = [count / year.target for year in years for count in per_week(year).values()]
    counts = [count for year in years for count in per_week(year).values()]
    gaps = [
        (b.astimezone(zone).date() - a.astimezone(zone).date()).days
        for year in years
        for (a, _), (b, zone) in pairwise(year.done)
    ]
    stages = "  ".join(f"{mean(year.stages[week] for year in years):.1f}" for week in LOOKED_AT_WEEKS)
    return (
        f"{name:<26}{len(years):>7}{mean(counts):>11.2f}{100 * mean(w >= 1 for w in weeks):>11.0f} %"
        f"{median(gaps):>8.0f}{min(gaps):>5}   {stages}{mean(year.messages for year in years) * 7 / DAYS:>12.2f}"
        f"{sum(year.referrals for year in years):>10}"
    )


def main(argv: list[str]) -> int:
    """Simulate, print, and say whether every promise was kept."""
    runners = int(argv[0]) if argv else RUNNERS
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        years = list(pool.map(a_year, range(runners), chunksize=10))
    groups: dict[tuple[str, int, str], list[Year]] = defaultdict(list)
    for year in years:
        groups[f"target {year.target}", year.runs_a_week, year.answers].append(year)
    print("Weeks without a race, an absence or a pause; from the fifth week on.\n")
    print(
        f"{'':<26}{'runners':>7}{'sessions':>11}{'weeks on':>13}{'days between':>14}   stage after week{'':<3}"
        f"{'messages':>8}{'referrals':>10}"
    )
    print(
        f"{'':<26}{'':>7}{'a week':>11}{'target':>13}{'median':>8}{'min':>6}   "
        + "   ".join(f"{week:>2}" for week in LOOKED_AT_WEEKS)
        + f"{'a week':>11}{'in all':>11}"
    )
    for target, runs, answers in sorted(groups):
        print(row(f"{target}, {runs} runs, {answers}", groups[target, runs, answers]))
    print(row("all", years))
    failed = False
    for number, year in enumerate(years):
        for problem in broken_promises(year):
            failed = True
            print(f"broken: runner {number}: {problem}")
    steady = [count for year in groups["target 2", 4, "always"] for count in per_week(year).values()]
    rate = mean(steady)
    failed = failed or not 1.5 <= rate <= 2.0
    print(f"\nTarget 2, 4 runs a week, always answers, weeks without a block: {rate:.2f} sessions a week (1.5-2.0).")
    print(f"Never more than the target in seven days, never within two dates or 36 hours: {'NO' if failed else 'yes'}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
