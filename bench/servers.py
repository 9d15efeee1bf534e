"""Processes of a benchmark: `adductor up`, a bare Flask as the floor, each in a folder of its own and killed at the end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psutil
import requests

from bench.sandbox import Sandbox

UP_WITHIN_S = 60.0
_READY = "is ready"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that takes webhooks, and its process."""

    address: str
    webhook_path: str
    process: subprocess.Popen[bytes]
    subscription_id: int = 1


@dataclass(frozen=True, slots=True)
class Up:
    """`adductor up` with its sandbox and an embedded database."""

    url: str
    server: Server
    sandbox: Sandbox
    database: str  # a SQLAlchemy URL


def new_activity(server: Server, activity: int, athlete: int) -> dict[str, Any]:
    """The event of an activity recorded just now."""
    return {
        "aspect_type": "create",
        "event_time": int(time.time()),
        "object_id": activity,
        "object_type": "activity",
        "owner_id": athlete,
        "subscription_id": server.subscription_id,
        "updates": {},
    }


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}


def adductor(*arguments: str) -> list[str]:
    """A command line of the product."""
    return [sys.executable, "-m", "service.cli", *arguments]


@contextmanager
def adductor_up(folder: Path, **values: str) -> Iterator[Up]:
    """Run `adductor up` until it says that it is ready. ``values`` are settings beside free ports and a data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    web, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(2))
    data = folder / "data"
    own = {"ADDUCTOR_DATA_DIR": str(data), "ADDUCTOR_BIND": web, "ADDUCTOR_PUBLIC_URL": f"http://{web}", **values}
    with started(adductor("up", f"--sandbox-bind={sandbox}"), own, folder) as process:
        ready(process, folder)
        strava = Sandbox(f"http://{sandbox}")
        subscription = strava.ask("GET", "state")["subscription"]
        path = urlsplit(subscription["callback_url"]).path
        server = Server(web, path, process, int(subscription["id"]))
        yield Up(f"http://{web}", server, strava, f"sqlite:///{data / 'adductor.db'}")


def ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until `adductor up` says that it is ready."""
    until(lambda: _READY in (folder / "log").read_text(errors="replace"), process, folder)


@contextmanager
def flask_floor(folder: Path) -> Iterator[Server]:
    """Run bench/floor.py."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    with started([sys.executable, "-m", "bench.floor", address, str(folder)], {}, folder) as process:
        until(lambda: requests.get(f"http://{address}/", timeout=5).ok, process, folder)
        yield Server(address, "/webhook", process)


def _die_with_parent() -> None:
    with contextlib.suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextmanager
def started(arguments: list[str], values: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that logs to ``folder``; at the end SIGKILL it and all its descendants."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            env={**clean_environment(), **values},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        try:
            yield process
        finally:
            kill_tree(process.pid)
            process.wait()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_mb(up: Up) -> float:
    """The memory of all its processes; what they share is counted once."""
    return sum(one.memory_full_info().pss for one in tree(up.server.process.pid)) / 1_000_000


def send_signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Signal those that still run."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all its descendants; they stop first, so that none starts another meanwhile."""
    processes = tree(pid)
    send_signal(processes, signal.SIGSTOP)
    send_signal(processes, signal.SIGKILL)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Keep a process tree from running, so that it takes no processor time from another measurement."""
    processes = tree(pid)
    send_signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(processes[::-1], signal.SIGCONT)


def until(condition: Callable[[], T | None], process: subprocess.Popen[bytes], folder: Path) -> T:
    """Poll until a condition holds. Raises RuntimeError with the end of the log when it does not."""
    deadline = time.monotonic() + UP_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if found := condition():
                return found
        time.sleep(0.01)  # another process: there is nothing to wait on
    last = "\n".join((folder / "log").read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"{process.args!r} did not come up; its log ends with\n{last}")
