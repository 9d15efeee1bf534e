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
    Event,
    EventType,
    Intensity,
    Placement,
    PlannedRun,
    Session,
    Situation,
    SlotRecord,
)

LONDON = ZoneInfo("Europe/London")
FRIDAY = datetime(2026, 11, 20, 9, tzinfo=UTC)
FULL_RUN, LIGHT_RUN, FULL_REST, LIGHT_REST = "post_run full", "post_run light", "rest_day full", "rest_day light"


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


def planned(day: int, at: str, kind: str, **fields: object) -> dict[str, object]:
    start = datetime.fromisoformat(f"2026-11-{day}T{at}Z")
    return {"plan": (PlannedRun(start, kind, **fields),)}  # type: ignore[arg-type]


def done(*days_ago: int) -> dict[str, object]:
    return {"sessions": tuple(Session(FRIDAY - timedelta(days=days), "strength_full") for days in days_ago)}


ATHLETE = situation().athlete


def on_record(weekday: int = 3, placement: Placement = Placement.POST_RUN, **counts: int) -> dict[str, object]:
    enabled = frozenset({placement} if placement is Placement.POST_RUN else Placement)
    slot = SlotRecord(weekday, placement, **counts)
    return {"athlete": replace(ATHLETE, placements_enabled=enabled, slots=(slot,))}


JUST = Activity("t", "run", FRIDAY - timedelta(minutes=50), 45, intensity=Intensity.EASY)
RACE = planned(22, "09:00", "race", priority="A", distance_km=21.1, planned_min=100)
LONG = planned(22, "08:00", "long") | done(6) | {"activities": (run(1), run(8))}
TWICE = {"plan": (*planned(20, "11:00", "easy")["plan"], *planned(20, "18:00", "easy")["plan"])}  # type: ignore[misc]
ONLY_AFTER_RUNS = {"athlete": replace(ATHLETE, placements_enabled=frozenset({Placement.POST_RUN}))}


@pytest.mark.parametrize(
    ("fields", "days", "due", "reasons"),
    [
        # A weekday of both last weeks is a run day; the others are rest days.
        ({}, 8, {20: FULL_REST, 24: FULL_RUN, 27: FULL_REST}, {24: "after your usual Tuesday run"}),
        # One run is no habit, and a plan for the day replaces it.
        ({"activities": (run(1), run(3))}, 6, {20: FULL_REST, 24: FULL_REST}, {}),
        (planned(24, "08:00", "rest"), 6, {20: FULL_REST, 24: FULL_REST}, {24: "rest day"}),
        # A habit reaches back exactly two weeks.
        ({"activities": (run(7, 16), run(14, 16), run(1))}, 1, {20: FULL_RUN}, {20: "after your usual Friday run"}),
        (ONLY_AFTER_RUNS | {"activities": (run(8), run(15), run(2))}, 7, {}, {}),
        (ONLY_AFTER_RUNS | {"activities": (run(8), run(1))}, 7, {26: FULL_RUN}, {}),
        # The day before a key session is free, and the session follows it.
        (planned(21, "10:00", "tempo"), 3, {21: FULL_RUN}, {20: "tempo", 21: "after your planned tempo run"}),
        # A race leaves its days free, and those of the recovery.
        (RACE, 6, {25: FULL_REST}, {22: "Race today", 24: "Raced 2 days ago"}),
        # A planned long run is one, and the day after it is light.
        (LONG, 4, {20: FULL_REST, 23: LIGHT_REST}, {22: "long run", 23: "rest day, kept light: long run yesterday"}),
        # Today follows the last planned run, or the one that just ended.
        (TWICE, 1, {20: LIGHT_RUN}, {20: "after your planned easy run, kept light: 90 minutes of running today"}),
        ({"activities": (run(1), JUST)}, 1, {20: FULL_RUN}, {20: "after your run"}),
        # A pause ends; a referral is said once and then waited for; late in the day no more comes.
        (
            {"athlete": replace(ATHLETE, paused_until=date(2026, 11, 23))},
            4,
            {23: FULL_REST},
            {20: "break", 22: "break"},
        ),
        (
            {"check_ins": (CheckIn(FRIDAY, hip_groin_pain_0_10=7),)},
            3,
            {},
            {20: "Stop today", 21: "stopped since Friday", 22: "stopped since Friday"},
        ),
        ({"now": FRIDAY.replace(hour=23), "activities": (run(1), run(8))}, 1, {}, {20: "quiet hours"}),
        # A day with a run says what held its session back.
        (
            done(2, 5) | {"activities": (run(6), run(13))},
            2,
            {},
            {21: "2 of 2 in the last 7 days; there is room again on Sunday 22 November."},
        ),
        (planned(21, "10:00", "easy", usual=True) | done(1), 2, {21: FULL_RUN}, {21: "after your usual easy run"}),
        # A weekday whose runs carried two routines of late is a day of running, also when the log has forgotten it.
        *(
            (ONLY_AFTER_RUNS | {"activities": (run(2),)} | on_record(offered=offered, weeks_ago=ago), 8, due, {})
            for offered, ago, due in ((2, 7, {26: FULL_RUN}), (1, 7, {}), (2, 8, {}))
        ),
        # A slot that seldom works yields as it will on its day; silence goes on as it is.
        (
            on_record(weekday=4, placement=Placement.REST_DAY, offered=4) | planned(21, "08:00", "easy"),
            3,
            {21: FULL_RUN},
            {20: "Fridays seldom work for you: 0 of 4 done; Saturday comes next."},
        ),
        (
            {"athlete": replace(ATHLETE, unanswered_in_a_row=4, last_suggested_on=date(2026, 11, 10))},
            20,
            {24: FULL_RUN, 8: FULL_RUN},
            {23: "the next one comes from Tuesday 24 November on", 25: "from Tuesday 8 December on"},
        ),
        # A planned run without a length takes 45 minutes; quiet hours are 22:30-05:00.
        *((ONLY_AFTER_RUNS | planned(21, start, "easy"), 2, {21: FULL_RUN}, {}) for start in ("21:40", "04:20")),
        *((ONLY_AFTER_RUNS | planned(21, start, "easy"), 2, {}, {}) for start in ("21:50", "04:14")),
    ],
)
def test_days_ahead_are_expected_with_their_reasons(
    fields: dict[str, object], days: int, due: dict[int, str], reasons: dict[int, str]
) -> None:
    ahead = forecast(situation(**fields), catalogue(), days)

    assert {entry.day.day: f"{entry.placement} {entry.dose}" for entry in ahead if entry.placement is not None} == due
    said = {entry.day.day: entry.reason for entry in ahead}
    assert {day: words for day, words in reasons.items() if words not in said[day]} == {}
