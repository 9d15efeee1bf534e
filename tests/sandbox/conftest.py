"""A sandbox in this process, its application's callback on a real port, and a connected runner."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sandbox.app import close, create_app
from sandbox.config import SandboxConfig
from sandbox.state import World

CLIENT_ID, CLIENT_SECRET = 4711, "not-so-secret"
MARA = 90_000_001
ALL_SCOPES = ["read", "activity:read_all", "activity:write"]


class _Server(ThreadingHTTPServer):
    # All threads of the courier connect at once; a full backlog would drop them for longer than an attempt lasts.
    request_queue_size = 128


class Callback:
    """The application's webhook address. Tests set how it behaves and read what arrived."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.handshakes: list[dict[str, str]] = []
        self.status, self.handshake_status = 200, 200
        self.delay_s, self.handshake_delay_s = 0.0, 0.0
        self.echo = True
        self._let_go = threading.Event()  # nobody is kept waiting any longer
        self._arrived = threading.Condition()
        callback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
                callback.handshakes.append(query)
                callback._let_go.wait(callback.handshake_delay_s)
                body = {"hub.challenge": query.get("hub.challenge") if callback.echo else "something else"}
                self._answer(callback.handshake_status, json.dumps(body).encode())

            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = callback.status
                with callback._arrived:
                    callback.events.append(event)
                    callback._arrived.notify_all()
                callback._let_go.wait(callback.delay_s)
                self._answer(status, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a sandbox that gave up on us
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait_for(self, count: int, timeout_s: float = 10) -> list[dict[str, Any]]:
        """The events so far, as soon as there are that many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.events) >= count, timeout_s), (
                f"{len(self.events)} of {count} events arrived"
            )
            return list(self.events)

    def close(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def callback() -> Iterator[Callback]:
    made = Callback()
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    return SandboxConfig(
        state_dir=tmp_path / "state",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        mail_dir=tmp_path / "mail",
        clock_file=tmp_path / "clock.json",
        app_url="http://app.example:8000",
    )


@pytest.fixture
def app(config: SandboxConfig) -> Iterator[Flask]:
    made = create_app(config)
    made.testing = True
    yield made
    close(made)


@pytest.fixture
def world(app: Flask) -> World:
    found: World = app.extensions["sandbox"]
    return found


@dataclass
class Sandbox:
    """A client with the words of the tests."""

    http: FlaskClient
    token: str = ""
    refresh_token: str = ""
    runner_id: int = MARA
    headers: dict[str, str] = field(default_factory=dict)

    def admin(self, path: str, body: Any = None, *, method: str = "POST", status: int | None = None) -> Any:
        answer = self.http.open(f"/admin{path}", method=method, json=body)
        assert answer.status_code == status if status else answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def look(self, path: str) -> Any:
        return self.admin(path, method="GET")

    def connect(self, scopes: list[str] | None = None, runner_id: int = MARA) -> None:
        made = self.admin(f"/runners/{runner_id}/connect", {"scopes": scopes or ALL_SCOPES})
        self.token, self.refresh_token, self.runner_id = made["access_token"], made["refresh_token"], runner_id

    def subscribe(self, url: str) -> Any:
        return self.http.post(
            "/api/v3/push_subscriptions",
            data={
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "callback_url": url,
                "verify_token": "from the application",
            },
        )

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.open(f"/api/v3{path}", method=method, headers=headers, **kwargs)

    def record(self, **recording: Any) -> int:
        made: int = self.admin(f"/runners/{self.runner_id}/activities", recording)["id"]
        return made

    def edit(self, activity_id: int, **changes: Any) -> Any:
        return self.admin(f"/activities/{activity_id}/edit", {"changes": changes})

    def truth(self, activity_id: int) -> Any:
        return self.look(f"/activities/{activity_id}")

    def refresh(self, refresh_token: str | None = None) -> Any:
        return self.http.post(
            "/oauth/token",
            data={
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "grant_type": "refresh_token",
                "refresh_token": refresh_token or self.refresh_token,
            },
        )


@pytest.fixture
def strava(app: Flask) -> Sandbox:
    """Nobody connected, nothing subscribed."""
    return Sandbox(app.test_client())


@pytest.fixture
def connected(strava: Sandbox) -> Sandbox:
    """Mara connected with everything that was asked for."""
    strava.connect()
    return strava


@pytest.fixture
def subscribed(connected: Sandbox, callback: Callback) -> Sandbox:
    """Mara connected, and the application hears of events."""
    assert connected.subscribe(callback.url).status_code == 201
    return connected
