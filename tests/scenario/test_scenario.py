"""Scenario files: what is read, and how what is wrong is named."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from adductor.coaching import constants as k
from adductor.coaching.situation import Hold, Intensity, OwnExercise, Placement, SlotRecord
from adductor.documents import DocumentError, documents
from adductor.scenario import GAIN_SPELLINGS, PLAN_KINDS, parse
from tests.documents.changing import MINIMAL, changed

LISTS = ("check_ins", "plan", "activities", "sessions")
CLEARANCE_SPELLINGS = ("clearance_required", "needs_clearance", "clearance_pending")
(FULL,) = documents("""
athlete: {
  timezone: Europe/Berlin, age: 34, target_sessions_per_week: 1, programme_stage: 3, sessions_completed_total: 12,
  sessions_at_stage: 3, screening_completed: true, clearance_needed: false, illness: false, paused_until: 2026-11-27,
  hold: {since: 2026-11-17T07:51:00+00:00, reason: pain_6_10}, hold_lifted_at: 2026-11-16T09:00:00Z,
  placements_enabled: [warm_up, post_run],
  rest_day_prompt_local: 16:30, quiet_hours_local: [22:30, 05:00], last_completed_session_date: 2026-10-26,
  last_run_date_before_window: 2026-10-28, unanswered_in_a_row: 4, last_suggested_on: 2026-11-10,
  pages_only: [rest_day], raced_on: 2026-11-01, race_free_days: 7,
  slots: [{weekday: 6, placement: rest_day, offered: 5, done: 4, weeks_ago: 8}],
  programme_started_on: 2026-09-01, stage_since: 2026-10-01,
  plyometrics_cleared: false, equipment: [chair, long_band], minutes_available: 10,
  minutes_after_run: 5, minutes_rest_day: 20, left_out: [jump_lunges], less_steady_side: left, maintaining: true,
  own_exercises: [{id: own_calf_raise, name: Calf raise, sets: 2, reps: 12, per_side: true, placements: [rest_day]}],
  progress: [{
    exercise: bowler_squat, sets: 2, reps_or_holds: 6, last_rpe_1_10: 7.5, easy_in_a_row: 1, hard_in_a_row: 0,
    target_doses_done: 2, last_done_on: 2026-11-10, load: 12 kg}]}
check_ins: [{
  at: 2026-11-17T07:50:00Z, hip_groin_pain_0_10: 1, squeeze_pain_0_10: 2, knee_pain_0_10: 4, other_pain_0_10: 3,
  outer_knee_pain_0_10: 5, calf_pain_0_10: 1,
  adductor_soreness_0_10: 0, feeling_1_5: 5, red_flags: [fever]}]
plan: [{start: 2026-11-22T09:00:00+01:00, kind: race, priority: A, distance_km: 21.1, planned_min: 110}]
activities: [{
  id: t, sport: trail_run, start: 2026-11-17T07:00:00+00:00, moving_min: 45, elapsed_min: 50.5, distance_km: 8,
  elevation_gain_m: 640, intensity: easy, source: manual, uploaded_at: 2026-11-17T07:49:00+00:00,
  deleted_at: 2026-11-17T08:49:00+00:00, time_unreliable: true, race_priority: B, body_part: lower,
  is_adductor_session: false}]
sessions: [{
  completed_at: 2026-11-12T08:00:00+00:00, kind: strength_full, completed_pct: 80, answered: true, reached: true, rpe_1_10: 7,
  pain_during_0_10: 1, pain_place: knee, stopped_for_pain: false, routine_id: stage1_light, exercises: [bowler_squat]}]
