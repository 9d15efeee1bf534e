"""What holds for every possible runner, whatever happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching import decide, forecast
from adductor.coaching.progression import minutes_for
from adductor.coaching.routine import direct_work
from adductor.coaching.situation import Decision, Dose, Event, EventType, Hold, Placement, PlannedRun, Situation
from tests.coaching.lives import check_ins, due_situations, situations

SORENESS = "adductor_soreness_0_10"
GIVES_WORK = (Decision.POST_RUN, Decision.REST_DAY)
# More work to the right.
WORK = {Dose.NONE: 0, Dose.ACTIVATION: 1, Dose.LIGHT: 2, Dose.FULL: 3}


LISTS = ("activities", "sessions", "check_ins", "plan")


@given(situations(), st.randoms(use_true_random=False))
def test_every_situation_has_an_answer_in_any_order_of_its_lists(situation: Situation, shuffled: random.Random) -> None:
    verdict = decide(situation, catalogue())

    assert verdict.reason.endswith(".")
    assert verdict.considered[-1].rule == verdict.rule
    assert (verdict.dose is Dose.NONE) == (verdict.decision in (Decision.NONE, Decision.REFER))
    assert (verdict.routine is None) == (verdict.dose is Dose.NONE)
    lists = {name: getattr(situation, name) for name in LISTS}
    other = replace(situation, **{name: tuple(shuffled.sample(of, len(of))) for name, of in lists.items()})
    assert decide(other, catalogue()) == verdict


def _moved(situation: Situation, move: Callable[[datetime], datetime]) -> Situation:
    """The situation with every time in it changed."""

    def inside(entry: Any) -> Any:
        times = {field.name: getattr(entry, field.name) for field in fields(entry)}
        return replace(entry, **{name: move(at) for name, at in times.items() if isinstance(at, datetime)})

    return replace(inside(situation), **{name: tuple(map(inside, getattr(situation, name))) for name in LISTS})


@given(situations(cleared=True), st.integers(-12, 12))
def test_shifted_time_zone_with_shifted_events_gives_the_same_answer(situation: Situation, hours: int) -> None:
    """Zones without clock changes, so that a shift of the zone is the same shift for every event."""
    here, there = ZoneInfo("Etc/GMT"), ZoneInfo(f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT")
    # A hidden start is written in UTC whatever the zone; it can't be shifted.
    situation = _moved(situation, lambda at: at.replace(second=30))
    moved = _moved(situation, lambda at: at - timedelta(hours=hours))
    pair = [
        replace(one, athlete=replace(one.athlete, timezone=zone)) for zone, one in ((here, situation), (there, moved))
    ]

    assert decide(pair[0], catalogue()) == decide(pair[1], catalogue())


@given(situations(), st.integers(-12, 14))
def test_offset_in_which_times_are_written_does_not_matter(situation: Situation, hours: int) -> None:
    other = _moved(situation, lambda at: at.astimezone(timezone(timedelta(hours=hours))))

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


@given(situations(cleared=True), st.sampled_from(["A", "B", None]), st.data())
def test_nothing_within_a_race_block(situation: Situation, priority: str | None, data: st.DataObject) -> None:
    zone = situation.athlete.timezone
    days = data.draw(st.integers(0, k.PRE_RACE_BLOCK_DAYS[priority or "A"]))
    day = situation.now.astimezone(zone).date() + timedelta(days=days)
    race = PlannedRun(datetime.combine(day, time(12), tzinfo=zone), "race", priority)

    verdict = decide(replace(situation, plan=(*situation.plan, race)), catalogue())
    assert verdict.decision in (Decision.NONE, Decision.REFER)


@settings(max_examples=200)
@given(due_situations())
def test_routine_fits_stage_equipment_time_and_is_never_more_than_three_exercises(situation: Situation) -> None:
    verdict = decide(situation, catalogue())
    assume(verdict.decision in GIVES_WORK)
    assert verdict.routine is not None
    athlete, routine = situation.athlete, verdict.routine
    known = catalogue().exercises

    limit = minutes_for(athlete, Placement(verdict.decision))
    ours = [item for item in routine.items if item.name is None]
    assert 1 <= len(ours) <= 3
    assert len({item.exercise for item in routine.items}) == len(routine.items)
    assert routine.seconds == sum(item.seconds for item in routine.items)
    assert routine.minutes == max(1, round((routine.seconds + 0.1) / 60))
    assert routine.minutes <= limit or (len(routine.items) == 1 and routine.items[0].sets == 1)
    for item in ours:
        exercise = known[item.exercise]
        assert exercise.stage <= athlete.programme_stage
        assert exercise.can_be_done_with(athlete.equipment)
        assert 1 <= item.sets <= exercise.dose.sets.max
        assert exercise.dose.count.min <= item.count <= exercise.dose.count.max
        extra_s = 0 if item.extra_set_side is None else exercise.work_s(item.count, item.hold_s) + item.rest_s
        assert item.seconds == exercise.seconds(item.sets, item.count, item.hold_s) + extra_s
        assert item.exercise != "jump_lunges" or verdict.decision is Decision.REST_DAY
    least = len(routine.items) == 1 and routine.items[0].sets == 1  # all that can be done is left out or too much
    if routine.dose is Dose.FULL and not least:
        assert direct_work(catalogue(), routine.items) >= 1
        assert not athlete.left_out & {item.exercise for item in ours}


@given(situations(cleared=True))
def test_forecast_of_this_moment_is_the_decision(situation: Situation) -> None:
    situation = replace(situation, event=Event(EventType.CLOCK_TICK))
    verdict, (today,) = decide(situation, catalogue()), forecast(situation, catalogue(), 1)

    assert verdict.routine is None or (str(today.placement), today.dose) == (str(verdict.decision), verdict.dose)


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
