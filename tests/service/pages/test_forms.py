"""Every form of a runner: a wrong field is named, and nothing is kept. The first answers; nothing is written before them."""

from __future__ import annotations

import pytest

from tests.service.pages.conftest import Visitor

Fields = dict[str, str]
RIGHT = {"pain": "no", "condition": "no", "target": "2", "place": "private_note"}
DOSE = {"target": "2", "placement_post_run": "1", "channel_post_run": "private_note"}
TIMES = {"prompt": "17:30", "quiet_from": "22:30", "quiet_until": "05:00"}
YOU = {"units": "metric", "timezone": "Europe/Berlin"}
RACE = {"day": "2026-12-06", "at": "10:00", "kind": "race", "priority": "A", "distance": "21.1", "name": "City run"}
SAID, DONE = "/suggestions/{id}/answer", "/routine/{id}"
ROUTINES = {"after_run": "10", "rest_day": "15", "side": ""}
OWN = {"name": "Clam shell", "sets": "2", "count": "12", "on_post_run": "1"}
# Ten thousand letters; a line that intervals.icu reads as a workout's step; what marks our block; links; hidden letters.
BREAKS_A_NOTE = (
    "x" * 10_000, "- 10m 60%", "# Title", "The ADDUCTOR  routine", "By Adductor\nCoach", "See https://example.org",
    "As in /r/abcdefghijkl", "Turned \u202e round",
)  # fmt: skip
HEADERS = ("\r\nBcc: x@y.org", "\nSubject: won", ", x@y.org", "\u2028Bcc: x@y.org", "%0aBcc:x@y.org")
NO_ADDRESSES = ("me", "a@b..org", "A <a@b.org>", "a@[127.0.0.1]", *(f"a@b.org{header}" for header in HEADERS))
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
    ("/welcome", RIGHT, {"long_run_day": "7"}, "<li>"),
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
    *(("/settings/email", {}, {"email": email}, "<li>E-mail") for email in NO_ADDRESSES),
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
def test_wrong_field_is_named_and_none_kept(me: Visitor, path: str, right: Fields, wrong: Fields, named: str) -> None:
    target = path.format(id=me.suggested().public_id)
    before = me.export()

    answer = me.post(target, **{**right, **wrong})

    assert answer.status_code == 400
    assert named in answer.text
    assert me.export() == before


@pytest.fixture
def newcomer(visitor: Visitor) -> Visitor:
    none = dict.fromkeys(("confirmed_at", "screening_completed_at", "email", "email_confirmed_at"))
    visitor.sign_in(visitor.here.runner(**none))
    return visitor


def test_right_answers_lead_home_and_are_kept(newcomer: Visitor) -> None:
    newcomer.sees("/welcome", "Adductor routine · light · ", "— Adductor Coach", "timezone.js")

    answer = newcomer.post("/welcome", **RIGHT, equipment_answered="1", has_chair="1", email="me@example.org")

    athlete = newcomer.row
    assert answer.headers["Location"] == "/home"
    assert athlete.confirmed_at is not None
    assert athlete.screening_completed_at is not None
    assert not athlete.clearance_needed
    assert athlete.equipment == ["chair"]
    assert athlete.channels == {"post_run": "private_note", "rest_day": "mail"}
    assert (athlete.email, athlete.email_confirmed_at) == ("me@example.org", None)
    assert [letter.kind for letter in newcomer.here.letters(newcomer.runner)] == ["confirm"]


SUNDAYS = [{"weekday": 6, "at": "09:00", "kind": "long"}]


@pytest.mark.parametrize(
    ("fields", "column", "kept"),
    [
        ({"timezone": "Asia/Tokyo"}, "timezone", "Asia/Tokyo"),
        *(({"timezone": zone}, "timezone", "UTC") for zone in ("America", "Mars/Base", "")),
        ({"long_run_day": "6"}, "usual_runs", SUNDAYS),
        ({"long_run_day": ""}, "usual_runs", []),
        *(({field: "yes"}, "clearance_needed", True) for field in ("pain", "condition")),
    ],
)
def test_answer_is_kept(newcomer: Visitor, fields: Fields, column: str, kept: object) -> None:
    assert newcomer.post("/welcome", **{**RIGHT, **fields}).headers["Location"] == "/home"
    assert getattr(newcomer.row, column) == kept
    assert ("No routines for now" in newcomer.page("/home")) is (column == "clearance_needed")


def test_rest_days_go_to_the_pages_without_an_address_and_by_mail_with_one(newcomer: Visitor) -> None:
    newcomer.post("/welcome", **RIGHT)
    assert newcomer.row.channels["rest_day"] == "pages"
    for address, channel in (("me@example.org", "mail"), ("", "pages")):
        newcomer.post("/settings/email", email=address)
        assert newcomer.row.channels["rest_day"] == channel
