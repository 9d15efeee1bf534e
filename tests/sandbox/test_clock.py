"""The shared clock."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from sandbox.clock import Clock, ClockError


def test_without_a_file_it_is_the_real_time(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    assert clock.now() == pytest.approx(time.time(), abs=0.5)
    assert clock.speed == 1


def test_it_follows_a_file_that_another_process_writes(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    clock = Clock(file)
    file.write_text(json.dumps({"real": time.time(), "simulated": 1000.0, "speed": 1.0}))
    assert clock.now() == pytest.approx(1000, abs=0.5)
    other = tmp_path / "next"
    other.write_text(json.dumps({"real": time.time() - 2, "simulated": 5000.0, "speed": 100.0}))
    other.replace(file)
    assert clock.now() == pytest.approx(5200, abs=50)


def test_moving_it_keeps_its_speed_and_speeding_it_keeps_its_time(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    clock.set(now=1000, speed=10)
    clock.set(advance_s=500)
    assert clock.speed == 10
    assert 1500 <= clock.now() < 1550
    clock.set(speed=1)
    assert 1500 <= clock.now() < 1560
    raw = json.loads((tmp_path / "clock.json").read_text())
    assert set(raw) == {"real", "simulated", "speed"}
    assert list(tmp_path.iterdir()) == [tmp_path / "clock.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"real": 0, "simulated": 0, "speed": 0}', '{"real": "x"}', "1e999"])
def test_a_file_that_is_no_clock_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clock.json"
    file.write_text(text)
    with pytest.raises(ClockError, match=r"clock\.json is no clock"):
        Clock(file).now()


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    writer, reader = Clock(tmp_path / "clock.json"), Clock(tmp_path / "clock.json")
    writer.set(now=1000)
    stop = threading.Event()

    def write() -> None:
        for _ in range(300):
            writer.set(now=1000)
        stop.set()

    writing = threading.Thread(target=write)
    writing.start()
    while not stop.is_set():
        assert 1000 <= reader.now() < 1010
    writing.join()


def test_whoever_listens_hears_of_a_change(tmp_path: Path) -> None:
    clock, heard = Clock(tmp_path / "clock.json"), []
    clock.on_change(lambda: heard.append(clock.now()))
    clock.set(now=7)
    assert heard == [pytest.approx(7, abs=0.5)]
