"""A sandbox in this process, its application's callback on a real port, and a connected runner."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.app import close, create_app
from sandbox.config import SandboxConfig

CLIENT_ID, CLIENT_SECRET = 4711, "not-so-secret"
MARA = 90_000_001
ALL_SCOPES = ["read", "activity:read_all", "activity:write"]
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
# A Sunday at 17:00 UTC, far from the end of a rate-limit window.
NOW = "2026-11-22T17:01:00Z"


class _QuietHandler(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve a WSGI application on a free port; yields its address."""
    # Werkzeug's backlog is 128: all threads of the courier connect at once, and a dropped SYN waits for a second.
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Callback:
    """The application's webhook address. Tests set how it behaves and read what arrived."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.handshakes: list[dict[str, str]] = []
        self.status, self.delay_s, self.echo = 200, 0.0, True
        self.let_go = threading.Event()  # ends every delay
        self._arrived = threading.Condition()

    def answer(self, request: Request) -> Response:
        status, challenge = self.status, request.args.get("hub.challenge") if self.echo else "something else"
        with self._arrived:
            if request.method == "GET":
                self.handshakes.append(request.args.to_dict())
            else:
                self.events.append(json.loads(request.get_data()))
                self.headers.append(dict(request.headers))
            self._arrived.notify_all()
        self.let_go.wait(self.delay_s)
        return Response(json.dumps({"hub.challenge": challenge}), status)

    def wait_for(self, count: int, timeout_s: float = 10) -> list[dict[str, Any]]:
        """The events so far, as soon as there are that many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.events) >= count, timeout_s), f"{len(self.events)} arrived"
            return list(self.events)


@pytest.fixture
def callback() -> Iterator[Callback]:
    made = Callback()
    with serving(Request.application(made.answer)) as url:
        made.url = f"{url}/hook"
        try:
            yield made
        finally:
            made.let_go.set()


@dataclass
class Admin:
    """A client of the admin API of one of the platforms."""

    http: FlaskClient
    root: str = ""

    def admin(self, path: str, body: Any = None, *, method: str = "POST", status: int | None = None) -> Any:
        answer = self.http.open(f"{self.root}/admin{path}", method=method, json=body)
        assert answer.status_code == status if status else answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def look(self, path: str) -> Any:
        return self.admin(path, method="GET")

    def switch(self, **switches: Any) -> Any:
        return self.admin("/switches", switches)

    def attempted(self, count: int) -> Any:
        """The only delivery, after its attempt number `count` has ended."""
        while True:
            (delivery,) = self.look("/deliveries")["deliveries"]
            if len(delivery["attempts"]) >= count:
                return delivery
            self.http.get(f"{self.root}/admin/wait?for=deliveries&timeout_s=0.02")


@dataclass
class Sandbox(Admin):
    """A client of Strava's API with the words of the tests."""

    token: str = ""
    refresh_token: str = ""
    runner_id: int = MARA

    def connect(self, scopes: list[str] | None = None, runner_id: int = MARA) -> None:
        made = self.admin(f"/runners/{runner_id}/connect", {"scopes": scopes or ALL_SCOPES})
        self.token, self.refresh_token, self.runner_id = made["access_token"], made["refresh_token"], runner_id

    def subscribe(self, url: str) -> Any:
        return self.http.post(
            "/api/v3/push_subscriptions",
            data=CREDENTIALS | {"callback_url": url, "verify_token": "from the application"},
        )

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.open(f"/api/v3{path}", method=method, headers=headers, **kwargs)

    def record(self, **recording: Any) -> int:
        made: int = self.admin(f"/runners/{self.runner_id}/activities", recording)["id"]
        return made

    def get(self, activity_id: int) -> Any:
        return self.call("GET", f"/activities/{activity_id}")

    def put(self, activity_id: int, **fields: Any) -> Any:
        return self.call("PUT", f"/activities/{activity_id}", json=fields)

    def edit(self, activity_id: int, **changes: Any) -> Any:
        return self.admin(f"/activities/{activity_id}/edit", {"changes": changes})

    def truth(self, activity_id: int) -> Any:
        return self.look(f"/activities/{activity_id}")

    def refresh(self, refresh_token: str | None = None) -> Any:
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token or self.refresh_token}
        return self.http.post("/oauth/token", data=CREDENTIALS | body)


@contextmanager
def running(folder: Path, *, token: str = "") -> Iterator[Sandbox]:
    """A sandbox in this process over the state in `folder`."""
    app = create_app(
        SandboxConfig(
            state_dir=folder / "state",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            mail_dir=folder / "mail",
            clock_file=folder / "clock.json",
            app_url="http://app.example:8000",
        )
    )
    app.testing = True
    try:
        yield Sandbox(app.test_client(), token=token)
    finally:
        close(app)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared sandbox keeps state, mails and clock."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def shared(folder: Path) -> Iterator[Sandbox]:
    with running(folder) as sandbox:
        yield sandbox


@pytest.fixture
def strava(shared: Sandbox) -> Sandbox:
    """The shared sandbox after a reset: no connection, no subscription, a clock at its usual pace."""
    shared.admin("/reset")
    shared.admin("/clock", {"now": NOW, "speed": 1})
    return Sandbox(shared.http.application.test_client())


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
