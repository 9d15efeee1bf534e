"""What time it is: real time, or the faster one that the sandbox and the tests live in.

Due times, windows and prompts follow `now`. Leases follow `real_now`: a process that hangs does so in real time.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from adductor.settings import Settings


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """The time that runners live in; UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """The time that processes live in; UTC."""
        return datetime.now(UTC)

    def real_seconds(self, simulated_s: float) -> float:
        """How long a stretch of the runners' time takes in real seconds."""
        return simulated_s


class SharedClock(Clock):
    """A faster time, shared through a file: ``{"real": epoch s, "simulated": epoch s, "speed": factor}``.

    The file is read again when it changes, so that whoever steers the time steers it for every process.
    """

    def __init__(self, file: Path, speed: float) -> None:
        self._file = file
        self._read = (-1, 0.0, 0.0, speed)
        if not file.exists():
            real = time.time()
            _write_new(file, {"real": real, "simulated": real, "speed": speed})

    def now(self) -> datetime:
        real, simulated, speed = self._steered()
        return datetime.fromtimestamp(simulated + (time.time() - real) * speed, UTC)

    def real_seconds(self, simulated_s: float) -> float:
        return simulated_s / self._steered()[2]

    def _steered(self) -> tuple[float, float, float]:
        """Real and simulated epoch s, and the speed. All of one reading: threads read while another reads anew."""
        changed_ns = self._file.stat().st_mtime_ns
        read = self._read
        if changed_ns != read[0]:
            values = json.loads(self._file.read_text())
            read = (changed_ns, float(values["real"]), float(values["simulated"]), float(values["speed"]))
            self._read = read
        return read[1:]


def clock_for(settings: Settings) -> Clock:
    """The clock that these settings ask for."""
    if settings.clock_speed == 1:
        return Clock()
    return SharedClock(settings.clock_file, settings.clock_speed)


def _write_new(file: Path, values: dict[str, float]) -> None:
    """Create the file whole, unless another process was first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(values))
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
