"""Every decision case: the decision, the dose, the rule and its words are the expected ones; and what belongs to them."""

from __future__ import annotations

from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching import decide, rules, words
from adductor.coaching.dose import LIGHT_WHEN, light_after_race
from adductor.coaching.normalise import Raced, facts
from adductor.coaching.situation import Routine, Verdict
from tests.coaching.cases import Case, all_cases

RULES = [rule.name for rule in rules.RULES]
# The given cases by their number, the others by their title.
CASES = {case.name.split()[0] if case.name.startswith("DC-") else case.name: case.document for case in all_cases()}
AFTER_RUN, REST_DAY = "The plain case", "The plain rest day"


def verdict(name: str, **changes: Any) -> Verdict:
    return decide(scenario.parse(CASES[name] | changes), catalogue())


def routine(name: str, **changes: Any) -> Routine:
    given = verdict(name, **changes).routine
    assert given is not None
    return given


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_case_is_decided_as_expected(case: Case) -> None:
    verdict = decide(scenario.parse(case.document), catalogue())

    assert (verdict.decision, verdict.dose, verdict.rule) == case.expected, verdict.reason
    assert (verdict.routine is None) == (verdict.dose == "none")
    assert [seen.rule for seen in verdict.considered] == RULES[: len(verdict.considered)]
    assert [seen.stopped for seen in verdict.considered] == [False] * (len(verdict.considered) - 1) + [True]
    assert fnmatchcase(verdict.reason, case.says), verdict.reason
    assert verdict.reason.partition("kept light: ")[2] == (f"{verdict.light_because}." if verdict.light_because else "")
    # The reason is a short sentence without shouting.
    assert verdict.reason.endswith(".")
    assert "!" not in verdict.reason
    assert "None" not in verdict.reason
    assert not any(word in verdict.reason.lower() for word in ("prevent", "treat", "rehab", "diagnos", "cure"))
    assert len(verdict.reason) <= (700 if verdict.decision == "refer" else 160)
    assert all(seen.because and "None" not in seen.because for seen in verdict.considered)


@pytest.mark.parametrize(("days", "sets"), [(9, 2), (10, 1), (20, 1)])
def test_ten_to_twenty_days_without_a_session_take_a_set(days: int, sets: int) -> None:
    last = date(2026, 11, 17) - timedelta(days=days)
    athlete = CASES[AFTER_RUN]["athlete"] | {"last_completed_session_date": last.isoformat()}
    assert routine(AFTER_RUN, athlete=athlete, sessions=[]).items[1].sets == sets


def test_every_rule_decides_some_case_and_has_a_source() -> None:
    decided = {case.expected[2] for case in all_cases()}
    assert decided == set(RULES)
    assert all(rule.source and rule.look.__doc__ for rule in rules.RULES)
    assert all(reason.__doc__ for reason in LIGHT_WHEN)


@pytest.mark.parametrize(
    ("name", "changes", "details"),
    [
        ("DC-048", {}, {"activity_id": "b"}),
        ("DC-048", {"event": {"type": "activity_updated", "activity_id": "a"}}, {"activity_id": "a"}),
        ("DC-048", {"event": {"type": "clock_tick"}}, {"activity_id": "b"}),
        (REST_DAY, {}, {}),
    ],
)
def test_the_run_that_a_routine_follows_is_named(name: str, changes: dict[str, Any], details: dict[str, str]) -> None:
    assert verdict(name, **changes).details == details


def test_pain_three_to_five_gets_the_gentle_squeeze_alone() -> None:
    (squeeze,) = routine("Pain 5 keeps it light").items
    assert squeeze.exercise == "supine_adductor_squeeze"
    gently = "between the knees, gently, never above your usual pain; if it rises, stop."
    assert gently in (squeeze.advice or "")
    assert [item.advice for item in routine("Long run yesterday, easy run today").items] == [None, None]


@pytest.mark.parametrize(("free", "said"), [(6, None), (7, "the first session after 7 days free for the race")])
def test_a_week_kept_free_for_a_race_is_followed_by_a_light_session(free: int, said: str | None) -> None:
    seen = facts(scenario.parse(CASES[REST_DAY]))
    seen.last_done = date(2026, 11, 1)
    seen.races = [Raced(date(2026, 11, 10), free, "B")]
    assert light_after_race(seen) == said


