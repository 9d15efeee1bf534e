"""`adductor up` in a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.supervisor import free_port
from tests.support.live import clean_environment

# The new session's terminal is standard input: so Ctrl-C and the closing of a window arrive as they do for a person.
_TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Up:
    """`adductor up` as the foreground program of a terminal of its own."""

    folder: Path
    pid: int
    terminal: int
    web: str
    sandbox: str
    said: str = ""

    def read_until(self, words: str, within_s: float = 60) -> None:
        give_up_at = time.monotonic() + within_s
        while words not in self.said:
            ready, _, _ = select.select([self.terminal], [], [], max(give_up_at - time.monotonic(), 0))
            assert ready, f"never said {words!r}, but: {self.said[-2000:]}"
            try:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError as error:  # the other side of the terminal is closed
                raise AssertionError(f"it ended, and had said: {self.said[-2000:]}") from error

    def family(self) -> list[psutil.Process]:
        top = psutil.Process(self.pid)
        return [top, *top.children(recursive=True)]


@contextmanager
def adductor_up(folder: Path, **settings: str) -> Iterator[Up]:
    """Start it in this folder, and wait until it says that it is ready."""
    web, sandbox = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    binds = {"ADDUCTOR_DATA_DIR": str(folder), "ADDUCTOR_BIND": web, "ADDUCTOR_SANDBOX_BIND": sandbox}
    # Started by a process of its own: this one has threads, and what is forked from it must not run on.
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_THE_TERMINAL, sys.executable, "-m", "service.cli", "up"],
        stdin=slave, stdout=slave, stderr=slave, env={**clean_environment(), **binds, **settings}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    here = Up(folder, process.pid, master, f"http://{web}", f"http://{sandbox}")
    try:
        here.read_until("Ctrl-C ends everything")
        yield here
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        with contextlib.suppress(OSError):  # the test may have closed it
            os.close(master)


def all_gone(family: list[psutil.Process]) -> bool:
    """Whether all of these end within seconds."""
    return not psutil.wait_procs(family, timeout=25)[1]
