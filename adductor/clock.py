"""The clock: real time, or the time of the sandbox and the tests, which may be faster and moved on.

Due times, windows and prompts follow `now`. Leases and heartbeats follow `real_now`.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from adductor.files import create_once
from adductor.settings import Settings


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """The time of runners and their logs; UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """The time of processes, never sped up; UTC."""
        return datetime.now(UTC)

    def real_seconds(self, simulated_s: float) -> float:
        """Convert seconds of `now` to real seconds."""
        return simulated_s


class SharedClock(Clock):
    """A time of its own, shared through a file that is only ever replaced as a whole.

    It holds ``{"real": epoch s, "simulated": epoch s, "speed": factor}``.
    """

    def __init__(self, file: Path, speed: float) -> None:
        self._file = file
        real = time.time()
        file.parent.mkdir(parents=True, exist_ok=True)
        create_once(file, json.dumps({"real": real, "simulated": real, "speed": speed}))

    def now(self) -> datetime:
        told = json.loads(self._file.read_text())
        return datetime.fromtimestamp(told["simulated"] + (time.time() - told["real"]) * told["speed"], UTC)

    def real_seconds(self, simulated_s: float) -> float:
        return simulated_s / float(json.loads(self._file.read_text())["speed"])


def clock_for(settings: Settings) -> Clock:
    """The clock that these settings ask for."""
    if not settings.shares_clock:
        return Clock()
    return SharedClock(settings.clock_file, settings.clock_speed)


def set_speed(settings: Settings) -> None:
    """Let a shared clock that an earlier run left go on from where it is, as fast as the settings say."""
    if not settings.clock_file.exists():
        return
    old = json.loads(settings.clock_file.read_text())
    if old["speed"] != settings.clock_speed:
        real = time.time()
        simulated = old["simulated"] + (real - old["real"]) * old["speed"]
        draft = settings.clock_file.with_suffix(".new")
        draft.write_text(json.dumps({"real": real, "simulated": simulated, "speed": settings.clock_speed}))
        draft.replace(settings.clock_file)
