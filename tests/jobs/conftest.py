"""The fixtures of the jobs' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory_log import log as log
from tests.support.runners import Place, place


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A store on SQLite and a clock of the test's own; what locks and races decide runs on `memory_log.here`."""
    with place(tmp_path) as made:
        yield made
