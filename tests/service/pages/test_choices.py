"""The runner's own choices: each is previewed, kept, and seen by the coach; nothing of them reaches a public text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adductor.athletes import situations
from adductor.coaching.situation import Event, EventType, OwnExercise, Placement
from adductor.notes import wording
from service.pages import choice_forms
from tests.service.pages.conftest import Visitor
from tests.service.pages.test_forms import OWN, ROUTINES
from tests.support.runners import Place

SENTENCE = "When I come home on Tuesdays, I do it before the shower"


def test_choices_are_kept_and_the_coach_gets_them(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/routines", **{**ROUTINES, "after_run": "5", "side": "left", "sentence": f" {SENTENCE}\n"})
    visitor.post("/settings/own", **OWN, per_side="1")
    visitor.post("/settings/own", **{**OWN, "name": "Wall <b>sit</b>", "hold_s": "30", "on_rest_day": "1"})
    visitor.post("/settings/keep", maintaining="1")

    row = here.athlete(runner)
    coached = situations.athlete_of(row)
    assert (coached.minutes_after_run, coached.minutes_rest_day, coached.less_steady_side) == (5, 15, "left")
    assert (row.if_then, coached.maintaining) == (SENTENCE, True)
    clam, sit = coached.own_exercises
    assert clam == OwnExercise(clam.id, "Clam shell", 2, 12, None, None, True, frozenset({Placement.POST_RUN}))
    assert (sit.reps, sit.holds, sit.hold_s) == (None, 12, 30)
    page = visitor.get("/settings").text
    assert "Wall &lt;b&gt;sit&lt;/b&gt;" in page
    assert f'value="{SENTENCE}"' in page

    visitor.post(f"/settings/own/{clam.id}/remove")
    assert [one["name"] for one in here.athlete(runner).own_exercises] == ["Wall <b>sit</b>"]


@pytest.mark.parametrize("channel", ["private_note", "description"])
def test_choice_changes_the_next_note_and_own_words_stay_private(
    visitor: Visitor, here: Place, runner: int, channel: str
) -> None:
    here.change(runner, channels={"post_run": channel}, minutes_after_run=5)
    visitor.post("/leave-out/standing_resisted_adduction", reason="place")
    visitor.post("/settings/routines", **{**ROUTINES, "after_run": "15", "sentence": SENTENCE})
    visitor.post("/settings/own", **OWN)

    suggestion = visitor.suggested(runner)

    (note,) = [delivery.block for delivery in here.deliveries(runner)]
    is_private = channel == "private_note"
    assert wording.short_name("standing_resisted_adduction") not in note
    assert ("Clam shell: 2 x 12" in note) is is_private
    assert ("An exercise of my own: 2 x 12" in note) is not is_private
    assert SENTENCE not in note or is_private
    stranger = visitor.http.application.test_client().get(f"/routine/{suggestion.public_id}").text
    assert 'data-name="An exercise of my own"' in stranger
    assert "Clam shell" not in stranger


@pytest.mark.parametrize(("asked", "limit"), [("5", 8), ("10", None)])
def test_limit_of_every_routine_stays_until_other_minutes_are_chosen(
    visitor: Visitor, here: Place, runner: int, asked: str, limit: int | None
) -> None:
    here.change(runner, minutes_available=8)

    visitor.post("/settings/routines", **{**ROUTINES, "after_run": asked, "rest_day": "5"})

    assert here.athlete(runner).minutes_available == limit


def test_own_exercises_have_an_end_and_no_name_twice(visitor: Visitor, here: Place, runner: int) -> None:
    names = [f"Exercise {number}" for number in range(choice_forms.MOST_OWN)]
    for name in names:
        visitor.post("/settings/own", **{**OWN, "name": name})

    full = visitor.post("/settings/own", **{**OWN, "name": "One more"})
    here.change(runner, own_exercises=here.athlete(runner).own_exercises[:2])
    twice = visitor.post("/settings/own", **{**OWN, "name": "EXERCISE 1"})

    assert "exercises of your own are there already; remove one first" in full.text
    assert "“EXERCISE 1” is there already" in twice.text
    assert len(here.athlete(runner).own_exercises) == 2


def test_exercise_is_left_out_after_a_look_at_what_replaces_it_and_taken_back(
    visitor: Visitor, here: Place, runner: int
) -> None:
    before = visitor.export()
    page = visitor.get("/leave-out/standing_resisted_adduction")
    assert f"In its place: {wording.short_name('side_lying_adduction_floor')}." in page.text
    assert visitor.export() == before

    visitor.post("/leave-out/standing_resisted_adduction", reason="pain")

    assert here.athlete(runner).left_out == {"standing_resisted_adduction": "pain"}
    settings = visitor.get("/settings").text
    assert "tell us how much in a check-in" in settings
    assert choice_forms.REASONS["pain"] in settings

    visitor.post("/leave-out/standing_resisted_adduction/undo")
    assert here.athlete(runner).left_out == {}
    assert visitor.get("/leave-out/somersault").status_code == 404


def test_one_direct_exercise_without_equipment_stays(visitor: Visitor, here: Place, runner: int) -> None:
    direct = ("supine_adductor_squeeze", "side_lying_adduction_top_leg_elevated", "side_lying_adduction_floor")
    for exercise in direct:
        answer = visitor.post(f"/leave-out/{exercise}", reason="dislike")

    assert answer.status_code == 400
    assert "one must stay" in answer.text
    assert set(here.athlete(runner).left_out) == set(direct[:2])


@pytest.mark.parametrize(
    ("pain", "said"),
    [("0", "today is a day to train"), ("2", "today is a day to train"), ("3", "gently"), ("5", "gently")],
)
def test_monthly_squeeze_answers_its_question_and_comes_again_a_month_later(
    visitor: Visitor, here: Place, runner: int, pain: str, said: str
) -> None:
    assert 'name="squeeze"' in visitor.get("/home").text

    answered = visitor.post("/check-in", squeeze=pain)

    assert answered.status_code == 302
    page = visitor.get("/home").text
    assert said in page
    assert 'name="squeeze"' not in page
    here.later(days=29)
    visitor.sign_in(runner)
    assert 'name="squeeze"' in visitor.get("/home").text


def test_squeeze_that_hurts_much_is_a_referral_and_a_hold_asks_for_none(
    visitor: Visitor, here: Place, runner: int
) -> None:
    visitor.post("/check-in", squeeze="6")

    here.later(days=29)
    visitor.sign_in(runner)
    page = visitor.get("/home").text
    assert "pain when squeezing of 6 out of 10" in page
    assert 'name="squeeze"' not in page


def test_maintenance_is_offered_where_it_is_due_and_taken_back_as_easily(
    visitor: Visitor, here: Place, runner: int
) -> None:
    assert 'id="keep"' not in visitor.get("/home").text
    here.change(runner, programme_stage=4, stage_since=here.now.date() - timedelta(weeks=8))
    for page in ("/home", "/settings"):
        assert "Once a week from now on" in visitor.get(page).text
    assert "What this means" in visitor.post("/settings/keep", do="preview", maintaining="1").text
    assert not here.athlete(runner).maintaining

    visitor.post("/settings/keep", maintaining="1")

    assert here.athlete(runner).maintaining
    assert "Twice a week again" in visitor.get("/home").text
    visitor.post("/settings/keep")
    assert not here.athlete(runner).maintaining


def test_home_names_the_one_thing_that_opens_most(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, equipment=["chair", "ball", "hard_floor", "step"])
    assert "a long resistance band brings Standing band adduction." in visitor.get("/home").text

    here.change(runner, equipment=["chair", "ball", "hard_floor", "step", "long_band"])
    assert "One thing opens more" not in visitor.get("/home").text


def test_pain_of_the_knee_is_one_choice_and_one_tap_on_home(visitor: Visitor, here: Place, runner: int) -> None:
    form = visitor.get("/home").text.partition('id="check"')[2].partition("</form>")[0]
    assert '<option value="knee"' in form

    visitor.post("/check-in", pain="3", place="knee")

    assert "knee pain 3 out of 10" in here.decisions(runner)[-1].considered[2]["because"]


def test_usual_race_has_a_priority(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/runs", run_5="09:00", kind_5="race_b", run_6="09:00", kind_6="race")

    assert [run.get("priority") for run in here.athlete(runner).usual_runs] == ["B", None]
    assert '<option value="race_b" selected>' in visitor.get("/settings").text
    with here.installation.store.read() as session:
        plan = situations.of(session, here.athlete(runner), Event(EventType.CLOCK_TICK), here.now).plan
    assert {(run.start.weekday(), run.priority) for run in plan} == {(5, "B"), (6, None)}
