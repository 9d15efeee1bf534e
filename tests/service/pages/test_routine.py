"""The routine's page and its end: swaps, answers, what a queue may send."""

from __future__ import annotations

import pytest

from adductor.athletes import decisions
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

JSON = {"Accept": "application/json"}


def _finish(visitor: Visitor, public_id: str, **fields: str) -> dict[str, object]:
    answer = visitor.post(f"/routine/{public_id}", headers=JSON, pain="0", **fields)
    said: dict[str, object] = {"status": answer.status_code, **(answer.get_json() or {})}
    return said


def test_timer_gets_what_was_prescribed_in_the_words_of_the_drawing(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, programme_stage=1, sessions_completed_total=0)
    suggestion = visitor.suggested(runner)
    first = decisions.routine_of(suggestion).items[0]

    page = visitor.get(f"/routine/{suggestion.public_id}").text

    assert f'data-exercise="{first.exercise}"' in page
    assert f'data-sets="{first.sets}"' in page
    assert f'data-hold-s="{first.hold_s or 0}"' in page
    assert 'data-captions="Legs straight|Feet flat|Hips and knees at 90°" data-moments="0.0|1.4|5.4"' in page
    assert "Effort: 60-70% of your hardest" in page


def test_player_says_for_whom_an_exercise_is_not_and_to_be_gentle_with_pain(
    visitor: Visitor, here: Place, runner: int
) -> None:
    suggestion = visitor.suggested(runner)
    assert "Not for you with:" in visitor.get(f"/routine/{suggestion.public_id}").text

    here.check_in(runner, knee_pain_0_10=4)

    page = visitor.get(f"/routine/{suggestion.public_id}").text
    assert "Ball between the knees, gently, never above your usual pain; if it rises, stop." in page
    assert "of your hardest" not in page


def test_routine_sent_three_times_is_one_session(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)

    said = [_finish(visitor, suggestion.public_id, rpe="7", completed_pct="100") for _ in range(3)]

    assert [(entry["saved"], entry["repeated"]) for entry in said] == [(True, False), (True, True), (True, True)]
    assert here.suggestion(runner).status == "done"
    assert here.athlete(runner).sessions_completed_total == 10


@pytest.mark.parametrize("swap", ["2:jump_lunges", "9:side_lying_adduction_floor", "x", "2:", ":", "0:x", "2:<script>"])
def test_exchange_that_is_not_on_offer_is_refused(visitor: Visitor, here: Place, runner: int, swap: str) -> None:
    suggestion = visitor.suggested(runner)

    page = visitor.get(f"/routine/{suggestion.public_id}", query_string={"swap": swap})
    said = _finish(visitor, suggestion.public_id, rpe="6", swap=swap)

    assert (page.status_code, said["status"]) == (400, 400)
    assert here.suggestion(runner).status == "open"


def test_visitor_who_is_signed_out_is_asked_to_sign_in(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    token = visitor.token()
    with visitor.http.session_transaction() as session:
        session.pop("athlete")

    page = visitor.get(f"/routine/{suggestion.public_id}").text
    state = visitor.get(f"/routine/{suggestion.public_id}/state").get_json()
    answer = visitor.post(f"/routine/{suggestion.public_id}", token=token, headers=JSON, pain="0")

    assert "You are not signed in here" in page
    assert suggestion.reason not in page
    assert state["signed_in"] is False
    assert answer.status_code == 401
    assert here.suggestion(runner).status == "open"


def test_load_is_noted_at_the_end_and_told_the_next_time_to_the_runner_alone(
    visitor: Visitor, here: Place, runner: int
) -> None:
    suggestion = visitor.suggested(runner)
    assert 'name="load_standing_resisted_adduction"' in visitor.get(f"/routine/{suggestion.public_id}").text
    assert 'name="load_supine_adductor_squeeze"' not in visitor.get(f"/routine/{suggestion.public_id}").text

    said = _finish(visitor, suggestion.public_id, rpe="6", load_standing_resisted_adduction=" 8 kg\n")

    assert said["saved"]
    here.later(days=3)
    visitor.sign_in(runner)
    again = visitor.suggested(runner)
    page = visitor.get(f"/routine/{again.public_id}").text
    assert "Last time 8 kg at RPE 6: try" in page
    assert 'name="load_standing_resisted_adduction" maxlength="60" value="8 kg"' in page
    stranger = visitor.http.application.test_client().get(f"/routine/{again.public_id}").text
    assert "8 kg" not in stranger


def test_all_five_are_offered_from_their_stage_on_and_count_as_done(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    address = f"/routine/{suggestion.public_id}"
    assert "All five at the article" not in visitor.get(address).text
    assert _finish(visitor, suggestion.public_id, rpe="6", all="five")["status"] == 400
    here.change(runner, programme_stage=3)

    assert f'href="{address}?all=five"' in visitor.get(address).text
    page = visitor.get(f"{address}?all=five").text
    assert page.count('class="step"') == 5
    assert "Something else" not in page
    _finish(visitor, suggestion.public_id, rpe="6", all="five")

    assert len(here.suggestion(runner).routine["items"]) == 5
    assert here.suggestion(runner).status == "done"


def test_all_five_take_no_light_routines_place(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, programme_stage=3, sessions_completed_total=0)
    suggestion = visitor.suggested(runner)

    assert suggestion.dose == "light"
    assert visitor.get(f"/routine/{suggestion.public_id}?all=five").status_code == 400
