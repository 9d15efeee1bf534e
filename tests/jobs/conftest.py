"""What the tests of the flow share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runners import Place, place


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A store and a clock of the test's own."""
    with place(tmp_path) as made:
        yield made
