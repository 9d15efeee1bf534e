"""What holds for every possible runner, whatever happens."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching import decide, forecast
from adductor.coaching.situation import (
    Activity,
    Athlete,
    Decision,
    Dose,
    Event,
    EventType,
    Hold,
    Intensity,
    Placement,
    PlannedRun,
    Session,
    Situation,
)
from tests.coaching.lives import MOMENTS, check_ins, clock_times, due_situations, situations

MANY = settings(max_examples=200)
SORENESS = "adductor_soreness_0_10"
GIVES_WORK = (Decision.POST_RUN, Decision.REST_DAY)
# More work to the right.
WORK = {Dose.NONE: 0, Dose.ACTIVATION: 1, Dose.LIGHT: 2, Dose.FULL: 3}


@given(situations())
def test_every_situation_has_an_answer_with_a_reason(situation: Situation) -> None:
    verdict = decide(situation, catalogue())

    assert verdict.reason.endswith(".")
    assert verdict.considered[-1].rule == verdict.rule
    assert (verdict.dose is Dose.NONE) == (verdict.decision in (Decision.NONE, Decision.REFER))
    assert (verdict.routine is None) == (verdict.dose is Dose.NONE)


@given(situations(), st.randoms(use_true_random=False))
def test_order_of_the_lists_does_not_matter(situation: Situation, shuffled: random.Random) -> None:
    def mixed(items: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(shuffled.sample(items, len(items)))

    other = replace(
        situation,
        activities=mixed(situation.activities),
        sessions=mixed(situation.sessions),
        check_ins=mixed(situation.check_ins),
        plan=mixed(situation.plan),
    )

    assert decide(other, catalogue()) == decide(situation, catalogue())


@given(situations(cleared=True), st.integers(-12, 12))
def test_shifted_time_zone_with_shifted_events_gives_the_same_answer(situation: Situation, hours: int) -> None:
    """Zones without clock changes, so that a shift of the zone is the same shift for every event."""
    here, there = ZoneInfo("Etc/GMT"), ZoneInfo(f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT")
    by = timedelta(hours=-hours)
    situation = replace(
        situation,
        athlete=replace(situation.athlete, timezone=here),
        # A hidden start is written in UTC whatever the zone; it can't be shifted.
        activities=tuple(replace(a, start=a.start.replace(second=30)) for a in situation.activities),
    )
    shifted = replace(
        situation,
        athlete=replace(situation.athlete, timezone=there),
        now=situation.now + by,
        check_ins=tuple(replace(c, at=c.at + by) for c in situation.check_ins),
        plan=tuple(replace(p, start=p.start + by) for p in situation.plan),
        activities=tuple(
            replace(
                a,
                start=a.start + by,
                uploaded_at=None if a.uploaded_at is None else a.uploaded_at + by,
                deleted_at=None if a.deleted_at is None else a.deleted_at + by,
            )
            for a in situation.activities
        ),
        sessions=tuple(replace(s, completed_at=s.completed_at + by) for s in situation.sessions),
    )

    assert decide(shifted, catalogue()) == decide(situation, catalogue())


@given(situations(), st.integers(-12, 14))
def test_offset_in_which_times_are_written_does_not_matter(situation: Situation, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    other = replace(
        situation,
        now=situation.now.astimezone(zone),
        check_ins=tuple(replace(c, at=c.at.astimezone(zone)) for c in situation.check_ins),
        plan=tuple(replace(p, start=p.start.astimezone(zone)) for p in situation.plan),
        activities=tuple(replace(a, start=a.start.astimezone(zone)) for a in situation.activities),
        sessions=tuple(replace(s, completed_at=s.completed_at.astimezone(zone)) for s in situation.sessions),
    )

    assert decide(other, catalogue()) == decide(situation, catalogue())


def _hurting(data: st.DataObject, situation: Situation, field: str) -> tuple[Situation, Situation]:
    """The situation with three check-ins, and the same with one score of one of them raised."""
    checks = [data.draw(check_ins(situation.now, red_flags=False)) for _ in range(2)]
    checks.append(replace(checks[0], at=situation.now - timedelta(hours=1)))
    index = data.draw(st.integers(0, 2))
    before = data.draw(st.integers(0, 9))
    checks[index] = replace(checks[index], **{field: before})
    worse = [*checks]
    worse[index] = replace(checks[index], **{field: data.draw(st.integers(before + 1, 10))})
    return replace(situation, check_ins=tuple(checks)), replace(situation, check_ins=tuple(worse))


@pytest.mark.parametrize("field", ["hip_groin_pain_0_10", "squeeze_pain_0_10", "other_pain_0_10", SORENESS])
@given(situation=due_situations(), data=st.data())
def test_more_pain_or_soreness_never_gives_more_work(field: str, situation: Situation, data: st.DataObject) -> None:
    calm, hurting = (decide(one, catalogue()) for one in _hurting(data, situation, field))

    assert WORK[hurting.dose] <= WORK[calm.dose]
    if field != SORENESS and calm.routine is not None and hurting.routine is not None:
        assert hurting.routine.seconds <= calm.routine.seconds


@given(situations())
def test_nothing_but_a_new_warning_sign_while_on_hold(situation: Situation) -> None:
    held = replace(situation, athlete=replace(situation.athlete, hold=Hold(situation.now, "pain")))

    verdict = decide(held, catalogue())
    assert (verdict.decision, verdict.rule) == (Decision.NONE, "on_hold")


@given(situations(cleared=True), st.sampled_from(["A", "B", "C", None]), st.data())
def test_nothing_within_a_race_block(situation: Situation, priority: str | None, data: st.DataObject) -> None:
    zone = situation.athlete.timezone
    days = data.draw(st.integers(0, k.PRE_RACE_BLOCK_DAYS[priority or "A"]))
    day = situation.now.astimezone(zone).date() + timedelta(days=days)
    race = PlannedRun(datetime.combine(day, time(12), tzinfo=zone), "race", priority)

    verdict = decide(replace(situation, plan=(*situation.plan, race)), catalogue())
    assert verdict.decision in (Decision.NONE, Decision.REFER)


@MANY
@given(due_situations())
def test_routine_fits_stage_equipment_time_and_is_never_more_than_three_exercises(situation: Situation) -> None:
    verdict = decide(situation, catalogue())
    assume(verdict.decision in GIVES_WORK)
    assert verdict.routine is not None
    athlete, routine = situation.athlete, verdict.routine
    known = catalogue().exercises

    assert 1 <= len(routine.items) <= 3
    assert len({item.exercise for item in routine.items}) == len(routine.items)
    assert routine.seconds == 20 + sum(item.seconds for item in routine.items) + 20 * (len(routine.items) - 1)
    assert 60 * (routine.minutes - 1) < routine.seconds <= 60 * routine.minutes
    for item in routine.items:
        exercise = known[item.exercise]
        assert exercise.stage <= athlete.programme_stage
        assert exercise.can_be_done_with(athlete.equipment)
        assert 1 <= item.sets <= exercise.dose.sets.max
        assert exercise.dose.count.min <= (item.reps or item.holds or 0) <= exercise.dose.count.max
        assert item.seconds == exercise.seconds(item.sets, item.reps or item.holds or 0, item.hold_s)
        assert item.exercise != "jump_lunges" or verdict.decision is Decision.REST_DAY
    if athlete.minutes_available is not None and routine.minutes > athlete.minutes_available:
        assert len(routine.items) == 1
        assert routine.items[0].sets == 1


@MANY
@given(
    start=MOMENTS,
    zone=st.sampled_from(["Europe/London", "America/New_York", "Pacific/Auckland"]),
    target=st.integers(1, 2),
    prompt=clock_times(),
    quiet=st.tuples(clock_times(), clock_times()),
    weeks=st.lists(st.lists(st.sampled_from([None, 6, 12, 18, 22]), min_size=7, max_size=7), min_size=4, max_size=4),
    minutes=st.lists(st.sampled_from([20, 45, 60, 95]), min_size=28, max_size=28),
    answers=st.lists(st.sampled_from(["done", "silent", "late"]), min_size=30, max_size=30),
)
def test_a_month_never_holds_more_than_the_target_nor_two_sessions_too_close(
    start: datetime,
    zone: str,
    target: int,
    prompt: time,
    quiet: tuple[time, time],
    weeks: list[list[int | None]],
    minutes: list[int],
    answers: list[str],
) -> None:
    """A suggestion takes its place at once: done within minutes or hours later, or never answered."""
    here = ZoneInfo(zone)
    athlete = Athlete(
        timezone=here,
        target_sessions_per_week=target,
        screening_completed=True,
        sessions_completed_total=12,
        rest_day_prompt_local=prompt,
        quiet_hours_local=quiet,
    )
    first = start.astimezone(here).date()
    activities: list[Activity] = []
    suggested: list[tuple[datetime, datetime, bool]] = []  # when, when done, answered

    def known(at: datetime) -> tuple[Session, ...]:
        return tuple(
            Session(done_at, "strength_full")
            if answered and done_at <= at
            else Session(when, "strength_full", answered=False)
            for when, done_at, answered in suggested
        )

    for offset in range(28):
        day = first + timedelta(days=offset)
        hour = weeks[offset // 7][offset % 7]
        moments: list[tuple[datetime, Activity | None]] = []
        if hour is not None:
            began = datetime.combine(day, time(hour), tzinfo=here).astimezone(UTC)
            run = Activity(f"r{offset}", "run", began, minutes[offset], intensity=Intensity.EASY)
            moments.append((began + timedelta(minutes=minutes[offset] + 5), run))
        moments.append((datetime.combine(day, prompt, tzinfo=here).astimezone(UTC), None))
        for at, logged in sorted(moments, key=lambda moment: moment[0]):
            event = Event(EventType.CLOCK_TICK)
            if logged is not None:
                activities.append(logged)
                event = Event(EventType.ACTIVITY_UPLOADED, logged.id)
            log = tuple(activity for activity in activities if activity.start <= at)
            verdict = decide(Situation(athlete, event, at, activities=log, sessions=known(at)), catalogue())
            if verdict.decision in GIVES_WORK:
                # An unopened card of the same day is replaced.
                suggested = [s for s in suggested if s[0].astimezone(here).date() != at.astimezone(here).date()]
                answer = answers[len(suggested) % len(answers)]
                done_at = at + (timedelta(hours=2) if answer == "late" else timedelta(minutes=15))
                suggested.append((at, done_at, answer != "silent"))

    sessions = known(datetime(2100, 1, 1, tzinfo=UTC))
    days = sorted(s.completed_at.astimezone(here).date() for s in sessions)
    instants = sorted(s.completed_at for s in sessions)
    assert all((b - a).days >= k.SPACING_LOCAL_DAYS for a, b in pairwise(days))
    assert all(b - a >= timedelta(hours=k.SPACING_FLOOR_ELAPSED_H) for a, b in pairwise(instants))
    for day in days:
        assert sum(1 for other in days if 0 <= (day - other).days < k.WEEKLY_WINDOW_LOCAL_DAYS) <= target


@given(situations(cleared=True), st.integers(1, 10))
def test_forecast_names_every_day_once_and_keeps_the_distance(situation: Situation, days: int) -> None:
    expected = forecast(situation, catalogue(), days)

    today = situation.now.astimezone(situation.athlete.timezone).date()
    assert [entry.day for entry in expected] == [today + timedelta(days=n) for n in range(days)]
    assert all(entry.reason for entry in expected)
    due: list[date] = [entry.day for entry in expected if entry.placement is not None]
    assert all((b - a).days >= k.SPACING_LOCAL_DAYS for a, b in pairwise(due))
    assert all((entry.placement is None) == (entry.dose is Dose.NONE) for entry in expected)
    assert all(entry.placement is not Placement.WARM_UP for entry in expected)
