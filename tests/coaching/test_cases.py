"""Every decision case: the decision, the dose, the rule and its words are the expected ones."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from adductor import scenario
from adductor.catalogue import catalogue
from adductor.coaching import decide, rules
from tests.coaching.cases import Case, all_cases

RULES = [rule.name for rule in rules.RULES]


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_case_is_decided_as_expected(case: Case) -> None:
    verdict = decide(scenario.parse(case.document), catalogue())

    assert (verdict.decision, verdict.dose, verdict.rule) == case.expected, verdict.reason
    assert (verdict.routine is None) == (verdict.dose == "none")
    assert [seen.rule for seen in verdict.considered] == RULES[: len(verdict.considered)]
    assert [seen.stopped for seen in verdict.considered] == [False] * (len(verdict.considered) - 1) + [True]
    assert fnmatchcase(verdict.reason, case.says), verdict.reason
    assert verdict.reason.partition("kept light: ")[2] == (f"{verdict.light_because}." if verdict.light_because else "")
    # The reason is a short sentence without shouting.
    assert verdict.reason.endswith(".")
    assert "!" not in verdict.reason
    assert "None" not in verdict.reason
    assert not any(word in verdict.reason.lower() for word in ("prevent", "treat", "rehab", "diagnos", "cure"))
    assert len(verdict.reason) <= (700 if verdict.decision == "refer" else 160)
    assert all(seen.because and "None" not in seen.because for seen in verdict.considered)
