"""The sandbox's time: real by default, shifted or faster when a clock file says so.

The file holds `{"real": <epoch s>, "simulated": <epoch s>, "speed": <factor>}` and means
`now = simulated + (time.time() - real) * speed`. Every process that reads the same file has the same clock.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SPEED_MAX = 1_000_000
# 2100-01-01: later times only come from mistakes, and some libraries overflow on them.
LATEST_S = 4_102_444_800.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One line through time: at `real_s` it was `simulated_s`, and it runs `speed` times as fast."""

    real_s: float
    simulated_s: float
    speed: float

    def at(self, real_s: float) -> float:
        return self.simulated_s + (real_s - self.real_s) * self.speed


_REAL_TIME = Reading(0.0, 0.0, 1.0)


class ClockError(ValueError):
    """The clock file or a clock request is invalid; the message names the valid form."""


def parse_reading(text: str, where: str) -> Reading:
    """The content of a clock file. Raises `ClockError` naming `where` when it is not one."""
    try:
        raw = json.loads(text)
        reading = Reading(float(raw["real"]), float(raw["simulated"]), float(raw["speed"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ClockError(
            f'{where} is no clock: it should hold {{"real": epoch seconds, "simulated": epoch seconds, '
            f'"speed": factor}} ({error})'
        ) from error
    if not all(map(math.isfinite, (reading.real_s, reading.simulated_s, reading.speed))):
        raise ClockError(f"{where} is no clock: all three numbers must be finite")
    if not 0 < reading.speed <= SPEED_MAX or not 0 <= reading.simulated_s <= LATEST_S:
        raise ClockError(
            f"{where} is no clock: the speed has to be above 0 and at most {SPEED_MAX}, the time between 1970 and 2100"
        )
    return reading


class Clock:
    """Read and rewrite the clock file. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._reading = _REAL_TIME
        self._listeners: list[Callable[[], None]] = []

    def _current(self) -> Reading:
        try:
            stat = os.stat(self._file)  # noqa: PTH116 - a Path object a call is measurable on the hot path
        except FileNotFoundError:
            return self._reading
        # The inode too: two writes within one tick of the file system's clock differ by it.
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            with self._lock:
                self._reading = parse_reading(self._file.read_text(encoding="utf-8"), str(self._file))
                self._seen = seen
        return self._reading

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._current().speed

    def now(self) -> float:
        """Simulated epoch seconds."""
        return self._current().at(time.time())

    def ahead_s(self) -> float:
        """How far it is ahead of real time; negative: behind."""
        return self.now() - time.time()

    def datetime(self) -> datetime:
        """Simulated time, UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def set(self, *, now: float | None = None, advance_s: float = 0.0, speed: float | None = None) -> None:
        """Move the clock: to `now` if given, then on by `advance_s`; from here on it runs at `speed`.

        Raises `ClockError` for a speed that is not above 0 or a time that is no number.
        """
        real = time.time()
        old = self._current()
        reading = Reading(
            real,
            (old.at(real) if now is None else now) + advance_s,
            old.speed if speed is None else speed,
        )
        text = json.dumps({"real": reading.real_s, "simulated": reading.simulated_s, "speed": reading.speed})
        parse_reading(text, "the new clock")
        with self._lock:
            # Another process may be reading: it sees the old file or the new one, never half of one.
            scratch = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(self._file)
        for listener in self._listeners:
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each `set` (not after a change by another process)."""
        self._listeners.append(listener)