event: {type: activity_uploaded, activity_id: t}
now: 2026-11-17T07:55:00+00:00
""")


def problems_of(document: Any) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as caught:
        parse(document)
    return caught.value.problems


def test_every_key_is_read() -> None:
    situation = parse(FULL)
    athlete = situation.athlete
    assert athlete.hold == Hold(datetime(2026, 11, 17, 7, 51, tzinfo=UTC), "pain_6_10")
    assert (athlete.paused_until, athlete.rest_day_prompt_local) == (date(2026, 11, 27), time(16, 30))
    assert athlete.placements_enabled == {Placement.WARM_UP, Placement.POST_RUN}
    assert athlete.quiet_hours_local == (time(22, 30), time(5))
    assert athlete.equipment == {"chair", "long_band"}
    (mine,), (own,) = athlete.progress, athlete.own_exercises
    assert (mine.last_rpe_1_10, mine.last_done_on, mine.load) == (7.5, date(2026, 11, 10), "12 kg")
    assert own == OwnExercise("own_calf_raise", "Calf raise", 2, 12, None, None, True, frozenset({Placement.REST_DAY}))
    assert (athlete.minutes_after_run, athlete.minutes_rest_day, athlete.left_out) == (5, 20, {"jump_lunges"})
    assert athlete.slots == (SlotRecord(6, Placement.REST_DAY, 5, 4, 8),)
    assert (athlete.unanswered_in_a_row, athlete.last_suggested_on) == (4, date(2026, 11, 10))
    assert (athlete.pages_only, athlete.raced_on) == ({Placement.REST_DAY}, date(2026, 11, 1))
    (check_in,), (planned,), (activity,), (done,) = (getattr(situation, name) for name in LISTS)
    assert athlete.hold_lifted_at == datetime(2026, 11, 16, 9, tzinfo=UTC)
    # The worst of the knees, and of the other places.
    assert (check_in.knee_pain_0_10, check_in.other_pain_0_10, check_in.red_flags) == (5, 3, {"fever"})
    assert planned.start == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (activity.intensity, activity.elevation_gain_m, done.completed_pct) == (Intensity.EASY, 640, 80)
    assert done.pain_place == "knee"
    assert situation.now == datetime(2026, 11, 17, 7, 55, tzinfo=UTC)


def test_time_zone_event_and_now_are_enough_and_null_is_absent() -> None:
    situation = parse(MINIMAL)
    assert situation.athlete.target_sessions_per_week == 2
    assert situation.athlete.screening_completed is None
    assert {getattr(situation, name) for name in LISTS} == {()}
    nothing = dict.fromkeys(("hold", "paused_until", "age", "equipment", "programme_stage"))
    assert parse(MINIMAL | {"athlete": MINIMAL["athlete"] | nothing, "plan": None}) == situation


@pytest.mark.parametrize(
    ("where", "given", "field", "value"),
    [
        *[("activities", {key: 700}, "elevation_gain_m", 700) for key in GAIN_SPELLINGS],
        ("sessions", {"rpe": 7}, "rpe_1_10", 7),
        ("activities", {"id": 123456}, "id", "123456"),  # platform ids may be numbers
        ("event", {"activity_id": 123456}, "activity_id", "123456"),
        *[
            ("athlete", {key: True}, "clearance_needed", True)
            for key in (*CLEARANCE_SPELLINGS, "pregnant", "postpartum")
        ],
        *[("athlete", {"cleared": cleared}, "clearance_needed", not cleared) for cleared in (True, False)],
        ("athlete", {"pregnant": True, "clearance_given": True}, "clearance_needed", False),
        ("athlete", {"pregnant": False}, "clearance_needed", False),
    ],
)
def test_value_in_another_spelling_is_read(where: str, given: dict[str, Any], field: str, value: Any) -> None:
    document = copy.deepcopy(FULL)
    mapping = document[where][0] if isinstance(document[where], list) else document[where]
    mapping.pop(field, None)
    mapping |= given
    read = getattr(parse(document), where)
    assert getattr(read[0] if isinstance(read, tuple) else read, field) == value


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        *(("", document, "(document): must be a mapping") for document in (None, [], "x", 7)),
        ("athlete", KeyError, "athlete: must be given"),
        ("athlete", "Ann", "athlete: must be a mapping, not the text 'Ann'"),
        ("now", "2026-11-17T07:55:00", "now: '2026-11-17T07:55:00' has no offset"),
        ("now", "yesterday", "now: must be a time like"),
        ("now", "0001-01-01T00:00:00+00:00", "now: the year 1 is not within 2000 to 2100"),
        ("title", "x", "title: unknown key; known here: athlete, check_ins"),
        ("athlete/timezone", "Mars/Olympus", "athlete.timezone: must be a time zone like Europe/London, not"),
        ("athlete/age", -1, "athlete.age: -1 is below 0"),
        ("athlete/age", True, "athlete.age: must be a whole number, not true"),
        ("athlete/target_sessions_per_week", 3, "athlete.target_sessions_per_week: 3 is above 2"),
        ("athlete/screening_completed", "yes", "athlete.screening_completed: must be true or false, not the text 'yes'"),
        ("athlete/hold", {"since": "2026-11-17T07:51:00+00:00"}, "athlete.hold.reason: must be given"),
        ("athlete/paused_until", "2026-11-31", "athlete.paused_until: must be a date like"),
        ("athlete/paused_until", "2026-11-27T00:00:00+00:00", "athlete.paused_until: must be a date like"),
        ("athlete/placements_enabled", ["bedtime"], "athlete.placements_enabled[0]: must be one of warm_up, post_run"),
        ("athlete/rest_day_prompt_local", "24:00", "athlete.rest_day_prompt_local: must be a local time like '17:30'"),
        ("athlete/quiet_hours_local", ["22:30"], "athlete.quiet_hours_local[1]: must be given"),
        ("athlete/cleared", True, "athlete.cleared: says the same as another key"),
        ("athlete/minutes_available", 0, "athlete.minutes_available: 0 is below 1"),
        ("athlete/minutes_after_run", 7, "athlete.minutes_after_run: must be one of 5, 10, 15, 20, not the number 7"),
        ("athlete/less_steady_side", "both", "athlete.less_steady_side: must be one of left, right, not"),
        ("athlete/left_out", ["Jump"], "athlete.left_out[0]: must be a lower-case word"),
        ("athlete/slots/0/weekday", 7, "athlete.slots[0].weekday: 7 is above 6"),
        ("athlete/slots/0/done", 6, "athlete.slots[0]: 6 done is above 5 offered"),
        ("athlete/unanswered_in_a_row", 1001, "athlete.unanswered_in_a_row: 1001 is above 1000"),
        ("athlete/race_free_days", 61, "athlete.race_free_days: 61 is above 60"),
        ("athlete/own_exercises/0/id", "calf", "athlete.own_exercises[0].id: must be a lower-case word that begins"),
        ("athlete/own_exercises/0/name", "x" * 61, "athlete.own_exercises[0].name: must be a line of at most 60"),
        ("athlete/own_exercises/0/reps", None, "athlete.own_exercises[0]: needs either reps, or holds and hold_s"),
        ("athlete/own_exercises/0/holds", 3, "athlete.own_exercises[0]: needs either reps, or holds and hold_s"),
        ("athlete/own_exercises", FULL["athlete"]["own_exercises"] * 2, "athlete.own_exercises: 'own_calf_raise' is"),
        ("athlete/progress/0/load", " ", "athlete.progress[0].load: must be a line of at most 60"),
        ("check_ins/0/hip_groin_pain_0_10", 11, "check_ins[0].hip_groin_pain_0_10: 11 is above 10"),
        ("check_ins/0/red_flags", ["boredom"], "check_ins[0].red_flags[0]: must be one of pain_on_hopping"),
        ("athlete/slots/0/offered", -1, "athlete.slots[0].offered: -1 is below 0"),
        ("sessions/0/completed_pct", 101, "sessions[0].completed_pct: 101 is above 100"),
        ("plan/0/priority", "D", "plan[0].priority: must be one of A, B, C"),
        ("plan/0/kind", "nap", "plan[0].kind: must be one of easy"),
        ("plan/0/start", "2026-11-22", "plan[0].start: '2026-11-22T00:00:00' has no offset"),
        ("activities/0/moving_min", -5, "activities[0].moving_min: -5 is below 0"),
        ("activities/0/moving_min", "45", "activities[0].moving_min: must be a number, not the text '45'"),
        ("activities/0/moving_min", float("nan"), "activities[0].moving_min: nan is not a finite number"),
        ("activities/0/elapsed_min", 44, "activities[0].elapsed_min: 44 is below the moving time of 45"),
        ("activities/0/sport", "Run", "activities[0].sport: must be a lower-case word like trail_run"),
        ("activities/0/gain_m", 640, "activities[0].gain_m: says the same as another key"),
        ("activities", [FULL["activities"][0]] * 2, "activities[1].id: 't' is there twice"),
        ("activities", {}, "activities: must be a list, not a mapping"),
        ("sessions/0/pain_place", "toe", "sessions[0].pain_place: must be one of hip_groin, knee, elsewhere"),
        ("event/type", "earthquake", "event.type: must be one of activity_uploaded"),
        ("event/activity_id", True, "event.activity_id: must be text, not true"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_path(path: str, value: Any, problem: str) -> None:
    found = problems_of(changed(FULL, path, value) if path else value)
    assert any(line.startswith(problem) for line in found), found


def test_the_page_shows_a_scenario_and_names_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenario-file.md").read_text(encoding="utf-8")
    (example,) = documents(page.split("```yaml\n")[1].split("```")[0])
    parse(example)
    assert parse(changed(FULL, "check_ins/0/red_flags", list(k.RED_FLAGS))).check_ins[0].red_flags == set(k.RED_FLAGS)
    document = copy.deepcopy(FULL)
    athlete = document["athlete"]
    mappings = [athlete, document["event"], *(athlete[key][0] for key in ("progress", "own_exercises", "slots"))]
    mappings += [document[key][0] for key in LISTS]
    for mapping in mappings:
        mapping["shoe"] = 44
    found = problems_of(document)
    assert len(found) == len(mappings)
    for line in found:
        for key in line.partition("known here: ")[2].split(", "):
            assert key.removesuffix("_pain_0_10") in page, key
    for kind in PLAN_KINDS:
        assert f"`{kind}`" in page
