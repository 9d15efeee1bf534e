"""The clock that the sandbox and the product share through a file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sandbox.clock import Clock, ClockError


def test_clock_is_real_time_without_a_file_and_follows_one_that_another_process_replaces(tmp_path: Path) -> None:
    clock, other, before = Clock(tmp_path / "clock.json"), Clock(tmp_path / "clock.json"), time.time()
    assert before <= clock.now() <= time.time()
    assert clock.speed == 1
    for now in (1000, 5000):
        other.set(now=now)
        assert now <= clock.now() < now + 600


def test_move_keeps_the_speed_and_a_new_speed_the_time_and_listeners_hear_of_both(tmp_path: Path) -> None:
    clock, heard = Clock(tmp_path / "clock.json"), []
    clock.on_change(lambda: heard.append(clock.speed))
    clock.set(now=1000, speed=10)
    clock.set(advance_s=500)
    assert clock.speed == 10
    assert 1500 <= clock.now() < 2500
    clock.set(speed=1)
    assert 1500 <= clock.now() < 2500
    assert heard == [10, 10, 1]
    assert set(json.loads((tmp_path / "clock.json").read_text())) == {"real", "simulated", "speed"}
    assert list(tmp_path.iterdir()) == [tmp_path / "clock.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"real": 0, "simulated": 0, "speed": 0}', '{"real": "x"}', "1e999"])
def test_file_that_is_no_clock_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clock.json"
    file.write_text(text)
    with pytest.raises(ClockError, match=r"clock\.json is no clock"):
        Clock(file).now()
