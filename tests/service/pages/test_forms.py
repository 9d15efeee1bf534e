"""Every form of a runner: a wrong field is named, and nothing is kept."""

from __future__ import annotations

import pytest

from tests.service.pages.conftest import Visitor
from tests.service.pages.test_first_answers import RIGHT
from tests.service.pages.test_settings import DOSE, RACE, TIMES, YOU

Fields = dict[str, str]
SAID, DONE = "/suggestions/{id}/answer", "/routine/{id}"
ROUTINES = {"after_run": "10", "rest_day": "15", "side": ""}
OWN = {"name": "Clam shell", "sets": "2", "count": "12", "on_post_run": "1"}
# Ten thousand letters; a line that intervals.icu reads as a workout's step; what marks our block; links; hidden letters.
BREAKS_A_NOTE = (
    "x" * 10_000, "- 10m 60%", "# Title", "The ADDUCTOR  routine", "By Adductor\nCoach", "See https://example.org",
    "As in /r/abcdefghijkl", "Turned \u202e round",
)  # fmt: skip
WRONG: list[tuple[str, Fields, Fields, str]] = [
    ("/check-in", {}, {}, "<li>Hip or groin pain"),
    *(("/check-in", {}, {"pain": pain}, "<li>Hip or groin pain") for pain in ("11", "٣")),
    ("/check-in", {}, {"soreness": "x"}, "<li>Soreness"),
    ("/check-in", {}, {"feeling": "0"}, "<li>How you feel"),
    ("/check-in", {}, {"sign": "boredom"}, "<li>Warning signs"),
    (SAID, {}, {}, "not saved: choose one of the answers."),
    (SAID, {}, {"said": "great"}, "not saved: choose one of the answers."),
    (SAID, {"said": "pain"}, {}, "not saved: choose how strong the pain was, from 0 to 10."),
    *((SAID, {"said": "pain"}, {"pain": pain}, "not saved: choose how strong the pain was") for pain in ("x", "11")),
    *((DONE, {}, {"rpe": rpe}, "not saved: effort must be a number from 1 to 10.") for rpe in ("0", "11", "many")),
    (DONE, {"rpe": "7"}, {"pain": "12"}, "not saved: pain must be a number from 0 to 10."),
    (DONE, {"rpe": "7"}, {"completed_pct": "140"}, "not saved: how much was done must be a number from 0 to 100."),
    (DONE, {}, {"stopped": "1"}, "not saved: choose how strong the pain was, from 0 to 10."),
    (DONE, {"rpe": "7"}, {"sign": "boredom"}, "not saved: unknown red flag: boredom."),
    (DONE, {"rpe": "7"}, {"load_standing_resisted_adduction": "x" * 10_000}, "the band or weight must be at most 60"),
    ("/welcome", RIGHT, {"pain": ""}, "<li>Pain now"),
    ("/welcome", RIGHT, {"condition": "maybe"}, "<li>Injury, pregnancy"),
    ("/welcome", RIGHT, {"target": "3"}, "<li>Sessions a week"),
    ("/welcome", RIGHT, {"place": "title"}, "<li>Where to write"),
    ("/welcome", RIGHT, {"email": "no address"}, "<li>E-mail"),
    ("/welcome", RIGHT, {"email": "a@b.example\nBcc: x@y.example"}, "<li>E-mail"),
    ("/welcome", RIGHT, {"email": "a" * 300 + "@b.example"}, "<li>E-mail"),
    ("/settings/dose", DOSE, {"target": "5"}, "<li>Sessions a week"),
    ("/settings/dose", {"target": "2"}, {}, "<li>When"),
    ("/settings/dose", DOSE, {"channel_post_run": "title"}, "<li>After a run"),
    ("/settings/dose", DOSE, {"placement_warm_up": "1", "channel_warm_up": "private_note"}, "<li>As a warm-up before"),
    *(("/settings/routines", ROUTINES, {"after_run": n}, "<li>After a run") for n in ("7", "-5", "")),
    ("/settings/routines", ROUTINES, {"rest_day": "1e3"}, "<li>On a rest day"),
    ("/settings/routines", ROUTINES, {"side": "both"}, "<li>Less steady side"),
    *(("/settings/routines", ROUTINES, {"sentence": text}, "<li>Your sentence") for text in BREAKS_A_NOTE),
    *(("/settings/own", OWN, {"name": text}, "<li>Name") for text in ("", *BREAKS_A_NOTE)),
    *(("/settings/own", OWN, {"sets": sets}, "<li>Sets") for sets in ("0", "6", "-1", "many")),
    ("/settings/own", OWN, {"count": "51"}, "<li>Reps or holds"),
    ("/settings/own", OWN, {"hold_s": "121"}, "<li>Seconds of a hold"),
    ("/settings/own", {**OWN, "on_post_run": ""}, {}, "<li>When"),
    ("/leave-out/bowler_squat", {}, {"reason": "no"}, "<li>Why"),
    ("/check-in", {}, {"squeeze": "11"}, "<li>Pain while squeezing"),
    ("/settings/times", TIMES, {"prompt": "25:00"}, "<li>Rest-day prompt"),
    ("/settings/times", TIMES, {"prompt": "23:00"}, "<li>Rest-day prompt"),
    ("/settings/times", TIMES, {"quiet_from": ""}, "<li>Quiet from"),
    ("/settings/times", TIMES, {"quiet_until": "soon"}, "<li>Quiet until"),
    ("/settings/runs", {}, {"run_2": "6pm"}, "<li>Wednesday"),
    ("/settings/runs", {}, {"run_2": "18:00", "kind_2": "swim"}, "<li>Wednesday"),
    ("/settings/email", {}, {"email": "me"}, "<li>E-mail"),
    ("/settings/you", YOU, {"units": "cubits"}, "<li>Units"),
    *(("/settings/you", YOU, {"timezone": zone}, "<li>Time zone") for zone in ("Mars/Olympus", "../etc/passwd")),
    *(("/settings/you", YOU, {"age": age}, "<li>Age") for age in ("-4", "two", "111")),
    *(("/settings/races/add", RACE, {"day": day}, "<li>Day") for day in ("", "2020-01-01", "2031-01-01")),
    ("/settings/races/add", RACE, {"at": "noon"}, "<li>Start"),
    ("/settings/races/add", RACE, {"kind": "picnic"}, "<li>What"),
    ("/settings/races/add", RACE, {"priority": "Z"}, "<li>How important"),
    *(("/settings/races/add", RACE, {"distance": km}, "<li>Distance") for km in ("far", "nan", "-1", "9999")),
    ("/settings/races/add", RACE, {"name": "x" * 200}, "<li>Name"),
]


@pytest.mark.parametrize(("path", "right", "wrong", "named"), WRONG)
def test_form_with_a_wrong_field_names_it_and_keeps_nothing(
    visitor: Visitor, runner: int, path: str, right: Fields, wrong: Fields, named: str
) -> None:
    target = path.format(id=visitor.suggested(runner).public_id)
    before = visitor.export()

    answer = visitor.post(target, **{**right, **wrong})

    assert answer.status_code == 400
    assert named in answer.text
    assert visitor.export() == before