@pytest.mark.parametrize(("kind", "comes"), [("warm_up", True), ("strength_full", False), ("strength_light", False)])
def test_what_came_in_a_session_of_late_waits_and_a_warm_up_is_none(kind: str, comes: bool) -> None:
    band = "standing_resisted_adduction"
    done = {"completed_at": "2026-11-12T08:00:00+00:00", "kind": "strength_full"}
    lately = {"completed_at": "2026-11-13T08:00:00+00:00", "kind": kind, "exercises": [band]}
    made = routine(AFTER_RUN, sessions=[done, lately] if kind == "warm_up" else [lately])
    assert (band in [item.exercise for item in made.items]) is comes


# --- kinds of run, sport and warning sign, written out, so that no list checks itself --------------------------------


def _planned(at: str, kind: str) -> dict[str, Any]:
    return {"plan": [{"start": f"2026-11-{at}:00+00:00", "kind": kind}]}


def _today(sport: str, minutes: int = 60, **more: Any) -> dict[str, Any]:
    activity = {"id": "x", "sport": sport, "start": "2026-11-20T09:00:00+00:00", "moving_min": minutes}
    return {"activities": [*CASES[REST_DAY]["activities"], activity | more]}


DEMANDING = ["long", "tempo", "threshold", "intervals", "track", "fartlek", "hills", "progression", "workout", "hard"]
DEMANDING += ["time_trial"]
EASY = ["easy", "recovery", "steady", "moderate", "run"]
NO_RUN = ["rest", "off", "cross_training", "strength", "ride", "swim", "walk", "hike"]
STRENGTH = ["strength", "weight_training", "crossfit"]
GENTLE = ["yoga", "pilates", "stretching", "mobility", "meditation"]
ON_FOOT = ["walk", "hike", "snowshoe"]
OTHER_SPORTS = ["ride", "virtual_ride", "swim", "rowing", "soccer", "alpine_ski"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        *((_planned("21T08:00", kind), "key_session_tomorrow") for kind in DEMANDING),
        *((_planned("21T08:00", kind), "rest_day") for kind in EASY),
        *((_planned("20T19:00", kind), "rest_day") for kind in NO_RUN),
        *((_today(sport), "already_today") for sport in STRENGTH),
        *((_today("strength", body_part=part), "rest_day") for part in ("upper", "core")),
        *((_today(sport, 200), "rest_day") for sport in GENTLE),
        *((_today(sport, 179), "rest_day") for sport in ON_FOOT),
        *((_today(sport, 180), "no_trigger") for sport in ON_FOOT),
        *((_today(sport, 89), "rest_day") for sport in OTHER_SPORTS),
        *((_today(sport, 90), "no_trigger") for sport in OTHER_SPORTS),
        *((_today("ride", 20, intensity=intensity), "no_trigger") for intensity in ("hard", "race")),
    ],
    ids=str,
)
def test_rest_day_with_a_kind_of_sport_is_decided_by_its_rule(changes: dict[str, Any], rule: str) -> None:
    assert verdict(REST_DAY, **changes).rule == rule


# The sentences that a warning sign adds to the referral.
RUN, DAY, NOW = words.DO_NOT_RUN, words.SAME_DAY, words.EMERGENCY


@pytest.mark.parametrize(
    ("flag", "said", "adds"),
    [
        ("pain_on_hopping", "pain when hopping", {RUN}),
        ("night_pain", "pain at night", {RUN}),
        ("rest_pain", "pain at rest", {RUN}),
        ("fever", "fever", {DAY}),
        ("unexplained_weight_loss", "weight loss", set()),
        ("cannot_weight_bear_or_limp", "limping", {RUN}),
        ("pop_with_bruising", "a pop with bruising", set()),
        ("groin_lump", "a lump in the groin", {DAY, NOW}),
        ("testicular_pain_or_swelling", "testicular pain", {DAY, NOW}),
        ("saddle_numbness_or_bladder_bowel_change", "bladder or bowel", {DAY, NOW}),
        ("leg_numbness_or_weakness", "weakness in a leg", {DAY}),
        ("history_of_cancer_with_new_pain", "history of cancer", set()),
        ("direct_trauma", "a direct blow or fall", set()),
    ],
)
def test_each_warning_sign_is_referred_with_what_belongs_to_it(flag: str, said: str, adds: set[str]) -> None:
    check_ins = [{"at": "2026-11-17T07:50:00+00:00", "red_flags": [flag]}]
    referred = verdict(AFTER_RUN, check_ins=check_ins)
    assert referred.rule == "red_flag"
    assert said in referred.reason
    assert words.REFERRAL in referred.reason
    assert {sentence for sentence in (RUN, DAY, NOW) if sentence in referred.reason} == adds
    assert len(k.RED_FLAGS) == 13  # all of them are above
