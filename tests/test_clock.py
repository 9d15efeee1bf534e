"""Time: real, or faster and shared."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adductor.clock import Clock, SharedClock

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def _write(file: Path, simulated: datetime, speed: float) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"real": time.time(), "simulated": simulated.timestamp(), "speed": speed}))
    draft.replace(file)


def test_the_plain_clock_tells_real_time() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert Clock().real_seconds(90) == 90


def test_a_shared_clock_starts_now_and_runs_faster(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock.json", 3600)
    first = clock.now()

    while clock.now() - first < timedelta(minutes=1):
        pass

    assert abs(clock.real_now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.real_seconds(3600) == 1


def test_two_processes_read_the_same_time(tmp_path: Path) -> None:
    one, other = (SharedClock(tmp_path / "clock.json", 1000) for _ in range(2))

    assert abs(one.now() - other.now()) < timedelta(minutes=5)


def test_a_clock_that_is_set_is_set_for_everybody(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    clock = SharedClock(file, 1)
    clock.now()

    _write(file, NOON, 1)

    assert abs(clock.now() - NOON) < timedelta(seconds=5)


def test_an_existing_clock_is_not_set_back_by_a_new_process(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    _write(file, NOON, 1)

    assert abs(SharedClock(file, 1).now() - NOON) < timedelta(seconds=5)


def test_threads_never_see_half_of_a_change(tmp_path: Path) -> None:
    """Told from either of two moments the time is the same; from one half of each it is eleven days off."""
    file, began = tmp_path / "clock.json", time.time()

    def tell_from(ago_s: float) -> None:
        values = {"real": began - ago_s, "simulated": NOON.timestamp() - ago_s, "speed": 1}
        file.with_suffix(".new").write_text(json.dumps(values))
        file.with_suffix(".new").replace(file)

    tell_from(0)
    clock, over, wrong = SharedClock(file, 1), threading.Event(), list[datetime]()

    def look() -> None:
        while not over.is_set():
            now = clock.now()
            if abs(now - NOON) > timedelta(hours=1):
                wrong.append(now)

    threads = [threading.Thread(target=look) for _ in range(4)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for change in range(300):
            tell_from(1e6 * (change % 2))
    finally:
        over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(usual)

    assert wrong == []
