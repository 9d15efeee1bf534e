"""The days ahead, as far as they can be seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adductor.catalogue import catalogue
from adductor.coaching import forecast
from adductor.coaching.situation import (
    Activity,
    Athlete,
    CheckIn,
    Dose,
    Event,
    EventType,
    Expected,
    Intensity,
    Placement,
    PlannedRun,
    Session,
    Situation,
)

LONDON = ZoneInfo("Europe/London")
FRIDAY = datetime(2026, 11, 20, 9, tzinfo=UTC)
AFTER_RUN, REST_DAY = Placement.POST_RUN, Placement.REST_DAY


def run(days_ago: int, hour: int = 7, minutes: float = 45) -> Activity:
    start = (FRIDAY - timedelta(days=days_ago)).replace(hour=hour)
    return Activity(f"r{days_ago}", "run", start, minutes, intensity=Intensity.EASY)


def situation(**fields: object) -> Situation:
    base = Situation(
        athlete=Athlete(timezone=LONDON, programme_stage=2, sessions_completed_total=9, screening_completed=True),
        event=Event(EventType.CLOCK_TICK),
        now=FRIDAY,
        activities=(run(1), run(8), run(3), run(10)),  # Thursdays and Tuesdays
        sessions=(Session(FRIDAY - timedelta(days=3), "strength_full"),),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def due(ahead: tuple[Expected, ...]) -> list[tuple[date, Placement | None, Dose]]:
    return [(entry.day, entry.placement, entry.dose) for entry in ahead if entry.placement is not None]


def test_a_weekday_of_both_last_weeks_is_a_run_day_and_the_others_are_rest_days() -> None:
    ahead = forecast(situation(), catalogue(), 8)

    assert due(ahead) == [
        (date(2026, 11, 20), REST_DAY, Dose.FULL),
        (date(2026, 11, 24), AFTER_RUN, Dose.FULL),
        (date(2026, 11, 27), REST_DAY, Dose.FULL),
    ]
    assert ahead[4].reason == "after your usual Tuesday run"


REST = PlannedRun(datetime(2026, 11, 24, 8, tzinfo=UTC), "rest")


@pytest.mark.parametrize(
    "fields", [{"activities": (run(1), run(3))}, {"plan": (REST,)}], ids=["one run is no habit", "a planned rest day"]
)
def test_a_tuesday_without_a_habit_or_with_a_plan_is_a_rest_day(fields: dict[str, object]) -> None:
    assert due(forecast(situation(**fields), catalogue(), 6))[1] == (date(2026, 11, 24), REST_DAY, Dose.FULL)


def test_the_day_before_a_key_session_is_free_and_the_session_follows_it() -> None:
    tempo = PlannedRun(datetime(2026, 11, 21, 10, tzinfo=UTC), "tempo")
    ahead = forecast(situation(plan=(tempo,)), catalogue(), 3)
    assert due(ahead) == [(date(2026, 11, 21), AFTER_RUN, Dose.FULL)]
    assert "tempo" in ahead[0].reason
    assert ahead[1].reason == "after your planned tempo run"


def test_a_race_ahead_leaves_its_days_free_and_the_recovery_too() -> None:
    race = PlannedRun(datetime(2026, 11, 22, 9, tzinfo=UTC), "race", "A", distance_km=21.1, planned_min=100)
    ahead = forecast(situation(plan=(race,)), catalogue(), 6)
    assert [entry.placement for entry in ahead[:5]] == [None] * 5
    assert "Race today" in ahead[2].reason
    assert "Raced 2 days ago" in ahead[4].reason
    assert ahead[5].placement is not None


def test_a_planned_long_run_is_one_and_the_day_after_is_light() -> None:
    long = PlannedRun(datetime(2026, 11, 22, 8, tzinfo=UTC), "long")
    done = Session(FRIDAY - timedelta(days=6), "strength_full")
    ahead = forecast(situation(plan=(long,), sessions=(done,), activities=(run(1), run(8))), catalogue(), 4)
    assert "long run" in ahead[2].reason
    assert due(ahead)[-1] == (date(2026, 11, 23), REST_DAY, Dose.LIGHT)
    assert ahead[3].reason == "rest day, kept light: long run yesterday"


def test_today_follows_the_last_planned_run_or_the_one_just_ended() -> None:
    plan = tuple(PlannedRun(datetime(2026, 11, 20, hour, tzinfo=UTC), "easy") for hour in (11, 18))
    just = Activity("t", "run", FRIDAY - timedelta(minutes=50), 45, intensity=Intensity.EASY)
    planned, ended = (
        forecast(found, catalogue(), 1) for found in (situation(plan=plan), situation(activities=(run(1), just)))
    )
    assert due(planned) == due(ended) == [(date(2026, 11, 20), AFTER_RUN, Dose.FULL)]
    assert ended[0].reason == "after your run"


def test_a_pause_ends() -> None:
    who = replace(situation().athlete, paused_until=date(2026, 11, 23))
    ahead = forecast(situation(athlete=who), catalogue(), 4)
    assert [entry.placement for entry in ahead] == [None, None, None, REST_DAY]
    assert "break" in ahead[0].reason


def test_a_referral_is_said_once_and_then_waited_for() -> None:
    ahead = forecast(situation(check_ins=(CheckIn(FRIDAY, hip_groin_pain_0_10=7),)), catalogue(), 3)
    assert due(ahead) == []
    assert "Stop today" in ahead[0].reason
    assert "paused since" in ahead[1].reason
    assert ahead[1].reason == ahead[2].reason


def test_a_day_with_a_run_says_what_held_its_session_back() -> None:
    done = (Session(FRIDAY - timedelta(days=2), "strength_full"), Session(FRIDAY - timedelta(days=5), "strength_full"))
    ahead = forecast(situation(sessions=done, activities=(run(6), run(13))), catalogue(), 2)
    assert ahead[1].reason == "2 of 2 in the last 7 days; there is room again on Sunday 22 November."


def test_late_in_the_day_no_more_comes_today() -> None:
    (today,) = forecast(situation(now=FRIDAY.replace(hour=23), activities=(run(1), run(8))), catalogue(), 1)
    assert today.placement is None
    assert "quiet hours" in today.reason


def test_a_usual_run_is_called_usual() -> None:
    usual = PlannedRun(datetime(2026, 11, 21, 10, tzinfo=UTC), "easy", usual=True)
    done = (Session(FRIDAY - timedelta(days=1), "strength_full"),)
    assert forecast(situation(plan=(usual,), sessions=done), catalogue(), 2)[1].reason == "after your usual easy run"


def test_a_habit_reaches_back_exactly_two_weeks() -> None:
    evenings = forecast(situation(activities=(run(7, hour=16), run(14, hour=16), run(1))), catalogue(), 1)
    assert evenings[0].reason == "after your usual Friday run"
    after_runs = replace(situation().athlete, placements_enabled=frozenset({AFTER_RUN}))
    too_old = situation(athlete=after_runs, activities=(run(8), run(15), run(2)))
    assert due(forecast(too_old, catalogue(), 7)) == []
    assert due(forecast(replace(too_old, activities=(run(8), run(1))), catalogue(), 7)) != []


def test_a_planned_run_without_a_length_takes_45_minutes() -> None:
    def expected(hour: int, minute: int) -> Placement | None:
        day = datetime(2026, 11, 21, hour, minute, tzinfo=UTC)
        who = replace(situation().athlete, placements_enabled=frozenset({AFTER_RUN}))
        return forecast(situation(athlete=who, plan=(PlannedRun(day, "easy"),)), catalogue(), 2)[1].placement

    # Quiet hours are 22:30-05:00.
    assert expected(21, 40) is expected(4, 20) is AFTER_RUN
    assert expected(21, 50) is expected(4, 14) is None
