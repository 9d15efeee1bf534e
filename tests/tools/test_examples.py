"""The examples in the docs are what runners get."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import examples

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.parametrize("name", sorted(examples.files()))
def test_the_example_is_current(name: str) -> None:
    """`python -m tools.examples docs/examples` writes them anew."""
    assert (FOLDER / name).read_text(encoding="utf-8") == examples.files()[name]


def test_nothing_lies_there_that_is_no_example() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(examples.files())
