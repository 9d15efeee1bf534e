"""Under the client: bad lines, slow and endless answers, and what must not get from one call into another."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock

import pytest
from pytest_httpserver import HTTPServer

from adductor.platforms import transport
from adductor.platforms.base import Caller, ErrorKind, Priority
from adductor.platforms.strava.client import Client as StravaClient
from tests.platforms.conftest import (
    ACCESS,
    MINE,
    REFRESH,
    RUN,
    SECRET,
    TOKENS,
    client_at,
    failure,
    only_request,
)


@pytest.fixture
def raw_server() -> Iterator[Callable[..., StravaClient]]:
    """Starts a server that answers each connection with pieces of bytes, a pause between them, then hangs up."""
    closed = threading.Event()
    with ExitStack() as servers:

        def start(*pieces: bytes, pause_s: float = 0.0, timeout_s: float = 5) -> StravaClient:
            class Raw(socketserver.BaseRequestHandler):
                def handle(self) -> None:
                    self.request.recv(65_536)
                    with suppress(OSError):
                        for piece in pieces:
                            self.request.sendall(piece)
                            closed.wait(pause_s)

            server = servers.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Raw))
            servers.enter_context(serving(server))
            return client_at(f"http://127.0.0.1:{server.server_address[1]}", Mock(), timeout_s)

        yield start
        closed.set()


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = json.dumps(RUN).encode()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1."],
        [b"nonsense\r\n\r\n"],
        [OK + b"Content-Length: 999\r\n\r\n" + BODY],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{"],
        [OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"],
    ],
)
def test_answer_that_breaks_off_is_worth_a_retry(raw_server: Callable[..., StravaClient], pieces: list[bytes]) -> None:
    strava = raw_server(*pieces)
    for call in (
        lambda: strava.get_activity(MINE, "strava:7"),
        lambda: strava.refresh(REFRESH),
        lambda: strava.revoke(REFRESH),
        strava.list_subscriptions,
    ):
        assert failure(call).kind is ErrorKind.RETRY


BOMB = gzip.compress(b" " * 20_000_000)
PACKED = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)


@pytest.mark.parametrize(
    ("pieces", "pause_s", "timeout_s", "words"),
    [
        ([b""], 30, 0.3, "in time"),
        ([OK + b"Content-Length: 999\r\n\r\n", *([b" "] * 600)], 0.05, 0.3, "in time"),  # trickling
        ([OK + b"\r\n", *([b" " * 500_000] * 3)], 0, 5, "far more"),
        ([PACKED, BOMB], 0, 5, "far more"),
    ],
    ids=["silent", "trickling", "endless", "unpacks to an endless one"],
)
def test_answer_that_is_too_slow_or_too_large_is_cut(
    raw_server: Callable[..., StravaClient],
    monkeypatch: pytest.MonkeyPatch,
    pieces: list[bytes],
    pause_s: float,
    timeout_s: float,
    words: str,
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1_000_000)
    error = failure(lambda: raw_server(*pieces, pause_s=pause_s, timeout_s=timeout_s).get_activity(MINE, "strava:7"))
    assert error.kind is ErrorKind.RETRY
    assert words in error.message


def test_closed_port_is_worth_a_retry_and_an_address_that_is_none_a_matter_of_settings(
    counting: Mock,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    # requests' own error has the whole address in it, and this call's address has the secret in it.
    assert failure(client_at(f"http://127.0.0.1:{port}", counting).list_subscriptions).kind is ErrorKind.RETRY
    counting.learn.assert_called_once_with({}, 0)
    for address in ("http://", "http://:"):
        assert failure(client_at(address, counting).list_subscriptions).kind is ErrorKind.MISCONFIGURED


# --- what stays out -------------------------------------------------------------------------------------------------


def test_cookie_and_netrc_stay_out_of_a_call(
    strava: StravaClient, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another athlete's cookie nor a host's entry in ~/.netrc takes the token's place."""
    (tmp_path / "netrc").write_text(f"machine {httpserver.host} login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN, headers={"Set-Cookie": "s=1; Path=/"})
    for token in (ACCESS, "of-another"):
        strava.get_activity(Caller(token, Priority.FRESH), "strava:7")
    sent = [(request.headers["Authorization"], request.headers.get("Cookie")) for request, _ in httpserver.log]
    assert sent == [(f"Bearer {ACCESS}", None), ("Bearer of-another", None)]


def test_proxy_of_the_environment_is_used(
    httpserver: HTTPServer, counting: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")  # as the console script sets it
    monkeypatch.setenv("HTTP_PROXY", httpserver.url_for(""))
    assert client_at("http://strava.invalid/api/v3", counting).get_activity(MINE, "strava:7").id == "strava:7"
    assert only_request(httpserver).headers["Host"] == "strava.invalid"


def test_stravalib_renews_no_token_by_itself_and_no_log_line_holds_a_secret(
    strava: StravaClient, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STRAVA_CLIENT_ID", "4711")
    monkeypatch.setenv("STRAVA_CLIENT_SECRET", SECRET)
    answers = {"/api/v3/push_subscriptions": [], "/oauth/token": TOKENS, "/api/v3/activities/7": RUN}
    for path, body in answers.items():
        httpserver.expect_request(path).respond_with_json(body)
    with caplog.at_level(logging.DEBUG):
        strava.list_subscriptions()
        strava.get_activity(Caller(strava.refresh("old-one").access_token, Priority.FRESH), "strava:7")
    assert [request.path for request, _ in httpserver.log] == list(answers)
    # The test's own server logs the address that it was called at.
    ours = [record for record in caplog.records if record.name != "werkzeug"]
    assert not [record for record in ours if record.levelno >= logging.WARNING]
    lines = "\n".join(record.getMessage() for record in ours)
    assert not any(secret in lines for secret in (SECRET, ACCESS, REFRESH, "old-one"))


def test_one_connection_serves_many_calls(counting: Mock) -> None:
    connections: set[tuple[str, int]] = set()
    packed = gzip.compress(json.dumps(RUN).encode())

    class KeepsAlive(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connections.add(self.client_address)
            chunked = "odd" in self.headers["Authorization"]
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(packed)))))
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed) if chunked else packed)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), KeepsAlive) as server, serving(server):
        strava = client_at(f"http://127.0.0.1:{server.server_address[1]}", counting)
        for call in range(6):
            strava.get_activity(Caller("odd" if call % 2 else "even", Priority.FRESH), "strava:7")
        strava.session.close()
    assert len(connections) == 1


def test_webhooks_load_no_http_library_and_stravalib_comes_with_the_first_call_and_changes_nothing() -> None:
    code = """
import logging, sys, warnings
import adductor.platforms.strava.webhooks
assert not {"stravalib", "requests", "redis", "urllib3", "adductor.coaching"} & sys.modules.keys()
import adductor.platforms.strava.client
from adductor.platforms.strava.transport import protocol
from adductor.platforms.transport import PlatformSession
assert "stravalib" not in sys.modules
before = (list(warnings.filters), warnings.showwarning, list(logging.getLogger().handlers))
protocol(PlatformSession(timeout_s=1, user_agent="x"), None)
assert "stravalib" in sys.modules
assert before == (list(warnings.filters), warnings.showwarning, list(logging.getLogger().handlers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
