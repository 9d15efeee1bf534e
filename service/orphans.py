"""What binds a part to the process that started it: it says when it is ready, and never outlives that process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT = "ADDUCTOR_PARENT_PID"
# The worker creates this file when it takes work.
READY_FILE = "ADDUCTOR_READY_FILE"
_LOOK_EVERY_S = 1.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """For a child between fork and exec: on Linux the kernel ends it when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end_with_parent() -> None:
    """For a part of `adductor up` after its start: where the kernel has no such service, a thread looks."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform == "linux":
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(_LOOK_EVERY_S)  # macOS has no other sign of a parent's death for us to wait on
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()
