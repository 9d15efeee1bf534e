"""An installation with an application at Strava and an operator, without any process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runners import Place, place

TOKEN = "an-operators-made-up-token"
APPLICATION = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "secret", "ADDUCTOR_OPS_TOKEN": TOKEN}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, **APPLICATION) as made:
        yield made
