"""`make audit` says that all is well only when all was looked at. What the index answers is made up: no test asks one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tools.audit import UNCHECKED, VULNERABLE, WELL, main, verdict

FINE = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "left", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}]}
SKIPPED = {"name": "right", "skip_reason": "Dependency not found on PyPI and could not be audited: right (2.0)"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([FINE, FINE], WELL, "2 packages checked, none known to be vulnerable"),
        ([FINE, BAD], VULNERABLE, "left 1.0: PYSEC-2026-1, mended in 1.1"),
        ([FINE, SKIPPED], UNCHECKED, "NOT CHECKED: 1 of 2 packages"),
        ([BAD, SKIPPED], UNCHECKED, "PYSEC-2026-1"),
        ([SKIPPED], UNCHECKED, "NOT CHECKED: 1 of 1 packages"),
        ([], UNCHECKED, "NOT CHECKED"),
    ],
)
def test_only_what_was_looked_at_is_well(packages: list[dict[str, object]], code: int, words: str) -> None:
    lines, said = verdict({"dependencies": packages})

    assert said == code
    assert words in "\n".join(lines)
    assert ("none known" in "\n".join(lines)) is (code == WELL or packages == [FINE, SKIPPED])


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ('echo \'{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}\'', WELL, "1 packages checked"),
        ("echo 'ERROR: no route to the index' >&2; exit 1", UNCHECKED, "no route to the index"),
        ("exit 1", UNCHECKED, "it said nothing"),
    ],
)
def test_an_index_that_does_not_answer_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answers: str, code: int, words: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\n{answers}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    assert main([str(program), "some.lock"]) == code
    assert words in capsys.readouterr().out
