"""The routine's page and its end: swaps, answers, what a queue may send."""

from __future__ import annotations

import pytest

from adductor.athletes import decisions
from tests.service.pages.conftest import Visitor

JSON = {"Accept": "application/json"}
LOAD = 'name="load_standing_resisted_adduction"'


@pytest.fixture
def address(me: Visitor) -> str:
    """The page of the routine that is due."""
    return f"/routine/{me.suggested().public_id}"


def _finish(me: Visitor, address: str, **fields: str) -> dict[str, object]:
    answer = me.post(address, headers=JSON, pain="0", **fields)
    said: dict[str, object] = {"status": answer.status_code, **(answer.get_json() or {})}
    return said


def test_timer_gets_what_was_prescribed_in_the_words_of_the_drawing(me: Visitor) -> None:
    me.change(programme_stage=1, sessions_completed_total=0)
    suggestion = me.suggested()
    first = decisions.routine_of(suggestion).items[0]

    page = me.page(f"/routine/{suggestion.public_id}")

    for data in (f'exercise="{first.exercise}"', f'sets="{first.sets}"', f'hold-s="{first.hold_s or 0}"'):
        assert f"data-{data}" in page
    assert 'data-captions="Legs straight|Feet flat|Hips and knees at 90°" data-moments="0.0|1.4|5.4"' in page
    assert "Effort: 60-70% of your hardest" in page


def test_player_says_for_whom_an_exercise_is_not_and_to_be_gentle_with_pain(me: Visitor, address: str) -> None:
    assert "Not for you with:" in me.page(address)
    me.here.check_in(me.runner, knee_pain_0_10=4)
    page = me.page(address)
    assert "Ball between the knees, gently, never above your usual pain; if it rises, stop." in page
    assert "of your hardest" not in page


def test_routine_sent_three_times_is_one_session(me: Visitor, address: str) -> None:
    said = [_finish(me, address, rpe="7", completed_pct="100") for _ in range(3)]
    assert [(entry["saved"], entry["repeated"]) for entry in said] == [(True, False), (True, True), (True, True)]
    assert (me.suggestion.status, me.row.sessions_completed_total) == ("done", 10)


@pytest.mark.parametrize("swap", ["2:jump_lunges", "9:side_lying_adduction_floor", "x", "2:", ":", "0:x", "2:<script>"])
def test_exchange_that_is_not_on_offer_is_refused(me: Visitor, address: str, swap: str) -> None:
    assert me.get(address, query_string={"swap": swap}).status_code == 400
    assert _finish(me, address, rpe="6", swap=swap)["status"] == 400
    assert me.suggestion.status == "open"


def test_visitor_who_is_signed_out_is_asked_to_sign_in(me: Visitor, address: str) -> None:
    token = me.token()
    with me.http.session_transaction() as session:
        session.pop("athlete")

    me.sees(address, "You are not signed in here", unsaid=[me.suggestion.reason])
    assert me.get(f"{address}/state").get_json()["signed_in"] is False
    assert me.post(address, token=token, headers=JSON, pain="0").status_code == 401
    assert me.suggestion.status == "open"


def test_load_is_noted_at_the_end_and_told_the_next_time_to_the_runner_alone(me: Visitor, address: str) -> None:
    me.sees(address, LOAD, unsaid=['name="load_supine_adductor_squeeze"'])

    assert _finish(me, address, rpe="6", load_standing_resisted_adduction=" 8 kg\n")["saved"]

    me.here.later(days=3)
    me.sign_in(me.runner)
    again = f"/routine/{me.suggested().public_id}"
    me.sees(again, "Last time 8 kg at RPE 6: try", f'{LOAD} maxlength="60" value="8 kg"')
    assert "8 kg" not in me.http.application.test_client().get(again).text


def test_all_five_are_offered_from_their_stage_on_and_count_as_done(me: Visitor, address: str) -> None:
    assert "All five at the article" not in me.page(address)
    assert _finish(me, address, rpe="6", all="five")["status"] == 400
    me.change(programme_stage=3)

    assert f'href="{address}?all=five"' in me.page(address)
    page = me.page(f"{address}?all=five")
    assert page.count('class="step"') == 5
    assert "Something else" not in page
    _finish(me, address, rpe="6", all="five")
    assert (len(me.suggestion.routine["items"]), me.suggestion.status) == (5, "done")


def test_all_five_take_no_light_routines_place(me: Visitor) -> None:
    me.change(programme_stage=3, sessions_completed_total=0)
    assert me.get(f"/routine/{me.suggested().public_id}?all=five").status_code == 400
    assert me.suggestion.dose == "light"
