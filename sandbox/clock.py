"""The sandbox's time: real by default, shifted or faster when a clock file says so.

The file holds `{"real": <epoch s>, "simulated": <epoch s>, "speed": <factor>}` and means
`now = simulated + (time.time() - real) * speed`. Every process that reads the same file has the same clock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SPEED_MAX = 1_000_000
# 2100-01-01: later times only come from mistakes, and some libraries overflow on them.
LATEST_S = 4_102_444_800.0


class Reading(BaseModel):
    """The clock file: one line through time. At `real` it was `simulated`, and it runs `speed` times as fast."""

    model_config = ConfigDict(allow_inf_nan=False)

    real: float
    simulated: float = Field(ge=0, le=LATEST_S)
    speed: float = Field(gt=0, le=SPEED_MAX)

    def at(self, real_s: float) -> float:
        return self.simulated + (real_s - self.real) * self.speed


class ClockError(ValueError):
    """The clock file or a clock request is invalid; the message names the wrong number."""

    def __init__(self, where: str, error: ValidationError) -> None:
        first = error.errors()[0]
        super().__init__(f"{where} is no clock: {'.'.join(map(str, first['loc']))} {first['msg']}")


class Clock:
    """Read and rewrite the clock file. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._reading = Reading(real=0, simulated=0, speed=1)
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
                try:
                    self._reading = Reading.model_validate_json(self._file.read_bytes())
                except ValidationError as error:
                    raise ClockError(str(self._file), error) from None
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
        moved_to = (old.at(real) if now is None else now) + advance_s
        try:
            reading = Reading(real=real, simulated=moved_to, speed=old.speed if speed is None else speed)
        except ValidationError as error:
            raise ClockError("the new clock", error) from None
        with self._lock:
            # Another process may be reading: it sees the old file or the new one, never half of one.
            scratch = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
            scratch.write_text(reading.model_dump_json(), encoding="utf-8")
            scratch.replace(self._file)
        for listener in self._listeners:
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each `set` (not after a change by another process)."""
        self._listeners.append(listener)
