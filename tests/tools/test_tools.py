"""`make audit` says that all is well only when all was looked at; the examples in the docs are what runners get."""

from __future__ import annotations

import json
import shlex
import stat
from pathlib import Path

import pytest

from tools import examples
from tools.audit import UNCHECKED, VULNERABLE, WELL, main

FINE = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "left", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}]}
SKIPPED = {"name": "right", "skip_reason": "Dependency not found on PyPI and could not be audited: right (2.0)"}


def found(*packages: dict[str, object]) -> str:
    return f"echo {shlex.quote(json.dumps({'dependencies': packages}))}"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (found(FINE, FINE), WELL, "2 packages checked, none known to be vulnerable"),
        (found(FINE, BAD), VULNERABLE, "left 1.0: PYSEC-2026-1, mended in 1.1"),
        (found(FINE, SKIPPED), UNCHECKED, "NOT CHECKED: 1 of 2 packages"),
        (found(BAD, SKIPPED), UNCHECKED, "PYSEC-2026-1"),
        (found(SKIPPED), UNCHECKED, "NOT CHECKED: 1 of 1 packages"),
        (found(), UNCHECKED, "NOT CHECKED"),
        ("echo 'ERROR: no route to the index' >&2; exit 1", UNCHECKED, "no route to the index"),
        ("exit 1", UNCHECKED, "it said nothing"),
    ],
)
def test_only_what_was_looked_at_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, code: int, words: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    assert main([str(program), "some.lock"]) == code
    said = capsys.readouterr().out
    assert words in said
    assert code == WELL or answer == found(FINE, SKIPPED) or "none known" not in said


FOLDER = Path(__file__).parents[2] / "docs" / "examples"


def test_examples_committed_are_current() -> None:
    """`python -m tools.examples docs/examples` writes them anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == examples.files()
