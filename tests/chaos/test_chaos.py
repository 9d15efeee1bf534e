"""The short form of `make chaos`: real processes killed, a Strava that fails, and the accounting at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.chaos.plan import make_plan
from bench.chaos.scenario import run
from bench.chaos.topologies import TOPOLOGIES

# A lease of a killed worker is a quarter of an hour of their time: faster, and a run would be too old for a note.
SPEED = 30.0


@pytest.mark.processes
@pytest.mark.parametrize("store", TOPOLOGIES)
def test_chaos_of_kills_and_faults_keeps_every_promise(store: str, tmp_path: Path) -> None:
    plan = make_plan(7, events=220, seconds=12, speed=SPEED, kill_every_s=3, short=True)

    figures = run(plan, store, tmp_path / store, limit=90, settle_s=300)

    assert not figures["broken"], yaml.safe_dump(figures, sort_keys=False, allow_unicode=True)
    assert figures["notes and texts"]["due and there"] > 5
    assert figures["notes and texts"]["not due and not there"] > 5
    assert figures["kills"]


def test_plan_of_a_seed_is_always_the_same() -> None:
    one, same, other = (make_plan(seed, events=400, seconds=60, speed=30, kill_every_s=5) for seed in (1, 1, 2))

    assert one == same
    assert one != other
    assert {kill.part for kill in one.kills} == {"web", "worker", "beat", "broker"}
