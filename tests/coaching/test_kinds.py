"""Every kind of run, sport and warning sign is on the side it belongs to. Written out, so that no list checks itself."""

from __future__ import annotations

from typing import Any

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import constants as k
from adductor.coaching import decide, words
from adductor.coaching.situation import Verdict
from tests.coaching.cases import more_cases

AFTER_RUN, REST_DAY = (case.document for case in more_cases()[:2])


def verdict(document: dict[str, Any], **changes: Any) -> Verdict:
    return decide(scenario.parse(document | changes), catalogue())


@pytest.mark.parametrize(
    "kind",
    [
        "long", "tempo", "threshold", "intervals", "track", "fartlek", "hills", "progression", "workout", "hard",
        "time_trial",
    ],
)  # fmt: skip
def test_the_day_before_a_demanding_run_is_free(kind: str) -> None:
    tomorrow = [{"start": "2026-11-21T08:00:00+00:00", "kind": kind}]
    assert verdict(REST_DAY, plan=tomorrow).rule == "key_session_tomorrow"


@pytest.mark.parametrize("kind", ["easy", "recovery", "steady", "moderate", "run"])
def test_the_day_before_an_easy_run_is_not(kind: str) -> None:
    tomorrow = [{"start": "2026-11-21T08:00:00+00:00", "kind": kind}]
    assert verdict(REST_DAY, plan=tomorrow).rule == "rest_day"


@pytest.mark.parametrize("kind", ["rest", "off", "cross_training", "strength", "ride", "swim", "walk", "hike"])
def test_what_is_no_run_does_not_take_the_evening(kind: str) -> None:
    tonight = [{"start": "2026-11-20T19:00:00+00:00", "kind": kind}]
    assert verdict(REST_DAY, plan=tonight).rule == "rest_day"


@pytest.mark.parametrize("sport", ["run", "trail_run", "treadmill_run", "virtual_run"])
def test_running_in_any_form_is_running(sport: str) -> None:
    activity = {"id": "t", "sport": sport, "start": "2026-11-17T07:00:00+00:00", "moving_min": 45}
    assert verdict(AFTER_RUN, activities=[*AFTER_RUN["activities"][1:], activity]).decision == "post_run"


def today(sport: str, minutes: int = 60, **more: Any) -> list[dict[str, Any]]:
    activity = {"id": "x", "sport": sport, "start": "2026-11-20T09:00:00+00:00", "moving_min": minutes}
    return [*REST_DAY["activities"], activity | more]


@pytest.mark.parametrize("sport", ["strength", "weight_training", "crossfit"])
def test_strength_of_unknown_kind_today_is_enough(sport: str) -> None:
    assert verdict(REST_DAY, activities=today(sport)).rule == "already_today"


@pytest.mark.parametrize("part", ["upper", "core"])
def test_strength_for_other_muscles_is_not(part: str) -> None:
    assert verdict(REST_DAY, activities=today("strength", body_part=part)).rule == "rest_day"


@pytest.mark.parametrize("sport", ["yoga", "pilates", "stretching", "mobility", "meditation"])
def test_gentle_things_leave_a_rest_day_one(sport: str) -> None:
    assert verdict(REST_DAY, activities=today(sport, 200)).rule == "rest_day"


@pytest.mark.parametrize("sport", ["walk", "hike", "snowshoe"])
def test_on_foot_a_rest_day_ends_at_three_hours(sport: str) -> None:
    assert verdict(REST_DAY, activities=today(sport, 179)).rule == "rest_day"
    assert verdict(REST_DAY, activities=today(sport, 180)).rule == "no_trigger"


@pytest.mark.parametrize("sport", ["ride", "virtual_ride", "swim", "rowing", "soccer", "alpine_ski"])
def test_in_other_sports_at_an_hour_and_a_half(sport: str) -> None:
    assert verdict(REST_DAY, activities=today(sport, 89)).rule == "rest_day"
    assert verdict(REST_DAY, activities=today(sport, 90)).rule == "no_trigger"


@pytest.mark.parametrize("intensity", ["hard", "race"])
def test_hard_is_no_rest_however_short(intensity: str) -> None:
    assert verdict(REST_DAY, activities=today("ride", 20, intensity=intensity)).rule == "no_trigger"


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
    assert {sentence for sentence in (RUN, DAY, NOW) if sentence in referred.reason} == adds


def test_these_are_all_of_them() -> None:
    assert len(k.RED_FLAGS) == 13
