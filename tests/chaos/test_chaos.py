"""The short form of `make chaos`: real processes killed, a Strava that fails, and the books at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chaos import plan
from bench.chaos.houses import STORES
from bench.chaos.report import printed
from bench.chaos.story import run

# A quarter of an hour in fifteen seconds.
SPEED = 60.0
# What is waited for long after it (up to an hour, here a minute): the full form has the time.
LONG = (
    "the application is inactive (403)",
    "429 out of the blue",
    "reads without an answer (timeout)",
    "writes without an answer (timeout)",
)


@pytest.mark.processes
@pytest.mark.parametrize("store", STORES)
def test_nothing_is_lost_and_nothing_doubled_while_everything_goes_wrong(store: str, tmp_path: Path) -> None:
    short = plan.make(7, events=220, seconds=12, speed=SPEED, kill_every_s=3, spared=LONG)

    figures = run(short, store, tmp_path, limit=70, settle_s=90)

    assert not figures["broken"], printed(figures)
    assert figures["notes"]["due and there"] > 5
    assert figures["notes"]["not due and not there"] > 5
    assert {kill.partition(",")[0] for kill in figures["kills"]} >= {"web", "worker", "beat", "broker"}
