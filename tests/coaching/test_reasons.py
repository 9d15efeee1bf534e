"""What belongs to a decision beside its case: its sources, the run that it follows, and the doses of its routine."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import decide
from adductor.coaching.dose import LIGHT_WHEN, light_after_race
from adductor.coaching.normalise import Raced, facts
from adductor.coaching.rules import RULES
from adductor.coaching.situation import Verdict
from tests.coaching.cases import all_cases

# The given cases by their number, the others by their title.
CASES = {case.name.split()[0] if case.name.startswith("DC-") else case.name: case.document for case in all_cases()}


def verdict(name: str, **changes: Any) -> Verdict:
    document = CASES[name] | changes
    return decide(scenario.parse(document), catalogue())


@pytest.mark.parametrize(("days", "sets"), [(9, 2), (10, 1), (20, 1)])
def test_ten_to_twenty_days_without_a_session_take_a_set(days: int, sets: int) -> None:
    last = date(2026, 11, 17) - timedelta(days=days)
    athlete = CASES["The plain case"]["athlete"] | {"last_completed_session_date": last.isoformat()}
    routine = verdict("The plain case", athlete=athlete, sessions=[]).routine
    assert routine is not None
    assert routine.items[1].sets == sets


def test_every_rule_decides_some_case_and_has_a_source() -> None:
    decided = {case.expected[2] for case in all_cases()}
    assert decided == {rule.name for rule in RULES}
    assert all(rule.source and rule.look.__doc__ for rule in RULES)
    assert all(reason.__doc__ for reason in LIGHT_WHEN)


@pytest.mark.parametrize(
    ("name", "changes", "details"),
    [
        ("DC-048", {}, {"activity_id": "b"}),
        ("DC-048", {"event": {"type": "activity_updated", "activity_id": "a"}}, {"activity_id": "a"}),
        ("DC-048", {"event": {"type": "clock_tick"}}, {"activity_id": "b"}),
        ("The plain rest day", {}, {}),
    ],
)
def test_the_run_that_a_routine_follows_is_named(name: str, changes: dict[str, Any], details: dict[str, str]) -> None:
    assert verdict(name, **changes).details == details


def test_pain_three_to_five_gets_the_gentle_squeeze_alone() -> None:
    routine = verdict("Pain 5 keeps it light").routine
    assert routine is not None
    assert [item.exercise for item in routine.items] == ["supine_adductor_squeeze"]
    assert "between the knees, gently, never above your usual pain; if it rises, stop." in (
        routine.items[0].advice or ""
    )
    plain = verdict("Long run yesterday, easy run today").routine
    assert plain is not None
    assert [item.advice for item in plain.items] == [None, None]


@pytest.mark.parametrize(("free", "said"), [(6, None), (7, "the first session after 7 days free for the race")])
def test_a_week_kept_free_for_a_race_is_followed_by_a_light_session(free: int, said: str | None) -> None:
    seen = facts(scenario.parse(CASES["The plain rest day"]))
    seen.last_done = date(2026, 11, 1)
    seen.races = [Raced(date(2026, 11, 10), free, "B")]
    assert light_after_race(seen) == said


@pytest.mark.parametrize(("kind", "comes"), [("warm_up", True), ("strength_full", False), ("strength_light", False)])
def test_what_came_in_a_session_of_late_waits_and_a_warm_up_is_none(kind: str, comes: bool) -> None:
    band = "standing_resisted_adduction"
    done = {"completed_at": "2026-11-12T08:00:00+00:00", "kind": "strength_full"}
    lately = {"completed_at": "2026-11-13T08:00:00+00:00", "kind": kind, "exercises": [band]}
    routine = verdict("The plain case", sessions=[done, lately] if kind == "warm_up" else [lately]).routine
    assert routine is not None
    assert (band in [item.exercise for item in routine.items]) is comes
