"""What the runner says back, on a real store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adductor.athletes import answers
from adductor.athletes.answers import Answer, AnswerError
from adductor.coaching.replies import Said
from adductor.coaching.situation import ExerciseProgress
from adductor.jobs import prompts
from adductor.store.models import SessionRecord
from tests.support.memory_log import RUN, Log, comes_home, event, noted, nth, runs, take
from tests.support.runners import Place


def _sessions(here: Place, runner: int) -> list[SessionRecord]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(SessionRecord).where(SessionRecord.athlete_id == runner)))


def test_done_counts_as_a_session_once_and_closes_the_suggestion(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)

    here.answer(runner, Said.DONE)

    (done,) = _sessions(here, runner)
    assert (done.kind, done.completed_pct, done.rpe_1_10) == ("strength_full", 100, 7)
    assert here.suggestion(runner).status == "done"
    assert here.athlete(runner).sessions_completed_total == 10
    assert here.athlete(runner).last_completed_on == here.now.date()
    before = here.athlete(runner)

    assert here.answer(runner, Said.DONE).repeated

    after = here.athlete(runner)
    assert len(_sessions(here, runner)) == 1
    assert (after.sessions_completed_total, after.progress) == (before.sessions_completed_total, before.progress)


def test_another_answer_replaces_the_first_and_the_ladder_goes_back(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    before = here.athlete(runner)
    here.answer(runner, Said.DONE)

    here.answer(runner, Said.NOT_TODAY)

    after = here.athlete(runner)
    assert _sessions(here, runner) == []
    assert here.suggestion(runner).status == "declined"
    assert (after.sessions_completed_total, after.last_completed_on) == (9, before.last_completed_on)


def test_load_of_an_exercise_is_kept_with_its_progress_until_it_is_emptied(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    first, second = (item["exercise"] for item in here.suggestion(runner).routine["items"])

    here.answer(runner, Said.DONE, loads={first: "12 kg, <b>slow</b>", "somersault": "1 kg"})

    loads = {entry["exercise"]: entry["load"] for entry in here.athlete(runner).progress}
    assert loads == {first: "12 kg, <b>slow</b>", second: None}
    here.answer(runner, Said.DONE, loads={first: ""})
    assert {entry["load"] for entry in here.athlete(runner).progress} == {None}


NEW_OF_PROGRESS = (
    "easy_in_a_row",
    "hard_in_a_row",
    "target_doses_done",
    "target_done_in",
    "last_done_on",
    "load",
    "changed",
)
NEW_OF_ITEM, NEW_OF_ROUTINE = ("name", "extra_set_side"), ("remark", "placement")


def test_runner_amid_a_programme_keeps_place_with_rows_from_before(here: Place) -> None:
    band = ExerciseProgress("standing_resisted_adduction", 3, 12, at_top_in_a_row=1, at_target=True, last_rpe_1_10=7)
    squeeze = ExerciseProgress("supine_adductor_squeeze", 3, 1, 10, at_target=True, last_rpe_1_10=8)
    old = [without(asdict(one), NEW_OF_PROGRESS) for one in (band, squeeze)]
    runner = here.runner(progress=old, sessions_at_stage=3, stage_since=here.now.date() - timedelta(days=20))
    here.run_done(runner)
    with here.installation.store.write() as session:
        suggestion = session.merge(here.suggestion(runner))
        items = [without(item, NEW_OF_ITEM) for item in suggestion.routine["items"]]
        suggestion.routine = without(suggestion.routine, NEW_OF_ROUTINE) | {"items": items}

    here.answer(runner, Said.DONE)

    athlete = here.athlete(runner)
    kept = {entry["exercise"]: entry for entry in athlete.progress}
    assert kept["standing_resisted_adduction"]["sets"] == 3
    assert kept["standing_resisted_adduction"]["last_done_on"] == here.now.date().isoformat()
    assert athlete.sessions_at_stage in (0, 4)
    here.later(days=3)
    here.run_done(runner)
    first = {item["exercise"] for item in items}
    assert not first & {item["exercise"] for item in here.suggestion(runner).routine["items"]}


def without(stored: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in stored.items() if name not in names}


@pytest.mark.parametrize(("said", "effort"), [(Said.TOO_EASY, 5), (Said.DONE, 7), (Said.TOO_HARD, 10)])
def test_answer_stands_for_an_effort_on_the_day_of_its_routine(here: Place, said: Said, effort: int) -> None:
    runner = here.runner()
    here.run_done(runner)
    suggested_at = here.now
    here.later(days=1)

    here.answer(runner, said)

    assert [(row.rpe_1_10, row.completed_at) for row in _sessions(here, runner)] == [(effort, suggested_at)]


def test_mild_pain_is_kept_and_stops_nothing(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)

    taken = here.answer(runner, Said.PAIN, pain_0_10=2, completed_pct=100)

    assert taken.decision is not None
    assert taken.decision.decision == "none"
    assert here.athlete(runner).hold_since is None


@pytest.mark.parametrize(
    ("pain", "sign", "rule", "words"),
    [(7, None, "high_pain", "physiotherapist or doctor"), (1, "pain_on_hopping", "red_flag", "Please don't run")],
)
def test_strong_pain_or_a_warning_sign_refers_holds_and_writes_once(
    here: Place, pain: int, sign: str | None, rule: str, words: str
) -> None:
    runner = here.runner()
    here.run_done(runner)
    signs = frozenset({sign}) if sign is not None else frozenset()

    taken = here.answer(runner, Said.PAIN, pain_0_10=pain, red_flags=signs, where="left groin")
    here.answer(runner, Said.PAIN, pain_0_10=pain + 1, red_flags=signs, where="left groin")

    assert taken.decision is not None
    assert (taken.decision.decision, taken.decision.rule) == ("refer", rule)
    assert words in taken.decision.reason
    assert here.athlete(runner).hold_since == here.now
    assert here.suggestion(runner).answer is not None
    assert [letter.kind for letter in here.letters(runner)] == ["refer"]


def test_pain_of_three_to_five_makes_the_open_routine_lighter_where_it_stands(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    assert here.suggestion(runner).dose == "full"

    here.check_in(runner, hip_groin_pain_0_10=4)

    (suggestion,) = here.suggestions(runner)
    (delivery,) = here.deliveries(runner)
    assert (suggestion.status, suggestion.dose) == ("open", "light")
    assert "light" in delivery.block
    assert any("level 2" in known for known in delivery.known_texts)


def test_hold_lifted_by_a_professional_is_two_light_sessions_one_level_lower(here: Place) -> None:
    runner = here.runner()
    here.check_in(runner, hip_groin_pain_0_10=7)
    here.later(days=8)
    with here.installation.store.write() as session:
        answers.clear_hold(here.coach(session, runner))
    assert here.athlete(runner).programme_stage == 1
    here.later(hours=1)

    doses = []
    for said in (Said.DONE, Said.DONE, *(Said.NOT_TODAY,) * 4):
        here.run_done(runner)
        doses.append(here.suggestion(runner).dose)
        here.answer(runner, said)
        here.later(days=4)

    # The last comes when both light ones are older than the log that the coach looks at.
    assert doses == ["light", "light", "full", "full", "full", "full"]
    assert here.athlete(runner).programme_stage == 1


def test_two_green_days_lift_the_hold_of_a_pain_number(here: Place) -> None:
    runner = here.runner()
    here.check_in(runner, knee_pain_0_10=6)
    assert here.athlete(runner).hold_reason == "high_pain"
    assert "knee pain of 6 out of 10" in here.decisions(runner)[-1].reason

    here.later(days=1)
    here.check_in(runner, knee_pain_0_10=2)
    assert here.athlete(runner).hold_since is not None
    here.later(days=1)
    here.check_in(runner, knee_pain_0_10=2)

    assert here.athlete(runner).hold_since is None
    assert here.athlete(runner).programme_stage == 1
    here.run_done(runner)
    assert here.suggestion(runner).dose == "light"


def test_green_day_told_with_a_routine_counts_for_the_end_of_a_hold(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.check_in(runner, hip_groin_pain_0_10=6)
    here.later(days=1)
    here.check_in(runner, hip_groin_pain_0_10=2)
    here.later(days=1)
    # A session that is told days later was done on its own day, before the hold: it says nothing about now.
    here.answer(runner, Said.DONE, pain_0_10=0)
    assert here.athlete(runner).hold_since is not None

    here.answer(runner, Said.DONE, pain_0_10=1)  # with pain it is a check-in as well

    assert here.athlete(runner).hold_since is None


def test_warning_sign_during_a_hold_leaves_it_to_a_professional(here: Place) -> None:
    runner = here.runner()
    here.check_in(runner, hip_groin_pain_0_10=6)
    here.later(days=1)
    here.check_in(runner, hip_groin_pain_0_10=5, red_flags=["night_pain"])
    assert here.decisions(runner)[-1].rule == "red_flag"

    for _ in range(3):
        here.later(days=1)
        here.check_in(runner, hip_groin_pain_0_10=0)

    assert (here.athlete(runner).hold_since is None, here.athlete(runner).hold_reason) == (False, "red_flag")
    assert here.decisions(runner)[-1].rule == "on_hold"


def test_answer_names_the_place_that_hurts(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)

    taken = here.answer(runner, Said.PAIN, pain_0_10=6, place="knee")

    assert taken.decision is not None
    assert "knee pain of 6 out of 10" in taken.decision.reason
    assert [done.pain_place for done in _sessions(here, runner)] == ["knee"]
    with pytest.raises(AnswerError, match="where it hurts"):
        Answer(Said.PAIN, pain_0_10=6, place="toe")


def test_race_of_every_week_keeps_its_routine_and_another_does_not(here: Place) -> None:
    weekday = here.now.weekday()
    for usual, decision in ((weekday, "post_run"), ((weekday + 1) % 7, "none")):
        runner = here.runner(usual_runs=[{"weekday": usual, "at": "06:00", "kind": "race"}])
        here.run_done(runner, intensity="race")
        assert here.decisions(runner)[-1].decision == decision


def test_pause_takes_back_what_is_announced_for_today_and_ends_on_its_day(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.later(days=5)
    here.run_done(runner)

    here.pause(runner)

    old, announced = here.suggestions(runner)
    assert (announced.status, announced.withdrawn_because) == ("withdrawn", "You asked for a break.")
    assert old.status == "open"
    here.later(days=2)
    here.run_done(runner)
    assert here.decisions(runner)[-1].rule == "not_cleared"
    here.later(days=5)
    here.run_done(runner)
    assert here.decisions(runner)[-1].decision == "post_run"


def test_routine_that_was_taken_back_can_still_be_answered_as_done(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.pause(runner)

    here.answer(runner, Said.DONE)

    assert here.suggestion(runner).status == "done"
    assert len(_sessions(here, runner)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"said": Said.PAIN},
        {"said": Said.PAIN, "pain_0_10": 11},
        {"said": Said.DONE, "rpe_1_10": 0},
        {"said": Said.PAIN, "pain_0_10": 3, "red_flags": frozenset({"toothache"})},
        {"said": Said.DONE, "loads": {"bowler_squat": "x" * 61}},
        {"said": Said.DONE, "loads": {"bowler_squat": "a\nb"}},
    ],
    ids=["no number of pain", "pain above ten", "effort below one", "unknown sign", "long load", "load on two lines"],
)
def test_an_answer_that_makes_no_sense_is_refused_in_words(wrong: dict[str, object]) -> None:
    with pytest.raises(AnswerError):
        Answer(**wrong)  # type: ignore[arg-type]


def test_not_today_holds_for_the_day_and_its_prompt_but_not_for_the_next(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.answer(runner, Said.NOT_TODAY)
    here.later(hours=4)
    here.run_done(runner)
    assert (here.decisions(runner)[-1].rule, len(here.suggestions(runner))) == ("not_cleared", 1)
    assert "You said not today" in here.decisions(runner)[-1].reason

    here.later(hours=22)
    here.run_done(runner)

    assert here.suggestion(runner).status == "open"


def test_not_today_to_a_replaced_routine_takes_the_one_in_its_place_back(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.later(hours=2)
    here.run_done(runner)

    here.answer(runner, Said.NOT_TODAY, 0)

    assert [row.status for row in here.suggestions(runner)] == ["declined", "withdrawn"]
    here.answer(runner, Said.DONE, 0)
    here.later(days=2)
    here.run_done(runner)
    assert here.suggestion(runner).status == "open"


@pytest.mark.parametrize("what", ["check-in", "deletion", "prompt"])
def test_yes_that_leads_to_no_routine_is_not_on_record(here: Place, log: Log, what: str) -> None:
    here.clock.at = here.now.replace(hour=17, minute=30)  # when rest days are looked at
    runner = noted(here, log, channels={"rest_day": "pages"})

    if what == "check-in":
        here.check_in(runner, hip_groin_pain_0_10=0)
    elif what == "deletion":
        del log.activities[RUN]
        take(here, event(here, runner, "delete"))
    else:
        prompts.look(here.installation, runner)

    assert [(row.decision, row.rule) for row in here.decisions(runner)] == [
        ("post_run", "post_run"),
        ("none", "no_occasion"),
    ]


# -- in the log ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", "withdrawn")])
def test_word_in_the_title_answers_without_a_call(here: Place, log: Log, word: str, status: str) -> None:
    runner = noted(here, log)

    take(here, event(here, runner, "update", title=f"Morning run #Adductor-{word}"))

    paused = word == "pause"
    assert here.suggestion(runner).status == status
    assert (log.note == "Mine.") is paused
    assert len(log.calls) == (4 if paused else 2)  # a removal reads and writes
    if paused:
        during = runs(here, log, runner, nth(1))
        take(here, event(here, runner, about=during))
        assert len(log.calls) == 4
        take(here, event(here, runner, "update", about=during, title="Back again #adductor-resume"))
        assert here.athlete(runner).paused_until is None


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", None)])
def test_word_in_the_title_at_upload_means_the_same_and_holds_for_the_day(
    here: Place, log: Log, word: str, status: str | None
) -> None:
    runner = comes_home(here, log)
    log.edit(RUN, title=f"Evening run #adductor-{word}")
    take(here, event(here, runner))

    assert [row.status for row in here.suggestions(runner)] == ([status] if status else [])
    assert len(_sessions(here, runner)) == (word == "done")
    assert (here.athlete(runner).paused_until is not None) is (word == "pause")
    here.later(hours=2)
    take(here, event(here, runner, about=runs(here, log, runner, nth(1))))
    assert (log.note, log.note_of(nth(1))) == ("Mine.", "Mine.")


@pytest.mark.parametrize(("ours", "status"), [(True, "done"), (False, "open")], ids=["ours", "unknown"])
def test_strength_work_recorded_afterwards_answers_or_asks(here: Place, log: Log, *, ours: bool, status: str) -> None:
    runner = noted(here, log)
    here.later(minutes=20)
    minutes_10 = {"ago": timedelta(minutes=10), "moving_s": 600, "elapsed_s": 600}
    strength = runs(here, log, runner, nth(1), sport="strength", is_adductor_session=ours, **minutes_10)

    take(here, event(here, runner, about=strength))

    suggestion = here.suggestion(runner)
    assert (suggestion.status, suggestion.asks_about_activity) == (status, None if ours else strength)
    done = [(row.source, row.platform_id) for row in _sessions(here, runner)]
    assert done == ([("log", strength)] if ours else [])
