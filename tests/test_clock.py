"""Time: real, or faster and shared through a file."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adductor.clock import SharedClock, clock_for, set_speed
from adductor.settings import load
from service.cli.up import make_plan

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def test_shared_clock_starts_now_and_runs_faster_for_all_processes(tmp_path: Path) -> None:
    clock, other = (SharedClock(tmp_path / "clock.json", 3600) for _ in range(2))
    first = clock.now()

    while clock.now() - first < timedelta(minutes=1):
        pass

    assert abs(clock.now() - other.now()) < timedelta(minutes=20)
    assert abs(clock.real_now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.real_seconds(3600) == 1


def test_shared_clock_set_by_one_is_set_for_all_and_not_set_back(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    clock = SharedClock(file, 1)
    clock.now()

    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"real": time.time(), "simulated": NOON.timestamp(), "speed": 1}))
    draft.replace(file)

    for told in (clock, SharedClock(file, 1)):
        assert abs(told.now() - NOON) < timedelta(seconds=5)


def test_clock_is_shared_beside_the_sandbox_and_real_beside_a_real_platform(tmp_path: Path) -> None:
    folder = {"ADDUCTOR_DATA_DIR": str(tmp_path)}
    real = {"INTERVALS_CLIENT_ID": "7", "INTERVALS_CLIENT_SECRET": "own", "INTERVALS_WEBHOOK_SECRET": "told"}
    alone, beside_real = (make_plan(load(_env_file=None, **folder, **more)).brought for more in ({}, real))
    own = folder | {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "own"}
    installations = [alone, beside_real | real, own]

    kinds = [isinstance(clock_for(load(_env_file=None, **settings)), SharedClock) for settings in installations]

    assert kinds == [True, False, False]
    assert ["ADDUCTOR_INTERVALS_API_URL" in settings for settings in installations] == [True, False, False]


def test_shared_clock_of_an_earlier_run_goes_on_at_the_speed_of_the_settings(tmp_path: Path) -> None:
    settings = load(_env_file=None, ADDUCTOR_DATA_DIR=str(tmp_path))
    set_speed(settings)
    assert not settings.clock_file.exists()
    settings.clock_file.write_text(json.dumps({"real": time.time(), "simulated": NOON.timestamp(), "speed": 3600}))

    set_speed(settings)

    told = json.loads(settings.clock_file.read_text())
    assert told["speed"] == 1
    assert told["simulated"] >= NOON.timestamp()
