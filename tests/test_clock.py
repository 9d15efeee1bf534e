"""Time: real, or faster and shared through a file."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adductor.clock import Clock, SharedClock

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def _set(file: Path, ago_s: float = 0) -> None:
    """Told from any moment before now, it is noon now."""
    values = {"real": time.time() - ago_s, "simulated": NOON.timestamp() - ago_s, "speed": 1}
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(values))
    draft.replace(file)


def test_clock_tells_real_time() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert Clock().real_seconds(90) == 90


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

    _set(file)

    for told in (clock, SharedClock(file, 1)):
        assert abs(told.now() - NOON) < timedelta(seconds=5)


def test_shared_clock_threads_never_see_half_of_a_change(tmp_path: Path) -> None:
    """From one half of each of two changes the time is eleven days off."""
    file = tmp_path / "clock.json"
    _set(file)
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
            _set(file, 1e6 * (change % 2))
    finally:
        over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(usual)

    assert wrong == []
