"""The words: what a runner reads, with the facts in them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import decide, words
from adductor.coaching.dose import LIGHT_WHEN, light_after_race
from adductor.coaching.normalise import Raced, facts
from adductor.coaching.rules import RULES
from adductor.coaching.situation import Verdict
from tests.coaching.cases import all_cases

# The given cases by their number, the others by their title.
CASES = {case.name.split()[0] if case.name.startswith("DC-") else case.name: case.document for case in all_cases()}


def verdict(name: str, **changes: Any) -> Verdict:
    document = CASES[name] | changes
    return decide(scenario.parse(document), catalogue())


DELOAD = {"athlete": CASES["The plain case"]["athlete"] | {"programme_started_on": "2026-10-12"}}


@pytest.mark.parametrize(
    ("name", "changes", "end"),
    [
        ("The plain case", {}, "easy run done, 5 days since the last one, 1 of 2 in the last 7 days."),
        ("The plain rest day", {}, "no run today, 3 days since the last one, 1 of 2 in the last 7 days."),
        ("20 days since the last session", {}, "; one set less after the gap."),
        ("The plain case", DELOAD, "; half the sets, every sixth week is an easier one."),
        ("Pain 5 keeps it light", {}, "; kept light: hip or groin pain 5 out of 10."),
        ("A-race in four days", {}, "; kept light: race in 4 days."),
        ("Second session ever", {}, "; kept light: the first two sessions start gently."),
        ("21 days since the last session", {}, "; kept light: 21 days since the last session."),
        ("First run in fourteen days", {}, "; kept light: first run in 14 days."),
        ("Long run yesterday, easy run today", {}, "; kept light: long run yesterday."),
        ("Intervals today, fourth session ever", {}, "; kept light: hard run today."),
        ("600 m of climb", {}, "; kept light: 600 m of climb today."),
        ("Two runs of today that add up to 90 minutes", {}, "; kept light: 90 minutes of running today."),
        ("A ride of 150 minutes yesterday", {}, "; kept light: 150-minute ride yesterday."),
        ("Legs in the gym yesterday", {}, "; kept light: leg strength yesterday."),
        ("Strength work of unknown kind yesterday, 30 minutes", {}, "; kept light: strength work yesterday."),
        ("Eight days after 45 km", {}, "; kept light: the first session after 7 days free for the race."),
        (
            "The hold was lifted yesterday, no session since",
            {},
            "; kept light: the first two sessions after the pause for pain.",
        ),
    ],
)
def test_a_yes_says_what_it_follows_and_why_it_is_less(name: str, changes: dict[str, Any], end: str) -> None:
    said = verdict(name, **changes)
    assert said.reason.endswith(end)
    assert said.light_because == (end.removeprefix("; kept light: ")[:-1] if "light" in end else None)


NEW = {"sessions_completed_total": 0}


@pytest.mark.parametrize(
    ("athlete", "said"),
    [
        (NEW, "your first session"),
        (NEW | {"last_suggested_on": "2026-11-01"}, "none done so far"),
        (NEW | {"slots": [{"weekday": 0, "placement": "rest_day", "offered": 1}]}, "none done so far"),
        ({}, "no session in the last two weeks"),
    ],
)
def test_a_first_session_is_the_first_only_until_one_was_offered(athlete: dict[str, Any], said: str) -> None:
    answer = verdict("The plain case", athlete=CASES["The plain case"]["athlete"] | athlete, sessions=[])
    assert said in answer.reason
    assert answer.dose == "light"


def test_an_unanswered_session_is_one_that_was_offered() -> None:
    sessions = [{"completed_at": "2026-11-12T08:00:00+00:00", "kind": "strength_full", "answered": False}]
    for reached, said in ((True, "none done so far"), (False, "your first session")):
        shown = [session | {"reached": reached} for session in sessions]
        answer = verdict("The plain case", athlete=CASES["The plain case"]["athlete"] | NEW, sessions=shown)
        assert said in answer.reason


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"feeling_1_5": 4}, True),
        ({"feeling_1_5": 3}, False),
        ({"feeling_1_5": 5, "hip_groin_pain_0_10": 1}, False),
        ({}, False),
    ],
)
def test_feeling_good_is_told_as_the_articles_reason_while_the_target_is_not_met(
    told: dict[str, int], said: bool
) -> None:
    check_in = {"at": "2026-11-20T12:00:00+00:00", **told}
    reason = verdict("The plain rest day", check_ins=[check_in]).reason
    assert reason.endswith("; you feel good, and more strength is not a bad thing.") is said


@pytest.mark.parametrize(("days", "less"), [(9, False), (10, True), (20, True), (21, False)])
def test_ten_to_twenty_days_without_a_session_take_a_set(days: int, less: bool) -> None:
    last = date(2026, 11, 17) - timedelta(days=days)
    athlete = CASES["The plain case"]["athlete"] | {"last_completed_session_date": last.isoformat()}
    answer = verdict("The plain case", athlete=athlete, sessions=[])
    assert ("one set less after the gap" in answer.reason) is less
    assert answer.routine is not None
    assert answer.dose == ("light" if days == 21 else "full")
    if answer.dose == "full":
        assert answer.routine.items[1].sets == (1 if less else 2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("DC-006", "2 of 2 in the last 7 days; there is room again on Sunday 22 November."),
        ("DC-009", "The last session was only 32 hours ago; 36 are needed."),
        ("DC-010", "The last session was yesterday; a full day between them comes first."),
        ("DC-016", "Race tomorrow: the last 3 days before it stay free for fresh legs."),
        ("DC-038", "Routines follow runs; this was a walk."),
        ("DC-043", "6 minutes is short; routines follow runs of 10 minutes or more."),
        ("DC-057", "The run ended 3 h 35 min ago; a routine belongs to the first 3 hours after it."),
        ("DC-050", "The run ended 49 h ago; a routine belongs to the first 3 hours after it."),
        ("DC-083", "You asked for a break until Friday 27 November."),
        ("A run is planned for tonight", "Another run is planned today; strength comes after the last one."),
        ("A three-hour hike", "Your 180-minute hike today makes it no rest day."),
        (
            "A new hold after the last lifting",
            "Your routines are stopped since Wednesday 18 November until a professional has cleared you, "
            "or you check in on 2 days with pain of 2 or less.",
        ),
        (
            "Two green days do not end a hold that night pain began",
            "Your routines are stopped since Monday 16 November until a professional has cleared you.",
        ),
        ("Fridays were never done, four times offered", "Fridays seldom work for you: 0 of 4 done; Saturday comes next."),
        (
            "Saturday would yield in its turn, Sunday is where it comes to rest",
            "Fridays seldom work for you: 0 of 4 done; Sunday comes next.",
        ),
        ("The next other slot is three days away", "Fridays seldom work for you: 0 of 4 done; Monday comes next."),
        ("1 of 4 (1/3) yields to 4 of 5 (5/7)", "Saturdays work better for you: 4 of 5 done."),
        (
            "Tomorrow's run will bring the routine into its note",
            "A run is expected tomorrow; the routine comes with it, as one of today would stand on your pages alone.",
        ),
        (
            "Four in a row unanswered, the last thirteen days ago",
            "Your last 4 routines got no answer and were not opened; "
            "the next one comes from Wednesday 18 November on, or when you answer or open one.",
        ),
        (
            "No warm-up after four unanswered, however long ago",
            "Your last 4 routines got no answer and were not opened; warm-ups come again when you answer or open one.",
        ),
        ("The usual run of tomorrow is a key session", "Tomorrow is a key session; fresh legs for it come first."),
    ],
)  # fmt: skip
def test_a_no_says_why_with_its_facts(name: str, reason: str) -> None:
    assert verdict(name).reason == reason


def test_every_rule_decides_some_case_and_has_a_source() -> None:
    decided = {case.expected[2] for case in all_cases()}
    assert decided == {rule.name for rule in RULES}
    assert all(rule.source and rule.look.__doc__ for rule in RULES)
    assert all(reason.__doc__ for reason in LIGHT_WHEN)


@pytest.mark.parametrize(
    ("name", "changes", "details"),
    [
        ("DC-048", {}, {"activity_id": "b"}),
        ("DC-048", {"event": {"type": "activity_updated", "activity_id": "a"}}, {"activity_id": "a"}),
        ("DC-048", {"event": {"type": "clock_tick"}}, {"activity_id": "b"}),
        ("The plain rest day", {}, {}),
    ],
)
def test_the_run_that_a_routine_follows_is_named(name: str, changes: dict[str, Any], details: dict[str, str]) -> None:
    assert verdict(name, **changes).details == details


def test_words_for_days_and_lists() -> None:
    assert words.day_in_words(date(2026, 11, 24)) == "Tuesday 24 November"
    assert [words.ago(n) for n in (0, 1, 2)] == ["today", "yesterday", "2 days ago"]
    assert [words.ahead(n) for n in (0, 1, 2)] == ["today", "tomorrow", "in 2 days"]
    assert [words.listed(x) for x in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert (words.days(1), words.days(2), words.number(7.0), words.number(7.55)) == ("1 day", "2 days", "7", "7.5")


@pytest.mark.parametrize(
    ("check_in", "said"),
    [
        ({"hip_groin_pain_0_10": 6}, "hip or groin pain of 6 out of 10"),
        ({"knee_pain_0_10": 7, "hip_groin_pain_0_10": 2}, "knee pain of 7 out of 10"),
        ({"outer_knee_pain_0_10": 7}, "knee pain of 7 out of 10"),
        ({"calf_pain_0_10": 8}, "pain elsewhere of 8 out of 10"),
    ],
)
def test_a_referral_names_the_place_that_was_told_and_the_way_back(check_in: dict[str, int], said: str) -> None:
    reason = verdict("The plain rest day", check_ins=[{"at": "2026-11-20T12:00:00+00:00", **check_in}]).reason
    assert said in reason
    assert "or you check in on 2 days with pain of 2 or less" in reason
    assert words.AFTER_HOLD in reason


def test_a_referral_for_a_warning_sign_is_lifted_by_a_professional_alone() -> None:
    reason = verdict("Pain when hopping, whatever the score").reason
    assert "until a professional has cleared you. Then two light sessions" in reason


def test_lasting_pain_is_named_with_its_place() -> None:
    told = [{"at": f"2026-11-{day}T12:00:00+00:00", "knee_pain_0_10": 3} for day in ("07", "20")]
    assert "knee pain at every check-in for 13 days" in verdict("The plain rest day", check_ins=told).reason


def test_pain_three_to_five_gets_the_gentle_squeeze_alone() -> None:
    routine = verdict("Pain 5 keeps it light").routine
    assert routine is not None
    assert [item.exercise for item in routine.items] == ["supine_adductor_squeeze"]
    assert "between the knees, gently, never above your usual pain; if it rises, stop." in (
        routine.items[0].advice or ""
    )
    plain = verdict("Long run yesterday, easy run today").routine
    assert plain is not None
    assert [item.advice for item in plain.items] == [None, None]


@pytest.mark.parametrize(("free", "said"), [(6, None), (7, "the first session after 7 days free for the race")])
def test_a_week_kept_free_for_a_race_is_followed_by_a_light_session(free: int, said: str | None) -> None:
    seen = facts(scenario.parse(CASES["The plain rest day"]))
    seen.last_done = date(2026, 11, 1)
    seen.races = [Raced(date(2026, 11, 10), free, "B")]
    assert light_after_race(seen) == said


@pytest.mark.parametrize(("kind", "comes"), [("warm_up", True), ("strength_full", False), ("strength_light", False)])
def test_what_came_in_a_session_of_late_waits_and_a_warm_up_is_none(kind: str, comes: bool) -> None:
    band = "standing_resisted_adduction"
    done = {"completed_at": "2026-11-12T08:00:00+00:00", "kind": "strength_full"}
    lately = {"completed_at": "2026-11-13T08:00:00+00:00", "kind": kind, "exercises": [band]}
    routine = verdict("The plain case", sessions=[done, lately] if kind == "warm_up" else [lately]).routine
    assert routine is not None
    assert (band in [item.exercise for item in routine.items]) is comes
