"""The examples in the docs are what runners get."""

from __future__ import annotations

from pathlib import Path

from tools import examples

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


def test_examples_committed_are_current() -> None:
    """`python -m tools.examples docs/examples` writes them anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == examples.files()
