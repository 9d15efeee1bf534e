"""A runner's year with the coach's pure core, fed as `adductor.athletes.situations` and its callers feed it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from adductor import coaching
from adductor.athletes.answers import STOPPED_COMPLETED_PCT
from adductor.athletes.channels import MOST_MESSAGES_A_WEEK, NOTE_OF_LATEST_RUN_DAYS
from adductor.athletes.schedule import WARM_UP_LEAD
from adductor.athletes.situations import CHECK_IN_WINDOW, PLAN_AHEAD, PLAN_BEHIND, SESSION_KINDS, WINDOW
from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching import situation as words
from adductor.coaching.progression import maintenance_offer
from adductor.coaching.replies import REPLIES, Said
from adductor.coaching.situation import Placement
from bench.months.population import DAYS, FIRST_DAY, HOME, KITS, PATTERNS, PLACEMENTS, Traits, make_runs, zone_on

HOLD_LASTS = timedelta(days=10)
FORECAST_EVERY_DAYS = 4
LOOK = words.Event(words.EventType.CLOCK_TICK)
_SESSIONS = (Placement.POST_RUN, Placement.REST_DAY)


@dataclass
class Suggestion:
    """A routine that reached the runner, and what became of it. ``before``: the runner as the coach saw them."""

    at: datetime
    verdict: words.Verdict
    routine: words.Routine
    before: words.Athlete
    said: Said | None = None
    session: words.Session | None = None
    changes: tuple[str, ...] = ()
    withdrawn: bool = False
    reached: bool = True  # False: on pages alone, and not opened

    @cached_property
    def day(self) -> date:
        return self.at.astimezone(self.before.timezone).date()

    @property
    def placement(self) -> Placement:
        return Placement(self.verdict.decision)

    @property
    def exercises(self) -> tuple[str, ...]:
        return tuple(item.exercise for item in self.routine.items)

    @property
    def is_open(self) -> bool:
        """Neither answered nor withdrawn: it may have been done."""
        return self.said is None and not self.withdrawn and self.reached

    @property
    def counts(self) -> bool:
        """Whether it takes its place in cap and spacing."""
        done = self.session is not None and self.session.completed_pct >= k.SESSION_COUNTS_FROM_COMPLETED_PCT
        return done or self.is_open


class Year:
    """One runner meeting the coach for a year."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.runs, self.off = make_runs(traits)
        self.chance = random.Random(str(traits))  # noqa: S311 - made-up people, no secret
        self.suggestions: list[Suggestion] = []
        self.warm_ups: list[datetime] = []
        self.said_no: dict[date, list[str]] = {}  # the rules of each local day
        self.forecasts: list[tuple[words.Expected, bool]] = []  # of the day after; whether nothing else changed
        self.holds_lifted: list[datetime] = []
        self.stages: dict[int, int] = {}  # at the end of each week
        self.log: list[words.Activity] = []
        self.check_ins: list[words.CheckIn] = []
        self.at = datetime.combine(FIRST_DAY, time(), HOME).astimezone(UTC)
        wants, shifts = PLACEMENTS[traits.placement], traits.pattern == "shift work"
        self.athlete = words.Athlete(
            timezone=HOME,
            target_sessions_per_week=traits.target,
            screening_completed=True,
            placements_enabled=wants,
            equipment=KITS[traits.kit],
            minutes_after_run=traits.minutes,
            minutes_rest_day=traits.minutes,
            plyometrics_cleared=traits.may_jump,
            quiet_hours_local=(time(8, 30), time(15)) if shifts else (time(22, 30), time(5)),
            rest_day_prompt_local=time(16, 30) if shifts else time(17, 30),
        )

    def live(self) -> Year:
        """The year, day by day."""
        for day in (FIRST_DAY + timedelta(days=number) for number in range(DAYS)):
            self._live_day(day)
            self.stages[(day - FIRST_DAY).days // 7 + 1] = self.athlete.programme_stage
            takes_it = self.traits.turns == "maintains" and day.weekday() == 6  # an offer of maintenance
            if takes_it and maintenance_offer(self.athlete, tuple(self._plan()), day) is not None:
                self.athlete = replace(self.athlete, maintaining=True)
        return self

    def _live_day(self, day: date) -> None:
        zone, ill = zone_on(self.traits, day), self.traits.turns == "ill and away" and day in self.off
        unchanged = (zone, ill) == (self.athlete.timezone, self.athlete.illness) and self._knows(day)
        days = self._forecast(day) if (day - FIRST_DAY).days % FORECAST_EVERY_DAYS == 1 else ()
        self.athlete = replace(self.athlete, timezone=zone, illness=ill, declined_on=None, **self._record(day))
        told = self._wake_up(day)
        for at, event, logged in sorted(self._moments(day), key=lambda moment: moment[0]):
            self.at = at
            self.log += logged
            self._meet(event, day)
        for expected in days[1:]:
            self.forecasts.append((expected, unchanged and not told and days[0].placement is None))
        self.at = self._moment(day, time(23, 15))

    def _forecast(self, day: date) -> tuple[words.Expected, ...]:
        """What home says late in the evening before the day: today's open routine is what it will be tomorrow."""
        situation = self._situation(LOOK, day)
        return coaching.forecast(
            replace(situation, athlete=replace(situation.athlete, **self._record(day))), catalogue(), 2
        )

    def _knows(self, day: date) -> bool:
        """Whether the coach knows the day's runs: from a plan, or as usual."""
        runs, known = self.runs[day], self.traits.known
        if known == "plan":
            return bool(runs) or PATTERNS[self.traits.pattern][day.weekday()] == "-"
        usual = [(self._moment(day, time(run.hour)), run.kind) for run in runs]
        return known == "usual runs" and self.traits.pattern != "shift work" and self._usual(day) == usual

    def _moment(self, day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, self.athlete.timezone).astimezone(UTC)

    def _wake_up(self, day: date) -> bool:
        """Tell how it is after a session that hurt or left the legs sore, and end a hold in its time; whether either was."""
        self.at, last = self._moment(day, time(5, 30)), next((s for s in reversed(self.suggestions) if s.session), None)
        told = False
        ago = 0 if last is None else (day - last.day).days
        if last is not None and ago == 2 and last.said is Said.PAIN:
            told = self._check_in(words.CheckIn(self.at, hip_groin_pain_0_10=self.chance.choice((0, 1, 2, 3))))
        elif last is not None and ago == 1 and last.counts and self.chance.random() < 0.12:
            soreness = self.chance.choice((1, 2, 3, 4, 5))
            advance = coaching.after_soreness(self.athlete, catalogue(), last.exercises, soreness)
            self.athlete, last.changes = advance.athlete, (*last.changes, *advance.changes)
            told = self._check_in(words.CheckIn(self.at, adductor_soreness_0_10=soreness))
        hold = self.athlete.hold
        if hold is None or (self.at - hold.since < HOLD_LASTS and not coaching.hold_is_over(self._situation(LOOK))):
            return told
        self.athlete = coaching.after_hold(self.athlete, catalogue(), day).athlete
        self.athlete = replace(self.athlete, hold=None, hold_lifted_at=self.at)
        self.holds_lifted.append(self.at)
        return self._check_in(words.CheckIn(self.at))

    def _moments(self, day: date) -> Iterator[tuple[datetime, words.Event, list[words.Activity]]]:
        """Runs come in a few minutes after their end; the clock looks before usual runs and in the evening."""
        wants = self.athlete.placements_enabled
        for number, run in enumerate(self.runs[day]):
            start, length = self._moment(day, time(run.hour)), timedelta(minutes=run.minutes + 6)
            event = words.Event(words.EventType.ACTIVITY_UPLOADED, f"{day:%Y%m%d}{number}")
            logged = words.Activity(str(event.activity_id), "run", start, run.minutes, distance_km=run.kilometres)
            yield start + length, event, [replace(logged, intensity=run.intensity)]
        if Placement.REST_DAY in wants:
            yield self._moment(day, self.athlete.rest_day_prompt_local), LOOK, []
        if Placement.WARM_UP in wants and "mail" in self.traits.reach:
            for start, _ in self._usual(day)[:1]:
                yield start - WARM_UP_LEAD, words.Event(words.EventType.RUN_STARTING_SOON), []

    # --- what the coach sees ------------------------------------------------------------------------------------------

    def _usual(self, day: date) -> list[tuple[datetime, str]]:
        """The usual runs of a day, each with its kind, as the settings hold them."""
        usual = self.traits.usual_runs(day.weekday()) if self.traits.known == "usual runs" else ()
        return [(self._moment(day, time(hour)), kind) for hour, kind in usual]

    def _plan(self) -> Iterator[words.PlannedRun]:
        """Races are known ahead by all who say what they run; the runs to come by those with a plan."""
        today, known = self.at.astimezone(self.athlete.timezone).date(), self.traits.known
        for ahead in range(-PLAN_BEHIND.days, PLAN_AHEAD.days):
            day = today + timedelta(days=ahead)
            for run in self.runs.get(day, ()):
                if (run.is_dated_race and known != "nothing") or (known == "plan" and ahead <= 9):
                    start = self._moment(day, time(run.hour))
                    yield words.PlannedRun(start, run.kind, run.priority, run.kilometres, run.minutes)
            for start, kind in self._usual(day) if ahead >= 0 else ():
                yield words.PlannedRun(start, kind, usual=True)

    def _record(self, day: date) -> dict[str, Any]:
        """Our own record of what was offered and done in each slot, and the silence of late (`adductor.athletes.offers`)."""
        offered: Counter[tuple[int, Placement, int]] = Counter()
        done = offered.copy()
        earlier = [s for s in self.suggestions if not s.withdrawn and s.day < day]
        for s in (s for s in earlier if s.reached):
            halvings = (day - s.day).days // 7 // k.SLOT_HALF_WEIGHT_WEEKS
            slot = (s.day.weekday(), s.placement, halvings * k.SLOT_HALF_WEIGHT_WEEKS)
            offered[slot] += 1
            done[slot] += s.session is not None
        slots = (words.SlotRecord(*slot[:2], count, done[slot], slot[2]) for slot, count in offered.items())
        # Where pages are all, silence is silence.
        heard = [s for s in earlier if s.reached or self.traits.reach == "pages"]
        silent = next((at for at, s in enumerate(reversed(heard)) if s.said is not None), len(heard))
        last = heard[-1].day if heard else None
        return {"slots": tuple(slots), "unanswered_in_a_row": silent, "last_suggested_on": last}

    def _situation(self, event: words.Event, before: date | None = None) -> words.Situation:
        since, lifted = self.at - WINDOW, self.athlete.hold_lifted_at
        spoken_since = max(self.at - CHECK_IN_WINDOW, lifted or self.at - CHECK_IN_WINDOW)
        before = before or self.at.astimezone(self.athlete.timezone).date()
        done = [s.session for s in self.suggestions if s.session is not None]
        way_back = [s for s in done if lifted is not None and s.completed_at > lifted][: k.AFTER_HOLD_LIGHT_SESSIONS]
        unanswered = [
            words.Session(s.at, SESSION_KINDS[s.verdict.dose], answered=False, exercises=s.exercises)
            for s in self.suggestions
            if s.is_open and s.at >= since and s.day < before
        ]
        return words.Situation(
            athlete=replace(self.athlete, pages_only=frozenset(p for p in _SESSIONS if self._stands_on_pages(p))),
            event=event,
            now=self.at,
            check_ins=tuple(check for check in self.check_ins if check.at >= spoken_since),
            plan=tuple(self._plan()),
            activities=tuple(activity for activity in self.log if activity.start >= since),
            sessions=(*(s for s in done if s.completed_at >= since or s in way_back), *unanswered),
        )

    # --- what the runner gets and says --------------------------------------------------------------------------------

    def _meet(self, event: words.Event, day: date) -> None:
        """The coach decides; the runner follows, or not."""
        verdict = coaching.decide(self._situation(event), catalogue())
        self._refer(verdict)
        wanted = Placement.REST_DAY if event == LOOK else Placement.POST_RUN
        if verdict.decision is words.Decision.WARM_UP and self._messages(warm_up=True) > 0:
            self.warm_ups.append(self.at)
        if verdict.routine is None or verdict.decision != str(wanted):
            self.said_no.setdefault(day, []).append(verdict.rule)
            return
        for earlier in self.suggestions:
            same_day = earlier.at.astimezone(self.athlete.timezone).date() == day
            earlier.withdrawn = earlier.withdrawn or (same_day and earlier.said is None)
        suggestion = Suggestion(self.at, verdict, verdict.routine, self.athlete, reached=self._goes_out(wanted))
        self.suggestions.append(suggestion)
        suggestion.said = None if day in self.off else self._says()
        suggestion.reached = suggestion.reached or suggestion.said is not None
        if suggestion.said is Said.NOT_TODAY:
            self.athlete = replace(self.athlete, declined_on=day)
        elif suggestion.said is not None:
            self._do(suggestion, suggestion.said)

    def _stands_on_pages(self, placement: Placement) -> bool:
        """Whether no note and no mail takes it: a rest day's note has the runs of three days to stand in."""
        if self.traits.reach == "pages" or placement is Placement.POST_RUN:
            return self.traits.reach == "pages"
        age = timedelta(days=NOTE_OF_LATEST_RUN_DAYS)
        return self.traits.reach == "note" and not any(self.at - run.start <= age for run in self.log[-3:])

    def _messages(self, *, warm_up: bool = False) -> int:
        """Mails that are left in these seven days (`adductor.athletes.channels`): a warm-up has what the sessions leave."""
        by_mail = [s for s in self.suggestions if self.traits.reach == "mail" or s.placement is Placement.REST_DAY]
        sessions, warm_ups = (
            sum(self.at - at < timedelta(days=7) for at in sent) for sent in ([s.at for s in by_mail], self.warm_ups)
        )
        kept = max(sessions, self.traits.target) if warm_up else sessions
        return MOST_MESSAGES_A_WEEK - kept - warm_ups

    def _goes_out(self, placement: Placement) -> bool:
        """Whether it reaches a runner who does not look at the pages."""
        reach = self.traits.reach
        by_mail = reach == "mail" or (reach == "note and mail" and placement is Placement.REST_DAY)
        return not self._stands_on_pages(placement) and (not by_mail or self._messages() > 0)

    def _says(self) -> Said | None:
        answers, chance, number = self.traits.answers, self.chance.random(), len(self.suggestions)
        if answers == "never" or (answers == "half" and chance < 0.5):
            return None
        if chance > 0.97:
            return Said.NOT_TODAY
        if answers == "pain now and then" and chance < 0.08:
            return Said.PAIN
        often = {"too easy": Said.TOO_EASY, "too hard": Said.TOO_HARD if number % 3 else Said.DONE}
        return often.get(answers, Said.DONE)

    def _do(self, suggestion: Suggestion, said: Said) -> None:
        """A session, and the pain told with it."""
        hurt = said is Said.PAIN
        pain = self.chance.choice((3, 4, 4, 5, 6, 7)) if hurt else None
        self.at = suggestion.at + timedelta(minutes=suggestion.routine.minutes + 3)
        suggestion.session = session = words.Session(
            self.at,
            SESSION_KINDS[suggestion.verdict.dose],
            completed_pct=STOPPED_COMPLETED_PCT if hurt else 100,
            rpe_1_10=REPLIES[said].rpe_1_10,
            pain_during_0_10=pain,
            stopped_for_pain=hurt,
            routine_id=suggestion.routine.id,
            exercises=suggestion.exercises,
        )
        advance = coaching.after_session(self.athlete, catalogue(), session, suggestion.routine)
        self.athlete, suggestion.changes = advance.athlete, advance.changes
        if hurt:
            self._check_in(words.CheckIn(self.at, hip_groin_pain_0_10=pain))

    def _check_in(self, check_in: words.CheckIn) -> bool:
        self.check_ins.append(check_in)
        self._refer(coaching.decide(self._situation(words.Event(words.EventType.CHECK_IN)), catalogue()))
        return True

    def _refer(self, verdict: words.Verdict) -> None:
        if verdict.decision is words.Decision.REFER and self.athlete.hold is None:
            self.athlete = replace(self.athlete, hold=words.Hold(self.at, verdict.rule))
            for suggestion in self.suggestions:
                suggestion.withdrawn = suggestion.withdrawn or suggestion.said is None
