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


def _planned(at: str, kind: str) -> dict[str, Any]:
    return {"plan": [{"start": f"2026-11-{at}:00+00:00", "kind": kind}]}


def _today(sport: str, minutes: int = 60, **more: Any) -> dict[str, Any]:
    activity = {"id": "x", "sport": sport, "start": "2026-11-20T09:00:00+00:00", "moving_min": minutes}
    return {"activities": [*REST_DAY["activities"], activity | more]}


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
