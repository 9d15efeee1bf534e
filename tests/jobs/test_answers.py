"""What the runner says back, on a real store."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from adductor.athletes import answers
from adductor.athletes.answers import Answer, AnswerError
from adductor.coaching.replies import Said
from adductor.coaching.situation import ExerciseProgress
from adductor.jobs import prompts
from adductor.notes import block
from adductor.store.models import SessionRecord
from tests.support.memory_log import RUN, Log, nth
from tests.support.runners import Place


@pytest.mark.parametrize(("said", "effort"), [(Said.TOO_EASY, 5), (Said.DONE, 7), (Said.TOO_HARD, 10)])
def test_done_counts_as_a_session_of_its_day_once_and_closes_the_suggestion(
    here: Place, said: Said, effort: int
) -> None:
    runner = here.runner()
    here.run_done(runner)
    suggested_at = here.now
    here.later(days=1)

    taken = [here.answer(runner, said).repeated for _ in range(2)]

    assert taken == [False, True]
    (done,) = here.all(SessionRecord)
    assert (done.kind, done.completed_pct, done.rpe_1_10) == ("strength_full", 100, effort)
    assert (done.completed_at, here.suggestion(runner).status) == (suggested_at, "done")
    after = here.athlete(runner)
    assert (after.sessions_completed_total, after.last_completed_on) == (10, suggested_at.date())
    assert len(after.progress) == 2


def test_another_answer_replaces_the_first_and_the_ladder_goes_back(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    before = here.athlete(runner)
    here.answer(runner, Said.DONE)

    here.answer(runner, Said.NOT_TODAY)

    after = here.athlete(runner)
    assert here.all(SessionRecord) == []
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


def _without(stored: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in stored.items() if name not in names}


def test_runner_amid_a_programme_keeps_place_with_rows_from_before(here: Place) -> None:
    band = ExerciseProgress("standing_resisted_adduction", 3, 12, at_top_in_a_row=1, at_target=True, last_rpe_1_10=7)
    squeeze = ExerciseProgress("supine_adductor_squeeze", 3, 1, 10, at_target=True, last_rpe_1_10=8)
    later = ("easy_in_a_row", "hard_in_a_row", "target_doses_done", "target_done_in", "last_done_on", "load", "changed")
    old = [_without(asdict(one), *later) for one in (band, squeeze)]
    runner = here.runner(progress=old, sessions_at_stage=3, stage_since=here.now.date() - timedelta(days=20))
    here.run_done(runner)
    with here.installation.store.write() as session:
        suggestion = session.merge(here.suggestion(runner))
        items = [_without(item, "name", "extra_set_side") for item in suggestion.routine["items"]]
        suggestion.routine = _without(suggestion.routine, "remark", "placement") | {"items": items}

    here.answer(runner, Said.DONE)

    athlete = here.athlete(runner)
    kept = {entry["exercise"]: entry for entry in athlete.progress}[band.exercise]
    assert (kept["sets"], kept["last_done_on"]) == (3, here.now.date().isoformat())
    assert athlete.sessions_at_stage in (0, 4)
    here.later(days=3)
    here.run_done(runner)
    first = {item["exercise"] for item in items}
    assert not first & {item["exercise"] for item in here.suggestion(runner).routine["items"]}


@pytest.mark.parametrize(
    ("given", "rule", "words"),
    [
        ({"pain_0_10": 2}, None, ""),
        ({"pain_0_10": 7}, "high_pain", "physiotherapist or doctor"),
        ({"pain_0_10": 6, "place": "knee"}, "high_pain", "knee pain of 6 out of 10"),
        ({"pain_0_10": 1, "red_flags": frozenset({"pain_on_hopping"})}, "red_flag", "Please don't run"),
    ],
)
def test_strong_pain_or_a_warning_sign_refers_holds_and_writes_once(
    here: Place, given: dict[str, Any], rule: str | None, words: str
) -> None:
    runner = here.runner()
    here.run_done(runner)

    taken = here.answer(runner, Said.PAIN, **given)
    here.answer(runner, Said.PAIN, where="left groin", **given)

    assert taken.decision is not None
    assert words in taken.decision.reason
    assert here.suggestion(runner).answer is not None
    assert [done.pain_place for done in here.all(SessionRecord)] == [given.get("place", "hip_groin")]
    if rule is None:
        assert taken.decision.decision == "none"
    else:
        assert (taken.decision.decision, taken.decision.rule) == ("refer", rule)
    assert here.athlete(runner).hold_since == (here.now if rule else None)
    assert [letter.kind for letter in here.letters(runner)] == (["refer"] if rule else [])


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
    with here.asked(runner) as coach:
        answers.clear_hold(coach)
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


@pytest.mark.parametrize(
    ("sign", "held"), [(None, None), ("night_pain", "red_flag")], ids=["of a pain number", "with a warning sign"]
)
def test_two_green_days_lift_the_hold_of_a_pain_number_and_no_other(
    here: Place, sign: str | None, held: str | None
) -> None:
    runner = here.runner()
    here.check_in(runner, knee_pain_0_10=6)
    assert here.athlete(runner).hold_reason == "high_pain"
    assert "knee pain of 6 out of 10" in here.decisions(runner)[-1].reason
    if sign is not None:
        here.later(days=1)
        here.check_in(runner, knee_pain_0_10=5, red_flags=[sign])
        assert here.decisions(runner)[-1].rule == "red_flag"

    for _ in range(2):
        assert here.athlete(runner).hold_since is not None
        here.later(days=1)
        here.check_in(runner, knee_pain_0_10=2)

    assert here.athlete(runner).hold_reason == held
    assert (here.athlete(runner).hold_since is None) is (held is None)
    here.run_done(runner)
    latest = here.decisions(runner)[-1]
    assert (latest.rule, latest.dose) == (("on_hold", "none") if held else ("post_run", "light"))
    assert here.athlete(runner).programme_stage == (2 if held else 1)


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


def test_race_of_every_week_keeps_its_routine_and_another_does_not(here: Place) -> None:
    weekday = here.now.weekday()
    for usual, decision in ((weekday, "post_run"), ((weekday + 1) % 7, "none")):
        runner = here.runner(usual_runs=[{"weekday": usual, "at": "06:00", "kind": "race"}])
        here.run_done(runner, intensity="race")
        assert here.decisions(runner)[-1].decision == decision


def test_pause_takes_back_what_is_announced_for_today_lets_it_be_answered_and_ends_on_its_day(here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    here.later(days=5)
    here.run_done(runner)

    here.pause(runner)

    old, announced = here.suggestions(runner)
    assert (announced.status, announced.withdrawn_because) == ("withdrawn", "You asked for a break.")
    assert old.status == "open"
    for days, rule in ((2, "not_cleared"), (5, "post_run")):
        here.later(days=days)
        here.run_done(runner)
        assert here.decisions(runner)[-1].rule == rule
    here.answer(runner, Said.DONE, 1)
    assert (here.suggestions(runner)[1].status, len(here.all(SessionRecord))) == ("done", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"said": Said.PAIN},
        {"said": Said.PAIN, "pain_0_10": 11},
        {"said": Said.PAIN, "pain_0_10": 6, "place": "toe"},
        {"said": Said.DONE, "rpe_1_10": 0},
        {"said": Said.PAIN, "pain_0_10": 3, "red_flags": frozenset({"toothache"})},
        {"said": Said.DONE, "loads": {"bowler_squat": "x" * 61}},
        {"said": Said.DONE, "loads": {"bowler_squat": "a\nb"}},
    ],
    ids=["no pain", "pain above ten", "no such place", "no effort", "unknown sign", "long load", "load on two lines"],
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
    runner = log.noted(channels={"rest_day": "pages"})

    if what == "check-in":
        here.check_in(runner, hip_groin_pain_0_10=0)
    elif what == "deletion":
        del log.activities[RUN]
        here.take(log.event(runner, "delete"))
    else:
        prompts.look(here.installation, runner)

    assert [row.rule for row in here.decisions(runner)] == ["post_run", "no_occasion"]


# -- in the log ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", "withdrawn")])
def test_word_in_the_title_answers_without_a_call(here: Place, log: Log, word: str, status: str) -> None:
    runner = log.noted()

    here.take(log.event(runner, "update", title=f"Morning run #Adductor-{word}"))

    paused = word == "pause"
    assert here.suggestion(runner).status == status
    assert (log.note == "Mine.") is paused
    assert len(log.calls) == (4 if paused else 2)  # a removal reads and writes
    if paused:
        during = log.runs(runner, nth(1))
        here.take(log.event(runner, about=during))
        assert len(log.calls) == 4
        here.take(log.event(runner, "update", about=during, title="Back again #adductor-resume"))
        assert here.athlete(runner).paused_until is None


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", None)])
def test_word_in_the_title_at_upload_means_the_same_and_holds_for_the_day(
    here: Place, log: Log, word: str, status: str | None
) -> None:
    runner = log.comes_home()
    log.edit(RUN, title=f"Evening run #adductor-{word}")
    here.take(log.event(runner))

    assert [row.status for row in here.suggestions(runner)] == ([status] if status else [])
    assert len(here.all(SessionRecord)) == (word == "done")
    assert (here.athlete(runner).paused_until is not None) is (word == "pause")
    here.later(hours=2)
    here.take(log.event(runner, about=log.runs(runner, nth(1))))
    assert (log.note, log.note_of(nth(1))) == ("Mine.", "Mine.")


@pytest.mark.parametrize(("ours", "status"), [(True, "done"), (False, "open")], ids=["ours", "unknown"])
def test_strength_work_recorded_afterwards_answers_or_asks(here: Place, log: Log, *, ours: bool, status: str) -> None:
    runner = log.noted()
    here.later(minutes=20)
    minutes_10 = {"ago": timedelta(minutes=10), "moving_s": 600, "elapsed_s": 600}
    strength = log.runs(runner, nth(1), sport="strength", is_adductor_session=ours, **minutes_10)

    here.take(log.event(runner, about=strength))

    suggestion = here.suggestion(runner)
    assert (suggestion.status, suggestion.asks_about_activity) == (status, None if ours else strength)
    done = [(row.source, row.platform_id) for row in here.all(SessionRecord)]
    assert done == ([("log", strength)] if ours else [])


@pytest.mark.parametrize("said", [Said.DONE, Said.NOT_TODAY, Said.TOO_HARD])
@pytest.mark.parametrize("when", ["while it waits", "between our read and our write", "when it stands"])
def test_note_answered_before_it_was_written_is_not_written(here: Place, log: Log, said: Said, when: str) -> None:
    runner = log.comes_home()
    here.delay_notes()
    here.take(log.event(runner))
    if when == "when it stands":
        here.sweep_after(minutes=2)
    if when == "between our read and our write":
        log.after_read = lambda: here.answer(runner, said) and None
    else:
        here.answer(runner, said)

    here.sweep_after(minutes=2)

    outcome = "written" if when == "when it stands" else "answered"
    assert [(row.state, row.outcome) for row in here.deliveries(runner)] == [("done", outcome)]
    assert log.note.count(block.SIGNATURE) == int(when == "when it stands")
    assert log.reads == (1 if when == "while it waits" else 2)
