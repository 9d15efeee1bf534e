"""Every decision case: the decision, the dose and the rule are the expected ones."""

from __future__ import annotations

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import decide
from tests.coaching.cases import Case, all_cases, given_cases, more_cases


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_case_is_decided_as_expected(case: Case) -> None:
    verdict = decide(scenario.parse(case.document), catalogue())

    assert (verdict.decision, verdict.dose, verdict.rule) == case.expected, verdict.reason
    assert (verdict.routine is None) == (verdict.dose == "none")
    assert verdict.considered[-1].stopped
    assert not any(seen.stopped for seen in verdict.considered[:-1])
    # The reason is a short sentence without shouting.
    assert verdict.reason.endswith(".")
    assert "!" not in verdict.reason
    assert "None" not in verdict.reason
    assert len(verdict.reason) <= (700 if verdict.decision == "refer" else 160)
    assert all(seen.because and "None" not in seen.because for seen in verdict.considered)


def test_our_own_cases_are_at_least_as_many_as_the_given_ones() -> None:
    assert len(more_cases()) >= len(given_cases()) == 56


def test_case_names_are_different() -> None:
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)
